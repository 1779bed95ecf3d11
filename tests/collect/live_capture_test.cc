#include "collect/live_capture.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <map>

namespace tocsin {
namespace {

// Datagrams to a port of our own, over the loopback.
class Loopback : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "only root may read packets";
    receiver_ = ::socket(AF_INET, SOCK_DGRAM, 0);
    address_.sin_family = AF_INET;
    address_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ASSERT_EQ(::bind(receiver_, reinterpret_cast<sockaddr*>(&address_), sizeof address_), 0);
    socklen_t length = sizeof address_;
    ASSERT_EQ(::getsockname(receiver_, reinterpret_cast<sockaddr*>(&address_), &length), 0);
  }
  void TearDown() override {
    if (receiver_ >= 0) ::close(receiver_);
  }
  // From a port of its own each time, so that a group shares them.
  void send(const std::string& text) {
    const int sender = ::socket(AF_INET, SOCK_DGRAM, 0);
    EXPECT_EQ(::sendto(sender, text.data(), text.size(), 0, reinterpret_cast<sockaddr*>(&address_), sizeof address_),
              static_cast<ssize_t>(text.size()));
    ::close(sender);
  }
  // What came to our port, and how often.
  void gather(LiveCapture& capture, std::map<std::string, int>& into, int reads = 3) const {
    std::vector<Packet> packets;
    for (int i = 0; i < reads; ++i) {
      ASSERT_TRUE(capture.read(packets)) << capture.fault();
      for (const Packet& packet : packets) {
        const auto* bytes = reinterpret_cast<const std::uint8_t*>(packet.data.data());
        if (packet.data.size() < 42 || bytes[23] != IPPROTO_UDP || std::memcmp(&bytes[36], &address_.sin_port, 2) != 0)
          continue;
        EXPECT_EQ(packet.link_type, 1U);
        EXPECT_EQ(packet.original_length, packet.data.size());
        EXPECT_EQ(sum_of_segment(bytes, packet.data.size()), 0xffff);
        const std::size_t length = packet.data.size() - 42;
        ++into[std::string(reinterpret_cast<const char*>(bytes) + 42, length)];
        last_ = packet.time;
      }
    }
  }
  // Of header, pseudo header and payload with the checksum in it: all ones if that is right (RFC 768).
  static std::uint32_t sum_of_segment(const std::uint8_t* frame, std::size_t length) {
    std::uint32_t sum = IPPROTO_UDP + static_cast<std::uint32_t>(length - 34);
    for (std::size_t i = 26; i < length; ++i) sum += i % 2 == 0 ? frame[i] * 256U : frame[i];
    while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
    return sum;
  }

  int receiver_ = -1;
  sockaddr_in address_{};
  mutable Timestamp last_ = 0;
};

TEST_F(Loopback, EachPacketComesOnceWithItsChecksumAndTime) {
  auto capture = LiveCapture::open({.interface = "lo"});
  ASSERT_TRUE(capture) << capture.error().message;
  for (int i = 0; i < 500; ++i) send("number " + std::to_string(i) + std::string(static_cast<std::size_t>(i % 7), 'x'));
  std::map<std::string, int> found;
  gather(**capture, found);
  EXPECT_EQ(found.size(), 500U);
  for (const auto& [text, times] : found) EXPECT_EQ(times, 1) << text;
  EXPECT_NEAR(static_cast<double>(last_), static_cast<double>(now()), 60.0 * kSecond);
  EXPECT_GE((*capture)->counts().received, 500U);
  EXPECT_EQ((*capture)->counts().dropped, 0U);
}

TEST_F(Loopback, AGroupSharesThePackets) {
  const auto group = static_cast<std::uint16_t>(::getpid() % 65535 + 1);
  auto a = LiveCapture::open({.interface = "lo", .fanout_group = group});
  auto b = LiveCapture::open({.interface = "lo", .fanout_group = group});
  ASSERT_TRUE(a && b);
  for (int i = 0; i < 200; ++i) send("shared " + std::to_string(i));
  std::map<std::string, int> of_a, of_b, all;
  gather(**a, of_a);
  gather(**b, of_b);
  EXPECT_GT(of_a.size(), 0U);
  EXPECT_GT(of_b.size(), 0U);
  for (const auto* part : {&of_a, &of_b}) {
    for (const auto& [text, times] : *part) all[text] += times;
  }
  EXPECT_EQ(all.size(), 200U);
  for (const auto& [text, times] : all) EXPECT_EQ(times, 1) << text;
}

TEST_F(Loopback, WhatTheRingCanNotHoldIsCounted) {
  auto capture = LiveCapture::open({.interface = "lo", .ring_bytes = std::size_t{2} << 20});
  ASSERT_TRUE(capture) << capture.error().message;
  for (int i = 0; i < 200; ++i) send(std::string(60'000, 'x'));
  EXPECT_GT((*capture)->counts().dropped, 0U);
  EXPECT_GE((*capture)->counts().received, 200U);
  // It goes on afterwards.
  std::map<std::string, int> found;
  gather(**capture, found, 10);
  send("after");
  found.clear();
  gather(**capture, found);
  EXPECT_EQ(found.count("after"), 1U);
}

TEST_F(Loopback, AnIdleInterfaceGivesNothingAndDoesNotHang) {
  auto capture = LiveCapture::open({.interface = "lo"});
  ASSERT_TRUE(capture);
  std::map<std::string, int> found;
  gather(**capture, found, 2);
  EXPECT_TRUE(found.empty());
}

TEST(LiveCaptureOf, AWrongInterfaceIsAnErrorThatNamesIt) {
  for (const std::string name : {"", "no-such-if0", "a-name-much-too-long-for-an-interface"}) {
    const auto capture = LiveCapture::open({.interface = name});
    ASSERT_FALSE(capture);
    EXPECT_NE(capture.error().message.find(name), std::string::npos) << capture.error().message;
  }
}

}  // namespace
}  // namespace tocsin
