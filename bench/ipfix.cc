// Records a second of IPFIX: a file of a million biflows, written by IpfixWriter and read to flows, beside taking the
// same bytes off the stream and doing nothing with them.
#include <benchmark/benchmark.h>

#include <filesystem>
#include <string>
#include <vector>

#include "collect/ipfix_writer.h"
#include "collect/reader.h"

namespace tocsin {
namespace {

constexpr std::size_t kFlows = 1'000'000;

const std::vector<Flow>& flows() {
  static const std::vector<Flow> made = [] {
    std::vector<Flow> all(kFlows);
    for (std::size_t i = 0; i < all.size(); ++i) {
      Flow& flow = all[i];
      const auto n = static_cast<std::uint32_t>(i);
      flow.initiator = {IpAddress::v4(0x0a000000 + n * 2654435761U % 60000),
                        static_cast<std::uint16_t>(1024 + n % 60000)};
      flow.responder = {IpAddress::v4(0xc6000000 + n * 40503U % 9000), 443};
      flow.protocol = n % 10 < 7 ? kTcp : kUdp;
      flow.first = 1'700'000'000 * kSecond + static_cast<Timestamp>(i) * 1000;
      flow.last = flow.first + 3 * kSecond;
      flow.initiator_packets = 12;
      flow.responder_packets = 10;
      flow.initiator_bytes = 1400;
      flow.responder_bytes = 9000;
      if (flow.protocol == kTcp) flow.initiator_flags = flow.responder_flags = kSyn | kAck | kFin;
    }
    return all;
  }();
  return made;
}

std::string path() { return std::filesystem::temp_directory_path() / "tocsin-bench.ipfix"; }

void write_file() {
  auto writer = IpfixWriter::create(path(), 1);
  if (!writer) std::abort();
  for (const Flow& flow : flows()) {
    if (!writer->write(flow)) std::abort();
  }
  if (!writer->finish()) std::abort();
}

void flows_to_file(benchmark::State& state) {
  flows();
  for (auto _ : state) write_file();
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * kFlows));
}

// Every stream is hashed as it is read: what that costs stands apart from what decoding does.
void file_to_nothing(benchmark::State& state) {
  write_file();
  for (auto _ : state) {
    const auto input = InputStream::open(path());
    while (true) {
      const auto view = (*input)->peek(65'535);
      if (view.empty()) break;
      (*input)->consume(view.size());
    }
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * kFlows));
}

void file_to_flows(benchmark::State& state) {
  write_file();
  std::int64_t read = 0;
  Batch batch;
  for (auto _ : state) {
    const auto input = InputStream::open(path());
    const auto reader = make_observation_reader(Format::kIpfix, **input, 0);
    bool more = true;
    while (more) {
      batch.clear();
      more = reader->read(batch);
      read += static_cast<std::int64_t>(batch.flows.size());
    }
  }
  state.SetItemsProcessed(read);
}

BENCHMARK(flows_to_file)->Unit(benchmark::kMillisecond);
BENCHMARK(file_to_nothing)->Unit(benchmark::kMillisecond);
BENCHMARK(file_to_flows)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace tocsin

BENCHMARK_MAIN();
