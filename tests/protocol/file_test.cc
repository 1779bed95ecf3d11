#include "protocol/file.h"

#include <gtest/gtest.h>

namespace tocsin::protocol {
namespace {

Bytes bytes_of(std::string_view text) { return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}; }

Options asking_for(std::initializer_list<std::pair<const char*, const char*>> settings) {
  Options options;
  for (const auto& [name, value] : settings) options.set(name, value);
  return options;
}

TEST(File, HashesWhatCameInPieces) {
  const Options options = asking_for({{"files.md5", "yes"}, {"files.sha1", "yes"}, {"files.sha256", "yes"}});
  GrowingFile file(FileSettings::of(options), "a", Side::kToServer, 7);
  file.append(bytes_of("a"));
  file.append(bytes_of("bc"));
  EXPECT_TRUE(file.md5.empty());
  file.close();
  EXPECT_EQ(file.md5, "900150983cd24fb0d6963f7d28e17f72");
  EXPECT_EQ(file.sha1, "a9993e364706816aba3e25717850c26c9cd0d89d");
  EXPECT_EQ(file.sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(file.size, 3u);
  EXPECT_EQ(file.transaction, 7u);
  file.append(bytes_of("d"));
  EXPECT_EQ(file.bytes, "abc");
}

TEST(File, TellsNoHashOfWhatHasGapsOrIsCut) {
  const Options options = asking_for({{"files.md5", "yes"}});
  GrowingFile gapped(FileSettings::of(options), "a", Side::kToServer, 0);
  gapped.append(bytes_of("ab"));
  gapped.skip(3);
  gapped.append(bytes_of("fg"));
  gapped.close();
  EXPECT_TRUE(gapped.has_gaps);
  EXPECT_TRUE(gapped.md5.empty());
  EXPECT_EQ(gapped.size, 7u);
  EXPECT_EQ(gapped.offset, 5u);
  EXPECT_EQ(gapped.bytes, "fg");
  GrowingFile cut(FileSettings::of(options), "a", Side::kToServer, 0);
  cut.append(bytes_of("ab"));
  cut.close(File::State::kTruncated);
  EXPECT_TRUE(cut.md5.empty());
  EXPECT_EQ(cut.state, File::State::kTruncated);
}

TEST(File, KeepsAWindowOfALongOneAndNothingOfItsOwnLastPieceGoes) {
  GrowingFile file(FileSettings::of(asking_for({{"files.window", "1kb"}})), "a", Side::kToClient, 0);
  const std::string piece(700, 'x');
  for (int i = 0; i < 1000; ++i) {
    const std::uint64_t before = file.size;
    file.append(bytes_of(piece));
    ASSERT_LE(file.offset, before);
    ASSERT_EQ(file.offset + file.bytes.size(), file.size);
    ASSERT_LE(file.bytes.size(), 2048u + 700);
  }
  EXPECT_EQ(file.size, 700'000u);
}

TEST(File, IsTruncatedAtItsDepth) {
  GrowingFile file(FileSettings::of(asking_for({{"files.stream-depth", "5"}})), "a", Side::kToClient, 0);
  file.append(bytes_of("abc"));
  file.append(bytes_of("def"));
  EXPECT_EQ(file.bytes, "abcde");
  EXPECT_EQ(file.state, File::State::kTruncated);
}

TEST(File, IsIdentifiedOnceEnoughIsKnown) {
  GrowingFile file({}, "a", Side::kToClient, 0);
  file.append(bytes_of("%PDF-1.4\n"));
  EXPECT_EQ(identify(file), "");
  file.close();
  EXPECT_NE(identify(file).find("PDF document"), std::string::npos);
  GrowingFile asked(FileSettings::of(asking_for({{"files.magic", "yes"}})), "a", Side::kToClient, 0);
  asked.append(bytes_of("%PDF-1.4\n"));
  asked.append(bytes_of(std::string(600, 'a')));
  EXPECT_NE(asked.magic.find("PDF document"), std::string::npos);
}

TEST(File, TakesTheLastPartOfAPath) {
  EXPECT_EQ(base_name("a/b.txt"), "b.txt");
  EXPECT_EQ(base_name("C:\\a\\b.txt"), "b.txt");
  EXPECT_EQ(base_name("b.txt"), "b.txt");
  EXPECT_EQ(base_name("a/"), "");
}

}  // namespace
}  // namespace tocsin::protocol
