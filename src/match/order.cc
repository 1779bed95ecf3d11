#include "match/order.h"

#include <array>
#include <string>
#include <string_view>

namespace tocsin::match {
namespace {

// Sets only, sets and asks, asks only, none of them.
int of_use(bool sets, bool asks) { return sets ? (asks ? 1 : 0) : asks ? 2 : 3; }

std::array<int, 5> uses(const rules::Rule& rule) {
  bool sets[5] = {}, asks[5] = {};
  using Command = rules::BitState::Command;
  for (const rules::State& state : rule.states) {
    if (const auto* bits = std::get_if<rules::BitState>(&state)) {
      const std::size_t at = bits->store == rules::BitState::Store::kFlow   ? 0
                             : bits->store == rules::BitState::Store::kHost ? 3
                                                                            : 4;
      const bool is_question = bits->command == Command::kIsSet || bits->command == Command::kIsNotSet;
      (is_question ? asks : sets)[at] = true;
      if (bits->command == Command::kToggle) asks[at] = true;
    } else {
      const auto command = std::get<rules::FlowInteger>(state).command;
      (command <= rules::FlowInteger::Command::kSubtract ? sets : asks)[1] = true;
    }
  }
  for (const rules::BufferMatches& buffer : rule.buffers) {
    for (const rules::Match& match : buffer.matches) {
      const auto* pcre = std::get_if<rules::Pcre>(&match);
      if (pcre == nullptr) continue;
      for (const auto& capture : pcre->captures)
        if (capture.of == rules::Pcre::Capture::Of::kFlow) sets[2] = true;
    }
  }
  std::array<int, 5> order{};
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = of_use(sets[i], asks[i]);
  return order;
}

}  // namespace

Order::Order(const Options& options) {
  constexpr std::string_view kNames[] = {"pass", "drop", "reject", "alert"};
  for (int place = 0; place < 4; ++place) {
    const std::string name = options.text("action-order." + std::to_string(place));
    for (std::size_t i = 0; i < places_.size(); ++i)
      if (kNames[i] == name) places_[i] = place;
  }
}

int Order::of_action(rules::Action action) const {
  switch (action) {
    case rules::Action::kPass:
    case rules::Action::kAccept:
      return places_[0];
    case rules::Action::kDrop:
      return places_[1];
    case rules::Action::kReject:
    case rules::Action::kRejectSource:
    case rules::Action::kRejectTarget:
    case rules::Action::kRejectBoth:
      return places_[2];
    default:
      return places_[3];
  }
}

bool Order::is_before(const rules::Rule& one, const rules::Rule& other) const {
  if (const int a = of_action(one.action), b = of_action(other.action); a != b) return a < b;
  if (const auto a = uses(one), b = uses(other); a != b) return a < b;
  const std::uint32_t a = one.metadata.priority.value_or(3), b = other.metadata.priority.value_or(3);
  if (a != b) return a < b;
  return one.metadata.sid < other.metadata.sid;
}

}  // namespace tocsin::match
