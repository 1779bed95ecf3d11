// A slice of the border's traffic as a capture: the first control connections of the nation, packet by packet.
#include <fmt/format.h>

#include <array>

#include "collect/reader.h"
#include "simulate/nation.h"

namespace tocsin::simulate {
namespace {

constexpr std::uint32_t kRawIp = 101;  // LINKTYPE_RAW
constexpr std::uint64_t kMostConnections = 500;

// RFC 1071.
std::uint16_t checksum(std::string_view bytes, std::uint32_t sum = 0) {
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    sum += static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[i])) << (i % 2 == 0 ? 8 : 0);
  }
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum);
}

void put(std::string& bytes, std::uint32_t value, int size) {
  for (int shift = 8 * (size - 1); shift >= 0; shift -= 8) bytes += static_cast<char>(value >> shift);
}

void set16(std::string& bytes, std::size_t at, std::uint16_t value) {
  bytes[at] = static_cast<char>(value >> 8);
  bytes[at + 1] = static_cast<char>(value);
}

struct Side {
  IpAddress address;
  std::uint16_t port;
  std::uint32_t sequence;
};

std::string_view bytes_of(const IpAddress& address) {
  const std::string_view all(reinterpret_cast<const char*>(address.bytes().data()), 16);
  return address.is_v4() ? all.substr(12) : all;
}

// A packet with a TCP segment (RFC 791, RFC 8200, RFC 9293).
std::string segment(const Side& from, const Side& to, std::uint8_t flags, std::string_view payload) {
  std::string tcp;
  put(tcp, from.port, 2);
  put(tcp, to.port, 2);
  put(tcp, from.sequence, 4);
  put(tcp, (flags & kAck) != 0 ? to.sequence : 0, 4);
  put(tcp, 0x5000U | flags, 2);
  put(tcp, 65'535, 2);
  put(tcp, 0, 4);
  tcp += payload;
  std::string ends(bytes_of(from.address));
  ends += bytes_of(to.address);
  std::string ip;
  if (from.address.is_v4()) {
    put(ip, 0x4500, 2);
    put(ip, static_cast<std::uint32_t>(20 + tcp.size()), 2);
    put(ip, 0x0000'4000, 4);  // do not fragment
    put(ip, 64 << 8 | kTcp, 2);
    put(ip, 0, 2);
    ip += ends;
    set16(ip, 10, checksum(ip));
  } else {
    put(ip, 0x6000'0000, 4);
    put(ip, static_cast<std::uint32_t>(tcp.size()), 2);
    put(ip, kTcp << 8 | 64, 2);
    ip += ends;
  }
  // The complement of a complement is the sum itself.
  const auto pseudo = static_cast<std::uint16_t>(~checksum(ends)) + kTcp + static_cast<std::uint32_t>(tcp.size());
  set16(tcp, 16, checksum(tcp, pseudo));
  return ip + tcp;
}

}  // namespace

void Nation::capture(Timestamp time, const IpAddress& client, const IpAddress& server, std::uint16_t port) {
  if (!with_capture_ || captured_ >= kMostConnections) return;
  if (captured_++ == 0) {
    auto made = PcapWriter::create((directory_ / "slice.pcap").string(), kRawIp);
    failed_ |= !made;
    if (made) capture_ = std::make_unique<PcapWriter>(std::move(*made));
  }
  if (!capture_) return;
  Random own(number_of(client) ^ static_cast<std::uint64_t>(time));
  Side us{client, static_cast<std::uint16_t>(20'000 + own.below(40'000)), static_cast<std::uint32_t>(own.next())};
  Side them{server, port, static_cast<std::uint32_t>(own.next())};
  const auto send = [&](Side& from, const Side& to, std::uint8_t flags, std::string_view payload) {
    const std::string bytes = segment(from, to, flags, payload);
    const Packet packet{.time = time,
                        .original_length = static_cast<std::uint32_t>(bytes.size()),
                        .link_type = kRawIp,
                        .place = {},
                        .data = std::as_bytes(std::span(bytes))};
    failed_ |= !capture_->write(packet);
    from.sequence += static_cast<std::uint32_t>(payload.size()) + ((flags & (kSyn | kFin)) != 0 ? 1 : 0);
    time += 20'000 + static_cast<Timestamp>(own.below(30'000));
  };
  const std::string ask = fmt::format("POST /gate.php HTTP/1.1\r\nHost: {}\r\nContent-Length: 16\r\n\r\n{:016x}",
                                      server.is_v4() ? server.text() : fmt::format("[{}]", server.text()), own.next());
  send(us, them, kSyn, {});
  send(them, us, kSyn | kAck, {});
  send(us, them, kAck, {});
  send(us, them, kPsh | kAck, ask);
  send(them, us, kPsh | kAck, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nwait");
  send(us, them, kFin | kAck, {});
  send(them, us, kFin | kAck, {});
  send(us, them, kAck, {});
}

}  // namespace tocsin::simulate
