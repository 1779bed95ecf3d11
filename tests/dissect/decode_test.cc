#include "dissect/decode.h"

#include <gtest/gtest.h>

#include <random>

#include "dissect/dissector.h"
#include "pcap_for_test.h"

namespace tocsin {
namespace {

using namespace test;
using dissect::decode;
using dissect::DecodedPacket;
using dissect::DecodeResult;

constexpr std::uint32_t kClient = 0x0a000001, kServer = 0xc6336401;

struct Framed {
  std::uint32_t link_type;
  std::string before;
};

std::vector<Framed> frames_of(bool v6) {
  const std::string type = v6 ? "\x86\xdd" : std::string("\x08\x00", 2);
  const std::string ppp = v6 ? std::string("\0\x57", 2) : std::string("\0\x21", 2);
  const std::string macs("\x02\0\0\0\0\x01\x02\0\0\0\0\x02", 12);
  const std::string zero(1, '\0');
  return {
      {1, macs + type},
      {1, macs + n16(0x8100) + n16(7) + type},
      {1, macs + n16(0x88a8) + n16(7) + n16(0x8100) + n16(8) + type},
      {1, macs + n16(0x9100) + n16(7) + type},
      {1, macs + n16(0x8847) + n32(0x00010000) + n32(0x00020140)},
      {1, macs + n16(0x8848) + n32(0x00020140)},
      {1, macs + n16(0x8864) + n16(0x1100) + n16(1) + n16(500) + ppp},
      {1, macs + n16(300) + std::string("\xaa\xaa\x03\0\0\0", 6) + type},
      {101, ""},
      {12, ""},
      {v6 ? 229U : 228U, ""},
      {0, v6 ? std::string("\x1e\0\0\0", 4) : std::string("\x02\0\0\0", 4)},
      {0, v6 ? n32(24) : n32(2)},
      {108, v6 ? n32(30) : n32(2)},
      {113, n16(0) + n16(1) + n16(6) + std::string(8, '\x01') + type},
      {276, type + n16(0) + n32(3) + n16(1) + n16(6) + std::string(8, '\x01')},
      {9, n16(0xff03) + ppp},
      {9, ppp},
      {9, v6 ? std::string("\x57") : std::string("\x21")},
      {219, n32(0x00020140)},
  };
}

TEST(Decode, FindsTheSamePacketUnderEveryLinkLayer) {
  for (const bool v6 : {false, true}) {
    const std::string datagram = udp(4000, 9999, "hello");
    const std::string packet = v6 ? ipv6(1, 2, 17, datagram) : ipv4(kClient, kServer, 17, datagram);
    for (const Framed& framed : frames_of(v6)) {
      const std::string frame = framed.before + packet + "padding";
      DecodedPacket decoded;
      ASSERT_EQ(decode(framed.link_type, std::as_bytes(std::span(frame)), 0, decoded), DecodeResult::kPacket)
          << framed.link_type << " " << decoded.fault;
      EXPECT_EQ(decoded.key.source_port, 4000);
      EXPECT_EQ(decoded.key.destination_port, 9999);
      EXPECT_EQ(decoded.key.source.text(), v6 ? "2001:db8::1" : "10.0.0.1");
      EXPECT_EQ(decoded.key.destination.text(), v6 ? "2001:db8::2" : "198.51.100.1");
      EXPECT_EQ(decoded.payload.size(), 5U);
      EXPECT_EQ(decoded.ip_length, packet.size());
    }
  }
}

TEST(Decode, EveryCutOfEveryLinkLayerIsPacketOrCounted) {
  for (const bool v6 : {false, true}) {
    const std::string segment = tcp(4000, 80, 1, kPsh | kAck, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    const std::string packet = v6 ? ipv6(1, 2, 0, std::string("\x06\0\x01\x04\0\0\0\0", 8) + segment)
                                  : ipv4(kClient, kServer, 6, segment, 0, std::string("\x01\x01\x01\x00", 4));
    for (const Framed& framed : frames_of(v6)) {
      const std::string frame = framed.before + packet;
      for (std::size_t size = 0; size <= frame.size(); ++size) {
        // A copy of just that size, so that a read past it shows under the sanitizers.
        const std::vector<std::byte> cut(reinterpret_cast<const std::byte*>(frame.data()),
                                         reinterpret_cast<const std::byte*>(frame.data()) + size);
        DecodedPacket decoded;
        const DecodeResult result = decode(framed.link_type, cut, static_cast<std::uint32_t>(frame.size()), decoded);
        if (size == frame.size()) {
          EXPECT_EQ(result, DecodeResult::kPacket);
          EXPECT_EQ(decoded.payload.size(), 27U);
        }
        if (result == DecodeResult::kPacket) {
          EXPECT_EQ(decoded.ip_length, packet.size()) << "the length is the header's, not the capture's";
          EXPECT_EQ(decoded.key.destination_port, 80);
        }
      }
    }
  }
}

TEST(Decode, WalksExtensionHeadersInAnyOrder) {
  const std::string options = std::string("\x2b\0\x01\x04\0\0\0\0", 8);      // hop-by-hop, next: routing
  const std::string routing = std::string("\x3c\0\0\0\0\0\0\0", 8);          // next: destination options
  const std::string destination = std::string("\x33\0\x01\x04\0\0\0\0", 8);  // next: AH
  const std::string ah = std::string("\x11\x01\0\0\0\0\0\0\0\0\0\0", 12);    // next: UDP
  const std::string frame = ipv6(1, 2, 0, options + routing + destination + ah + udp(5, 6, "x"));
  DecodedPacket decoded;
  ASSERT_EQ(decode(101, std::as_bytes(std::span(frame)), 0, decoded), DecodeResult::kPacket);
  EXPECT_EQ(decoded.key.protocol, 17);
  EXPECT_EQ(decoded.key.destination_port, 6);
}

TEST(Decode, EndlessTagsAndHeadersEnd) {
  std::string tags(12, '\1');
  for (int i = 0; i < 1000; ++i) tags += n16(0x8100) + n16(1);
  DecodedPacket decoded;
  EXPECT_EQ(decode(1, std::as_bytes(std::span(tags)), 0, decoded), DecodeResult::kNotIp);
  std::string headers;
  for (int i = 0; i < 1000; ++i) headers += std::string("\x3c\0\x01\x04\0\0\0\0", 8);
  const std::string frame = ipv6(1, 2, 60, headers);
  EXPECT_EQ(decode(101, std::as_bytes(std::span(frame)), 0, decoded), DecodeResult::kBad);
}

TEST(Decode, RejectsLyingHeaders) {
  const auto fault = [](const std::string& frame) {
    DecodedPacket decoded;
    EXPECT_EQ(decode(101, std::as_bytes(std::span(frame)), 0, decoded), DecodeResult::kBad);
    return std::string(decoded.fault);
  };
  std::string packet = ipv4(kClient, kServer, 6, tcp(1, 2, 0, kSyn));
  packet[0] = '\x42';
  EXPECT_EQ(fault(packet), "bad IP header");
  packet[0] = '\x45';
  packet[3] = '\x10';
  EXPECT_EQ(fault(packet), "bad IP header");
  packet = ipv4(kClient, kServer, 6, tcp(1, 2, 0, kSyn));
  packet[32] = '\x40';
  EXPECT_EQ(fault(packet), "bad TCP header length");
  packet[32] = '\xf0';
  EXPECT_EQ(fault(packet), "bad TCP header length");
  EXPECT_EQ(fault(ipv4(kClient, kServer, 17, "abc")), "truncated transport header");
}

TEST(Decode, SurvivesRandomBytes) {
  std::mt19937 random(1);
  PacketDissector dissector;
  Batch batch;
  const std::uint32_t links[] = {0, 1, 9, 12, 14, 50, 101, 108, 113, 219, 228, 229, 276, 12345};
  for (int i = 0; i < 60000; ++i) {
    std::vector<std::byte> bytes(random() % 120);
    for (std::byte& b : bytes) b = static_cast<std::byte>(random());
    // Half of them look enough like something to get further.
    if (i % 2 == 0 && bytes.size() > 20) {
      bytes[12] = std::byte{8};
      bytes[13] = std::byte{0};
      bytes[14] = std::byte{0x45};
      bytes[0] = std::byte{static_cast<unsigned char>(i % 4 == 0 ? 0x45 : 0x60)};
    }
    const Packet packet{static_cast<Timestamp>(random()) * 1000,
                        static_cast<std::uint32_t>(random()),
                        links[random() % std::size(links)],
                        {0, 0, 1},
                        bytes};
    dissector.dissect({&packet, 1}, batch);
  }
  dissector.finish(batch);
  EXPECT_EQ(dissector.counters().packets, 60000U);
  EXPECT_EQ(dissector.live_flows(), 0U);
}

}  // namespace
}  // namespace tocsin
