#include "detect/beacon_pairs.h"

#include <algorithm>

#include "base/hash.h"

namespace tocsin::beacon {
namespace {

// As ==, in two comparisons instead of a call.
bool same(const IpAddress& a, const IpAddress& b) { return a.high() == b.high() && a.low() == b.low(); }

}  // namespace

std::uint32_t PairTable::hash_of(const PairKey& key) const {
  const std::uint64_t rest = std::uint64_t{key.port} << 8 | key.protocol;
  std::uint64_t hash = keyed_(keyed_(key.client) + rest, keyed_(key.server));
  if (!key.name.empty()) hash = hash64(key.name, hash);
  return folded(hash);
}

std::uint32_t PairTable::find(const PairKey& key, std::uint32_t hash) const {
  return pairs_.find(hash, [&](const Pair& pair, std::uint32_t index) {
    return same(pair.client, key.client) && same(pair.server, key.server) && pair.port == key.port &&
           pair.protocol == key.protocol && (!pair.by_name() || names_[index]->name == key.name);
  });
}

std::uint32_t PairTable::add(const PairKey& key, std::uint32_t hash) {
  const std::uint32_t index = pairs_.add(hash);
  Pair& pair = at(index);
  pair.client = key.client;
  pair.server = key.server;
  pair.port = key.port;
  pair.protocol = key.protocol;
  if (pair.by_name()) names_of(index).name = key.name;
  return index;
}

void PairTable::erase(std::uint32_t index) {
  drop_events(at(index));
  if (index < names_.size()) names_[index].reset();
  pairs_.erase(index);
}

PairNames& PairTable::names_of(std::uint32_t index) {
  if (index >= names_.size()) names_.resize(index + std::size_t{1});
  if (!names_[index]) names_[index] = std::make_unique<PairNames>();
  return *names_[index];
}

std::uint32_t PairTable::take_block() {
  if (free_block_ != kNoIndex) {
    const std::uint32_t index = free_block_;
    free_block_ = block(index).next;
    if (free_block_ != kNoIndex) __builtin_prefetch(&block(free_block_).next, 1);
    return index;
  }
  if (blocks_made_ % kSlab == 0) blocks_.push_back(std::make_unique<Block[]>(kSlab));
  return blocks_made_++;
}

void PairTable::add_event(Pair& pair, const Event& event) {
  const std::size_t at = pair.events % kOfBlock;
  if (at == 0) {
    const std::uint32_t fresh = take_block();
    block(fresh).next = kNoIndex;
    (pair.events == 0 ? pair.first_block : block(pair.last_block).next) = fresh;
    pair.last_block = fresh;
  }
  block(pair.last_block).events[at] = event;
  ++pair.events;
  ++events_;
}

void PairTable::copy_events(const Pair& pair, std::vector<Event>& to) const {
  to.clear();
  to.reserve(pair.events);
  for (std::uint32_t at = pair.first_block; at != kNoIndex; at = block(at).next) {
    const std::size_t rest = pair.events - to.size();
    const auto& events = block(at).events;
    to.insert(to.end(), events.begin(), events.begin() + static_cast<std::ptrdiff_t>(std::min(rest, kOfBlock)));
  }
}

void PairTable::drop_events(Pair& pair) {
  if (pair.events == 0) return;
  block(pair.last_block).next = free_block_;
  free_block_ = pair.first_block;
  events_ -= pair.events;
  pair.first_block = pair.last_block = kNoIndex;
  pair.events = 0;
}

void PairTable::prefetch_events(std::uint32_t hash) const {
  const std::uint32_t index = pairs_.guess(hash);
  if (index == kNoIndex) return;
  const Pair& pair = at(index);
  if (pair.events % kOfBlock == 0) return;
  const Block& last = block(pair.last_block);
  __builtin_prefetch(&last, 1);
  __builtin_prefetch(&last.next, 1);
}

void PairTable::prefetch_oldest() const {
  const std::uint32_t index = pairs_.prefetch_oldest();
  if (index != kNoIndex && at(index).events > 0) __builtin_prefetch(&block(at(index).last_block).next, 1);
}

std::uint32_t Popularity::find(const IpAddress& server, std::uint32_t hash) const {
  return table_.find(hash, [&](std::uint32_t index) { return same(destinations_[index].server, server); });
}

void Popularity::add(const IpAddress& server, const IpAddress& client) {
  if (clients_.size() < kMost && std::ranges::find(clients_, client) == clients_.end()) clients_.push_back(client);
  const std::uint32_t hash = hash_of(server);
  std::uint32_t index = find(server, hash);
  if (index == kNoIndex) {
    if (destinations_.size() >= kDestinations) return;
    index = static_cast<std::uint32_t>(destinations_.size());
    destinations_.push_back({server, {}, 0});
    table_.insert(hash, index);
  }
  Destination& destination = destinations_[index];
  if (destination.count >= kMost) return;
  const auto user = static_cast<std::uint32_t>(keyed_(client) >> 32);
  const auto end = destination.users.begin() + destination.count;
  if (std::find(destination.users.begin(), end, user) == end) destination.users[destination.count++] = user;
}

std::size_t Popularity::users_of(const IpAddress& server) const {
  const std::uint32_t index = find(server, hash_of(server));
  return index == kNoIndex ? kMost : destinations_[index].count;
}

}  // namespace tocsin::beacon
