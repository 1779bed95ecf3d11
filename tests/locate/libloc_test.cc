#include <gtest/gtest.h>

#include <fstream>

#include "locate/sources.h"
#include "location_data.h"

namespace tocsin {
namespace {

// A database whose tree is one node of no network and whose pool of strings is one NUL, made so many seconds after
// 1970.
std::string database_of(std::uint64_t made) {
  std::string bytes = "LOCDBXX\x01";
  for (int shift = 56; shift >= 0; shift -= 8) bytes += static_cast<char>(made >> shift);
  bytes.resize(4'200, '\0');
  bytes[47] = 100;
  bytes[51] = 12;
  bytes.replace(108, 4, "\xff\xff\xff\xff");
  bytes[62] = 4'199 >> 8;
  bytes[63] = static_cast<char>(4'199 & 0xff);
  bytes[67] = 1;
  return bytes;
}

TEST(Libloc, ADateThatIsNoneIsTheLatestThereIs) {
  const ScratchDirectory scratch;
  const std::string path = scratch.path() + "/location.db";
  std::ofstream(path, std::ios::binary) << database_of(std::uint64_t{1} << 54);
  const auto read = read_libloc(path);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->date, Timestamp{253'402'300'799} * kSecond);
}

}  // namespace
}  // namespace tocsin
