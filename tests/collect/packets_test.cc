#include <gtest/gtest.h>
#include <unistd.h>

#include "read_all.h"

namespace tocsin::testing {
namespace {

constexpr std::uint32_t kSeconds = 1'364'000'000;

std::string pcap_header(bool big = false, std::uint32_t magic = 0xa1b2c3d4, std::uint32_t link_type = 1) {
  return word(magic, big) + word<std::uint16_t>(2, big) + word<std::uint16_t>(4, big) + word(0U, big) + word(0U, big) +
         word(65535U, big) + word(link_type, big);
}

std::string pcap_record(std::uint32_t index, const std::string& data, bool big = false, std::uint32_t fraction = 7) {
  return word(kSeconds + index, big) + word(fraction, big) + word(static_cast<std::uint32_t>(data.size()), big) +
         word(static_cast<std::uint32_t>(data.size()), big) + data;
}

std::string small_pcap(bool big = false) {
  return pcap_header(big) + pcap_record(1, "first", big) + pcap_record(2, "second!", big) + pcap_record(3, "3", big);
}

TEST(Pcap, ReadsEitherByteOrder) {
  for (const bool big : {false, true}) {
    const Packets all = packets_of(small_pcap(big), Format::kPcap);
    ASSERT_EQ(all.packets.size(), 3U);
    EXPECT_EQ(all.packets[1].bytes, "second!");
    EXPECT_EQ(all.packets[1].packet.time, Timestamp{kSeconds + 2} * kSecond + 7);
    EXPECT_EQ(all.packets[1].packet.link_type, 1U);
    EXPECT_EQ(all.packets[1].packet.original_length, 7U);
    EXPECT_EQ(all.packets[1].packet.place.offset, 24U + 16 + 5);
    EXPECT_EQ(all.packets[1].packet.place.record, 2U);
    EXPECT_EQ(all.packets[1].packet.place.source, 3U);
    EXPECT_EQ(all.skips.count(), 0U);
  }
}

TEST(Pcap, ReadsNanosecondsAsMicroseconds) {
  const Packets all =
      packets_of(pcap_header(false, 0xa1b23c4d) + pcap_record(1, "x", false, 123'456'789), Format::kPcap);
  ASSERT_EQ(all.packets.size(), 1U);
  EXPECT_EQ(all.packets[0].packet.time % kSecond, 123'456);
}

TEST(Pcap, CutAtAnyByteGivesTheWholePacketsAndSaysSo) {
  const std::string whole = small_pcap();
  const std::size_t ends[] = {24, 24 + 21, 24 + 21 + 23, whole.size()};
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const Packets all = packets_of(whole.substr(0, size), Format::kPcap);
    std::size_t expected = 0;
    bool clean = size == 0;
    for (std::size_t i = 0; i < 4; ++i) {
      if (i > 0 && size >= ends[i]) expected = i;
      clean |= size == ends[i];
    }
    EXPECT_EQ(all.packets.size(), expected) << size;
    EXPECT_EQ(all.skips.count(), clean ? 0U : 1U) << size;
  }
}

TEST(Pcap, FindsItsWayAgainAfterAnImpossibleLength) {
  std::string bytes = pcap_header() + pcap_record(1, "first");
  bytes += word(kSeconds + 1) + word(0U) + word(0xfffffff0U) + word(0xfffffff0U) + noise(1000, 1);
  bytes += pcap_record(2, "second") + pcap_record(3, "third");
  const Packets all = packets_of(bytes, Format::kPcap);
  ASSERT_EQ(all.packets.size(), 3U);
  EXPECT_EQ(all.packets[0].bytes, "first");
  EXPECT_EQ(all.packets[1].bytes, "second");
  EXPECT_EQ(all.packets[2].bytes, "third");
  EXPECT_EQ(all.skips.count(), 1U);
  EXPECT_EQ(all.skips.examples().at(0), "packet 2: impossible packet length");
}

TEST(Pcap, FindsItsWayAgainBeyondSeveralWindows) {
  std::string bytes = pcap_header() + pcap_record(1, "first");
  bytes += word(kSeconds + 1) + word(0U) + word(0x7fffffffU) + word(0x7fffffffU) + std::string(5'000'000, '\xee');
  bytes += pcap_record(2, "second") + pcap_record(3, "third");
  const Packets all = packets_of(bytes, Format::kPcap);
  ASSERT_EQ(all.packets.size(), 3U);
  EXPECT_EQ(all.packets[2].bytes, "third");
  EXPECT_EQ(all.packets[2].packet.place.offset, bytes.size() - 16 - 5);
}

TEST(Pcap, ReadsACaptureAppendedToAnother) {
  const Packets all =
      packets_of(small_pcap() + pcap_header(false, 0xa1b2c3d4, 101) + pcap_record(9, "appended"), Format::kPcap);
  ASSERT_EQ(all.packets.size(), 4U);
  EXPECT_EQ(all.packets[3].bytes, "appended");
  EXPECT_EQ(all.packets[3].packet.link_type, 101U);
}

TEST(Pcap, KeepsEveryPacketOfManyBatches) {
  std::string bytes = pcap_header();
  for (std::uint32_t i = 0; i < 50'000; ++i) bytes += pcap_record(i, std::string(i % 300, static_cast<char>(i)));
  const Packets all = packets_of(bytes, Format::kPcap);
  ASSERT_EQ(all.packets.size(), 50'000U);
  for (std::uint32_t i = 0; i < 50'000; ++i) {
    ASSERT_EQ(all.packets[i].bytes, std::string(i % 300, static_cast<char>(i)));
    ASSERT_EQ(all.packets[i].packet.place.record, i + 1);
  }
}

TEST(Pcap, GivesViewsThatLiveUntilTheNextRead) {
  std::string bytes = pcap_header();
  for (std::uint32_t i = 0; i < 20'000; ++i) bytes += pcap_record(i, std::string(100, static_cast<char>(i)));
  const auto input = InputStream::of_bytes(bytes);
  const auto reader = make_packet_reader(Format::kPcap, *input, 0);
  std::vector<Packet> batch;
  std::uint32_t index = 0;
  while (reader->read(batch)) {
    EXPECT_LE(batch.size(), kBatchSize);
    for (const Packet& packet : batch) ASSERT_EQ(packet.data[99], static_cast<std::byte>(index++));
  }
  EXPECT_EQ(index, 20'000U);
}

TEST(Pcap, SurvivesNoise) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    std::string bytes = small_pcap() + noise(500, seed);
    bytes[24 + seed % 60] = static_cast<char>(seed);
    packets_of(bytes, Format::kPcap);
    packets_of(noise(300, seed), Format::kPcap);
  }
}

TEST(PcapWriter, WritesWhatTheReaderReads) {
  const std::string path = ::testing::TempDir() + "tocsin_writer_" + std::to_string(getpid()) + ".pcap";
  {
    auto writer = PcapWriter::create(path, 113);
    ASSERT_TRUE(writer);
    const auto input = InputStream::of_bytes(small_pcap(true));
    const auto reader = make_packet_reader(Format::kPcap, *input, 0);
    std::vector<Packet> batch;
    while (reader->read(batch)) {
      for (const Packet& packet : batch) ASSERT_TRUE(writer->write(packet));
    }
  }
  auto input = InputStream::open(path);
  ASSERT_TRUE(input);
  EXPECT_EQ(recognise((*input)->peek(64)), Format::kPcap);
  const Packets all = packets_of(**input, Format::kPcap);
  unlink(path.c_str());
  ASSERT_EQ(all.packets.size(), 3U);
  EXPECT_EQ(all.packets[0].bytes, "first");
  EXPECT_EQ(all.packets[0].packet.link_type, 113U);
  EXPECT_EQ(all.packets[0].packet.time, Timestamp{kSeconds + 1} * kSecond + 7);
}

TEST(PcapWriter, NamesTheFileItCannotMake) {
  const auto writer = PcapWriter::create("/nowhere/at/all.pcap", 1);
  ASSERT_FALSE(writer);
  EXPECT_NE(writer.error().message.find("/nowhere/at/all.pcap"), std::string::npos);
}

// pcapng

std::string block(std::uint32_t type, std::string body, bool big = false) {
  while (body.size() % 4 != 0) body += '\0';
  const auto length = static_cast<std::uint32_t>(body.size() + 12);
  return word(type, big) + word(length, big) + body + word(length, big);
}

std::string section(bool big = false) {
  return block(
      0x0a0d0d0a,
      word(0x1a2b3c4dU, big) + word<std::uint16_t>(1, big) + word<std::uint16_t>(0, big) + word(~std::uint64_t{0}, big),
      big);
}

std::string interface(std::uint16_t link_type, bool big = false, const std::string& options = "") {
  return block(1, word(link_type, big) + word<std::uint16_t>(0, big) + word(65535U, big) + options, big);
}

std::string option(std::uint16_t code, std::string value, bool big = false) {
  const auto size = static_cast<std::uint16_t>(value.size());
  while (value.size() % 4 != 0) value += '\0';
  return word(code, big) + word(size, big) + value;
}

std::string enhanced(std::uint32_t interface_index, std::uint64_t units, const std::string& data, bool big = false) {
  const auto size = static_cast<std::uint32_t>(data.size());
  return block(6,
               word(interface_index, big) + word(static_cast<std::uint32_t>(units >> 32), big) +
                   word(static_cast<std::uint32_t>(units), big) + word(size, big) + word(size + 10, big) + data,
               big);
}

TEST(Pcapng, ReadsInterfacesWithTheirOwnClocks) {
  for (const bool big : {false, true}) {
    const std::string bytes =
        section(big) + interface(1, big) + interface(101, big, option(9, "\x09", big) + word(0U, big)) +
        interface(113, big, option(9, std::string(1, '\x8a'), big) + option(14, word<std::uint64_t>(1000, big), big)) +
        enhanced(0, 1'364'000'000'000'001, "micro", big) + enhanced(1, 1'364'000'000'000'002'999, "nano", big) +
        enhanced(2, 5 * 1024 + 512, "binary", big);
    const Packets all = packets_of(bytes, Format::kPcapng);
    ASSERT_EQ(all.packets.size(), 3U) << (all.skips.examples().empty() ? "" : all.skips.examples()[0]);
    EXPECT_EQ(all.packets[0].packet.time, 1'364'000'000'000'001);
    EXPECT_EQ(all.packets[0].packet.original_length, 15U);
    EXPECT_EQ(all.packets[0].packet.link_type, 1U);
    EXPECT_EQ(all.packets[1].packet.time, 1'364'000'000'000'002);
    EXPECT_EQ(all.packets[1].packet.link_type, 101U);
    EXPECT_EQ(all.packets[1].bytes, "nano");
    EXPECT_EQ(all.packets[2].packet.time, 1005 * kSecond + kSecond / 2);
    EXPECT_EQ(all.skips.count(), 0U);
  }
}

TEST(Pcapng, ReadsSimpleAndObsoletePacketsAndPassesOverUnknownBlocks) {
  const std::string bytes =
      section() + interface(1) + block(0x0bad, noise(100, 1)) +
      block(2, word<std::uint16_t>(0) + word<std::uint16_t>(9) + word(0U) + word(77U) + word(3U) + word(3U) + "old") +
      block(3, word(6U) + "simple") + block(0x0bad, std::string(3'000'000, 'x')) + enhanced(0, 99, "last");
  const Packets all = packets_of(bytes, Format::kPcapng);
  ASSERT_EQ(all.packets.size(), 3U);
  EXPECT_EQ(all.packets[0].bytes, "old");
  EXPECT_EQ(all.packets[0].packet.time, 77);
  EXPECT_EQ(all.packets[1].bytes, "simple");
  EXPECT_EQ(all.packets[2].bytes, "last");
  EXPECT_EQ(all.packets[2].packet.place.offset, bytes.size() - enhanced(0, 99, "last").size());
  EXPECT_EQ(all.skips.count(), 0U);
}

TEST(Pcapng, ReadsSectionsOfDifferentByteOrder) {
  const Packets all = packets_of(
      section() + interface(1) + enhanced(0, 1, "a") + section(true) + interface(105, true) + enhanced(0, 2, "b", true),
      Format::kPcapng);
  ASSERT_EQ(all.packets.size(), 2U);
  EXPECT_EQ(all.packets[1].bytes, "b");
  EXPECT_EQ(all.packets[1].packet.link_type, 105U);
}

TEST(Pcapng, SkipsBadPacketsAndGoesOn) {
  std::string broken = enhanced(0, 1, "broken");
  broken[4] = 13;
  std::string lying = enhanced(0, 1, "lying");
  lying[20] = 100;
  const std::string bytes = section() + interface(1) + enhanced(7, 1, "no such interface") + broken + lying +
                            noise(999, 4) + enhanced(0, 5, "good") + enhanced(0, 6, "more");
  const Packets all = packets_of(bytes, Format::kPcapng);
  ASSERT_EQ(all.packets.size(), 2U);
  EXPECT_EQ(all.packets[0].bytes, "good");
  EXPECT_EQ(all.packets[1].bytes, "more");
  EXPECT_EQ(all.skips.count(), 4U);
}

TEST(Pcapng, CutAtAnyByteGivesTheWholePackets) {
  const std::string head = section() + interface(1) + enhanced(0, 1, "first");
  const std::string whole = head + enhanced(0, 2, "second");
  for (std::size_t size = 0; size <= whole.size(); ++size) {
    const Packets all = packets_of(whole.substr(0, size), Format::kPcapng);
    EXPECT_EQ(all.packets.size(), size == whole.size() ? 2U : (size >= head.size() ? 1U : 0U)) << size;
  }
}

TEST(Pcapng, SurvivesNoise) {
  const std::string whole = section() + interface(1, false, option(9, "\x09")) + enhanced(0, 1, "first") +
                            enhanced(0, 2, "second") + block(3, word(6U) + "simple");
  for (std::uint64_t seed = 0; seed < 2000; ++seed) {
    std::string bytes = whole;
    const std::string with = noise(4, seed);
    for (std::size_t i = 0; i < 4; ++i) bytes[(seed * 7 + i * 31) % bytes.size()] = with[i];
    packets_of(bytes, Format::kPcapng);
  }
}

}  // namespace
}  // namespace tocsin::testing
