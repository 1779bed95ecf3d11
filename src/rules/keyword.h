// The table of keywords: what each is called, how its value is written, where it may stand and what reads it.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/expected.h"
#include "rules/match.h"

namespace tocsin::rules {

class Builder;
struct Keyword;

// An option as written: "name:value;".
struct Option {
  std::string_view name, value;  // the value without its quotes and the sign of negation
  bool negated = false;
};

using Read = Expected<void> (*)(Builder& builder, const Option& option, const Keyword& keyword);

enum class Group : std::uint8_t { kMeta, kBytes, kBuffer, kTransform, kHeader, kFlow, kState, kFile, kApplication };
enum class Value : std::uint8_t { kNeeded, kOptional, kNone };
enum class Quotes : std::uint8_t { kNone, kAllowed, kNeeded };
// What a keyword is judged on: a packet of its own, or what was put together of several.
enum class Needs : std::uint8_t { kAnything, kPacket, kTransaction };

struct Keyword {
  std::string_view name;
  std::string_view aliases = {};  // separated by spaces
  Group group = Group::kMeta;
  Read read = nullptr;
  Value value = Value::kNeeded;
  Quotes quotes = Quotes::kNone;
  bool may_be_negated = false;
  std::string_view protocols = {};  // separated by spaces; empty: any
  Side side = Side::kEither;
  Needs needs = Needs::kAnything;
  std::uint64_t most = 0;          // of numbers
  std::string_view words = {};     // of words and bits, separated by spaces; "name=number" where a number stands behind
  std::string_view modifies = {};  // the buffer that content before it moves to
};

// Of payloads: content, what modifies it, and what reads numbers.
constexpr Keyword of_bytes(std::string_view name, Read read, Value value = Value::kNeeded) {
  return {.name = name, .group = Group::kBytes, .read = read, .value = value};
}

// One a group of files.
std::span<const Keyword> meta_keywords();
std::span<const Keyword> payload_keywords();
std::span<const Keyword> byte_keywords();
std::span<const Keyword> pcre_keywords();
std::span<const Keyword> buffer_keywords();
std::span<const Keyword> transform_keywords();
std::span<const Keyword> header_keywords();
std::span<const Keyword> flow_keywords();
std::span<const Keyword> state_keywords();
std::span<const Keyword> file_keywords();
std::span<const Keyword> application_keywords();

// By name or alias, in any case; null if there is none.
const Keyword* find_keyword(std::string_view name);
std::string keywords_as_markdown();

}  // namespace tocsin::rules
