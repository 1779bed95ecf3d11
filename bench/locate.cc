// Look-ups of country and AS together, a second.
#include "locate/locator.h"

#include <benchmark/benchmark.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <random>

namespace {

using namespace tocsin;

const Locator& locator() {
  static const auto opened = [] {
    const auto share = std::filesystem::read_symlink("/proc/self/exe").parent_path().parent_path() / "share/tocsin/location";
    return Locator::open(share.string(), (std::filesystem::temp_directory_path() / "tocsin-bench-locate").string());
  }();
  if (!opened) {
    std::fprintf(stderr, "%s\n", opened.error().message.c_str());
    std::exit(1);
  }
  return **opened;
}

void look_up(benchmark::State& state, bool six) {
  std::mt19937_64 random(7);
  std::vector<IpAddress> addresses;
  for (int i = 0; i < 1 << 16; ++i) {
    std::array<std::uint8_t, 16> bytes{};
    for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random());
    bytes[0] = 0x20 | (bytes[0] & 0x0f);
    addresses.push_back(six ? IpAddress(bytes) : IpAddress::v4(static_cast<std::uint32_t>(random())));
  }
  const Locator& where = locator();
  const Timestamp now = where.databases().back().date;
  std::size_t i = 0;
  for (auto _ : state) benchmark::DoNotOptimize(where.locate(addresses[i++ & 0xffff], now));
  state.SetItemsProcessed(state.iterations());
}

void BM_Ipv4(benchmark::State& state) { look_up(state, false); }
void BM_Ipv6(benchmark::State& state) { look_up(state, true); }
BENCHMARK(BM_Ipv4);
BENCHMARK(BM_Ipv6);

}  // namespace

BENCHMARK_MAIN();
