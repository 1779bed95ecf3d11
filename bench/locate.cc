// Look-ups of random addresses, and opening the databases with and without a cache. Target: 5 million look-ups a
// second a core for country and AS together.
#include <benchmark/benchmark.h>

#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include "locate/locator.h"

namespace {

using tocsin::IpAddress;

std::string location_directory() {
  const auto bin = std::filesystem::read_symlink("/proc/self/exe").parent_path();
  return (bin / "../share/tocsin/location").lexically_normal().string();
}

std::string cache_directory() { return (std::filesystem::temp_directory_path() / "tocsin-bench-locate").string(); }

const tocsin::Locator& locator() {
  static const auto opened = tocsin::Locator::open(location_directory(), cache_directory());
  return **opened;
}

// More than the processor's caches hold, so that no look-up is helped by the one before.
std::vector<IpAddress> random_addresses(bool four) {
  std::mt19937_64 random(1);
  std::vector<IpAddress> addresses(1 << 20);
  for (IpAddress& address : addresses) {
    if (four) {
      address = IpAddress::v4(static_cast<std::uint32_t>(random()));
      continue;
    }
    std::array<std::uint8_t, 16> bytes{};
    for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random());
    // The networks that the registries give out: 2001::/16, 2400::/12, 2600::/12, 2800::/12, 2a00::/12, 2c00::/12.
    static constexpr std::uint8_t kFirst[] = {0x20, 0x24, 0x26, 0x28, 0x2a, 0x2c};
    bytes[0] = kFirst[random() % 6];
    bytes[1] = bytes[0] == 0x20 ? 1 : static_cast<std::uint8_t>(bytes[1] & 0x0f);
    address = IpAddress(bytes);
  }
  return addresses;
}

void locate(benchmark::State& state, bool four, tocsin::Timestamp time) {
  const std::vector<IpAddress> addresses = random_addresses(four);
  const tocsin::Locator& opened = locator();
  std::size_t at = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(opened.locate(addresses[at], time));
    at = (at + 1) & (addresses.size() - 1);
  }
  state.SetItemsProcessed(state.iterations());
}

const tocsin::Timestamp kNewer = *tocsin::parse_time("2026-11-01");
const tocsin::Timestamp kOlder = *tocsin::parse_time("2013-01-01");
BENCHMARK_CAPTURE(locate, ipv4_newer, true, kNewer);
BENCHMARK_CAPTURE(locate, ipv4_older, true, kOlder);
BENCHMARK_CAPTURE(locate, ipv6_newer, false, kNewer);
BENCHMARK_CAPTURE(locate, ipv6_older, false, kOlder);

void has_prefix_of(benchmark::State& state) {
  std::mt19937_64 random(2);
  tocsin::ConstituencySpec spec;
  for (int i = 0; i < 300'000; ++i) {
    spec.prefixes.emplace_back(IpAddress::v4(static_cast<std::uint32_t>(random())), 96 + 24);
  }
  const tocsin::Constituency constituency(std::move(spec));
  const std::vector<IpAddress> addresses = random_addresses(true);
  std::size_t at = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(constituency.has_prefix_of(addresses[at]));
    at = (at + 1) & (addresses.size() - 1);
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(has_prefix_of);

void open_without_cache(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(tocsin::Locator::open(location_directory(), ""));
}
BENCHMARK(open_without_cache)->Unit(benchmark::kMillisecond)->Iterations(1);

void open_mapped(benchmark::State& state) {
  locator();
  for (auto _ : state) benchmark::DoNotOptimize(tocsin::Locator::open(location_directory(), cache_directory()));
}
BENCHMARK(open_mapped)->Unit(benchmark::kMillisecond);

}  // namespace

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (auto opened = tocsin::Locator::open(location_directory(), cache_directory()); !opened) {
    std::fprintf(stderr, "bench_locate: %s\n", opened.error().message.c_str());
    return 1;
  }
  benchmark::RunSpecifiedBenchmarks();
  std::error_code ignored;
  std::filesystem::remove_all(cache_directory(), ignored);
  return 0;
}
