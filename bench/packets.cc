// Packets a second of dissect(): a million packets over 50,000 flows, seven of ten TCP (handshake, data, close), the
// rest UDP, in random order of flows, beside adding up the lengths of the same packets.
#include <benchmark/benchmark.h>
#include <pcap/pcap.h>

#include <cstring>
#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include "collect/reader.h"
#include "dissect/dissector.h"

namespace tocsin {
namespace {

struct Traffic {
  std::string bytes;
  std::vector<Packet> packets;
};

void put16(std::string& text, std::size_t at, unsigned value) {
  text[at] = static_cast<char>(value >> 8);
  text[at + 1] = static_cast<char>(value);
}
void put32(std::string& text, std::size_t at, std::uint32_t value) {
  put16(text, at, value >> 16);
  put16(text, at + 2, value & 0xffff);
}

const Traffic& traffic(std::size_t flows, std::size_t count) {
  static Traffic made;
  static std::size_t made_for = 0;
  if (made_for == flows) return made;
  made_for = flows;
  made = Traffic{};
  std::mt19937 random(7);
  std::vector<std::uint32_t> sent(flows);
  std::vector<std::size_t> starts;
  for (std::size_t i = 0; i < count; ++i) {
    const auto flow = static_cast<std::uint32_t>(i < flows ? i : random() % flows);
    const bool is_tcp = flow % 10 < 7;
    const std::uint32_t turn = sent[flow]++;
    const bool answer = turn % 2 == 1;
    const std::size_t payload = is_tcp ? (turn < 3 ? 0 : 400 + flow % 700) : 90 + flow % 300;
    const std::size_t header = is_tcp ? 20 : 8;
    std::string frame(14 + 20 + header + payload, '\x5a');
    frame[12] = 8;
    frame[13] = 0;
    put16(frame, 14, 0x4500);
    put16(frame, 16, static_cast<unsigned>(20 + header + payload));
    put16(frame, 20, 0);
    frame[23] = is_tcp ? 6 : 17;
    const std::uint32_t client = 0x0a000000 + flow * 2654435761U % 60000;
    const std::uint32_t server = 0xc6000000 + flow * 40503U % 9000;
    put32(frame, 26, answer ? server : client);
    put32(frame, 30, answer ? client : server);
    const unsigned client_port = 1024 + flow % 60000;
    const unsigned server_port = is_tcp ? 443 : 4500;
    put16(frame, 34, answer ? server_port : client_port);
    put16(frame, 36, answer ? client_port : server_port);
    if (is_tcp) {
      put32(frame, 38, turn * 1500);
      put16(frame, 46, 0x5000U | (turn == 0 ? 2U : turn == 1 ? 0x12U : 0x10U));
    } else {
      put16(frame, 38, static_cast<unsigned>(8 + payload));
    }
    starts.push_back(made.bytes.size());
    made.bytes += frame;
  }
  starts.push_back(made.bytes.size());
  for (std::size_t i = 0; i < count; ++i) {
    Packet& packet = made.packets.emplace_back();
    packet.time = static_cast<Timestamp>(i) * 10;
    packet.link_type = 1;
    packet.original_length = static_cast<std::uint32_t>(starts[i + 1] - starts[i]);
    packet.place = {0, starts[i], i + 1};
    packet.data = std::as_bytes(std::span(made.bytes)).subspan(starts[i], packet.original_length);
  }
  return made;
}

void sum_lengths(benchmark::State& state) {
  const Traffic& all = traffic(static_cast<std::size_t>(state.range(0)), static_cast<std::size_t>(state.range(1)));
  for (auto _ : state) {
    std::uint64_t sum = 0;
    for (const Packet& packet : all.packets) sum += packet.data.size() + static_cast<std::uint8_t>(packet.data[12]);
    benchmark::DoNotOptimize(sum);
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * all.packets.size()));
}

void dissect_packets(benchmark::State& state) {
  const Traffic& all = traffic(static_cast<std::size_t>(state.range(0)), static_cast<std::size_t>(state.range(1)));
  std::size_t live = 0;
  std::size_t bytes = 0;
  for (auto _ : state) {
    PacketDissector dissector;
    Batch batch;
    std::span<const Packet> rest = all.packets;
    while (!rest.empty()) {
      const auto some = rest.first(std::min(rest.size(), kBatchSize));
      dissector.dissect(some, batch);
      batch.clear();
      rest = rest.subspan(some.size());
    }
    live = dissector.live_flows();
    bytes = dissector.flow_bytes();
    dissector.finish(batch);
    benchmark::DoNotOptimize(batch.flows.data());
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * all.packets.size()));
  state.counters["live_flows"] = static_cast<double>(live);
  state.counters["MiB_per_million_flows"] =
      static_cast<double>(bytes) / static_cast<double>(std::max<std::size_t>(live, 1)) * 1e6 / (1 << 20);
}

// The same packets as a file, read by libpcap that does nothing with them, and from bytes to flows by Tocsin.
const std::string& capture() {
  static const std::string path = [] {
    const std::string made = std::filesystem::temp_directory_path() / "tocsin-bench-packets.pcap";
    auto writer = PcapWriter::create(made, 1);
    for (const Packet& packet : traffic(50'000, 1'000'000).packets) {
      if (!writer || !writer->write(packet)) std::abort();
    }
    return made;
  }();
  return path;
}

void file_by_libpcap(benchmark::State& state) {
  capture();
  std::int64_t packets = 0;
  for (auto _ : state) {
    char error[PCAP_ERRBUF_SIZE];
    pcap_t* file = pcap_open_offline(capture().c_str(), error);
    pcap_pkthdr* header = nullptr;
    const unsigned char* bytes = nullptr;
    while (pcap_next_ex(file, &header, &bytes) == 1) ++packets;
    pcap_close(file);
  }
  state.SetItemsProcessed(packets);
}

void file_to_flows(benchmark::State& state) {
  capture();
  std::int64_t packets = 0;
  for (auto _ : state) {
    const auto input = InputStream::open(capture());
    const auto reader = make_packet_reader(Format::kPcap, **input, 0);
    PacketDissector dissector;
    std::vector<Packet> read;
    Batch batch;
    while (reader->read(read)) {
      packets += static_cast<std::int64_t>(read.size());
      dissector.dissect(read, batch);
      batch.clear();
    }
    dissector.finish(batch);
  }
  state.SetItemsProcessed(packets);
}

BENCHMARK(file_by_libpcap)->Unit(benchmark::kMillisecond);
BENCHMARK(file_to_flows)->Unit(benchmark::kMillisecond);
BENCHMARK(sum_lengths)->Args({50'000, 1'000'000})->Unit(benchmark::kMillisecond);
BENCHMARK(dissect_packets)->Args({50'000, 1'000'000})->Unit(benchmark::kMillisecond);
BENCHMARK(dissect_packets)->Args({1'000'000, 2'000'000})->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace tocsin

BENCHMARK_MAIN();
