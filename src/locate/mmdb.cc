// MaxMind DB, https://maxmind.github.io/MaxMind-DB/: a binary tree over the bits of an address whose leaves point to
// records. libmaxminddb has look-ups but no way to list the networks, so the tree is walked node by node.
//
// IPv4 addresses are in ::/96. Some databases let ::ffff:0:0/96, 2002::/16 and 2001::/32 point to the same node; these
// aliases are not followed (a 6to4 or Teredo address says nothing about the place of the machine behind it that the
// network itself would not).
#include <fmt/format.h>
#include <maxminddb.h>

#include <algorithm>
#include <unordered_map>

#include "locate/iso_countries.h"
#include "locate/sources.h"

namespace tocsin {
namespace {

class OpenMmdb {
 public:
  explicit OpenMmdb(const std::string& path) : status_(MMDB_open(path.c_str(), MMDB_MODE_MMAP, &database_)) {}
  ~OpenMmdb() {
    if (status_ == MMDB_SUCCESS) MMDB_close(&database_);
  }
  OpenMmdb(const OpenMmdb&) = delete;
  OpenMmdb& operator=(const OpenMmdb&) = delete;
  int status() const { return status_; }
  const MMDB_s& get() const { return database_; }

 private:
  MMDB_s database_{};
  int status_;
};

class TreeWalk {
 public:
  TreeWalk(const MMDB_s& database, std::vector<AddressRange<CountryCode>>& ranges)
      : database_(database), ranges_(ranges), six_(database.metadata.ip_version == 6) {}

  bool run() { return six_ ? walk(0, 0, 128) : walk(0, kFirstV4Key, 32); }

 private:
  // bits: how many of the address are still open.
  bool walk(std::uint64_t number, AddressKey key, int bits) {
    // A tree has each node once; one that has more is damaged and could take for ever.
    if (bits == 0 || ++visits_ > database_.metadata.node_count) return false;
    MMDB_search_node_s node;
    if (MMDB_read_node(&database_, static_cast<std::uint32_t>(number), &node) != MMDB_SUCCESS) return false;
    const AddressKey half = static_cast<AddressKey>(1) << (bits - 1);
    return follow(node.left_record_type, node.left_record, node.left_record_entry, key, bits - 1) &&
           follow(node.right_record_type, node.right_record, node.right_record_entry, key | half, bits - 1);
  }

  bool follow(int type, std::uint64_t record, MMDB_entry_s entry, AddressKey key, int bits) {
    switch (type) {
      case MMDB_RECORD_TYPE_EMPTY:
        return true;
      case MMDB_RECORD_TYPE_SEARCH_NODE:
        if (six_ && record == database_.ipv4_start_node.node_value) {
          return key == 0 && bits == 32 ? walk(record, kFirstV4Key, bits) : true;
        }
        return walk(record, key, bits);
      case MMDB_RECORD_TYPE_DATA:
        add(entry, key, bits);
        return true;
      default:
        return false;
    }
  }

  void add(MMDB_entry_s entry, AddressKey key, int bits) {
    const CountryCode country = country_of(entry);
    if (!country.known()) return;
    const AddressKey size_less_one = bits == 128 ? kLastKey : (static_cast<AddressKey>(1) << bits) - 1;
    if (six_ && key == 0 && bits >= 32) {
      ranges_.push_back({kFirstV4Key, kLastV4Key, country});
      if (bits == 32) return;
    } else if (six_ && (key >> 32) == 0) {
      key += kFirstV4Key;
    }
    ranges_.push_back({key, key + size_less_one, country});
  }

  CountryCode country_of(MMDB_entry_s entry) {
    const auto [known, fresh] = countries_.try_emplace(entry.offset);
    if (fresh) {
      MMDB_entry_data_s value{};
      if (MMDB_get_value(&entry, &value, "country_code", nullptr) == MMDB_SUCCESS && value.has_data &&
          value.type == MMDB_DATA_TYPE_UTF8_STRING) {
        known->second = iso_country({value.utf8_string, value.data_size});
      }
    }
    return known->second;
  }

  const MMDB_s& database_;
  std::vector<AddressRange<CountryCode>>& ranges_;
  const bool six_;
  std::uint64_t visits_ = 0;
  std::unordered_map<std::uint32_t, CountryCode> countries_;  // by the record's offset: there are few
};

std::unexpected<Error> open_failure(const std::string& path, int status) {
  return failure(fmt::format("{}: {}", path, MMDB_strerror(status)));
}

Timestamp date_of(const MMDB_s& database) {
  // A date beyond the year 9999 is damage; it must not overflow.
  return static_cast<Timestamp>(std::min<std::uint64_t>(database.metadata.build_epoch, 253'402'300'799)) * kSecond;
}

}  // namespace

Expected<CountryRanges> read_mmdb_countries(const std::string& path) {
  const OpenMmdb database(path);
  if (database.status() != MMDB_SUCCESS) return open_failure(path, database.status());
  CountryRanges result;
  result.date = date_of(database.get());
  if (!TreeWalk(database.get(), result.ranges).run()) {
    return failure(fmt::format("{}: the search tree is damaged", path));
  }
  result.ranges = flatten(std::move(result.ranges));
  return result;
}

}  // namespace tocsin
