// Frames, captures, and whole captures through TCP and through the engine.
#include <fmt/format.h>

#include "collect/reader.h"
#include "dissect/dissector.h"
#include "engine/engine.h"
#include "packet/decoder.h"
#include "rules_sample.h"
#include "stream/streams.h"
#include "talks.h"

namespace tocsin::fuzz {
namespace {

// A frame: its link type, and whether what follows it is another one.
const Target kDecoder("decoder", [](Bytes bytes) {
  static const std::uint32_t kLinks[] = {0, 1, 9, 12, 50, 101, 104, 105, 113, 127, 220, 228, 229, 276};
  Options options;
  options.set("decoder.vxlan.reserved-bits-check", "permissive");
  packet::Decoder decoder(options);
  Pieces pieces(bytes);
  std::uint64_t number = 0;
  while (!pieces.empty()) {
    const std::uint32_t link = kLinks[pieces.number() % std::size(kLinks)];
    // A frame of its own memory, so that a read past its end shows.
    const std::string frame = text_of(pieces.take(pieces.number16() % 2048));
    decoder.decode(link, {reinterpret_cast<const std::uint8_t*>(frame.data()), frame.size()},
                   static_cast<Timestamp>(number) * kSecond, number + 1, [](const packet::Packet& packet) {
                     for (const Bytes part :
                          {packet.frame, packet.network_header, packet.network_extensions, packet.network_payload,
                           packet.transport_header, packet.payload, packet.icmp.embedded, packet.ethernet}) {
                       look(part);
                     }
                     for (const std::string_view event : packet.events) look(event);
                   });
    ++number;
  }
});

template <typename Take>
void for_each_packet(Bytes bytes, Take take) {
  const auto input = InputStream::of_bytes(text_of(bytes));
  const auto reader = make_packet_reader(recognise(input->peek(64 * 1024)), *input, 0);
  if (!reader) return;
  std::vector<Packet> batch;
  for (bool more = true; more;) {
    more = reader->read(batch);
    take(batch);
  }
}
Bytes frame_of(const Packet& packet) {
  return {reinterpret_cast<const std::uint8_t*>(packet.data.data()), packet.data.size()};
}

const Target kCapture("capture", [](Bytes bytes) {
  for_each_packet(bytes, [](const std::vector<Packet>& batch) {
    for (const Packet& packet : batch) look(frame_of(packet));
  });
});

const Target kDissector("dissector", [](Bytes bytes) {
  PacketDissector dissector;
  Batch out;
  const auto look_at_all = [&] {
    for (const auto& one : out.dns) look(one.query);
    for (const auto& one : out.http) look(one.host), look(one.uri), look(one.user_agent);
    for (const auto& one : out.tls) look(one.server_name), look(one.ja3);
    out.clear();
  };
  for_each_packet(bytes, [&](const std::vector<Packet>& batch) {
    dissector.dissect(batch, out);
    look_at_all();
  });
  dissector.finish(out);
  look_at_all();
});

const Target kStream("stream", [](Bytes bytes) {
  Pieces pieces(bytes);
  const std::uint8_t choice = pieces.number();
  Options options;
  options.set("stream.checksum-validation", "no");
  options.set("stream.inline", choice & 1 ? "yes" : "no");
  options.set("stream.midstream", choice & 2 ? "yes" : "no");
  options.set("stream.async-oneside", choice & 4 ? "yes" : "no");
  if (choice & 8) options.set("stream.reassembly.depth", "1000");
  if (choice & 16) options.set("stream.reassembly.memcap", "5000");
  static const char* const kSystems[] = {"bsd", "windows", "linux", "solaris", "vista", "old-linux", "last", "first"};
  options.set(fmt::format("host-os-policy.{}.0", kSystems[choice >> 5]), "0.0.0.0/0");
  packet::Decoder decoder(options);
  stream::Streams streams(options);
  const auto look_at_flow = [](const stream::Followed& followed) {
    if (followed.flow == nullptr) return;
    look(followed.flow->stream(followed.side).bytes);
    for (const auto& piece : followed.flow->pieces(followed.side)) look(piece.bytes);
    if (followed.flow->application && followed.flow->application->parser()) {
      look_at(*followed.flow->application->parser());
    }
  };
  streams.flush = [&](const packet::Packet&, const stream::Followed& followed) { look_at_flow(followed); };
  streams.ended = [](stream::Flow&) {};
  std::uint64_t number = 0;
  for_each_packet(pieces.rest(), [&](const std::vector<Packet>& batch) {
    for (const Packet& one : batch) {
      const std::string frame = text_of(frame_of(one));
      decoder.decode(one.link_type, {reinterpret_cast<const std::uint8_t*>(frame.data()), frame.size()}, one.time,
                     ++number, [&](const packet::Packet& packet) { look_at_flow(streams.take(packet)); });
    }
  });
  streams.finish();
});

const Target kEngine("engine", [](Bytes bytes) {
  Pieces pieces(bytes);
  const std::uint8_t choice = pieces.number();
  static const FileOf kRules(kSampleRules);
  engine::EngineSettings settings;
  settings.options = engine::default_options();
  settings.options.set("stream.midstream", choice & 1 ? "yes" : "no");
  settings.rule_files = {kRules.path()};
  settings.is_inline = (choice & 2) != 0;
  if ((choice & 4) == 0) settings.options.set("mpm-algo", "none");  // the search takes long to make
  settings.check_checksums = false;
  auto made = engine::Engine::make(std::move(settings));
  if (!made) return;
  (*made)->log = [](std::string_view log, std::string_view line) { look(log), look(line); };
  std::uint64_t number = 0;
  for_each_packet(pieces.rest(), [&](const std::vector<Packet>& batch) {
    for (const Packet& one : batch) {
      const std::string frame = text_of(frame_of(one));
      (*made)->take(one.link_type, {reinterpret_cast<const std::uint8_t*>(frame.data()), frame.size()}, one.time,
                    ++number);
    }
  });
  (*made)->finish();
});

}  // namespace
}  // namespace tocsin::fuzz
