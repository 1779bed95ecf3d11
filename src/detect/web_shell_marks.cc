#include "detect/web_shell_marks.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/hash.h"
#include "detect/rule_table.h"

namespace tocsin {
namespace {

constexpr std::size_t kMostAgents = 1 << 14;
constexpr std::size_t kMostScanned = 16 * 1024;
enum PathMark : std::uint32_t { kPlace, kName, kOrdinary };

struct Listed {
  std::vector<Pattern> patterns;
  std::vector<std::uint32_t> lines;

  void add(const std::vector<std::string>& texts, std::uint32_t id, std::uint32_t line) {
    for (const std::string& text : texts) {
      patterns.push_back({text, id, false});
      lines.push_back(line);
    }
  }
  Expected<PatternSet> compile(const RuleTable& table) const {
    auto compiled = PatternSet::compile(patterns);
    if (compiled) return std::move(*compiled);
    const std::size_t at = compiled.error().pattern;
    return table.complain_at(lines[at],
                             fmt::format("pattern \"{}\": {}", patterns[at].expression, compiled.error().message));
  }
};

}  // namespace

Expected<WebShellMarks> WebShellMarks::read(const std::string& path) {
  const RuleTable table(path);
  WebShellMarks marks;
  Listed uri, agent, referrer, paths;
  const auto take = [&](std::string_view list, const toml::table& from) -> Expected<void> {
    Mark mark;
    std::vector<std::string> patterns;
    std::string field = "uri", strength;
    std::uint32_t line = from.source().begin.line;
    for (const auto& [key_node, value] : from) {
      const std::string_view key = key_node.str();
      if (key == "pattern") {
        auto texts = table.texts_of(key, value);
        if (!texts) return std::unexpected(texts.error());
        patterns = std::move(*texts);
        line = value.source().begin.line;
        continue;
      }
      if (list != "mark") return table.complain(value, fmt::format("\"{}\" is not known here; expected pattern", key));
      std::string* text = key == "family"     ? &mark.family
                          : key == "method"   ? &mark.method
                          : key == "field"    ? &field
                          : key == "strength" ? &strength
                                              : nullptr;
      if (text == nullptr)
        return table.complain(
            value,
            fmt::format("\"{}\" is not known in a mark; expected family, strength, pattern, field or method", key));
      auto given = table.text_of(key, value);
      if (!given) return std::unexpected(given.error());
      *text = std::move(*given);
    }
    if (patterns.empty()) return table.complain(from, fmt::format("a {} without pattern", list));
    if (list != "mark") {
      paths.add(patterns, list == "place" ? kPlace : list == "name" ? kName : kOrdinary, line);
      return {};
    }
    if (mark.family.empty()) return table.complain(from, "a mark without family");
    if (strength != "signature" && strength != "hint")
      return table.complain(from, fmt::format("strength \"{}\": expected signature or hint", strength));
    if (field != "uri" && field != "user-agent" && field != "referrer")
      return table.complain(from, fmt::format("field \"{}\": expected uri, user-agent or referrer", field));
    if (marks.marks_.size() >= 10'000) return table.complain(from, "more than 10000 marks");
    mark.signature = strength == "signature";
    (field == "uri"          ? uri
     : field == "user-agent" ? agent
                             : referrer)
        .add(patterns, static_cast<std::uint32_t>(marks.marks_.size()), line);
    marks.marks_.push_back(std::move(mark));
    return {};
  };
  if (auto read = table.read({"mark", "place", "name", "ordinary"}, take); !read) return std::unexpected(read.error());
  for (auto& [set, listed] : {std::pair(&marks.uri_, &uri), std::pair(&marks.agent_, &agent),
                              std::pair(&marks.referrer_, &referrer), std::pair(&marks.paths_, &paths)}) {
    auto compiled = listed->compile(table);
    if (!compiled) return std::unexpected(compiled.error());
    *set = std::move(*compiled);
  }
  return marks;
}

const std::vector<std::uint32_t>& WebShellMarks::of_agent(std::string_view agent) {
  const std::uint64_t hash = hash64(agent);
  if (const auto at = agents_.find(hash); at != agents_.end()) return at->second;
  if (agents_.size() >= kMostAgents) agents_.clear();
  std::vector<std::uint32_t>& found = agents_[hash];
  agent_.find(agent.substr(0, kMostScanned), found);
  return found;
}

FoundMarks WebShellMarks::of_request(std::string_view uri, const HttpTransaction& http) {
  found_.clear();
  uri_.find(uri.substr(0, kMostScanned), found_);
  if (!http.user_agent.empty()) {
    const auto& of = of_agent(http.user_agent);
    found_.insert(found_.end(), of.begin(), of.end());
  }
  referrer_.find(http.referrer.substr(0, kMostScanned), found_);
  FoundMarks marks;
  std::ranges::sort(found_);
  for (const std::uint32_t at : found_) {
    const Mark& mark = marks_[at];
    if (!mark.method.empty() && mark.method != http.method) continue;
    std::uint16_t& place = mark.signature ? marks.signature : marks.hint;
    if (place == 0) place = static_cast<std::uint16_t>(at + 1);
  }
  return marks;
}

PathMarks WebShellMarks::of_path(std::string_view path) {
  found_.clear();
  paths_.find(path, found_);
  PathMarks marks;
  for (const std::uint32_t at : found_) (at == kPlace ? marks.place : at == kName ? marks.name : marks.ordinary) = true;
  return marks;
}

}  // namespace tocsin
