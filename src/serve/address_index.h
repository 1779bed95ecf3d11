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

// For each segment the sorted 32-bit hashes of its actors and targets and of the wide networks (IPv4 /16, IPv6 /32)
// that they are in, four bytes each: a segment that has not what is asked for is wrongly read once in many thousand
// times. Segments never change, so each is looked at once.
class AddressIndex {
 public:
  // Takes in the segments that are new, and forgets those that are gone.
  Expected<void> follow(const std::vector<Segment>& segments, DatabasePool& databases);
  // Of these paths, those that may have it: segments that were not taken in yet stay.
  std::vector<std::string> with(const Prefix& network, const std::vector<std::string>& paths) const;
  std::vector<std::string> with(std::string_view name, const std::vector<std::string>& paths) const;
  std::size_t bytes() const;

 private:
  using Hashes = std::shared_ptr<const std::vector<std::uint32_t>>;
  std::vector<std::string> with_hash(std::uint32_t hash, const std::vector<std::string>& paths) const;
  mutable std::mutex mutex_;
  std::map<std::string, Hashes> of_;  // by path
};

}  // namespace tocsin::serve
