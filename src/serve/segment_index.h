// Which segments have an address, a name or another value: so that a look-up or a rare page reads a few of them instead
// of all.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/expected.h"
#include "base/ip_address.h"
#include "serve/index_files.h"
#include "store/sighting_store.h"

namespace tocsin::serve {

class DatabasePool;

// For each segment the sorted hashes of its actors and targets and of the wide networks (IPv4 /16, IPv6 /32) that they
// are in, and of the values of its other columns, four bytes each: a segment that has not what is asked for is wrongly
// read once in many thousand times. Segments never change, so each is looked at once.
class SegmentIndex {
 public:
  // kept: where what was found is kept for the next start; empty: nowhere.
  explicit SegmentIndex(std::filesystem::path kept = {}) : files_(std::move(kept), "segment") {}
  // Of 31 bits: the highest bit tells wide networks from them.
  static std::uint32_t hash_of(const IpAddress& ip);
  static std::uint32_t hash_of(std::string_view name);
  // The columns whose values are known, as SQL writes them: "kind", "\"group\"", "target_asn". A sector is one of each
  // that it is below.
  static bool has_column(std::string_view column);
  // Takes in the segments that are new, and forgets those that are gone.
  Expected<void> follow(const std::vector<Segment>& segments, DatabasePool& databases);
  // Of these paths, those that may have it: segments that were not taken in yet stay.
  std::vector<std::string> with(const Prefix& network, const std::vector<std::string>& paths) const;
  std::vector<std::string> with(std::string_view name, const std::vector<std::string>& paths) const;
  std::vector<std::string> with_value(std::string_view column, std::string_view value,
                                      const std::vector<std::string>& paths) const;
  // The hashes of the addresses and names that at least so many segments have, sorted; if there are more than `most`,
  // of those that most segments have.
  std::vector<std::uint32_t> frequent(std::size_t segments, std::size_t most) const;
  std::size_t bytes() const;

 private:
  struct Known {
    std::vector<std::uint32_t> ends, values;  // hashes, sorted
  };
  static Expected<Known> read(const std::string& path, Database& database);
  std::shared_ptr<const Known> kept(const std::string& path) const;
  void keep(const std::string& path, const Known& known) const;
  std::vector<std::string> with_hash(std::uint32_t hash, std::vector<std::uint32_t> Known::*hashes,
                                     const std::vector<std::string>& paths) const;
  const IndexFiles files_;
  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<const Known>> of_;  // by path
};

}  // namespace tocsin::serve
