#include "match/evaluate.h"

#include <algorithm>
#include <cmath>
#include <variant>

#include "match/numbers.h"

namespace tocsin::match {
namespace {

using rules::Amount;

// Where a content may lie: from begin to before end. Nothing if there is no place for it.
struct Window {
  std::int64_t begin = 0, end = 0;
};

}  // namespace

void Evaluator::start_rule() {
  captured_.clear();
  context.clear();
  variables_.fill(0);
}

bool Evaluator::holds(const Program& program, const View& view) {
  steps_ = 0;
  position_ = 0;
  return run(program, view) == Answer::kYes;
}

std::int64_t Evaluator::amount(const Amount& amount) const {
  if (!amount.is_variable()) return amount.number;
  // Values of the traffic are cut to what can be a place in a buffer.
  return static_cast<std::int64_t>(
      std::min<std::uint64_t>(variables_[static_cast<std::size_t>(amount.variable)], std::uint64_t{1} << 32));
}

Evaluator::Answer Evaluator::next(std::span<const Step> steps, const View& view, bool holds) {
  if (!holds) return Answer::kNo;
  return steps.size() == 1 ? Answer::kYes : run(steps.subspan(1), view);
}

Evaluator::Answer Evaluator::run(std::span<const Step> steps, const View& view) {
  if (steps.empty()) return Answer::kYes;
  if (++steps_ >= most_steps_) return Answer::kNever;
  const Step& step = steps.front();
  const rules::Match& match = *step.match;
  if (const auto* content = std::get_if<rules::Content>(&match)) return run_content(steps, view, *content);
  if (const auto* pcre = std::get_if<rules::Pcre>(&match)) return run_pattern(steps, view, *pcre);
  if (const auto* decode = std::get_if<rules::Base64Decode>(&match)) return run_decode(steps, view, *decode);
  if (const auto* at = std::get_if<rules::IsDataAt>(&match)) {
    const std::int64_t place = amount(at->at);
    const auto size = static_cast<std::int64_t>(view.bytes.size());
    const bool is_there = at->relative ? static_cast<std::int64_t>(position_) + place <= size : place < size;
    if (is_there != at->negated) return next(steps, view, true);
    if (at->at.is_variable() || (at->relative && at->negated)) return Answer::kNo;
    return Answer::kNever;
  }
  if (const auto* size = std::get_if<rules::BufferSize>(&match)) {
    const std::uint64_t bytes = view.bytes.size() + view.offset;
    const bool can_grow_away = size->size.op == rules::Comparison::Operator::kLess ||
                               size->size.op == rules::Comparison::Operator::kLessOrEqual ||
                               size->size.op == rules::Comparison::Operator::kEqual ||
                               size->size.op == rules::Comparison::Operator::kBetween;
    if (!view.is_end && can_grow_away) return Answer::kNo;
    return size->size.holds(bytes) ? next(steps, view, true) : Answer::kNever;
  }
  if (const auto* absent = std::get_if<rules::Absent>(&match)) return next(steps, view, absent->or_else);
  if (const auto* measure = std::get_if<rules::Entropy>(&match))
    return next(steps, view, holds_entropy(*measure, view.bytes, entropy));
  if (std::holds_alternative<rules::DatasetMatch>(match) || std::holds_alternative<rules::DataReputation>(match))
    return step.outside && step.outside->ask(view.bytes, position_, context) ? next(steps, view, true) : Answer::kNever;
  if (std::holds_alternative<rules::LuaScript>(match))
    return next(steps, view, step.outside && step.outside->ask(view.bytes, position_, context));
  return next(steps, view, holds_number(step, view));
}

Evaluator::Answer Evaluator::run_content(std::span<const Step> steps, const View& view, const rules::Content& content) {
  const Step& step = steps.front();
  const auto size = static_cast<std::int64_t>(view.bytes.size());
  const auto length = static_cast<std::int64_t>(step.needle.size());
  if (content.fast_pattern && content.fast_pattern->only) {  // has no place: what follows is not relative to it
    return step.needle.find(view.bytes) == Needle::kNone ? Answer::kNever : next(steps, view, true);
  }
  const auto before = static_cast<std::int64_t>(position_);
  const auto skipped = static_cast<std::int64_t>(view.offset);
  std::int64_t from = 0;  // where the next search begins, once one was found
  while (true) {
    Window window{0, size};
    if (content.is_relative()) {
      const std::int64_t distance = content.distance ? amount(*content.distance) : 0;
      window.begin = std::max<std::int64_t>(before + distance, 0);
      if (content.within) {
        window.end = std::min(size, before + distance + amount(*content.within));
        if (skipped > 0 && before == 0) {
          if (window.end <= skipped) return Answer::kNo;
          if (window.end < skipped + size) window.end -= skipped;
        }
      }
    } else {
      if (content.offset) window.begin = amount(*content.offset);
      if (content.at_start) window.end = length;
      if (content.depth) window.end = window.begin + amount(*content.depth);
      if (skipped > 0 && (content.depth || content.at_start)) {
        if (window.end <= skipped) return Answer::kNo;
        if (window.end < skipped + size) window.end -= skipped;
      }
    }
    if (from > 0) window.begin = from;
    window.end = std::min(window.end, size);
    if (window.begin > window.end || window.end <= 0) return next(steps, view, content.negated);
    const Bytes part =
        view.bytes.subspan(static_cast<std::size_t>(window.begin), static_cast<std::size_t>(window.end - window.begin));
    std::size_t found = Needle::kNone;
    if (!content.at_end) {
      found = step.needle.find(part);
    } else if (window.end == size && length <= window.end - window.begin) {
      const Bytes tail = part.last(static_cast<std::size_t>(length));
      if (step.needle.find(tail) == 0) found = part.size() - tail.size();
    }
    if (found == Needle::kNone) {
      if (content.negated) return next(steps, view, true);
      return content.is_relative() ? Answer::kNo : Answer::kNever;
    }
    if (content.negated) return content.is_relative() || content.offset || content.depth ? Answer::kNo : Answer::kNever;
    const std::int64_t start = window.begin + static_cast<std::int64_t>(found);
    position_ = static_cast<std::size_t>(start + length);
    if (steps.size() == 1) return Answer::kYes;
    const Answer answer = run(steps.subspan(1), view);
    if (answer != Answer::kNo) return answer;
    if (!step.next_is_relative) return Answer::kNever;
    from = start + 1;
  }
}

Evaluator::Answer Evaluator::run_pattern(std::span<const Step> steps, const View& view, const rules::Pcre& pcre) {
  const Step& step = steps.front();
  const std::size_t before = position_;
  const std::size_t base = pcre.relative ? std::min(before, view.bytes.size()) : 0;
  const Bytes part = view.bytes.subspan(base);
  std::size_t start = 0;
  const std::size_t kept = captured_.size();
  while (true) {
    Found found;
    const auto answer = step.pattern->find(part, start, found);
    if (answer == Pattern::Answer::kGaveUp) return Answer::kNo;
    const bool is_found = answer == Pattern::Answer::kFound;
    if (is_found == pcre.negated) return Answer::kNo;
    if (pcre.negated) return next(steps, view, true);
    captured_.resize(kept);
    for (std::size_t i = 0; i < pcre.captures.size() && i + 1 < found.count; ++i) {
      const auto [begin, end] = found.groups[i + 1];
      if (begin > end || end > part.size()) continue;
      captured_.push_back({&pcre.captures[i], std::string(text_of(part.subspan(begin, end - begin)))});
    }
    position_ = base + found.groups[0][1];
    if (!step.next_is_relative) return next(steps, view, true);
    const Answer rest = steps.size() == 1 ? Answer::kYes : run(steps.subspan(1), view);
    if (rest != Answer::kNo) return rest;
    start = found.groups[0][0] + 1;
    position_ = before;
  }
}

Evaluator::Answer Evaluator::run_decode(std::span<const Step> steps, const View& view,
                                        const rules::Base64Decode& decode) {
  Bytes part = view.bytes;
  if (decode.relative) part = part.subspan(std::min(position_, part.size()));
  if (decode.offset > 0 && decode.offset >= part.size()) return Answer::kNo;
  part = part.subspan(decode.offset);
  if (decode.bytes > 0) part = part.first(std::min<std::size_t>(part.size(), decode.bytes));
  const std::string decoded = decode_base64(part, false);
  if (decoded.empty() || steps.front().decoded.empty()) return Answer::kNo;
  position_ = 0;  // another buffer: nothing of this one is looked at any more
  const Answer answer = run(steps.front().decoded, {bytes_of(decoded), 0, true, view.dce_is_little});
  return answer == Answer::kYes ? Answer::kYes : Answer::kNo;
}

bool Evaluator::holds_number(const Step& step, const View& view) {
  const rules::Match& match = *step.match;
  if (const auto* one = std::get_if<rules::ByteJump>(&match)) return jump(*one, view);
  if (const auto* test = std::get_if<rules::ByteTest>(&match)) {
    const auto number = read_number(view.bytes, test->source, amount(test->source.count), amount(test->source.offset),
                                    position_, view.dce_is_little);
    if (!number) return false;
    const std::uint64_t value = masked(number->value, test->source.mask);
    const std::uint64_t other = test->value.is_variable() ? variables_[static_cast<std::size_t>(test->value.variable)]
                                                          : static_cast<std::uint64_t>(test->value.number);
    using Operator = rules::ByteTest::Operator;
    bool holds = false;
    if (test->op == Operator::kLess) holds = value < other;
    if (test->op == Operator::kGreater) holds = value > other;
    if (test->op == Operator::kEqual) holds = value == other;
    if (test->op == Operator::kLessOrEqual) holds = value <= other;
    if (test->op == Operator::kGreaterOrEqual) holds = value >= other;
    if (test->op == Operator::kAnd) holds = (value & other) != 0;
    if (test->op == Operator::kOr) holds = (value ^ other) != 0;
    return holds != test->negated;
  }
  if (const auto* extract = std::get_if<rules::ByteExtract>(&match)) {
    const auto number = read_number(view.bytes, extract->source, amount(extract->source.count),
                                    amount(extract->source.offset), position_, view.dce_is_little);
    if (!number) return false;
    std::uint64_t value = masked(number->value, extract->source.mask) * extract->multiplier;
    if (extract->align > 0 && value % extract->align != 0) value += extract->align - value % extract->align;
    position_ = number->begin + number->taken;
    variables_[static_cast<std::size_t>(extract->variable)] = value;
    return true;
  }
  const auto* math = std::get_if<rules::ByteMath>(&match);
  if (math == nullptr) return false;
  const auto number = read_number(view.bytes, math->source, amount(math->source.count), amount(math->source.offset),
                                  position_, view.dce_is_little);
  if (!number) return false;
  const std::uint64_t other = math->operand.is_variable() ? variables_[static_cast<std::size_t>(math->operand.variable)]
                                                          : static_cast<std::uint64_t>(math->operand.number);
  std::uint64_t value = number->value;
  using Operator = rules::ByteMath::Operator;
  if (math->op == Operator::kDivide && other == 0) return false;
  if (math->op == Operator::kAdd) value += other;
  if (math->op == Operator::kSubtract) value -= other;
  if (math->op == Operator::kMultiply) value *= other;
  if (math->op == Operator::kDivide) value /= other;
  if (math->op == Operator::kShiftLeft) value = other < 64 ? value << other : 0;
  if (math->op == Operator::kShiftRight) value = other < 64 ? value >> other : 0;
  position_ = number->begin + number->taken;
  variables_[static_cast<std::size_t>(math->variable)] = masked(value, math->source.mask);
  return true;
}

bool Evaluator::jump(const rules::ByteJump& jump, const View& view) {
  const auto number = read_number(view.bytes, jump.source, amount(jump.source.count), amount(jump.source.offset),
                                  position_, view.dce_is_little);
  if (!number) return false;
  std::uint64_t value = masked(number->value, jump.source.mask) * jump.multiplier;
  if (jump.align && value % 4 != 0) value += 4 - value % 4;
  const auto by = static_cast<std::int64_t>(value + static_cast<std::uint64_t>(amount(jump.post_offset)));
  constexpr std::int64_t kFar = std::int64_t{1} << 40;
  if (by > kFar || by < -kFar) return false;
  std::int64_t target = by;
  if (jump.from_end) target += static_cast<std::int64_t>(view.bytes.size());
  if (!jump.from_beginning && !jump.from_end) target += static_cast<std::int64_t>(number->begin + number->taken);
  if (target > static_cast<std::int64_t>(view.bytes.size())) return false;
  position_ = static_cast<std::size_t>(std::max<std::int64_t>(target, 0));
  return true;
}

bool holds_entropy(const rules::Entropy& entropy, Bytes bytes, double& measured) {
  if (entropy.offset >= bytes.size()) return false;
  bytes = bytes.subspan(entropy.offset);
  if (entropy.bytes > 0) bytes = bytes.first(std::min<std::size_t>(bytes.size(), entropy.bytes));
  std::array<std::size_t, 256> counts{};
  for (const std::uint8_t byte : bytes) ++counts[byte];
  double value = 0;
  for (const std::size_t count : counts) {
    if (count == 0) continue;
    const double share = static_cast<double>(count) / static_cast<double>(bytes.size());
    value -= share * std::log2(share);
  }
  measured = value;
  using Operator = rules::Comparison::Operator;
  switch (entropy.op) {
    case Operator::kEqual:
      return std::abs(value - entropy.first) < 1e-9;
    case Operator::kNotEqual:
      return std::abs(value - entropy.first) >= 1e-9;
    case Operator::kLess:
      return value < entropy.first;
    case Operator::kLessOrEqual:
      return value <= entropy.first;
    case Operator::kGreater:
      return value > entropy.first;
    case Operator::kGreaterOrEqual:
      return value >= entropy.first;
    case Operator::kBetween:
      return value > entropy.first && value < entropy.second;
    case Operator::kOutside:
      return value <= entropy.first || value >= entropy.second;
    default:
      return false;
  }
}

}  // namespace tocsin::match
