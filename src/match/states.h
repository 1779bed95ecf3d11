// flowbits, flowint, xbits and hostbits: what rules remember, and for how long.
#pragma once

#include <cstdint>
#include <unordered_map>

#include "base/keyed_hash.h"
#include "match/conditions.h"
#include "match/memory.h"

namespace tocsin::match {

class States {
 public:
  // flow and transaction may be null: then nothing is kept with them.
  bool holds(const StateCondition& condition, const packet::Packet& packet, FlowMemory* flow,
             TransactionMemory* transaction);
  void change(const StateCondition& condition, const packet::Packet& packet, FlowMemory* flow,
              TransactionMemory* transaction);

 private:
  struct Key {
    std::uint64_t name = 0;  // with the kind of store
    IpAddress one, other;
    friend bool operator==(const Key&, const Key&) = default;
  };
  struct HashOfKey {
    KeyedHash keyed;
    std::size_t operator()(const Key& key) const { return keyed(keyed(key.one) + key.name, keyed(key.other)); }
  };
  std::vector<Key> keys_of(const rules::BitState& bits, int name, const packet::Packet& packet) const;
  bool is_set(const Key& key, Timestamp now) const;
  void set(const Key& key, Timestamp until, Timestamp now);

  std::unordered_map<Key, Timestamp, HashOfKey> bits_;  // until when
  std::size_t times_full_ = 0;
};

}  // namespace tocsin::match
