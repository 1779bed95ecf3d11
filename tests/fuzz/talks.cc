#include "talks.h"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <map>

#include "collect/reader.h"
#include "packet/decoder.h"
#include "protocol/application.h"

namespace tocsin::fuzz {

using protocol::Side;

void for_each_said(Bytes talk, const std::function<void(const Said&)>& take) {
  Pieces pieces(talk);
  while (!pieces.empty()) {
    const std::uint8_t control = pieces.number();
    const std::uint16_t size = pieces.number16();
    Said said{.side = control & 1 ? Side::kToClient : Side::kToServer,
              .is_lost = (control & 2) != 0,
              .is_end = (control & 4) != 0,
              .bytes = {},
              .lost = size};
    if (!said.is_lost) said.bytes = pieces.take(size);
    take(said);
  }
}

std::string talk_of(const std::vector<Said>& all) {
  std::string talk;
  for (const Said& said : all) {
    for (Bytes rest = said.bytes; !rest.empty();) {
      const Bytes one = rest.first(std::min<std::size_t>(rest.size(), 0xffff));
      talk += static_cast<char>(said.side == Side::kToClient ? 1 : 0);
      talk += static_cast<char>(one.size());
      talk += static_cast<char>(one.size() >> 8);
      talk += text_of(one);
      rest = rest.subspan(one.size());
    }
  }
  return talk;
}

void look_at(protocol::Parser& parser) {
  static const std::vector<std::string> kWords = {"367abb81-9844-35f1-ad32-98f038001003", ",", "any_frag"};
  constexpr int kMostFields = 100;
  for (const auto& transaction : parser.transactions) {
    for (const Side side : {Side::kToServer, Side::kToClient}) {
      for (int field = 0; field < kMostFields; ++field) {
        for (std::size_t index = 0; index < 3; ++index) look(transaction->value(field, side, index).bytes);
        (void)transaction->holds(field, side, kWords);
      }
    }
    for (const std::string_view event : transaction->events) look(event);
    for (const auto& file : transaction->files) look(file->bytes), look(file->name), look(file->magic);
    (void)transaction->may_log(true);
    look(transaction->eve());
  }
}

namespace {

struct Talk {
  bool is_udp = false;
  std::uint16_t client_port = 0, server_port = 0;
  std::vector<std::string> said;  // with the side before it
};
constexpr std::size_t kMostOfTalk = 16 * 1024;

void write(const Talk& talk, const std::filesystem::path& directory) {
  Options options;
  const protocol::ProtocolSettings settings(options);
  protocol::Application application(settings, talk.is_udp, talk.client_port, talk.server_port);
  std::vector<Said> all;
  for (const std::string& one : talk.said) {
    const Bytes bytes(reinterpret_cast<const std::uint8_t*>(one.data()), one.size());
    all.push_back({.side = static_cast<Side>(bytes[0]), .bytes = bytes.subspan(1)});
    application.take(all.back().side, all.back().bytes, 0);
  }
  std::string name = application.protocol() == nullptr ? "none" : std::string(application.protocol()->name());
  if (talk.is_udp) name += "-udp";
  const std::string text = std::string(1, '\1') + talk_of(all);  // with all settings that are off unless asked for
  std::filesystem::create_directories(directory / name);
  std::ofstream(directory / name / fmt::format("{:016x}", std::hash<std::string>()(text)), std::ios::binary) << text;
}

}  // namespace

bool write_talks(const std::vector<std::string>& captures, const std::string& directory) {
  for (const std::string& path : captures) {
    auto input = InputStream::open(path);
    if (!input) return false;
    const auto reader = make_packet_reader(recognise((*input)->peek(64 * 1024)), **input, 0);
    if (!reader) continue;
    Options options;
    packet::Decoder decoder(options);
    std::map<std::string, Talk> talks;
    const auto take = [&](const packet::Packet& packet) {
      if (!packet.is_tcp() && !packet.is_udp()) return;
      const auto key = [&](bool turned) {
        return fmt::format("{} {} {} {} {}", packet.protocol, (turned ? packet.destination : packet.source).text(),
                           turned ? packet.destination_port : packet.source_port,
                           (turned ? packet.source : packet.destination).text(),
                           turned ? packet.source_port : packet.destination_port);
      };
      const bool is_answer = talks.contains(key(true));
      Talk& talk = talks[key(is_answer)];
      if (talk.server_port == 0) {
        talk.is_udp = packet.is_udp();
        talk.client_port = packet.source_port;
        talk.server_port = packet.destination_port;
      }
      if (packet.payload.empty()) return;
      std::size_t size = packet.payload.size();
      for (const std::string& one : talk.said) size += one.size();
      if (size > kMostOfTalk) return;
      talk.said.push_back(std::string(1, is_answer ? '\1' : '\0') + text_of(packet.payload));
    };
    std::vector<Packet> batch;
    std::uint64_t number = 0;
    for (bool more = true; more;) {
      more = reader->read(batch);
      for (const Packet& packet : batch) {
        if (++number > 20'000) break;
        decoder.decode(packet.link_type,
                       {reinterpret_cast<const std::uint8_t*>(packet.data.data()), packet.data.size()}, packet.time,
                       number, take);
      }
    }
    for (const auto& [key, talk] : talks) {
      if (!talk.said.empty()) write(talk, directory);
    }
  }
  return true;
}

}  // namespace tocsin::fuzz
