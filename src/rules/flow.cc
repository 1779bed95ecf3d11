// The flow that a rule is of, and what it remembers there.
#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "rules/builder.h"

namespace tocsin::rules {
namespace {

template <typename T>
bool set(T& place, T value) {
  if (place != T{}) return false;
  place = value;
  return true;
}

Expected<void> flow(Builder& builder, const Option& option, const Keyword& keyword) {
  if (const auto first = builder.once(keyword.name); !first) return first;
  FlowCondition& flow = builder.rule.flow;
  for (const std::string_view part : split(option.value, ',')) {
    const std::string word = lower(part);
    bool fits = false;
    using State = FlowCondition::State;
    using Packets = FlowCondition::Packets;
    using Fragments = FlowCondition::Fragments;
    if (word == "established")
      fits = set(flow.state, State::kEstablished);
    else if (word == "not_established")
      fits = set(flow.state, State::kNotEstablished);
    else if (word == "stateless")
      fits = set(flow.state, State::kStateless);
    else if (word == "to_server" || word == "from_client")
      fits = set(flow.side, Side::kToServer);
    else if (word == "to_client" || word == "from_server")
      fits = set(flow.side, Side::kToClient);
    else if (word == "only_stream")
      fits = set(flow.packets, Packets::kOnlyStream);
    else if (word == "no_stream")
      fits = set(flow.packets, Packets::kNoStream);
    else if (word == "only_frag")
      fits = set(flow.fragments, Fragments::kOnly);
    else if (word == "no_frag")
      fits = set(flow.fragments, Fragments::kNone);
    else
      return failure(fmt::format("'{}' is no word of flow", printable(part, 80)));
    if (!fits) return failure(fmt::format("'{}' stands twice in flow, or against another word", word));
  }
  return {};
}

Expected<void> number_of_flow(Builder& builder, const Option& option, const Keyword& keyword) {
  const auto parts = split(option.value, ',');
  auto comparison = parse_comparison(parts.back(), keyword.most);
  if (!comparison) return std::unexpected(comparison.error());
  NumberCondition condition{keyword.name, *comparison, {}, {}, false};
  if (parts.size() > 2) return failure("a direction and a number are all that may stand here");
  if (parts.size() == 2) {
    constexpr std::string_view kSides[] = {"toserver", "toclient", "both", "either"};
    if (std::ranges::find(kSides, parts[0]) == std::end(kSides))
      return failure("the direction is toserver, toclient, both or either");
    condition.which = parts[0];
  }
  builder.rule.conditions.emplace_back(std::move(condition));
  return {};
}

Expected<void> elephant(Builder& builder, const Option& option, const Keyword& keyword) {
  constexpr std::string_view kSides[] = {"toserver", "toclient", "both", "either"};
  if (std::ranges::find(kSides, option.value) == std::end(kSides))
    return failure("the direction is toserver, toclient, both or either");
  builder.rule.conditions.emplace_back(WordCondition{keyword.name, {std::string(option.value)}, false, {}});
  return {};
}

Expected<void> stream_size(Builder& builder, const Option& option, const Keyword&) {
  const auto parts = split(option.value, ',');
  constexpr std::string_view kSides[] = {"client", "server", "both", "either"};
  if (parts.size() != 3 || std::ranges::find(kSides, parts[0]) == std::end(kSides)) {
    return failure("stream_size is client, server, both or either, an operator, and a number");
  }
  auto size = parse_comparison(std::string(parts[1]) + std::string(parts[2]), UINT32_MAX);
  if (!size) return std::unexpected(size.error());
  builder.rule.conditions.emplace_back(StreamSize{std::string(parts[0]), *size});
  return {};
}

bool is_bit_name(std::string_view name) {
  return !name.empty() && name.size() <= 256 &&
         std::ranges::none_of(name, [](char c) { return c == ' ' || c == '\t'; });
}

bool command_of(std::string_view word, BitState::Command& command) {
  constexpr std::string_view kCommands[] = {"set", "unset", "toggle", "isset", "isnotset"};
  const auto found = std::ranges::find(kCommands, word);
  if (found == std::end(kCommands)) return false;
  command = static_cast<BitState::Command>(found - kCommands);
  return true;
}

Expected<void> flowbits(Builder& builder, const Option& option, const Keyword&) {
  const auto parts = split(option.value, ',');
  if (parts[0] == "noalert") {
    if (parts.size() > 1) return failure("flowbits:noalert has no name");
    builder.rule.no_alert = true;
    return {};
  }
  BitState state;
  if (!command_of(parts[0], state.command))
    return failure(fmt::format("'{}' is no command of flowbits", printable(parts[0], 40)));
  if (parts.size() != 2) return failure("flowbits needs one name, or several with | between them");
  for (const std::string_view name : split(parts[1], '|')) {
    if (!is_bit_name(name)) return failure("a name of flowbits is empty, very long, or has spaces");
    if (state.names.size() >= 64) return failure("flowbits has too many names");
    state.names.emplace_back(name);
  }
  for (const State& one : builder.rule.states) {
    const auto* before = std::get_if<BitState>(&one);
    if (before == nullptr || before->store != BitState::Store::kFlow || before->names != state.names) continue;
    using Command = BitState::Command;
    const auto both = [&](Command a, Command b) {
      return (before->command == a && state.command == b) || (before->command == b && state.command == a);
    };
    if (both(Command::kIsSet, Command::kIsNotSet)) return failure("no flowbit is set and not set at once");
    if (both(Command::kSet, Command::kUnset) || both(Command::kSet, Command::kToggle) ||
        both(Command::kSet, Command::kIsSet)) {
      builder.warnings.push_back(fmt::format("the flowbit {} is changed to no effect", printable(state.names[0], 80)));
    }
  }
  builder.rule.states.emplace_back(std::move(state));
  return {};
}

Expected<void> xbits(Builder& builder, const Option& option, const Keyword&) {
  const auto parts = split(option.value, ',');
  if (parts[0] == "noalert" && parts.size() == 1) {
    builder.rule.no_alert = true;
    return {};
  }
  BitState state;
  state.store = BitState::Store::kAddress;
  if (!command_of(parts[0], state.command))
    return failure(fmt::format("'{}' is no command of xbits", printable(parts[0], 40)));
  if (parts.size() < 3 || !is_bit_name(parts[1]))
    return failure("xbits is a command, a name, and what it is tracked by");
  state.names.emplace_back(parts[1]);
  for (std::size_t i = 2; i < parts.size(); ++i) {
    const auto words = words_of(parts[i]);
    constexpr std::string_view kTracks[] = {"ip_src", "ip_dst", "ip_pair", "tx"};
    if (words.size() == 2 && words[0] == "track" && std::ranges::find(kTracks, words[1]) != std::end(kTracks)) {
      state.track = words[1];
    } else if (words.size() == 2 && words[0] == "expire" && parse_number(words[1], UINT32_MAX).value_or(0) > 0) {
      state.expire = static_cast<std::uint32_t>(*parse_number(words[1]));
    } else {
      return failure(fmt::format("'{}' has no place in xbits", printable(parts[i], 80)));
    }
  }
  if (state.track.empty()) return failure("xbits needs track with ip_src, ip_dst, ip_pair or tx");
  builder.rule.states.emplace_back(std::move(state));
  return {};
}

Expected<void> hostbits(Builder& builder, const Option& option, const Keyword&) {
  const auto parts = split(option.value, ',');
  if (parts[0] == "noalert" && parts.size() == 1) {
    builder.rule.no_alert = true;
    return {};
  }
  BitState state;
  state.store = BitState::Store::kHost;
  if (!command_of(parts[0], state.command))
    return failure(fmt::format("'{}' is no command of hostbits", printable(parts[0], 40)));
  if (parts.size() < 2 || parts.size() > 3 || !is_bit_name(parts[1]))
    return failure("hostbits is a command, a name, and src, dst or both");
  state.names.emplace_back(parts[1]);
  state.track = parts.size() == 3 ? parts[2] : "src";
  if (state.track != "src" && state.track != "dst" && state.track != "both")
    return failure("hostbits are of src, dst or both");
  builder.rule.states.emplace_back(std::move(state));
  return {};
}

Expected<void> flowint(Builder& builder, const Option& option, const Keyword&) {
  const auto parts = split(option.value, ',');
  if (parts.size() < 2 || parts.size() > 3 || !is_bit_name(parts[0]))
    return failure("flowint is a name, an operator, and a value");
  FlowInteger integer;
  integer.name = parts[0];
  constexpr std::string_view kCommands[] = {"=",  "+", "-",  "==",    "!=",     "<",
                                            "<=", ">", ">=", "isset", "notset", "isnotset"};
  const auto found = std::ranges::find(kCommands, parts[1]);
  if (found == std::end(kCommands))
    return failure(fmt::format("'{}' is no operator of flowint", printable(parts[1], 40)));
  const auto at = std::min<std::ptrdiff_t>(found - kCommands, 10);
  integer.command = static_cast<FlowInteger::Command>(at);
  if ((at >= 9) != (parts.size() == 2)) return failure("the operator of flowint needs a value, or has none");
  if (parts.size() == 3) {
    if (const auto number = parse_number(parts[2], UINT32_MAX)) {
      integer.number = static_cast<std::uint32_t>(*number);
    } else if (is_bit_name(parts[2]) && !(parts[2][0] >= '0' && parts[2][0] <= '9')) {
      integer.other = parts[2];
    } else {
      return failure("the value of flowint is a number or the name of another");
    }
  }
  builder.rule.states.emplace_back(std::move(integer));
  return {};
}

// Refused rather than passed over: a rule without one of its conditions would fire where it must not.
Expected<void> variable(Builder&, const Option&, const Keyword& keyword) {
  return failure(fmt::format("{} can't be asked", keyword.name));
}

constexpr Keyword row(std::string_view name, Read read, Group group, std::uint64_t most = 0) {
  return {.name = name, .group = group, .read = read, .most = most};
}

constexpr Keyword kFlow[] = {
    row("flow", flow, Group::kFlow),
    row("stream_size", stream_size, Group::kFlow),
    row("flow.age", number_of_flow, Group::kFlow, UINT32_MAX),
    row("flow.pkts", number_of_flow, Group::kFlow, UINT32_MAX),
    row("flow.pkts_toserver", number_of_flow, Group::kFlow, UINT32_MAX),
    row("flow.pkts_toclient", number_of_flow, Group::kFlow, UINT32_MAX),
    row("flow.bytes", number_of_flow, Group::kFlow, UINT64_MAX),
    row("flow.bytes_toserver", number_of_flow, Group::kFlow, UINT64_MAX),
    row("flow.bytes_toclient", number_of_flow, Group::kFlow, UINT64_MAX),
    row("flow.elephant", elephant, Group::kFlow),
};
constexpr Keyword kState[] = {
    row("flowbits", flowbits, Group::kState), row("xbits", xbits, Group::kState),
    row("hostbits", hostbits, Group::kState), row("flowint", flowint, Group::kState),
    row("flowvar", variable, Group::kState),  row("pktvar", variable, Group::kState),
};

}  // namespace

std::span<const Keyword> flow_keywords() { return kFlow; }
std::span<const Keyword> state_keywords() { return kState; }

}  // namespace tocsin::rules
