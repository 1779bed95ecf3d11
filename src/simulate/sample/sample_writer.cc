// Writes a small made-up capture with real protocol bytes, and a list of indicators, for a first look at Tocsin.
//
// The constituency is 198.51.100.0/24, a network kept for documentation (RFC 5737). For one hour twelve of its hosts
// call three control servers at intervals with jitter, one host calls a fourth that refuses it, two strangers scan, and
// all of them browse. The strangers' addresses are real ones so that they have countries; what they are shown doing
// never happened.

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include "base/ip_address.h"
#include "base/time.h"
#include "collect/observation.h"
#include "collect/reader.h"

namespace {

using tocsin::Endpoint;
using tocsin::IpAddress;
using tocsin::kSecond;
using tocsin::Timestamp;

constexpr Timestamp kStart = 1'772'355'600LL * kSecond;  // 2026-03-01T09:00:00Z

struct Frame {
  Timestamp time;
  std::vector<std::uint8_t> bytes;
};

class Bytes {
 public:
  void u8(unsigned value) { bytes_.push_back(static_cast<std::uint8_t>(value)); }
  void u16(unsigned value) {
    u8(value >> 8);
    u8(value & 255);
  }
  void u32(std::uint32_t value) {
    u16(value >> 16);
    u16(value & 65535);
  }
  void text(std::string_view text) { bytes_.insert(bytes_.end(), text.begin(), text.end()); }
  void append(const std::vector<std::uint8_t>& more) { bytes_.insert(bytes_.end(), more.begin(), more.end()); }
  void set16(std::size_t at, unsigned value) {
    bytes_[at] = static_cast<std::uint8_t>(value >> 8);
    bytes_[at + 1] = static_cast<std::uint8_t>(value);
  }
  std::size_t size() const { return bytes_.size(); }
  std::vector<std::uint8_t> take() { return std::move(bytes_); }

 private:
  std::vector<std::uint8_t> bytes_;
};

// RFC 1071.
unsigned checksum(const std::vector<std::uint8_t>& bytes) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) sum += static_cast<std::uint32_t>(bytes[i]) << (i % 2 == 0 ? 8 : 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return ~sum & 0xffff;
}

// A TLS 1.2 ClientHello with a server name (RFC 5246 section 7.4.1.2, RFC 6066 section 3).
std::vector<std::uint8_t> client_hello(std::string_view name) {
  const auto length = static_cast<unsigned>(name.size());
  Bytes hello;
  hello.u8(22);
  hello.u16(0x0301);
  hello.u16(4 + 2 + 32 + 1 + 6 + 2 + 2 + 9 + length);
  hello.u8(1);
  hello.u8(0);
  hello.u16(2 + 32 + 1 + 6 + 2 + 2 + 9 + length);
  hello.u16(0x0303);
  for (unsigned i = 0; i < 32; ++i) hello.u8(i * 7 + 3);
  hello.u8(0);
  hello.u16(4);
  hello.u16(0xc02f);
  hello.u16(0x009c);
  hello.u16(0x0100);
  hello.u16(9 + length);
  hello.u16(0);
  hello.u16(5 + length);
  hello.u16(3 + length);
  hello.u8(0);
  hello.u16(length);
  hello.text(name);
  return hello.take();
}

// DNS query or answer for an A record (RFC 1035 section 4).
std::vector<std::uint8_t> dns_message(std::uint16_t id, std::string_view name, const IpAddress* answer) {
  Bytes message;
  message.u16(id);
  message.u16(answer != nullptr ? 0x8180 : 0x0100);
  message.u16(1);
  message.u16(answer != nullptr ? 1 : 0);
  message.u32(0);
  for (std::size_t at = 0; at < name.size();) {
    const std::size_t dot = std::min(name.find('.', at), name.size());
    message.u8(static_cast<unsigned>(dot - at));
    message.text(name.substr(at, dot - at));
    at = dot + 1;
  }
  message.u8(0);
  message.u32(0x00010001);
  if (answer != nullptr) {
    message.u16(0xc00c);
    message.u32(0x00010001);
    message.u32(300);
    message.u16(4);
    message.u32(answer->as_v4());
  }
  return message.take();
}

std::vector<std::uint8_t> bytes_of(std::string_view text) { return {text.begin(), text.end()}; }

class Capture {
 public:
  void tcp(Timestamp time, Endpoint from, Endpoint to, std::uint8_t flags, std::uint32_t seq, std::uint32_t ack,
           const std::vector<std::uint8_t>& payload = {}) {
    Bytes segment;
    segment.u16(from.port);
    segment.u16(to.port);
    segment.u32(seq);
    segment.u32((flags & tocsin::kAck) != 0 ? ack : 0);
    segment.u8(0x50);
    segment.u8(flags);
    segment.u16(64240);
    segment.u32(0);
    segment.append(payload);
    ip(time, from.ip, to.ip, tocsin::kTcp, segment.take(), 16);
  }

  void udp(Timestamp time, Endpoint from, Endpoint to, const std::vector<std::uint8_t>& payload) {
    Bytes datagram;
    datagram.u16(from.port);
    datagram.u16(to.port);
    datagram.u16(static_cast<unsigned>(8 + payload.size()));
    datagram.u16(0);
    datagram.append(payload);
    ip(time, from.ip, to.ip, tocsin::kUdp, datagram.take(), 6);
  }

  // A whole connection: handshake, one request, one answer, close.
  void connection(Timestamp time, Endpoint client, Endpoint server, const std::vector<std::uint8_t>& request,
                  const std::vector<std::uint8_t>& answer) {
    using namespace tocsin;
    const auto step = 20'000;
    const auto asked = 1001 + static_cast<std::uint32_t>(request.size());
    const auto told = 5001 + static_cast<std::uint32_t>(answer.size());
    tcp(time, client, server, kSyn, 1000, 0);
    tcp(time + step, server, client, kSyn | kAck, 5000, 1001);
    tcp(time + step + 100, client, server, kAck, 1001, 5001);
    tcp(time + step + 200, client, server, kPsh | kAck, 1001, 5001, request);
    tcp(time + 2 * step, server, client, kPsh | kAck, 5001, asked, answer);
    tcp(time + 2 * step + 100, client, server, kFin | kAck, asked, told);
    tcp(time + 3 * step, server, client, kFin | kAck, told, asked + 1);
    tcp(time + 3 * step + 100, client, server, kAck, asked + 1, told + 1);
  }

  void refused(Timestamp time, Endpoint client, Endpoint server) {
    using namespace tocsin;
    tcp(time, client, server, kSyn, 1000, 0);
    tcp(time + 20'000, server, client, kRst | kAck, 0, 1001);
  }

  void lookup(Timestamp time, Endpoint client, Endpoint resolver, std::string_view name, const IpAddress& address) {
    const auto id = static_cast<std::uint16_t>(client.port);
    udp(time, client, resolver, dns_message(id, name, nullptr));
    udp(time + 9'000, resolver, client, dns_message(id, name, &address));
  }

  bool write(const std::string& path) {
    std::ranges::stable_sort(frames_, {}, &Frame::time);
    auto writer = tocsin::PcapWriter::create(path, 1);
    if (!writer) return false;
    for (const Frame& frame : frames_) {
      tocsin::Packet packet;
      packet.time = frame.time;
      packet.original_length = static_cast<std::uint32_t>(frame.bytes.size());
      packet.link_type = 1;
      packet.data = std::as_bytes(std::span(frame.bytes));
      if (!writer->write(packet)) return false;
    }
    return true;
  }
  std::size_t size() const { return frames_.size(); }

 private:
  void ip(Timestamp time, const IpAddress& from, const IpAddress& to, std::uint8_t protocol,
          std::vector<std::uint8_t> payload, std::size_t checksum_at) {
    Bytes pseudo;
    pseudo.u32(from.as_v4());
    pseudo.u32(to.as_v4());
    pseudo.u16(protocol);
    pseudo.u16(static_cast<unsigned>(payload.size()));
    pseudo.append(payload);
    const unsigned sum = checksum(pseudo.take());
    payload[checksum_at] = static_cast<std::uint8_t>(sum >> 8);
    payload[checksum_at + 1] = static_cast<std::uint8_t>(sum);
    Bytes header;
    header.u16(0x4500);
    header.u16(static_cast<unsigned>(20 + payload.size()));
    header.u16(++identification_);
    header.u16(0x4000);
    header.u8(64);
    header.u8(protocol);
    header.u16(0);
    header.u32(from.as_v4());
    header.u32(to.as_v4());
    std::vector<std::uint8_t> made = header.take();
    const unsigned header_sum = checksum(made);
    made[10] = static_cast<std::uint8_t>(header_sum >> 8);
    made[11] = static_cast<std::uint8_t>(header_sum);
    Bytes frame;
    for (unsigned i = 0; i < 12; ++i) frame.u8(i % 6 == 0 ? 2 : i);
    frame.u16(0x0800);
    frame.append(made);
    frame.append(payload);
    frames_.push_back({time, frame.take()});
  }

  std::vector<Frame> frames_;
  std::uint16_t identification_ = 0;
};

IpAddress address(std::string_view text) { return *IpAddress::parse(text); }

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2 || std::string_view(argv[1]).starts_with('-')) {
    fmt::print(stderr, "usage: tocsin-sample DIRECTORY\nWrites sample.pcap and indicators.txt there.\n");
    return 2;
  }
  const std::filesystem::path directory = argv[1];
  std::error_code error;
  std::filesystem::create_directories(directory, error);

  std::mt19937 random(2013);  // the same capture on every machine: only raw numbers of it are used
  const auto below = [&random](std::uint32_t limit) { return static_cast<std::uint32_t>(random() % limit); };
  const auto host = [](unsigned number) { return IpAddress::v4(0xc6336400U + number); };
  const Endpoint resolver{host(2), 53};
  std::uint16_t port = 49152;
  const auto next_port = [&port] { return port = static_cast<std::uint16_t>(port < 65000 ? port + 1 : 49152); };
  Capture capture;

  struct Server {
    Endpoint endpoint;
    std::string name;
    unsigned hosts;
    Timestamp interval;
  };
  const std::vector<Server> servers = {{{address("23.94.137.77"), 443}, "update.sample-bot.example", 6, 60 * kSecond},
                                       {{address("104.168.44.91"), 8443}, "", 4, 90 * kSecond},
                                       {{address("85.214.132.117"), 443}, "cdn.sample-rat.example", 2, 120 * kSecond}};
  unsigned infected = 10;
  for (const Server& server : servers) {
    for (unsigned i = 0; i < server.hosts; ++i, ++infected) {
      for (Timestamp time = kStart + below(30) * kSecond; time < kStart + tocsin::kHour;) {
        const Endpoint client{host(infected), next_port()};
        capture.connection(time, client, server.endpoint,
                           server.name.empty() ? bytes_of("\x01poll____________") : client_hello(server.name),
                           std::vector<std::uint8_t>(180, 0x17));
        time += server.interval + (static_cast<Timestamp>(below(2000)) - 1000) * server.interval / 10'000;
      }
    }
  }
  for (Timestamp time = kStart; time < kStart + tocsin::kHour; time += 15 * kSecond + below(900) * 1000) {
    capture.refused(time, {host(30), next_port()}, {address("185.199.108.44"), 5888});
  }
  for (unsigned number = 1; number < 255; ++number) {  // one port of every host
    capture.tcp(kStart + 600 * kSecond + number * 50'000, {address("61.177.172.13"), next_port()}, {host(number), 445},
                tocsin::kSyn, 77, 0);
  }
  for (std::uint16_t to = 20; to < 220; ++to) {  // every port of one host
    capture.refused(kStart + 1500 * kSecond + to * 30'000, {address("80.82.77.139"), 40000}, {host(50), to});
  }
  struct Site {
    std::string name;
    IpAddress address;
  };
  const std::vector<Site> sites = {{"www.example.com", address("93.184.215.14")},
                                   {"www.example.org", address("96.7.128.198")},
                                   {"news.example.net", address("151.101.1.67")}};
  for (unsigned visit = 0; visit < 600; ++visit) {
    const Site& site = sites[below(3)];
    const unsigned who = 10 + below(60);
    const Timestamp time = kStart + static_cast<Timestamp>(below(3'600'000)) * 1000;
    capture.lookup(time, {host(who), next_port()}, resolver, site.name, site.address);
    const std::string request =
        fmt::format("GET /page/{} HTTP/1.1\r\nHost: {}\r\nUser-Agent: Sample/1.0\r\n\r\n", below(500), site.name);
    const std::string answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" + std::string(below(900), 'x');
    capture.connection(time + 15'000, {host(who), next_port()}, {site.address, 80}, bytes_of(request),
                       bytes_of(answer));
  }

  const std::string pcap = (directory / "sample.pcap").string();
  const std::string list = (directory / "indicators.txt").string();
  std::FILE* file = std::fopen(list.c_str(), "w");
  const bool listed = file != nullptr && std::fputs(
                                             "# Control servers that the sample's makers vouch for\n23.94.137.77\n"
                                             "sample-rat.example\n",
                                             file) >= 0;
  if (file != nullptr) std::fclose(file);
  if (error || !listed || !capture.write(pcap)) {
    fmt::print(stderr, "tocsin-sample: {}: could not be written\n", directory.string());
    return 1;
  }
  fmt::print("{}: {} packets\n{}\n", pcap, capture.size(), list);
  return 0;
}
