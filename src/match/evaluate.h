// What a rule looks for in one buffer, step by step.
//
// A content that does not fit what comes after it is looked for again further on, as long as what comes after is
// relative to it; anything else would fail in the same way again. The steps are counted, so that no buffer makes one
// evaluation last (Suricata's detect.inspection-recursion-limit).
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "match/pattern.h"
#include "match/search.h"
#include "rules/match.h"

namespace tocsin::match {

// Sets, scores and scripts: what a step asks outside of the buffer.
struct Outside {
  virtual ~Outside() = default;
  // context: gets members of JSON that tell what was found.
  virtual bool ask(Bytes buffer, std::size_t position, std::string& context) = 0;
};

struct Step {
  const rules::Match* match = nullptr;
  bool next_is_relative = false;  // something later is relative to this
  Needle needle;                  // of content
  std::shared_ptr<const Pattern> pattern;
  std::shared_ptr<Outside> outside;
  std::vector<Step> decoded;  // of base64_decode: what is looked for in what was decoded
};
using Program = std::vector<Step>;

struct View {
  Bytes bytes;
  std::uint64_t offset = 0;  // of bytes in the whole
  bool is_end = true;        // nothing comes after
  bool dce_is_little = true;
};

// A capture of a pattern with a name.
struct Captured {
  const rules::Pcre::Capture* capture = nullptr;
  std::string value;
};

class Evaluator {
 public:
  static constexpr std::size_t kMostVariables = 128;
  explicit Evaluator(std::uint32_t most_steps) : most_steps_(most_steps) {}

  // Before a rule: variables and captures are its own.
  void start_rule();
  bool holds(const Program& program, const View& view);
  const std::vector<Captured>& captured() const { return captured_; }
  // What sets said of what was found, members of JSON.
  std::string context;
  // The entropy that was measured last; negative: none.
  double entropy = -1;

 private:
  enum class Answer : std::uint8_t { kNo, kNever, kYes };
  Answer run(std::span<const Step> steps, const View& view);
  Answer next(std::span<const Step> steps, const View& view, bool holds);
  Answer run_content(std::span<const Step> steps, const View& view, const rules::Content& content);
  Answer run_pattern(std::span<const Step> steps, const View& view, const rules::Pcre& pcre);
  Answer run_decode(std::span<const Step> steps, const View& view, const rules::Base64Decode& decode);
  bool holds_number(const Step& step, const View& view);
  bool jump(const rules::ByteJump& jump, const View& view);
  std::int64_t amount(const rules::Amount& amount) const;

  std::uint32_t most_steps_, steps_ = 0;
  std::size_t position_ = 0;  // the end of the match before
  std::array<std::uint64_t, kMostVariables> variables_{};
  std::vector<Captured> captured_;
};

bool holds_entropy(const rules::Entropy& entropy, Bytes bytes, double& measured);

}  // namespace tocsin::match
