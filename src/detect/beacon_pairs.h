// The pairs that beacons are looked for in, each with its events, in the order of their last use.
//
// A pair is one line of 64 bytes; its events lie in chained blocks of three (two lines). Both can be fetched ahead for
// many flows: prefetch(), then prefetch_pair(), then prefetch_events(). So can a destination of Popularity.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip_address.h"
#include "detect/beacon_judge.h"
#include "detect/recent_table.h"

namespace tocsin::beacon {

struct PairKey {
  IpAddress client;
  IpAddress server;  // unspecified: the pair is of client and name
  std::uint16_t port = 0;
  std::uint8_t protocol = 0;
  std::string_view name;  // of a pair by name
};

// What few pairs have.
struct PairNames {
  std::string name;                // of a pair by name: it; of a pair by address: the one name sent to it
  std::vector<IpAddress> servers;  // of a pair by name: up to four
  bool several = false;
  Verdict earlier;  // of events that were judged and dropped to make room
};

struct alignas(64) Pair {
  IpAddress client;
  IpAddress server;
  std::uint32_t first_block = kNoIndex, last_block = kNoIndex;
  std::uint32_t events = 0;
  std::uint16_t port = 0;
  std::uint8_t protocol = 0;
  bool counted = false;  // its client is counted among the users of its server
  bool by_name() const { return server.is_unspecified(); }
};

class PairTable {
 public:
  std::uint32_t hash_of(const PairKey& key) const;
  // The pair, or kNoIndex.
  std::uint32_t find(const PairKey& key, std::uint32_t hash) const;
  // A key that the table does not have. Pairs stay where they are until they are erased.
  std::uint32_t add(const PairKey& key, std::uint32_t hash);
  void erase(std::uint32_t index);

  Pair& at(std::uint32_t index) { return pairs_.at(index); }
  const Pair& at(std::uint32_t index) const { return pairs_.at(index); }
  // What few pairs have, made where there is none.
  PairNames& names_of(std::uint32_t index);
  // nullptr if there is none.
  const PairNames* names_if_any(std::uint32_t index) const {
    return index < names_.size() ? names_[index].get() : nullptr;
  }

  // Makes it the one used last.
  void use(std::uint32_t index) { pairs_.use(index); }
  // The one used longest ago, kNoIndex if there is none.
  std::uint32_t oldest() const { return pairs_.oldest(); }

  void add_event(Pair& pair, const Event& event);
  // In the order in which they came.
  void copy_events(const Pair& pair, std::vector<Event>& to) const;
  void drop_events(Pair& pair);

  std::size_t size() const { return pairs_.size(); }
  std::size_t events() const { return events_; }

  void prefetch(std::uint32_t hash) const { pairs_.prefetch(hash); }
  // Whether there is probably such a pair.
  bool prefetch_pair(std::uint32_t hash) const { return pairs_.prefetch_entry(hash) != kNoIndex; }
  void prefetch_events(std::uint32_t hash) const;
  void prefetch_oldest() const;

 private:
  static constexpr std::size_t kSlab = 1024;
  static constexpr std::size_t kOfBlock = 3;
  struct alignas(64) Block {
    std::array<Event, kOfBlock> events;
    std::uint32_t next = kNoIndex;
  };
  Block& block(std::uint32_t index) { return blocks_[index / kSlab][index % kSlab]; }
  const Block& block(std::uint32_t index) const { return blocks_[index / kSlab][index % kSlab]; }
  std::uint32_t take_block();

  KeyedHash keyed_;
  RecentTable<Pair> pairs_;
  std::vector<std::unique_ptr<PairNames>> names_;  // of each pair
  std::vector<std::unique_ptr<Block[]>> blocks_;
  std::uint32_t blocks_made_ = 0;
  std::uint32_t free_block_ = kNoIndex;
  std::size_t events_ = 0;
};

// How many different hosts use each destination, as far as it matters: up to kMost users of the first so many
// destinations.
class Popularity {
 public:
  static constexpr std::size_t kMost = 10;
  // Another use of `server` by `client`.
  void add(const IpAddress& server, const IpAddress& client);
  // kMost for a destination that is not kept.
  std::size_t users_of(const IpAddress& server) const;
  // Of all clients, up to kMost.
  std::size_t clients() const { return clients_.size(); }
  std::uint32_t hash_of(const IpAddress& server) const { return static_cast<std::uint32_t>(keyed_(server)); }
  void prefetch(std::uint32_t hash) const { table_.prefetch(hash); }
  void prefetch_destination(std::uint32_t hash) const {
    const std::uint32_t index = table_.guess(hash);
    if (index != kNoIndex) __builtin_prefetch(&destinations_[index], 1);
  }

 private:
  static constexpr std::size_t kDestinations = 1 << 18;
  struct alignas(64) Destination {
    IpAddress server;
    std::array<std::uint32_t, kMost> users;  // hashes
    std::uint32_t count = 0;
  };
  std::uint32_t find(const IpAddress& server, std::uint32_t hash) const;
  KeyedHash keyed_;
  IndexTable table_;
  std::vector<Destination> destinations_;
  std::vector<IpAddress> clients_;
};

}  // namespace tocsin::beacon
