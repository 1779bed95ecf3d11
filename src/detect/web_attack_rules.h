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

struct WebAttackRule {
  std::string id;
  std::string method;  // in upper case; empty: any
  std::string cve, family;
  std::uint32_t least = 1;  // requests in an hour that make a sighting
  Kind kind = Kind::kWebAttack;
  Confidence confidence = Confidence::kProbable;
};

struct WebAttackRules {
  // Those that say most come first, so that of several that fit the least index counts.
  std::vector<WebAttackRule> rules;
  PatternSet patterns[kRequestFields];
};

Expected<WebAttackRules> read_web_attack_rules(const std::string& path);

}  // namespace tocsin
