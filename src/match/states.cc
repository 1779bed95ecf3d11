#include "match/states.h"

#include <algorithm>

#include "base/turns.h"

namespace tocsin::match {
namespace {

constexpr std::size_t kMostBits = 1'000'000;
constexpr std::uint32_t kAddressSeconds = 30, kHostSeconds = 300;

using Command = rules::BitState::Command;

bool is_flow_bit(const FlowMemory& flow, int name) {
  const auto at = static_cast<std::size_t>(name);
  return at < flow.bits.size() && flow.bits[at];
}
void set_flow_bit(FlowMemory& flow, int name, bool value) {
  const auto at = static_cast<std::size_t>(name);
  if (at >= flow.bits.size()) flow.bits.resize(at + 1);
  flow.bits[at] = value;
}

std::optional<std::uint32_t>& integer_of(FlowMemory& flow, int name) {
  const auto at = static_cast<std::size_t>(name);
  if (at >= flow.integers.size()) flow.integers.resize(at + 1);
  return flow.integers[at];
}

bool holds_integer(const StateCondition& condition, FlowMemory& flow) {
  const auto& wanted = std::get<rules::FlowInteger>(*condition.state);
  const auto value = integer_of(flow, condition.names[0]);
  using Op = rules::FlowInteger::Command;
  if (wanted.command == Op::kIsSet) return value.has_value();
  if (wanted.command == Op::kIsNotSet) return !value.has_value();
  if (!value) return false;
  std::uint32_t other = wanted.number;
  if (condition.other >= 0) {
    const auto named = integer_of(flow, condition.other);
    if (!named) return false;
    other = *named;
  }
  switch (wanted.command) {
    case Op::kEqual:
      return *value == other;
    case Op::kNotEqual:
      return *value != other;
    case Op::kLess:
      return *value < other;
    case Op::kLessOrEqual:
      return *value <= other;
    case Op::kGreater:
      return *value > other;
    case Op::kGreaterOrEqual:
      return *value >= other;
    default:
      return false;
  }
}

void change_integer(const StateCondition& condition, FlowMemory& flow) {
  const auto& wanted = std::get<rules::FlowInteger>(*condition.state);
  std::uint32_t by = wanted.number;
  if (condition.other >= 0) {
    const auto named = integer_of(flow, condition.other);
    if (!named) return;
    by = *named;
  }
  auto& value = integer_of(flow, condition.names[0]);
  using Op = rules::FlowInteger::Command;
  if (wanted.command == Op::kSet) value = by;
  if (wanted.command == Op::kAdd) value = value.value_or(0) + by;
  if (wanted.command == Op::kSubtract) value = value.value_or(0) - std::min(by, value.value_or(0));
}

}  // namespace

std::vector<States::Key> States::keys_of(const rules::BitState& bits, int name, const packet::Packet& packet) const {
  const std::uint64_t number = static_cast<std::uint64_t>(name) << 2 | static_cast<std::uint64_t>(bits.store);
  if (bits.track == "ip_src" || bits.track == "src") return {{number, packet.source, {}}};
  if (bits.track == "ip_dst" || bits.track == "dst") return {{number, packet.destination, {}}};
  if (bits.track == "ip_pair") {
    const auto [low, high] = std::minmax(packet.source, packet.destination);
    return {{number | 1ULL << 60, low, high}};
  }
  return {{number, packet.source, {}}, {number, packet.destination, {}}};
}

bool States::is_set(const Key& key, Timestamp now) const {
  const auto found = bits_.find(key);
  return found != bits_.end() && found->second > now;
}

void States::set(const Key& key, Timestamp until, Timestamp now) {
  if (const auto found = bits_.find(key); found != bits_.end()) {
    found->second = until;
    return;
  }
  // Looking through all of them now and then only, so that a flood does not cost that for each packet.
  if (bits_.size() >= kMostBits && times_full_++ % (kMostBits / 64) == 0) {
    std::erase_if(bits_, [&](const auto& one) { return one.second <= now; });
  }
  if (bits_.size() < kMostBits) bits_[key] = until;
}

bool States::holds(const StateCondition& condition, const packet::Packet& packet, FlowMemory* flow,
                   TransactionMemory* transaction) {
  const auto* bits = std::get_if<rules::BitState>(condition.state);
  if (bits == nullptr) return flow != nullptr && holds_integer(condition, *flow);
  const bool wants_set = bits->command == Command::kIsSet;
  for (const int name : condition.names) {
    bool is_now = false;
    if (bits->store == rules::BitState::Store::kFlow) {
      if (flow == nullptr) return false;
      is_now = is_flow_bit(*flow, name);
    } else if (bits->track == "tx") {
      if (transaction == nullptr) return false;
      const auto found = transaction->bits.find(static_cast<std::uint64_t>(name));
      is_now = found != transaction->bits.end() && found->second;
    } else {
      if (packet.ip_version == 0) return false;
      wait_for_turn();
      const auto keys = keys_of(*bits, name, packet);
      is_now = std::ranges::any_of(keys, [&](const Key& key) { return is_set(key, packet.time); });
    }
    if (is_now == wants_set) return true;
  }
  return false;
}

void States::change(const StateCondition& condition, const packet::Packet& packet, FlowMemory* flow,
                    TransactionMemory* transaction) {
  const auto* bits = std::get_if<rules::BitState>(condition.state);
  if (bits == nullptr) {
    if (flow != nullptr) change_integer(condition, *flow);
    return;
  }
  for (const int name : condition.names) {
    const auto next = [&](bool is_now) {
      return bits->command == Command::kToggle ? !is_now : bits->command == Command::kSet;
    };
    if (bits->store == rules::BitState::Store::kFlow) {
      if (flow != nullptr) set_flow_bit(*flow, name, next(is_flow_bit(*flow, name)));
    } else if (bits->track == "tx") {
      if (transaction == nullptr) continue;
      bool& bit = transaction->bits[static_cast<std::uint64_t>(name)];
      bit = next(bit);
    } else if (packet.ip_version != 0) {
      wait_for_turn();
      const std::uint32_t seconds = bits->expire > 0                               ? bits->expire
                                    : bits->store == rules::BitState::Store::kHost ? kHostSeconds
                                                                                   : kAddressSeconds;
      for (const Key& key : keys_of(*bits, name, packet)) {
        if (next(is_set(key, packet.time)))
          set(key, packet.time + seconds * kSecond, packet.time);
        else
          bits_.erase(key);
      }
    }
  }
}

}  // namespace tocsin::match
