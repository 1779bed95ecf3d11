#include "rules/builder.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"

namespace tocsin::rules {
namespace {

constexpr std::size_t kMostVariables = 128;

bool can_be_relative_to(const Match& match) {
  return !std::holds_alternative<BufferSize>(match) && !std::holds_alternative<Absent>(match) &&
         !std::holds_alternative<DatasetMatch>(match) && !std::holds_alternative<DataReputation>(match);
}

// What is looked for from the end of the match before; contents say so only later.
bool is_relative(const Match& match) {
  return std::visit(
      [](const auto& one) {
        if constexpr (requires { one.source.relative; }) {
          return one.source.relative;
        } else if constexpr (requires { one.relative; }) {
          return one.relative;
        } else {
          return false;
        }
      },
      match);
}

}  // namespace

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const std::size_t end = text.find(separator);
    parts.push_back(trim(text.substr(0, end)));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> words;
  for (const std::string_view part : split(text, ' ')) {
    if (!part.empty()) words.push_back(part);
  }
  return words;
}

Expected<void> Builder::open(const Keyword& buffer, std::string argument, Side side) {
  if (transforms_) return failure("the transforms before it have nothing to look at");
  if (is_open() && rule.buffers[open_].matches.empty()) {
    return failure(fmt::format("nothing is looked for in {} before it", rule.buffers[open_].buffer));
  }
  rule.buffers.push_back({buffer.name, std::move(argument), side, {}, {}});
  open_ = static_cast<int>(rule.buffers.size()) - 1;
  last_ = -1;
  return {};
}

Expected<void> Builder::open_payload() {
  if (transforms_) return failure("the transforms before it have nothing to look at");
  if (is_open()) {
    if (rule.buffers[open_].matches.empty()) {
      return failure(fmt::format("nothing is looked for in {} before it", rule.buffers[open_].buffer));
    }
    if (rule.buffers[open_].buffer == "base64_data") return failure("after base64_data there is no way back");
  }
  open_ = last_ = -1;
  return {};
}

Expected<void> Builder::add_transform(Transform transform) {
  if (!is_open()) return failure(fmt::format("{} needs a sticky buffer before it", transform.name));
  if (!rule.buffers[open_].matches.empty()) {  // from here on the same buffer is looked at transformed further
    BufferMatches again = rule.buffers[open_];
    again.matches.clear();
    rule.buffers.push_back(std::move(again));
    open_ = static_cast<int>(rule.buffers.size()) - 1;
    last_ = -1;
  }
  BufferMatches& buffer = rule.buffers[open_];
  if (buffer.transforms.size() >= 16) return failure("the buffer has too many transforms");
  buffer.transforms.push_back(std::move(transform));
  transforms_ = true;
  return {};
}

Expected<void> Builder::add(Match match) {
  transforms_ = false;
  if (open_ < 0 && last_ >= 0 && is_relative(match)) {
    // In the buffer that a modifier (http_uri;) moved the match before to.
    rule.buffers[last_].matches.push_back(std::move(match));
  } else if (open_ < 0) {
    buffer_of(kPayload, Side::kEither).matches.push_back(std::move(match));
    last_ = static_cast<int>(std::ranges::find(rule.buffers, kPayload, &BufferMatches::buffer) - rule.buffers.begin());
  } else {
    rule.buffers[open_].matches.push_back(std::move(match));
    last_ = open_;
  }
  return {};
}

BufferMatches& Builder::buffer_of(std::string_view name, Side side) {
  const auto found = std::ranges::find_if(
      rule.buffers, [&](const BufferMatches& one) { return one.buffer == name && one.transforms.empty(); });
  if (found != rule.buffers.end()) return *found;
  rule.buffers.push_back({name, {}, side, {}, {}});
  return rule.buffers.back();
}

Expected<Content*> Builder::last_content(std::string_view modifier) {
  if (last_ >= 0) {
    auto& matches = rule.buffers[last_].matches;
    for (auto match = matches.rbegin(); match != matches.rend(); ++match) {
      if (auto* content = std::get_if<Content>(&*match)) return content;
    }
  }
  return failure(fmt::format("{} needs a content before it, which it is of", modifier));
}

Expected<void> Builder::move_last(const Keyword& buffer) {
  if (open_ >= 0) return failure(fmt::format("{} cannot follow a sticky buffer", buffer.name));
  const auto payload = std::ranges::find(rule.buffers, kPayload, &BufferMatches::buffer);
  if (last_ < 0 || payload == rule.buffers.end() || payload->matches.empty() ||
      last_ != payload - rule.buffers.begin() || !std::holds_alternative<Content>(payload->matches.back())) {
    return failure(fmt::format("{} needs a content right before it, which it moves", buffer.name));
  }
  Content content = std::get<Content>(std::move(payload->matches.back()));
  if (content.raw) return failure(fmt::format("{} and rawbytes exclude each other", buffer.name));
  if (content.replacement) return failure(fmt::format("{} and replace exclude each other", buffer.name));
  payload->matches.pop_back();
  if (payload->matches.empty()) rule.buffers.erase(payload);
  const Keyword* sticky = find_keyword(buffer.modifies);
  buffer_of(sticky->name, sticky->side).matches.emplace_back(std::move(content));
  last_ =
      static_cast<int>(std::ranges::find(rule.buffers, sticky->name, &BufferMatches::buffer) - rule.buffers.begin());
  return {};
}

bool Builder::has_match_before() const {
  if (open_ >= 0) return std::ranges::any_of(rule.buffers[open_].matches, can_be_relative_to);
  if (last_ >= 0 && std::ranges::any_of(rule.buffers[last_].matches, can_be_relative_to)) return true;
  return std::ranges::any_of(rule.buffers, [](const BufferMatches& one) {
    return one.buffer == kPayload && std::ranges::any_of(one.matches, can_be_relative_to);
  });
}

Expected<void> Builder::restrict_to(std::string_view protocols, std::string_view keyword) {
  if (protocols.empty()) return {};
  const auto allowed = applications_of(protocols);
  const Applications both = rule.protocol.applications & allowed.value_or(0);
  if (both == 0) {
    return failure(fmt::format("{} is of {}, which this rule cannot be of{}", keyword, protocols,
                               rule.protocol.is_application ? fmt::format(": it is of {}", rule.protocol.name)
                                                            : fmt::format(": keywords before it are of {}",
                                                                          names_of(rule.protocol.applications))));
  }
  rule.protocol.applications = both;
  return {};
}

void Builder::need(Needs needs, std::string_view keyword) {
  if (needs == Needs::kPacket) packet_keyword_ = keyword;
  if (needs == Needs::kTransaction) transaction_keyword_ = keyword;
}

Expected<Amount> Builder::amount(std::string_view text, std::int64_t least, std::int64_t most) {
  text = trim(text);
  if (const auto number = parse_signed(text)) {
    if (*number < least || *number > most) {
      return failure(fmt::format("{} is not within {} to {}", *number, least, most));
    }
    return Amount{*number, -1};
  }
  const auto variable = std::ranges::find(rule.variables, text);
  if (variable == rule.variables.end()) {
    return failure(fmt::format("'{}' is neither a number nor a name that byte_extract or byte_math gave before",
                               printable(text, 80)));
  }
  return Amount{0, static_cast<int>(variable - rule.variables.begin())};
}

Expected<int> Builder::new_variable(std::string_view name) {
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  const bool is_name =
      !name.empty() && name.size() <= 64 && is_letter(name[0]) && std::ranges::all_of(name, [&](char c) {
        return is_letter(c) || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-';
      });
  if (!is_name) return failure(fmt::format("'{}' is no name for a variable", printable(name, 80)));
  if (const auto known = std::ranges::find(rule.variables, name); known != rule.variables.end()) {
    return static_cast<int>(known - rule.variables.begin());
  }
  if (rule.variables.size() >= kMostVariables) return failure("the rule has too many variables");
  rule.variables.emplace_back(name);
  return static_cast<int>(rule.variables.size()) - 1;
}

Expected<void> Builder::once(std::string_view keyword) {
  if (std::ranges::find(seen_, keyword) != seen_.end()) {
    return failure(fmt::format("{} may stand once in a rule", keyword));
  }
  seen_.push_back(keyword);
  return {};
}

}  // namespace tocsin::rules
