// A client and a server that talk TCP past the engine.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "packet/decoder.h"
#include "stream/streams.h"

namespace tocsin::stream {

struct Segment {
  Side side = Side::kToServer;
  std::uint8_t flags = packet::kAck;
  std::uint32_t sequence = 0, acknowledgement = 0;
  std::string payload = {};
  std::uint16_t window = 65535, urgent = 0;
  std::string options = {};  // padded to four bytes by whoever writes them
};

class Talk {
 public:
  explicit Talk(const Options& given = {}) : options(lenient(given)), decoder(options), streams(options) {
    streams.ended = [this](Flow& flow) {
      ended.push_back(std::string(flow.end_reason));
      last_state = std::string(flow.tcp_summary().state);
    };
    streams.flush = [this](const packet::Packet& packet, const Followed& followed) {
      EXPECT_EQ(packet.origin, packet::Origin::kFlowEnd);
      flushed.push_back(seen(followed));
    };
  }

  // What rules see on the packet, as text: everything of its side that is readable.
  static std::string seen(const Followed& followed) {
    if (followed.flow == nullptr) return {};
    const StreamBytes bytes = followed.flow->stream(followed.side);
    return {reinterpret_cast<const char*>(bytes.bytes.data()), bytes.bytes.size()};
  }

  const Followed& send(const Segment& segment) {
    const bool to_server = segment.side == Side::kToServer;
    std::string ip(20, '\0');
    const std::size_t header = 20 + segment.options.size();
    const auto put = [](std::string& to, std::size_t at, std::uint32_t value, int bytes) {
      for (int i = 0; i < bytes; ++i) to[at + i] = static_cast<char>(value >> (8 * (bytes - 1 - i)));
    };
    put(ip, 0, 0x45, 1);
    put(ip, 2, static_cast<std::uint32_t>(20 + header + segment.payload.size()), 2);
    put(ip, 8, 64, 1);
    put(ip, 9, 6, 1);
    put(ip, 12, to_server ? client : server, 4);
    put(ip, 16, to_server ? server : client, 4);
    std::string tcp(20, '\0');
    put(tcp, 0, to_server ? client_port : server_port, 2);
    put(tcp, 2, to_server ? server_port : client_port, 2);
    put(tcp, 4, segment.sequence, 4);
    put(tcp, 8, segment.acknowledgement, 4);
    put(tcp, 12, static_cast<std::uint32_t>(header / 4 * 16), 1);
    put(tcp, 13, segment.flags, 1);
    put(tcp, 14, segment.window, 2);
    put(tcp, 18, segment.urgent, 2);
    return take(ip + tcp + segment.options + segment.payload);
  }
  const Followed& take(const std::string& ip) {
    frames.push_back(ip);
    const std::string& frame = frames.back();
    time += 1000;
    decoder.decode(101, {reinterpret_cast<const std::uint8_t*>(frame.data()), frame.size()}, time, ++number,
                   [&](const packet::Packet& packet) {
                     last = streams.take(packet);
                     for (const auto event : last.events) events.emplace_back(event);
                   });
    return last;
  }

  // Sequence numbers begin at 1000 and 5000.
  void shake_hands() {
    send({.flags = packet::kSyn, .sequence = 999});
    send({.side = Side::kToClient, .flags = packet::kSyn | packet::kAck, .sequence = 4999, .acknowledgement = 1000});
    send({.sequence = 1000, .acknowledgement = 5000});
  }
  const Followed& client_says(std::uint32_t sequence, const std::string& text, std::uint32_t ack = 5000) {
    return send({.flags = packet::kAck | packet::kPush, .sequence = sequence, .acknowledgement = ack, .payload = text});
  }
  const Followed& server_says(std::uint32_t sequence, const std::string& text, std::uint32_t ack) {
    return send({.side = Side::kToClient,
                 .flags = packet::kAck | packet::kPush,
                 .sequence = sequence,
                 .acknowledgement = ack,
                 .payload = text});
  }
  const Followed& client_acks(std::uint32_t sequence, std::uint32_t ack) {
    return send({.sequence = sequence, .acknowledgement = ack});
  }
  const Followed& server_acks(std::uint32_t ack, std::uint32_t sequence = 5000) {
    return send({.side = Side::kToClient, .sequence = sequence, .acknowledgement = ack});
  }
  std::string client_stream() const {
    const StreamBytes bytes = last.flow->stream(Side::kToServer);
    return {reinterpret_cast<const char*>(bytes.bytes.data()), bytes.bytes.size()};
  }

  // Nobody here writes checksums.
  static Options lenient(Options options) {
    if (options.find("stream.checksum-validation") == nullptr) options.set("stream.checksum-validation", "no");
    return options;
  }

  std::uint32_t client = 0x0a000001, server = 0xc0a80001;
  std::uint16_t client_port = 40000, server_port = 9999;
  Options options;
  packet::Decoder decoder;
  Streams streams;
  Timestamp time = 1'700'000'000 * kSecond;
  std::uint64_t number = 0;
  Followed last;
  std::vector<std::string> events, ended, flushed, frames;
  std::string last_state;
};

}  // namespace tocsin::stream
