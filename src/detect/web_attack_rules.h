// The rules of rules/web-attacks.toml.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "collect/judgement.h"
#include "detect/pattern_set.h"

namespace tocsin {

enum class RequestField : std::uint8_t { kUri, kRawUri, kUserAgent, kReferrer, kHost };
inline constexpr std::size_t kRequestFields = 5;
constexpr std::uint8_t bit_of(RequestField field) {
  return static_cast<std::uint8_t>(1U << static_cast<unsigned>(field));
}

struct WebAttackRule {
  std::string id;
  std::string method;  // in upper case; empty: any
  std::string cve, family;
  std::uint32_t least = 1;  // requests in an hour that make a sighting
  std::uint8_t fields = 0;  // bits by RequestField
  Kind kind = Kind::kWebAttack;
  Confidence confidence = Confidence::kProbable;
};

struct WebAttackRules {
  // Those that say most come first, so that of several that fit the least index counts.
  std::vector<WebAttackRule> rules;
  PatternSet patterns;  // of all fields together, by index of rule: compiling them apart takes three times as long
};

Expected<WebAttackRules> read_web_attack_rules(const std::string& path);

}  // namespace tocsin
