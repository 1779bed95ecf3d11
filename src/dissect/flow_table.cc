#include "dissect/flow_table.h"

#include <algorithm>

namespace tocsin {

FlowTable::FlowTable(const DissectorLimits& limits, Ended ended)
    : most_(std::max<std::size_t>(limits.flows, 1)),
      after_{limits.closed, limits.attempt, limits.established, limits.datagram},
      ended_(std::move(ended)),
      slots_(1024, kNone) {
  heads_.fill(kNone);
  tails_.fill(kNone);
}

std::uint64_t FlowTable::hash(const FlowKey& key) {
  const std::uint64_t ports = static_cast<std::uint64_t>(key.low_port) << 24 | static_cast<std::uint64_t>(key.high_port) << 8 | key.protocol;
  std::uint64_t x = key.low.low() ^ (key.high.low() * 0x9e3779b97f4a7c15ULL) ^ (key.low.high() * 0xc2b2ae3d27d4eb4fULL) ^
                    (key.high.high() * 0x165667b19e3779f9ULL) ^ (ports * 0xd6e8feb86659fd93ULL);
  x = (x ^ (x >> 32)) * 0xd6e8feb86659fd93ULL;
  x = (x ^ (x >> 32)) * 0xd6e8feb86659fd93ULL;
  return x ^ (x >> 32);
}

// The slot where the key is, or the empty one where it would be.
std::uint32_t FlowTable::slot_of(const FlowKey& key) const {
  const std::size_t mask = slots_.size() - 1;
  std::size_t slot = hash(key) & mask;
  while (slots_[slot] != kNone && !(at(slots_[slot]).key == key)) slot = (slot + 1) & mask;
  return static_cast<std::uint32_t>(slot);
}

LiveFlow* FlowTable::find(const FlowKey& key) {
  const std::uint32_t index = slots_[slot_of(key)];
  return index == kNone ? nullptr : &at(index);
}

LiveFlow& FlowTable::add(const FlowKey& key, Timeout timeout) {
  if (count_ >= most_) {
    std::uint32_t oldest = kNone;
    for (const std::uint32_t head : heads_) {
      if (head != kNone && (oldest == kNone || at(head).flow.last < at(oldest).flow.last)) oldest = head;
    }
    ++evicted_;
    end(at(oldest));
  }
  if ((count_ + 1) * 3 > slots_.size() * 2) grow();
  if (free_.empty()) {
    const auto base = static_cast<std::uint32_t>(slabs_.size() * kSlab);
    slabs_.push_back(std::make_unique<LiveFlow[]>(kSlab));
    for (std::uint32_t i = kSlab; i > 0; --i) free_.push_back(base + i - 1);
  }
  const std::uint32_t index = free_.back();
  free_.pop_back();
  LiveFlow& flow = at(index);
  flow.key = key;
  flow.flow = Flow();
  flow.reset_by_initiator = false;
  flow.used = true;
  slots_[slot_of(key)] = index;
  ++count_;
  link(index, timeout);
  return flow;
}

void FlowTable::grow() {
  std::vector<std::uint32_t> old = std::move(slots_);
  slots_.assign(old.size() * 2, kNone);
  for (const std::uint32_t index : old) {
    if (index != kNone) slots_[slot_of(at(index).key)] = index;
  }
}

void FlowTable::unlink(std::uint32_t index) {
  LiveFlow& flow = at(index);
  const auto list = static_cast<std::size_t>(flow.timeout);
  (flow.previous == kNone ? heads_[list] : at(flow.previous).next) = flow.next;
  (flow.next == kNone ? tails_[list] : at(flow.next).previous) = flow.previous;
}

void FlowTable::link(std::uint32_t index, Timeout timeout) {
  LiveFlow& flow = at(index);
  const auto list = static_cast<std::size_t>(timeout);
  flow.timeout = timeout;
  flow.previous = tails_[list];
  flow.next = kNone;
  (tails_[list] == kNone ? heads_[list] : at(tails_[list]).next) = index;
  tails_[list] = index;
}

std::uint32_t FlowTable::index_of(const LiveFlow& flow) const { return slots_[slot_of(flow.key)]; }

void FlowTable::touch(LiveFlow& flow, Timeout timeout) {
  const auto list = static_cast<std::size_t>(timeout);
  if (flow.timeout == timeout && flow.next == kNone && tails_[list] != kNone) return;  // is the last already
  const std::uint32_t index = index_of(flow);
  unlink(index);
  link(index, timeout);
}

void FlowTable::end(LiveFlow& flow) {
  ended_(flow);
  flow.request.reset();
  const std::size_t mask = slots_.size() - 1;
  std::size_t hole = slot_of(flow.key);
  const std::uint32_t index = slots_[hole];
  unlink(index);
  flow.used = false;
  free_.push_back(index);
  --count_;
  // Backward-shift deletion keeps probe sequences whole.
  slots_[hole] = kNone;
  for (std::size_t slot = (hole + 1) & mask; slots_[slot] != kNone; slot = (slot + 1) & mask) {
    const std::size_t home = hash(at(slots_[slot]).key) & mask;
    if (((slot - home) & mask) < ((slot - hole) & mask)) continue;
    slots_[hole] = slots_[slot];
    slots_[slot] = kNone;
    hole = slot;
  }
}

void FlowTable::expire(Timestamp now) {
  for (std::size_t list = 0; list < kTimeouts; ++list) {
    while (heads_[list] != kNone && at(heads_[list]).flow.last + after_[list] < now) end(at(heads_[list]));
  }
}

void FlowTable::end_all() {
  // In the order in which the flows began in the table, whatever their timeouts: the same for every run.
  for (std::uint32_t index = 0; index < slabs_.size() * kSlab; ++index) {
    if (at(index).used) end(at(index));
  }
}

}  // namespace tocsin
