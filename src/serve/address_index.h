// Which segments have an address or a name: so that a look-up reads a few of them instead of all.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/expected.h"
#include "base/ip_address.h"
#include "store/sighting_store.h"

namespace tocsin::serve {

class DatabasePool;

// For each segment the sorted hashes of its actors and targets and of the wide networks (IPv4 /16, IPv6 /32) that they
// are in, four bytes each: a segment that has not what is asked for is wrongly read once in many thousand times.
// Segments never change, so each is looked at once.
class AddressIndex {
 public:
  // Of 31 bits: the highest bit tells wide networks from them.
  static std::uint32_t hash_of(const IpAddress& ip);
  static std::uint32_t hash_of(std::string_view name);
  // Takes in the segments that are new, and forgets those that are gone.
  Expected<void> follow(const std::vector<Segment>& segments, DatabasePool& databases);
  // Of these paths, those that may have it: segments that were not taken in yet stay.
  std::vector<std::string> with(const Prefix& network, const std::vector<std::string>& paths) const;
  std::vector<std::string> with(std::string_view name, const std::vector<std::string>& paths) const;
  // The hashes of the addresses and names that at least so many segments have, sorted; if there are more than `most`,
  // of those that most segments have.
  std::vector<std::uint32_t> frequent(std::size_t segments, std::size_t most) const;
  std::size_t bytes() const;

 private:
  using Hashes = std::shared_ptr<const std::vector<std::uint32_t>>;
  std::vector<std::string> with_hash(std::uint32_t hash, const std::vector<std::string>& paths) const;
  mutable std::mutex mutex_;
  std::map<std::string, Hashes> of_;  // by path
};

}  // namespace tocsin::serve
