#include <fmt/format.h>
#include <maxminddb.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <unordered_map>

#include "locate/databases.h"

namespace tocsin {
namespace {

class OpenMmdb {
 public:
  explicit OpenMmdb(const std::string& path) : status_(MMDB_open(path.c_str(), MMDB_MODE_MMAP, &db_)) {}
  OpenMmdb(const OpenMmdb&) = delete;
  OpenMmdb& operator=(const OpenMmdb&) = delete;
  ~OpenMmdb() {
    if (status_ == MMDB_SUCCESS) MMDB_close(&db_);
  }
  int status() const { return status_; }
  MMDB_s* get() { return &db_; }

 private:
  MMDB_s db_{};
  int status_;
};

// Walks the tree in the order of addresses.
class MmdbWalk {
 public:
  explicit MmdbWalk(MMDB_s* db) : db_(db) {
    // Where the IPv4 tree hangs; other places that lead to it are aliases of it.
    std::uint64_t node = 0;
    for (int depth = 0; depth < 96 && db->metadata.ip_version == 6 && node < db->metadata.node_count; ++depth) {
      MMDB_search_node_s read;
      if (MMDB_read_node(db, static_cast<std::uint32_t>(node), &read) != MMDB_SUCCESS) break;
      node = read.left_record;
    }
    four_ = node;
  }

  std::vector<RangeEntry> entries() {
    if (db_->metadata.ip_version == 4) {
      walk(0, Number{0, 0xffff00000000ULL}, 96);
    } else {
      walk(0, Number{0, 0}, 0);
      // The tree keeps IPv4 at ::/96; Tocsin at ::ffff:0:0/96.
      for (RangeEntry& entry : out_) {
        if (entry.first.high != 0 || entry.last.low > 0xffffffffULL) continue;
        entry.first.low |= 0xffff00000000ULL;
        entry.last.low |= 0xffff00000000ULL;
      }
      std::ranges::stable_sort(out_, {}, &RangeEntry::first);
    }
    return std::move(out_);
  }

 private:
  void walk(std::uint32_t node, Number first, int depth) {
    if (depth >= 128) return;
    MMDB_search_node_s read;
    if (MMDB_read_node(db_, node, &read) != MMDB_SUCCESS) return;
    Number right = first;
    const int bit = 127 - depth;
    (bit >= 64 ? right.high : right.low) |= 1ULL << (bit % 64);
    record(read.left_record_type, read.left_record, read.left_record_entry, first, depth + 1);
    record(read.right_record_type, read.right_record, read.right_record_entry, right, depth + 1);
  }

  void record(std::uint8_t type, std::uint64_t value, MMDB_entry_s entry, Number first, int depth) {
    if (type == MMDB_RECORD_TYPE_SEARCH_NODE) {
      const bool alias = value == four_ && db_->metadata.ip_version == 6 && (first.high != 0 || first.low != 0 || depth != 96);
      if (!alias) walk(static_cast<std::uint32_t>(value), first, depth);
    } else if (type == MMDB_RECORD_TYPE_DATA) {
      Number last = first;
      const int left = 128 - depth;
      if (left >= 64) {
        last.low = ~0ULL;
        if (left > 64) last.high |= left == 128 ? ~0ULL : (1ULL << (left - 64)) - 1;
      } else {
        last.low |= (1ULL << left) - 1;
      }
      const std::uint16_t code = country(entry);
      if (code != 0) out_.push_back({first, last, code, 0, 0});
    }
  }

  std::uint16_t country(MMDB_entry_s& entry) {
    const auto [found, fresh] = countries_.try_emplace(entry.offset, std::uint16_t{0});
    if (fresh) {
      MMDB_entry_data_s data;
      if (MMDB_get_value(&entry, &data, "country_code", nullptr) == MMDB_SUCCESS && data.has_data &&
          data.type == MMDB_DATA_TYPE_UTF8_STRING && data.data_size == 2) {
        found->second = country_number(std::string_view(data.utf8_string, 2));
      }
    }
    return found->second;
  }

  MMDB_s* db_;
  std::uint64_t four_ = 0;
  std::vector<RangeEntry> out_;
  std::unordered_map<std::uint32_t, std::uint16_t> countries_;
};

}  // namespace

Expected<RangeSource> read_mmdb(const std::string& path) {
  OpenMmdb db(path);
  if (db.status() != MMDB_SUCCESS) return failure(fmt::format("{}: {}", path, MMDB_strerror(db.status())));
  RangeSource source;
  source.date = static_cast<Timestamp>(db.get()->metadata.build_epoch) * kSecond;
  source.entries = MmdbWalk(db.get()).entries();
  return source;
}

Expected<Timestamp> date_of_mmdb(const std::string& path) {
  OpenMmdb db(path);
  if (db.status() != MMDB_SUCCESS) return failure(fmt::format("{}: {}", path, MMDB_strerror(db.status())));
  return static_cast<Timestamp>(db.get()->metadata.build_epoch) * kSecond;
}

}  // namespace tocsin
