#include "collect/input.h"

#include <gtest/gtest.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#include <fstream>

#include "read_all.h"

namespace tocsin::testing {
namespace {

std::string gzip(const std::string& text) {
  z_stream stream{};
  deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&stream, text.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

std::string xz(const std::string& text) {
  std::string out(lzma_stream_buffer_bound(text.size()), '\0');
  std::size_t size = 0;
  EXPECT_EQ(lzma_easy_buffer_encode(1, LZMA_CHECK_CRC32, nullptr, reinterpret_cast<const std::uint8_t*>(text.data()),
                                    text.size(), reinterpret_cast<std::uint8_t*>(out.data()), &size, out.size()),
            LZMA_OK);
  out.resize(size);
  return out;
}

// Without a checksum at the end, as libraries write it.
std::string zstd(const std::string& text) {
  std::string out(ZSTD_compressBound(text.size()), '\0');
  out.resize(ZSTD_compress(out.data(), out.size(), text.data(), text.size(), 1));
  return out;
}

std::string all_of(InputStream& input) {
  std::string text;
  for (auto view = input.peek(1); !view.empty(); view = input.peek(1)) {
    text.append(reinterpret_cast<const char*>(view.data()), view.size());
    input.consume(view.size());
  }
  return text;
}

using Compress = std::string (*)(const std::string&);
constexpr Compress kCompressions[] = {gzip, xz, zstd};

std::string lines(std::size_t count) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i) text += "line " + std::to_string(i * 7919) + "\n";
  return text;
}

TEST(Input, DecompressesWhatItRecognises) {
  for (const std::string& text : {std::string("short\n"), lines(200'000), std::string(40'000'000, 'a')}) {
    for (const Compress compress : kCompressions) {
      const std::string raw = compress(text);
      const auto input = InputStream::of_bytes(raw);
      EXPECT_TRUE(all_of(*input) == text);
      EXPECT_FALSE(input->fault());
      EXPECT_EQ(input->offset(), text.size());
      EXPECT_EQ(input->raw_offset(), raw.size());
    }
  }
}

TEST(Input, ReadsNoMoreOfAFileThanAsked) {
  const std::string path = ::testing::TempDir() + "tocsin-input-most";
  std::ofstream(path) << "0123456789";
  for (const std::uint64_t most : {std::uint64_t{0}, std::uint64_t{3}, std::uint64_t{7}, std::uint64_t{99}}) {
    const auto input = InputStream::open(path, most);
    ASSERT_TRUE(input);
    EXPECT_EQ(all_of(**input), std::string("0123456789").substr(0, most));
    EXPECT_EQ((*input)->raw_size(), std::min<std::uint64_t>(most, 10));
  }
  std::filesystem::remove(path);
}

TEST(Input, DecompressesMembersOneAfterAnother) {
  for (const Compress compress : kCompressions) {
    const auto input = InputStream::of_bytes(compress("one ") + compress("two ") + compress(""));
    EXPECT_EQ(all_of(*input), "one two ");
    EXPECT_FALSE(input->fault());
  }
}

TEST(Input, GivesWhatComesBeforeTheCutAndNamesTheFault) {
  const std::string text = lines(20'000);
  for (const Compress compress : kCompressions) {
    const std::string raw = compress(text);
    for (const std::size_t size : {raw.size() - 1, raw.size() / 2, std::size_t{20}}) {
      const auto input = InputStream::of_bytes(raw.substr(0, size), "cut");
      EXPECT_TRUE(text.starts_with(all_of(*input)));
      ASSERT_TRUE(input->fault()) << size;
      EXPECT_EQ(input->fault()->message.substr(0, 4), "cut:");
    }
  }
}

TEST(Input, SurvivesDamageAnywhere) {
  const std::string text = lines(300);
  for (const Compress compress : kCompressions) {
    const std::string raw = compress(text);
    for (std::size_t at = 0; at < raw.size(); ++at) {
      std::string damaged = raw;
      damaged[at] = static_cast<char>(damaged[at] ^ 0x55);
      const auto input = InputStream::of_bytes(damaged);
      all_of(*input);
      EXPECT_LE(input->raw_offset(), damaged.size());
    }
  }
}

TEST(Input, AcceptsZerosAfterGzipAndFaultsOtherBytes) {
  const auto padded = InputStream::of_bytes(gzip("text") + std::string(600'000, '\0'));
  EXPECT_EQ(all_of(*padded), "text");
  EXPECT_FALSE(padded->fault());
  const auto followed = InputStream::of_bytes(gzip("text") + "more");
  EXPECT_EQ(all_of(*followed), "text");
  EXPECT_TRUE(followed->fault());
}

TEST(Input, GivesLinesWithEitherEndAndTheLastWithoutOne) {
  const auto input = InputStream::of_bytes("one\r\n\ntwo\nlast");
  EXPECT_EQ(input->line(), "one");
  EXPECT_EQ(input->offset(), 5U);
  EXPECT_EQ(input->line(), "");
  EXPECT_EQ(input->line(), "two");
  EXPECT_EQ(input->line(), "last");
  EXPECT_EQ(input->line(), std::nullopt);
  EXPECT_EQ(input->line(), std::nullopt);
}

TEST(Input, CutsALineThatIsTooLongAndGoesOn) {
  constexpr std::size_t kMost = 16 * 1024 * 1024;
  for (const std::size_t size : {kMost, kMost + 1, kMost + 100'000, 3 * kMost}) {
    const auto input = InputStream::of_bytes("first\n" + std::string(size, 'x') + "\nlast\n");
    EXPECT_EQ(input->line(), "first");
    const auto line = input->line();
    ASSERT_TRUE(line);
    EXPECT_EQ(line->size(), kMost);
    EXPECT_EQ(input->too_long(), size > kMost);
    EXPECT_EQ(input->line(), "last");
    EXPECT_FALSE(input->too_long());
    EXPECT_EQ(input->line(), std::nullopt);
  }
}

TEST(Input, PeeksWithoutConsuming) {
  const std::string text = lines(500'000);
  const auto input = InputStream::of_bytes(text);
  std::size_t at = 0;
  for (std::size_t step = 1; at < text.size(); step = step * 3 % 100'003 + 1) {
    const auto view = input->peek(step * 5);
    ASSERT_GE(view.size(), std::min(step * 5, text.size() - at));
    const std::size_t take = std::min(step, view.size());
    ASSERT_EQ(std::memcmp(view.data(), text.data() + at, take), 0);
    input->consume(take);
    at += take;
    ASSERT_EQ(input->offset(), at);
  }
  EXPECT_TRUE(input->peek(1).empty());
}

TEST(Input, SaysWhyItCannotOpen) {
  EXPECT_FALSE(InputStream::open("/nowhere/at/all"));
  const auto folder = InputStream::open("/tmp");
  ASSERT_FALSE(folder);
  EXPECT_EQ(folder.error().message, "/tmp: is a directory");
}

}  // namespace
}  // namespace tocsin::testing
