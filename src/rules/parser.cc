#include "rules/parser.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/file.h"
#include "base/text.h"
#include "rules/builder.h"
#include "rules/requirements.h"

namespace tocsin::rules {
namespace {

constexpr std::uint64_t kLargestFile = 512ULL << 20;

// A rule with the places where its lines begin in it.
struct Text {
  std::string text;
  std::vector<std::pair<std::size_t, std::uint32_t>> lines;
  std::pair<std::uint32_t, std::uint32_t> place(std::size_t at) const {
    auto line = lines.begin();
    while (line + 1 != lines.end() && (line + 1)->first <= at) ++line;
    return {line->second, static_cast<std::uint32_t>(at - line->first + 1)};
  }
};

struct Wrong {
  std::size_t at;
  std::string message;
};
using Result = std::expected<void, Wrong>;

bool is_blank(char c) { return c == ' ' || c == '\t'; }

constexpr std::pair<std::string_view, Action> kActions[] = {{"alert", Action::kAlert},
                                                            {"pass", Action::kPass},
                                                            {"drop", Action::kDrop},
                                                            {"reject", Action::kReject},
                                                            {"rejectsrc", Action::kRejectSource},
                                                            {"rejectdst", Action::kRejectTarget},
                                                            {"rejectboth", Action::kRejectBoth},
                                                            {"config", Action::kConfig},
                                                            {"sdrop", Action::kDrop},
                                                            {"accept", Action::kAccept}};

class Parser {
 public:
  Parser(const std::string& text, Builder& builder) : text_(text), builder_(builder) {}

  Result parse() {
    if (const auto header = read_header(); !header) return header;
    return read_options();
  }

 private:
  std::string_view rest() const { return std::string_view(text_).substr(at_); }
  void skip() {
    while (at_ < text_.size() && is_blank(text_[at_])) ++at_;
  }

  // Up to white space outside brackets.
  std::string_view token() {
    skip();
    start_ = at_;
    int open = 0;
    for (; at_ < text_.size() && (open > 0 || (!is_blank(text_[at_]) && text_[at_] != '(')); ++at_) {
      if (text_[at_] == '[') ++open;
      if (text_[at_] == ']') --open;
    }
    return std::string_view(text_).substr(start_, at_ - start_);
  }

  std::unexpected<Wrong> wrong(std::string message) const {
    return std::unexpected<Wrong>({start_, std::move(message)});
  }

  // One, or several of firewall rules: "accept:hook,alert".
  Result read_actions(std::string_view text) {
    Rule& rule = builder_.rule;
    bool is_first = true;
    for (const std::string_view action : split(text, ',')) {
      const std::size_t colon = action.find(':');
      const std::string name = lower(action.substr(0, colon));
      const auto known =
          std::ranges::find(kActions, std::string_view(name), &std::pair<std::string_view, Action>::first);
      if (known == std::end(kActions)) return wrong(fmt::format("'{}' is no action", printable(action, 80)));
      if (rule.further_actions.size() >= 4) return wrong("the rule has too many actions");
      if (is_first) rule.action = known->second;
      if (!is_first) rule.further_actions.push_back(known->second);
      if (colon != std::string_view::npos) {
        const std::string_view scope = action.substr(colon + 1);
        constexpr std::string_view kScopes[] = {"packet", "flow", "tx", "hook"};
        if (std::ranges::find(kScopes, scope) == std::end(kScopes))
          return wrong("an action is of a packet, flow, tx or hook");
        if (is_first) rule.action_scope = scope;
        if (!is_first && known->second == Action::kPass) rule.pass_scope = scope;
      }
      is_first = false;
    }
    return {};
  }

  Result read_header() {
    Rule& rule = builder_.rule;
    if (const auto read = read_actions(token()); !read) return read;
    auto protocol = parse_protocol(token());
    if (!protocol) return wrong(protocol.error().message);
    rule.protocol = std::move(*protocol);
    const Variables& variables = builder_.vocabulary().variables;
    const bool bare = rule.protocol.transport == Transport::kEthernet || rule.protocol.transport == Transport::kArp;
    for (const bool is_source : {true, false}) {
      auto addresses = parse_addresses(token(), variables);
      if (!addresses) return wrong(addresses.error().message);
      auto ports = parse_ports(token(), variables);
      if (!ports) return wrong(ports.error().message);
      if (bare && !ports->is_any()) return wrong("rules of ether and arp have no ports");
      (is_source ? rule.source : rule.target) = std::move(*addresses);
      (is_source ? rule.source_ports : rule.target_ports) = std::move(*ports);
      if (!is_source) break;
      const std::string_view direction = token();
      if (direction != "->" && direction != "<>" && direction != "=>")
        return wrong(fmt::format("'{}' is no direction: it is ->, <> or =>", printable(direction, 20)));
      rule.direction = direction == "->"   ? Direction::kForward
                       : direction == "<>" ? Direction::kBoth
                                           : Direction::kTransaction;
    }
    return {};
  }

  Result read_options() {
    skip();
    start_ = at_;
    if (!rest().starts_with('(')) return wrong("the options begin with a parenthesis");
    ++at_;
    const std::size_t parenthesis = text_.rfind(')');
    const bool closed = parenthesis != std::string::npos && parenthesis > at_;
    std::size_t end = closed ? parenthesis : text_.size();
    const std::string_view after = closed ? std::string_view(text_).substr(end + 1) : std::string_view();
    if (after.find(';') != std::string_view::npos) {
      end = text_.size();  // the parenthesis was of an option
    } else if (!trim(after).empty()) {
      builder_.warnings.emplace_back("what stands after the closing parenthesis is not read");
    }
    for (std::size_t options = 0;; ++options) {
      while (at_ < end && is_blank(text_[at_])) ++at_;
      if (at_ >= end) break;
      start_ = at_;
      if (options == kMostOptions) return wrong("the rule has too many options");
      std::size_t stop = at_;
      while (stop < end && !(text_[stop] == ';' && text_[stop - 1] != '\\')) ++stop;
      if (stop == end)
        return wrong(closed ? "the option has no semicolon at its end" : "the rule ends within an option");
      const std::string_view option = std::string_view(text_).substr(at_, stop - at_);
      at_ = stop + 1;
      if (const auto read = read_option(option); !read) return wrong(read.error().message);
    }
    if (const auto sound = builder_.finish(); !sound) {
      start_ = 0;
      return wrong(sound.error().message);
    }
    return {};
  }

  Expected<void> read_option(std::string_view text) {
    const std::size_t colon = text.find(':');
    Option option{trim(text.substr(0, colon)), colon == std::string_view::npos ? "" : trim(text.substr(colon + 1)),
                  false};
    const Keyword* keyword = find_keyword(option.name);
    if (keyword == nullptr) return failure(fmt::format("the keyword '{}' is not known", printable(option.name, 80)));
    if (keyword->value == Value::kNeeded && option.value.empty())
      return failure(fmt::format("{} needs a value", option.name));
    if (keyword->value == Value::kNone && !option.value.empty())
      return failure(fmt::format("{} has no value", option.name));
    if (keyword->may_be_negated && option.value.starts_with('!')) {
      option.negated = true;
      option.value = trim(option.value.substr(1));
      if (option.value.empty()) return failure(fmt::format("{} needs a value after the !", option.name));
    }
    const bool quoted = option.value.starts_with('"');
    if (keyword->quotes == Quotes::kNeeded && !quoted)
      return failure(fmt::format("the value of {} stands in quotes", option.name));
    if (keyword->quotes == Quotes::kNone && quoted)
      return failure(fmt::format("the value of {} stands without quotes", option.name));
    if (quoted) {
      if (option.value.size() < 2 || !option.value.ends_with('"'))
        return failure(fmt::format("the quotes of {} are not closed; is a semicolon missing?", option.name));
      option.value = option.value.substr(1, option.value.size() - 2);
      if (option.value.empty()) return failure(fmt::format("the value of {} is empty", option.name));
    }
    if (const auto limited = builder_.restrict_to(keyword->protocols, option.name); !limited) return limited;
    builder_.need(keyword->needs, keyword->name);
    return keyword->read(builder_, option, *keyword);
  }

  const std::string& text_;
  Builder& builder_;
  std::size_t at_ = 0, start_ = 0;
};

// A rule that is refused may still say which it is.
std::uint32_t sid_in(std::string_view text) {
  const std::size_t at = text.rfind("sid:");
  if (at == std::string_view::npos) return 0;
  const std::string_view value = text.substr(at + 4);
  return static_cast<std::uint32_t>(parse_number(trim(value.substr(0, value.find(';'))), UINT32_MAX).value_or(0));
}

}  // namespace

std::string Fault::text() const {
  return fmt::format("{}:{}:{}: {}{}{}", printable(file, 4096), line, column,
                     sid == 0 ? "" : fmt::format("sid {}: ", sid), is_warning ? "warning: " : "", message);
}

void RuleSet::read_text(std::string_view text, const std::string& file, const Vocabulary& vocabulary) {
  Text rule;
  std::uint32_t line_number = 0;
  const auto take = [&] {
    if (rule.lines.empty()) return;
    ++read;
    const auto fault = [&](std::size_t at, std::uint32_t sid, std::string message, bool is_warning) {
      const auto [line, column] = rule.place(at);
      faults.push_back({file, line, column, sid, std::move(message), is_warning});
    };
    Builder builder(vocabulary);
    Result result;
    if (rule.text.size() > kLongestRule) {
      result = std::unexpected<Wrong>({0, fmt::format("the rule is longer than {} bytes", kLongestRule)});
    } else {
      result = Parser(rule.text, builder).parse();
    }
    const std::uint32_t sid = builder.rule.metadata.sid != 0 ? builder.rule.metadata.sid : sid_in(rule.text);
    if (const auto met = result ? Expected<void>() : requirements_met(rule.text); !met) {
      fault(0, sid, met.error().message, true);
      ++skipped;
    } else if (!result) {
      fault(result.error().at, sid, result.error().message, false);
    } else {
      for (std::string& warning : builder.warnings) fault(0, sid, std::move(warning), true);
      builder.rule.file = file;
      builder.rule.line = rule.lines.front().second;
      const auto [seen, is_new] = seen_.try_emplace({builder.rule.metadata.gid, sid}, rules.size());
      if (is_new) {
        rules.push_back(std::move(builder.rule));
      } else if (Rule& before = rules[seen->second]; builder.rule.metadata.rev > before.metadata.rev) {
        fault(0, sid,
              fmt::format("takes the place of its revision {} at {}:{}", before.metadata.rev,
                          printable(before.file, 512), before.line),
              true);
        before = std::move(builder.rule);
      } else {
        fault(0, sid, fmt::format("the sid stands already at {}:{}", printable(before.file, 512), before.line), false);
      }
    }
    rule = {};
  };
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    ++line_number;
    while (!line.empty() && (is_blank(line.back()) || line.back() == '\r')) line.remove_suffix(1);
    if (rule.lines.empty() && (trim(line).empty() || trim(line).starts_with('#'))) continue;
    const bool goes_on = line.ends_with('\\');
    if (goes_on) line.remove_suffix(1);
    rule.lines.emplace_back(rule.text.size(), line_number);
    if (rule.text.size() <= kLongestRule)
      rule.text += line;  // what is too long is refused, so its rest need not be kept
    if (!goes_on) take();
  }
  take();
}

Expected<void> RuleSet::read_file(const std::filesystem::path& path, const Vocabulary& vocabulary) {
  std::string text;
  bool too_large = false;
  const auto done = read_blocks(path, [&](std::span<const std::byte> block) {
    text.append(reinterpret_cast<const char*>(block.data()), block.size());
    too_large = text.size() > kLargestFile;
    return !too_large;
  });
  if (!done) return done;
  if (too_large)
    return failure(fmt::format("{}: is larger than {}", printable(path.string(), 4096), with_bytes(kLargestFile)));
  read_text(text, path.string(), vocabulary);
  return {};
}

void RuleSet::check_together() {
  std::set<std::string> is_set;
  const auto each = [&](const auto& what) {
    for (const Rule& rule : rules) {
      for (const State& state : rule.states) {
        const auto* bits = std::get_if<BitState>(&state);
        if (bits == nullptr) continue;
        for (const std::string& name : bits->names)
          what(rule, *bits, fmt::format("{}:{}", static_cast<int>(bits->store), name), name);
      }
    }
  };
  each([&](const Rule&, const BitState& bits, const std::string& key, const std::string&) {
    if (bits.command == BitState::Command::kSet || bits.command == BitState::Command::kToggle) is_set.insert(key);
  });
  each([&](const Rule& rule, const BitState& bits, const std::string& key, const std::string& name) {
    if (bits.command != BitState::Command::kIsSet || is_set.contains(key)) return;
    faults.push_back({rule.file, rule.line, 1, rule.metadata.sid,
                      fmt::format("'{}' is asked for, but no rule sets it", printable(name, 80)), true});
  });
}

std::uint64_t RuleSet::refused() const {
  return static_cast<std::uint64_t>(std::ranges::count(faults, false, &Fault::is_warning));
}

}  // namespace tocsin::rules
