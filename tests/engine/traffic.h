// Captures for tests of the engine: read from files, or made up.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <deque>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "base/time.h"

namespace tocsin::engine {

struct Frame {
  Timestamp time = 0;
  std::uint32_t link_type = 1;
  std::string bytes;
};
using Traffic = std::vector<Frame>;

// A classic little-endian pcap in microseconds; empty if it is none.
inline Traffic read_pcap(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  const auto word = [&](std::size_t at) {
    std::uint32_t value = 0;
    std::memcpy(&value, bytes.data() + at, 4);
    return value;
  };
  Traffic traffic;
  if (bytes.size() < 24 || word(0) != 0xa1b2c3d4) return traffic;
  for (std::size_t at = 24; at + 16 <= bytes.size();) {
    const std::size_t size = word(at + 8);
    if (at + 16 + size > bytes.size()) break;
    traffic.push_back(
        {static_cast<Timestamp>(word(at)) * kSecond + word(at + 4), word(20), bytes.substr(at + 16, size)});
    at += 16 + size;
  }
  return traffic;
}

// A few hosts that talk to each other: web pages, datagrams whole and in fragments, errors about them, tunnels whose
// ends differ from what they carry. Time goes on in steps, now and then by a minute, now and then back.
class MadeUpTraffic {
 public:
  Traffic make(std::size_t count) {
    Traffic traffic;
    Timestamp time = 1'600'000'000 * kSecond;
    while (traffic.size() < count) {
      if (talks_.size() < 40 && pick(4) == 0) begin();
      if (talks_.empty()) continue;
      const std::size_t which = pick(static_cast<unsigned>(talks_.size()));
      time += static_cast<Timestamp>(pick(200'000));
      if (pick(400) == 0) time += 60 * kSecond;
      const bool is_late = pick(50) == 0;
      traffic.push_back({time - (is_late ? 2 * kSecond : 0), 1, talks_[which].front()});
      talks_[which].pop_front();
      if (talks_[which].empty() || pick(60) == 0) talks_.erase(talks_.begin() + static_cast<std::ptrdiff_t>(which));
    }
    return traffic;
  }

 private:
  static std::string big(std::uint64_t value, int bytes) {
    std::string text;
    for (int i = bytes - 1; i >= 0; --i) text += static_cast<char>(value >> (8 * i));
    return text;
  }
  static std::string ip(std::uint32_t from, std::uint32_t to, std::uint8_t protocol, const std::string& payload,
                        unsigned id = 0, unsigned fragment = 0) {
    return big(0x4500, 2) + big(20 + payload.size(), 2) + big(id, 2) + big(fragment, 2) + big(64, 1) +
           big(protocol, 1) + big(0, 2) + big(from, 4) + big(to, 4) + payload;
  }
  static std::string frame(const std::string& packet) { return std::string(12, '\2') + big(0x0800, 2) + packet; }
  static std::string udp(unsigned from, unsigned to, const std::string& payload) {
    return big(from, 2) + big(to, 2) + big(8 + payload.size(), 2) + big(0, 2) + payload;
  }

  unsigned pick(unsigned of) { return static_cast<unsigned>(random_() % of); }

  void begin() {
    const std::uint32_t client = 0x0a000001 + pick(12), server = 0xc6336401 + pick(6);
    const unsigned port = 1024 + pick(60000), what = pick(6);
    std::deque<std::string>& talk = talks_.emplace_back();
    if (what < 3) return page(talk, client, server, port);
    const std::string probe = "probe " + std::to_string(pick(30));
    const unsigned to = 7000 + pick(20);
    const std::string datagram = udp(port, to, probe + std::string(what == 4 ? 40 : 3, '.'));
    if (what == 3) {
      const std::string whole = ip(client, server, 17, datagram);
      talk.push_back(frame(whole));
      // A router in between can't bring it there.
      const std::string error = big(0x0301, 2) + big(0, 6) + whole.substr(0, 28);
      talk.push_back(frame(ip(0xcb007101, client, 1, error)));
      talk.push_back(frame(ip(server, client, 17, udp(to, port, "answer to " + probe))));
    } else if (what == 4) {
      const unsigned id = pick(65536);
      talk.push_back(frame(ip(client, server, 17, datagram.substr(0, 24), id, 0x2000)));
      talk.push_back(frame(ip(client, server, 17, datagram.substr(24), id, 3)));
    } else {
      for (int i = 0; i < 3; ++i) {
        const std::uint32_t end = 0xac100001 + pick(4);
        talk.push_back(
            frame(ip(end, end + 16, 47, big(0x0000, 2) + big(0x0800, 2) + ip(client, server, 17, datagram))));
      }
    }
  }

  void page(std::deque<std::string>& talk, std::uint32_t client, std::uint32_t server, unsigned port) {
    std::uint32_t sent[2] = {1000, 5000};
    const auto send = [&](bool to_server, unsigned flags, const std::string& payload) {
      std::uint32_t& own = sent[to_server ? 0 : 1];
      const std::string header = big(to_server ? port : 80, 2) + big(to_server ? 80 : port, 2) + big(own, 4) +
                                 big(flags & 16 ? sent[to_server ? 1 : 0] : 0, 4) + big(0x5000 | flags, 2) +
                                 big(60000, 2) + big(0, 4);
      talk.push_back(frame(ip(to_server ? client : server, to_server ? server : client, 6, header + payload)));
      own += static_cast<std::uint32_t>(payload.size()) + (flags & 3 ? 1 : 0);
    };
    send(true, 2, "");
    send(false, 18, "");
    send(true, 16, "");
    for (unsigned pages = 1 + pick(3); pages > 0; --pages) {
      const std::string name = "/page" + std::to_string(pick(40));
      const std::string body = "contents of " + name + std::string(pick(3000), 'x');
      send(true, 24, "GET " + name + " HTTP/1.1\r\nHost: www.example.org\r\n\r\n");
      send(false, 24, "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n");
      for (std::size_t at = 0; at < body.size(); at += 1000) send(false, 24, body.substr(at, 1000));
      send(true, 16, "");
    }
    if (pick(3) == 0) return;
    send(true, 17, "");
    send(false, 17, "");
    send(true, 16, "");
  }

  std::mt19937 random_{20};
  std::vector<std::deque<std::string>> talks_;
};

}  // namespace tocsin::engine
