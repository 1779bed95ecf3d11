// Files that are carried, sets and lists beside the rules, scripts.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "base/text.h"
#include "rules/builder.h"

namespace tocsin::rules {
namespace {

// A file beside the rules: neither absolute nor above them.
Expected<void> check_path(std::string_view path) {
  if (path.empty() || path.size() > 4096) return failure("a file's name is empty or very long");
  if (path.find("..") != std::string_view::npos) return failure("a file's name may not lead above the rules");
  return {};
}

Expected<void> file(Builder& builder, const Option& option, const Keyword& keyword) {
  const bool names_list = keyword.name == "filemd5" || keyword.name == "filesha1" || keyword.name == "filesha256";
  std::string_view value = option.value;
  bool negated = option.negated;
  if (names_list && value.starts_with('!')) {
    negated = true;
    value = trim(value.substr(1));
  }
  if (names_list) {
    if (const auto sound = check_path(value); !sound) return sound;
  }
  builder.rule.conditions.emplace_back(FileCondition{keyword.name, std::string(value), negated});
  return {};
}

Expected<void> filesize(Builder& builder, const Option& option, const Keyword& keyword) {
  auto parts = split(option.value, ',');
  NumberCondition condition{keyword.name, {}, {}, {}, false};
  if (parts.size() == 2) condition.which = parts[0] == "to_server" || parts[0] == "to_client" ? parts[0] : parts[1];
  auto size = parse_comparison(parts.size() == 2 && condition.which == parts[0] ? parts[1] : parts[0], UINT64_MAX);
  if (!size) return std::unexpected(size.error());
  condition.comparison = *size;
  builder.rule.conditions.emplace_back(std::move(condition));
  return {};
}

Expected<void> filestore(Builder& builder, const Option& option, const Keyword&) {
  FileStore store;
  if (!option.value.empty()) {
    const auto parts = split(option.value, ',');
    constexpr std::string_view kDirections[] = {"request", "to_server", "response", "to_client", "both"},
                               kScopes[] = {"file", "tx", "ssn", "flow"};
    if (parts.size() > 2 || std::ranges::find(kDirections, parts[0]) == std::end(kDirections))
      return failure("filestore is request, response or both, and file, tx or flow");
    store.direction = parts[0];
    if (parts.size() == 2 && std::ranges::find(kScopes, parts[1]) == std::end(kScopes))
      return failure("filestore is of the file, tx or flow");
    if (parts.size() == 2) store.scope = parts[1];
  }
  builder.rule.conditions.emplace_back(std::move(store));
  return {};
}

constexpr std::string_view kTypes[] = {"string", "md5", "sha256", "ipv4", "ip"};

Expected<void> dataset(Builder& builder, const Option& option, const Keyword&) {
  if (!builder.is_open()) return failure("dataset needs a sticky buffer before it");
  const auto parts = split(option.value, ',');
  if (parts.size() < 2) return failure("dataset is a command, a name, and its options");
  DatasetMatch match;
  constexpr std::string_view kCommands[] = {"isset", "isnotset", "set", "unset"};
  const auto command = std::ranges::find(kCommands, parts[0]);
  if (command == std::end(kCommands))
    return failure(fmt::format("'{}' is no command of dataset", printable(parts[0], 40)));
  match.command = static_cast<DatasetMatch::Command>(command - kCommands);
  match.name = parts[1];
  if (match.name.empty() || match.name.size() > 63 || match.name.find(' ') != std::string::npos)
    return failure("the set's name is empty, long, or has spaces");
  bool is_json = false;
  for (std::size_t i = 2; i < parts.size(); ++i) {
    const std::size_t space = parts[i].find(' ');
    const std::string_view key = parts[i].substr(0, space),
                           value = space == std::string_view::npos ? "" : trim(parts[i].substr(space));
    std::string* place = key == "load"                                     ? &match.load
                         : key == "save"                                   ? &match.save
                         : key == "state"                                  ? &match.state
                         : key == "type"                                   ? &match.type
                         : key == "format"                                 ? &match.format
                         : key == "value_key"                              ? &match.value_key
                         : key == "array_key"                              ? &match.array_key
                         : key == "context_key" || key == "enrichment_key" ? &match.context_key
                                                                           : nullptr;
    if (place != nullptr) {
      if (!place->empty()) return failure(fmt::format("{} stands twice", key));
      *place = value;
      if (key == "load" || key == "save" || key == "state") {
        if (const auto sound = check_path(value); !sound) return sound;
      }
    } else if (key == "memcap" || key == "hashsize") {
      const auto number = parse_size(value, UINT32_MAX);
      if (!number) return failure(fmt::format("{} is no number", key));
      (key == "memcap" ? match.memcap : match.hash_size) = static_cast<std::uint32_t>(*number);
    } else if (parts[i] == "match subdomain") {
      match.subdomains = true;
    } else if (key != "remove_key") {
      return failure(fmt::format("'{}' has no place in dataset", printable(parts[i], 80)));
    }
  }
  is_json = match.format == "json" || match.format == "ndjson" || match.format == "jsonline";
  if (!match.format.empty() && match.format != "csv" && !is_json) return failure("the format is csv, json or ndjson");
  if (!match.type.empty() && std::ranges::find(kTypes, match.type) == std::end(kTypes))
    return failure(fmt::format("'{}' is no type of a set", printable(match.type, 40)));
  if (!match.state.empty() && (!match.load.empty() || !match.save.empty()))
    return failure("state excludes load and save");
  if (is_json && (match.value_key.empty() || match.context_key.empty()))
    return failure("a set of JSON needs value_key and context_key");
  return builder.add(std::move(match));
}

Expected<void> datarep(Builder& builder, const Option& option, const Keyword&) {
  if (!builder.is_open()) return failure("datarep needs a sticky buffer before it");
  const auto parts = split(option.value, ',');
  if (parts.size() < 3) return failure("datarep is a name, an operator, a score, and its options");
  DataReputation reputation;
  reputation.name = parts[0];
  auto score = parse_comparison(std::string(parts[1]) + std::string(parts[2]), UINT16_MAX);
  if (!score) return std::unexpected(score.error());
  reputation.score = *score;
  for (std::size_t i = 3; i < parts.size(); ++i) {
    const auto words = words_of(parts[i]);
    if (words.size() != 2) return failure("an option of datarep is a word and its value");
    if (words[0] == "load") reputation.load = words[1];
    if (words[0] == "type") reputation.type = words[1];
  }
  return builder.add(std::move(reputation));
}

Expected<void> iprep(Builder& builder, const Option& option, const Keyword&) {
  const auto parts = split(option.value, ',');
  constexpr std::string_view kSides[] = {"any", "src", "dst", "both"};
  if (parts.size() < 3 || parts.size() > 4 || std::ranges::find(kSides, parts[0]) == std::end(kSides))
    return failure("iprep is any, src, dst or both, a category, an operator, and a score");
  IpReputation reputation{std::string(parts[0]), std::string(parts[1]), {}};
  if (parts.size() == 3 && (parts[2] == "isset" || parts[2] == "isnotset")) {
    reputation.score = {parts[2] == "isset" ? Comparison::Operator::kGreater : Comparison::Operator::kEqual, 0, 0};
  } else {
    auto score = parse_comparison(std::string(parts[2]) + std::string(parts.size() == 4 ? parts[3] : ""), 127);
    if (!score) return std::unexpected(score.error());
    reputation.score = *score;
  }
  builder.rule.conditions.emplace_back(std::move(reputation));
  return {};
}

Expected<void> geoip(Builder& builder, const Option& option, const Keyword&) {
  Geography geography;
  auto parts = split(option.value, ',');
  constexpr std::string_view kSides[] = {"any", "src", "dst", "both"};
  std::size_t from = 0;
  if (std::ranges::find(kSides, parts[0]) != std::end(kSides)) geography.of = parts[from++];
  for (; from < parts.size(); ++from) {
    std::string_view country = parts[from];
    if (country.starts_with('!')) {
      geography.negated = true;
      country = trim(country.substr(1));
    }
    const bool is_code =
        country.size() == 2 && std::ranges::all_of(country, [](char c) { return (c | 32) >= 'a' && (c | 32) <= 'z'; });
    if (!is_code || geography.countries.size() >= 64) return failure("geoip has up to 64 codes of two letters");
    geography.countries.emplace_back(country);
  }
  if (geography.countries.empty()) return failure("geoip needs a country");
  builder.rule.conditions.emplace_back(std::move(geography));
  return {};
}

Expected<void> lua(Builder& builder, const Option& option, const Keyword&) {
  LuaScript script;
  std::string_view name = option.value;
  if (name.starts_with('!')) {
    script.negated = true;
    name = trim(name.substr(1));
  }
  if (const auto sound = check_path(name); !sound) return sound;
  script.file = name;
  return builder.add(std::move(script));
}

std::optional<double> parse_real(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size() || !(value >= 0 && value <= 8))
    return std::nullopt;
  return value;
}

Expected<void> entropy(Builder& builder, const Option& option, const Keyword&) {
  Entropy entropy;
  bool has_value = false;
  for (const std::string_view part : split(option.value, ',')) {
    const auto words = words_of(part);
    if (words.empty()) return failure("entropy has an empty part");
    if (words.size() == 2 && (words[0] == "bytes" || words[0] == "offset") && parse_number(words[1], INT32_MAX))
      (words[0] == "bytes" ? entropy.bytes : entropy.offset) = static_cast<std::uint32_t>(*parse_number(words[1]));
    else {
      has_value = true;
      std::string text(part.starts_with("value") ? trim(part.substr(5)) : part);
      std::erase(text, ' ');
      std::string_view rest = text;
      using Operator = Comparison::Operator;
      constexpr std::pair<std::string_view, Operator> kOperators[] = {
          {">=", Operator::kGreaterOrEqual}, {"<=", Operator::kLessOrEqual}, {"!=", Operator::kNotEqual},
          {">", Operator::kGreater},         {"<", Operator::kLess},         {"=", Operator::kEqual},
          {"!", Operator::kNotEqual}};
      for (const auto& [sign, op] : kOperators) {
        if (!rest.starts_with(sign)) continue;
        entropy.op = op;
        rest.remove_prefix(sign.size());
        break;
      }
      const std::size_t dash = rest.find('-');
      const auto first = parse_real(rest.substr(0, dash));
      if (!first) return failure("entropy compares with a number from 0 to 8");
      entropy.first = *first;
      if (dash != std::string_view::npos) {
        const auto second = parse_real(rest.substr(dash + 1));
        if (!second || *second <= *first) return failure("the range of entropy is empty");
        entropy.op = entropy.op == Operator::kNotEqual ? Operator::kOutside : Operator::kBetween;
        entropy.second = *second;
      }
    }
  }
  if (!has_value) return failure("entropy needs a value");
  return builder.add(entropy);
}

constexpr Keyword row(std::string_view name, Read read, Group group = Group::kFile, Quotes quotes = Quotes::kNone,
                      Value value = Value::kNeeded) {
  Keyword keyword;
  keyword.name = name;
  keyword.group = group;
  keyword.read = read;
  keyword.value = value;
  keyword.quotes = quotes;
  keyword.may_be_negated = quotes != Quotes::kNone;
  if (group == Group::kFile) {
    keyword.protocols = "http smtp ftp-data smb nfs ftp";
    keyword.needs = Needs::kTransaction;
  }
  return keyword;
}

constexpr Keyword kTable[] = {
    row("filename", file, Group::kFile, Quotes::kAllowed),
    row("fileext", file, Group::kFile, Quotes::kAllowed),
    row("filemagic", file, Group::kFile, Quotes::kNeeded),
    row("filemd5", file),
    row("filesha1", file),
    row("filesha256", file),
    row("filesize", filesize),
    row("filestore", filestore, Group::kFile, Quotes::kNone, Value::kOptional),
    row("dataset", dataset, Group::kBytes),
    row("datarep", datarep, Group::kBytes),
    row("lua", lua, Group::kBytes),
    row("entropy", entropy, Group::kBytes),
    row("iprep", iprep, Group::kHeader),
    row("geoip", geoip, Group::kHeader),
};

}  // namespace

std::span<const Keyword> file_keywords() { return kTable; }

}  // namespace tocsin::rules
