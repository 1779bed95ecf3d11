#include "pipeline/prepare.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scratch.h"

namespace tocsin {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using State = SourceOutcome::State;

// Lines of Suricata's EVE, some 90 bytes each.
std::string lines(int count, const std::string& host = "192.0.2.1") {
  std::string text;
  for (int i = 0; i < count; ++i) {
    text += R"({"timestamp":"2024-02-13T08:00:00.000000+0000","event_type":"dns","src_ip":")" + host +
            R"(","dest_ip":"192.0.2.53","flow_id":)" + std::to_string(i) + "}\n";
  }
  return text;
}

class Prepare : public testing::Test {
 protected:
  void run(const std::vector<std::string>& paths, bool again = false) {
    std::vector<NamedInput> inputs;
    for (const std::string& path : paths) inputs.push_back({path, path, false, std::nullopt});
    report_ = {};
    prepared_ = prepare(inputs, known_, again, report_);
  }
  // Prepares a file and takes it into the ledger.
  SourceRecord store(const std::string& path) {
    run({path});
    EXPECT_EQ(prepared_.files.size(), 1U);
    known_.push_back(report_.sources[0].record);
    return known_.back();
  }
  // "read", "already read" and so on, of each source.
  std::vector<std::string> states() const {
    std::vector<std::string> all;
    for (const SourceOutcome& source : report_.sources) {
      const std::string name = std::filesystem::path(source.beginning_of).filename().string();
      all.push_back(source.state == State::kRead     ? "read"
                    : source.state == State::kGrown  ? "grown"
                    : source.state == State::kEmpty  ? "empty"
                    : source.state == State::kFailed ? "failed"
                    : source.state != State::kKnown  ? "unknown"
                    : source.beginning_of.empty()    ? "known"
                                                     : "beginning of " + name);
    }
    return all;
  }

  Scratch scratch_;
  std::vector<SourceRecord> known_;
  WatchReport report_;
  Prepared prepared_;
};

TEST_F(Prepare, ACopyCutShortIsTheBeginningOfTheOtherInEitherOrder) {
  const std::string whole = scratch_.write("a.json", lines(100));
  for (const std::size_t size : {lines(100).size() - 1, lines(50).size(), std::size_t{300}, std::size_t{5}}) {
    const std::string part = scratch_.write("a-part.json", lines(100).substr(0, size));
    run({whole, part});
    EXPECT_THAT(states(), ElementsAre("read", "beginning of a.json")) << size;
    run({part, whole});
    EXPECT_THAT(states(), ElementsAre("beginning of a.json", "read")) << size;
    EXPECT_EQ(prepared_.files.size(), 1U);
    EXPECT_FALSE(report_.skipped());
  }
}

TEST_F(Prepare, ACopyCutShortOfAStoredSourceIsLeftAlone) {
  const std::string whole = scratch_.write("a.json", lines(100));
  store(whole);
  const std::string part = scratch_.write("a-part.json", lines(40));
  run({part});
  EXPECT_THAT(states(), ElementsAre("beginning of a.json"));
  // The file at that place is another by now: what it begins with was not read.
  scratch_.write("a.json", lines(40) + lines(100, "192.0.2.2"));
  run({part});
  EXPECT_THAT(states(), ElementsAre("read"));
  std::filesystem::remove(whole);
  run({part});
  EXPECT_THAT(states(), ElementsAre("read"));
}

TEST_F(Prepare, AGrownSourceReplacesAllItsStoredBeginnings) {
  const std::string path = scratch_.at("a.json");
  scratch_.write("a.json", lines(10));
  const SourceRecord first = store(path);
  const SourceRecord copy = [&] {
    run({scratch_.write("b.json", lines(20))});
    known_.push_back(report_.sources[0].record);
    return known_.back();
  }();
  scratch_.write("a.json", lines(30));
  run({path});
  EXPECT_THAT(states(), ElementsAre("grown"));
  EXPECT_THAT(prepared_.replaces, testing::UnorderedElementsAre(first.id, copy.id));
}

TEST_F(Prepare, OtherFilesAreRead) {
  const std::string one = scratch_.write("a.json", lines(10));
  const std::string other = scratch_.write("b.json", lines(9) + lines(2, "192.0.2.2"));
  const std::string same = scratch_.write("c.json", lines(10));
  const std::string empty = scratch_.write("d.json", "");
  const std::string strange = scratch_.write("e", "\x01\x02 no format");
  run({one, other, same, empty, strange, scratch_.at("missing")});
  EXPECT_THAT(states(), ElementsAre("read", "read", "known", "empty", "unknown", "failed"));
  EXPECT_THAT(prepared_.replaces, IsEmpty());
  store(one);
  run({one, one});
  EXPECT_THAT(states(), ElementsAre("known", "known"));
  run({one, one}, true);
  EXPECT_THAT(states(), ElementsAre("read", "known"));
  EXPECT_THAT(prepared_.replaces, ElementsAre(known_.back().id));
}

}  // namespace
}  // namespace tocsin
