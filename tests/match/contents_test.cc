#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <random>

#include "bench.h"
#include "match/prefilter.h"

namespace tocsin::match {
namespace {

TEST(Contents, AreFoundAndNotFound) {
  EXPECT_TRUE(speaks("content:\"evil\";", "some evil thing"));
  EXPECT_FALSE(speaks("content:\"evil\";", "some EVIL thing"));
  EXPECT_TRUE(speaks("content:\"evil\"; nocase;", "some EVIL thing"));
  EXPECT_TRUE(speaks("content:\"|00 ff|a\";", std::string("x\0\xff"
                                                          "a",
                                                          4)));
  EXPECT_FALSE(speaks("content:!\"evil\";", "some evil thing"));
  EXPECT_TRUE(speaks("content:!\"evil\";", "some good thing"));
}

TEST(Contents, StandWhereTheyShould) {
  EXPECT_TRUE(speaks("content:\"b\"; offset:1;", "ab"));
  EXPECT_FALSE(speaks("content:\"a\"; offset:1;", "ab"));
  EXPECT_TRUE(speaks("content:\"cd\"; offset:2; depth:2;", "abcd"));
  EXPECT_FALSE(speaks("content:\"cd\"; offset:1; depth:2;", "abcd"));
  EXPECT_TRUE(speaks("content:\"ab\"; startswith;", "abcd"));
  EXPECT_FALSE(speaks("content:\"bc\"; startswith;", "abcd"));
  EXPECT_TRUE(speaks("content:\"cd\"; endswith;", "abcdcd"));
  EXPECT_FALSE(speaks("content:\"bc\"; endswith;", "abcd"));
  EXPECT_TRUE(speaks("content:!\"bc\"; endswith;", "abcd"));
  EXPECT_FALSE(speaks("content:!\"cd\"; endswith;", "abcd"));
  EXPECT_FALSE(speaks("content:!\"b\"; offset:1; depth:1;", "abc"));
  EXPECT_TRUE(speaks("content:!\"b\"; offset:2; depth:1;", "abc"));
}

TEST(Contents, AreRelativeToTheMatchBefore) {
  EXPECT_TRUE(speaks("content:\"ab\"; content:\"cd\"; distance:1; within:2;", "ab-cd"));
  EXPECT_FALSE(speaks("content:\"ab\"; content:\"cd\"; distance:0; within:2;", "ab-cd"));
  EXPECT_TRUE(speaks("content:\"cd\"; content:\"ab\"; distance:-4;", "abcd"));
  EXPECT_FALSE(speaks("content:\"cd\"; content:\"ab\"; distance:0;", "abcd"));
}

TEST(Contents, AreLookedForAgainWhenWhatFollowsDoesNotFit) {
  EXPECT_TRUE(speaks("content:\"ab\"; content:\"cd\"; distance:0; within:2;", "ab--ab--abcd"));
  EXPECT_TRUE(speaks("content:\"a\"; content:\"b\"; distance:0; within:1; content:\"c\"; distance:0; within:1;",
                     "ab ab abd abc"));
  EXPECT_FALSE(speaks("content:\"a\"; content:\"b\"; distance:0; within:1; content:\"c\"; distance:0; within:1;",
                      "ab ab abd a bc"));
  EXPECT_TRUE(speaks("content:\"a\"; content:!\"b\"; distance:0; within:1;", "ab ac"));
  EXPECT_FALSE(speaks("content:\"a\"; content:!\"b\"; distance:0; within:1;", "ab ab"));
}

TEST(Contents, OfFastPatternOnlyHaveNoPlaceInTheChain) {
  EXPECT_TRUE(
      speaks("content:\"ab\"; content:\"zz\"; fast_pattern:only; content:\"cd\"; distance:0; within:2;", "zz abcd"));
  EXPECT_TRUE(speaks("content:\"abcdef\"; fast_pattern:2,3; content:\"x\";", "x abcdef"));
}

TEST(Contents, TakeALotOfTriesAndNoMore) {
  std::string payload(60'000, 'a');
  EXPECT_FALSE(speaks("content:\"a\"; content:\"a\"; distance:0; content:\"a\"; distance:0; content:\"b\"; distance:0;",
                      payload));
}

TEST(Patterns, AreFoundWithTheirLetters) {
  EXPECT_TRUE(speaks("pcre:\"/a[0-9]+b/\";", "xa12b"));
  EXPECT_FALSE(speaks("pcre:\"/^a/\";", "xa"));
  EXPECT_TRUE(speaks("pcre:\"/A/i\";", "a"));
  EXPECT_TRUE(speaks("pcre:!\"/b/\";", "a"));
  EXPECT_TRUE(speaks("content:\"x\"; pcre:\"/^a/R\";", "xa"));
  EXPECT_FALSE(speaks("content:\"x\"; pcre:\"/^a/R\";", "ax"));
  EXPECT_TRUE(speaks("content:\"x\"; pcre:\"/^a/R\";", "xb xa"));
  EXPECT_TRUE(speaks("pcre:\"/a./\"; content:\"c\"; distance:0; within:1;", "ab acc"));
  EXPECT_FALSE(speaks("pcre:\"/(a+)+$/\";", std::string(4000, 'a') + "b"));
}

TEST(Patterns, KeepWhatTheyCaptured) {
  Bench bench("alert udp any any -> any any (pcre:\"/user=(\\w+)/, pkt:user\"; sid:1;)\n");
  EXPECT_EQ(bench.datagram("user=eve"), Sids{1});
  ASSERT_EQ(bench.inspection.packet_variables.size(), 1U);
  EXPECT_EQ(bench.inspection.packet_variables[0], (std::pair<std::string, std::string>("user", "eve")));
}

TEST(Numbers, AreTested) {
  const std::string payload("\x01\x02\x03\x04 0x10 99", 12);
  EXPECT_TRUE(speaks("byte_test:2,=,0x0102,0;", payload));
  EXPECT_TRUE(speaks("byte_test:2,=,0x0201,0,little;", payload));
  EXPECT_FALSE(speaks("byte_test:2,>,0x0102,0;", payload));
  EXPECT_TRUE(speaks("byte_test:2,!>,0x0102,0;", payload));
  EXPECT_TRUE(speaks("byte_test:4,=,16,5,string,hex;", payload));
  EXPECT_TRUE(speaks("byte_test:2,=,99,10,string,dec;", payload));
  EXPECT_FALSE(speaks("byte_test:2,=,0,11,string,dec;", payload));
  EXPECT_FALSE(speaks("byte_test:4,=,0,9;", "short"));
  EXPECT_TRUE(speaks("byte_test:2,=,0x04,2,bitmask 0xff;", payload));
  EXPECT_TRUE(speaks("byte_test:2,=,0x03,2,bitmask 0xff00;", payload));
  EXPECT_TRUE(speaks("content:\"|01|\"; byte_test:1,=,2,0,relative;", payload));
}

TEST(Numbers, JumpExtractAndReckon) {
  const std::string payload("\x03xxxAB\x02yyC", 10);
  EXPECT_TRUE(speaks("byte_jump:1,0; content:\"A\"; distance:0; within:1;", payload));
  EXPECT_FALSE(speaks("byte_jump:1,0; content:\"B\"; distance:0; within:1;", payload));
  EXPECT_FALSE(speaks("byte_jump:1,0,multiplier 90; content:\"A\";", payload));
  EXPECT_TRUE(speaks("byte_jump:1,0,from_beginning; content:\"x\"; distance:0; within:1;", payload));
  EXPECT_TRUE(speaks("byte_jump:0,0,from_end,post_offset -1; content:\"C\"; distance:0; within:1;", payload));
  EXPECT_TRUE(speaks("byte_extract:1,0,n; content:\"x\"; offset:n;", payload));
  EXPECT_TRUE(speaks("byte_extract:1,0,n; content:\"A\"; offset:4; byte_test:1,=,n,0;", payload));
  EXPECT_TRUE(speaks("byte_extract:1,0,n; isdataat:n;", payload));
  EXPECT_TRUE(speaks("byte_math:bytes 1,offset 0,oper *,rvalue 2,result n; byte_test:1,!=,n,0; isdataat:n;", payload));
  EXPECT_FALSE(speaks("byte_math:bytes 1,offset 0,oper *,rvalue 20,result n; isdataat:n;", payload));
}

TEST(Sizes, AreTested) {
  EXPECT_TRUE(speaks("dsize:4;", "abcd"));
  EXPECT_FALSE(speaks("dsize:>4;", "abcd"));
  EXPECT_TRUE(speaks("isdataat:3;", "abcd"));
  EXPECT_FALSE(speaks("isdataat:4;", "abcd"));
  EXPECT_TRUE(speaks("isdataat:!4;", "abcd"));
  EXPECT_TRUE(speaks("content:\"ab\"; isdataat:2,relative;", "abcd"));
  EXPECT_FALSE(speaks("content:\"ab\"; isdataat:3,relative;", "abcd"));
  EXPECT_TRUE(speaks("content:\"cd\"; isdataat:!1,relative;", "abcd"));
}

TEST(Base64, IsDecodedAndLookedAt) {
  EXPECT_TRUE(
      speaks("content:\"auth:\"; base64_decode:relative; base64_data; content:\"secret\";", "auth:bXkgc2VjcmV0"));
  EXPECT_FALSE(
      speaks("content:\"auth:\"; base64_decode:relative; base64_data; content:\"public\";", "auth:bXkgc2VjcmV0"));
  EXPECT_TRUE(speaks("base64_decode:bytes 4, offset 5; base64_data; content:\"my \";", "auth:bXkgc2VjcmV0"));
}

TEST(Entropy, IsMeasured) {
  EXPECT_TRUE(speaks("entropy:value < 1;", "aaaaaaaa"));
  EXPECT_FALSE(speaks("entropy:value > 1;", "aaaaaaaa"));
  EXPECT_TRUE(speaks("entropy:value > 2.9;", "abcdefgh"));
}

// The search only says which rules to look at: without it, the answers are the same.
// What was compiled is read back, and compiled anew where the file is damaged or others may have written it.
TEST(Search, IsKeptOnDisk) {
  namespace fs = std::filesystem;
  const fs::path directory = fs::path(::testing::TempDir()) / ("tocsin-contents-" + std::to_string(getpid()));
  fs::remove_all(directory);
  std::vector<Searcher::Pattern> patterns;
  for (std::uint32_t i = 0; i < 600; ++i) patterns.push_back({"word" + std::to_string(i) + ".", i % 2 == 0, i});
  const DatabaseCache cache(directory);
  const auto answers = [&] {
    SearchMemory memory;
    const auto made = Searcher::make(patterns, memory, &cache);
    std::vector<std::uint32_t> rules;
    if (made) (*made)->search(bytes_of("a WORD4. and word5. WORD7."), memory, rules);
    std::ranges::sort(rules);
    return rules;
  };
  const std::vector<std::uint32_t> right{4, 5};
  EXPECT_EQ(answers(), right);
  const fs::path file = fs::directory_iterator(directory)->path();
  const auto written = fs::last_write_time(file);
  const auto size = fs::file_size(file);
  EXPECT_EQ(answers(), right);
  EXPECT_EQ(fs::last_write_time(file), written) << "it was compiled again";

  const auto damage = [&](std::uint64_t at) {
    std::fstream out(file, std::ios::binary | std::ios::in | std::ios::out);
    out.seekp(static_cast<std::streamoff>(at)).put('\x5a').put('\xa5').put('\x5a');
  };
  for (const std::uint64_t at : {std::uint64_t{0}, std::uint64_t{40}, size / 2, size - 3}) {
    damage(at);
    EXPECT_EQ(answers(), right) << at;
  }
  fs::resize_file(file, 7);
  EXPECT_EQ(answers(), right);
  EXPECT_EQ(fs::file_size(file), size) << "the damaged one was not replaced";
  fs::permissions(directory, fs::perms::all);
  fs::resize_file(file, 7);
  EXPECT_EQ(answers(), right);
  EXPECT_EQ(fs::file_size(file), 7) << "a directory that anybody may write to was used";
  fs::remove_all(directory);
}

TEST(Search, ChangesNoAnswer) {
  std::mt19937 random(7);
  const auto any = [&](int most) { return static_cast<int>(random() % static_cast<unsigned>(most)); };
  const auto letters = [&](int most) {
    std::string text;
    for (int i = 0, size = 1 + any(most); i < size; ++i) text += "abAB\0"[any(5)];
    return text;
  };
  std::string rules;
  for (int sid = 1; sid <= 200; ++sid) {
    std::string options;
    for (int i = 0, count = 1 + any(3); i < count; ++i) {
      std::string content;
      for (const char c : letters(4)) content += c == '\0' ? std::string("|00|") : std::string(1, c);
      options += std::string("content:") + (any(5) == 0 ? "!" : "") + "\"" + content + "\"; ";
      if (any(3) == 0) options += "nocase; ";
      if (i > 0 && any(2) == 0) options += "distance:" + std::to_string(any(3)) + "; ";
    }
    rules += "alert udp any any -> any any (" + options + "sid:" + std::to_string(sid) + ";)\n";
  }
  Options without;
  without.set("mpm-algo", "none");
  without.set("packet-alert-max", "1000");
  Options with;
  with.set("packet-alert-max", "1000");
  Bench searched(rules, with), plain(rules, without);
  EXPECT_TRUE(searched.inspector->faults().empty());
  std::size_t spoken = 0;
  for (int i = 0; i < 300; ++i) {
    const std::string payload = letters(12);
    const Sids answer = searched.datagram(payload);
    EXPECT_EQ(answer, plain.datagram(payload)) << payload;
    spoken += answer.size();
  }
  EXPECT_GT(spoken, 300U);
}

}  // namespace
}  // namespace tocsin::match
