#include "serve/segment_index.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>
#include <set>
#include <utility>

#include "base/hash.h"
#include "base/text.h"
#include "serve/context.h"
#include "store/scan.h"

namespace tocsin::serve {
namespace {

constexpr std::uint32_t kWide = 1U << 31;

constexpr std::array<std::string_view, 4> kEnds = {"actor_ip", "target_ip", "actor_name", "target_name"};
constexpr std::size_t kAddresses = 2;  // of them, the first
constexpr std::array<std::pair<std::string_view, ScanType>, 16> kValues = {{{"kind", ScanType::kText},
                                                                            {"detector", ScanType::kText},
                                                                            {"rule", ScanType::kText},
                                                                            {"actor_country", ScanType::kText},
                                                                            {"actor_asn", ScanType::kInteger},
                                                                            {"target_port", ScanType::kShort},
                                                                            {"target_country", ScanType::kText},
                                                                            {"target_asn", ScanType::kInteger},
                                                                            {"target_sector", ScanType::kText},
                                                                            {"target_organisation", ScanType::kText},
                                                                            {"target_province", ScanType::kText},
                                                                            {"cve", ScanType::kText},
                                                                            {"family", ScanType::kText},
                                                                            {"\"group\"", ScanType::kText},
                                                                            {"source", ScanType::kText},
                                                                            {"tlp", ScanType::kText}}};

Prefix wide_network_of(const IpAddress& ip) { return {ip, ip.is_v4() ? 96 + 16 : 32}; }
std::uint32_t hash_of_network(const Prefix& wide) { return SegmentIndex::hash_of(wide.address()) | kWide; }
std::uint32_t hash_of_value(std::size_t column, std::string_view value) { return folded(hash64(value, column + 1)); }

// Hashes without those that came a little while ago: rows that follow each other have much in common.
class Hashes {
 public:
  Hashes() {
    // What no place can hold: a hash stands in the place of its last bits.
    for (std::uint32_t i = 0; i < recent_.size(); ++i) recent_[i] = i + 1;
  }
  void add(std::uint32_t hash) {
    std::uint32_t& last = recent_[hash % recent_.size()];
    if (last == hash) return;
    last = hash;
    all_.push_back(hash);
    if (all_.size() >= most_) make_distinct();
  }
  std::vector<std::uint32_t> take() {
    make_distinct();
    all_.shrink_to_fit();
    return std::move(all_);
  }

 private:
  void make_distinct() {
    std::ranges::sort(all_);
    all_.erase(std::ranges::unique(all_).begin(), all_.end());
    most_ = std::max(most_, 2 * all_.size());
  }
  std::vector<std::uint32_t> all_;
  std::array<std::uint32_t, 4096> recent_;
  std::size_t most_ = 1 << 18;
};

void add_ends(const ScanChunk& chunk, Hashes& hashes) {
  for (std::size_t column = 0; column < kEnds.size(); ++column) {
    for (std::size_t row = 0; row < chunk.rows(); ++row) {
      if (chunk.is_null(column, row)) continue;
      if (column >= kAddresses) {
        hashes.add(SegmentIndex::hash_of(chunk.text(column, row)));
        continue;
      }
      const Hash128 address = chunk.uuid(column, row);
      const IpAddress ip = IpAddress::of_halves(address.high, address.low);
      hashes.add(SegmentIndex::hash_of(ip));
      hashes.add(hash_of_network(wide_network_of(ip)));
    }
  }
}

void add_values(const ScanChunk& chunk, Hashes& hashes) {
  for (std::size_t i = 0; i < kValues.size(); ++i) {
    const std::size_t column = kEnds.size() + i;
    for (std::size_t row = 0; row < chunk.rows(); ++row) {
      if (chunk.is_null(column, row)) continue;
      if (kValues[i].second == ScanType::kText) {
        std::string_view text = chunk.text(column, row);
        hashes.add(hash_of_value(i, text));
        if (kValues[i].first != "target_sector") continue;
        for (std::size_t end = text.rfind('/'); end != std::string_view::npos; end = text.rfind('/')) {
          text = text.substr(0, end);
          hashes.add(hash_of_value(i, text));
        }
      } else {
        const std::uint32_t number = kValues[i].second == ScanType::kShort ? chunk.value<std::uint16_t>(column, row)
                                                                           : chunk.value<std::uint32_t>(column, row);
        hashes.add(hash_of_value(i, fmt::format_int(number).c_str()));
      }
    }
  }
}

}  // namespace

std::uint32_t SegmentIndex::hash_of(const IpAddress& ip) { return folded(tocsin::hash_of(ip)) & ~kWide; }
std::uint32_t SegmentIndex::hash_of(std::string_view name) { return folded(hash64(lower(name))) & ~kWide; }

bool SegmentIndex::has_column(std::string_view column) {
  return std::ranges::any_of(kValues, [&](const auto& value) { return value.first == column; });
}

Expected<SegmentIndex::Known> SegmentIndex::read(const std::string& path, Database& database) {
  std::string columns = fmt::format("{}", fmt::join(kEnds, ", "));
  std::vector<ScanType> types = {ScanType::kUuid, ScanType::kUuid, ScanType::kText, ScanType::kText};
  for (const auto& [column, type] : kValues) {
    columns += fmt::format(", {}", column);
    types.push_back(type);
  }
  const auto ends = std::make_unique<Hashes>(), values = std::make_unique<Hashes>();
  const auto scanned = scan(database, fmt::format("SELECT {} FROM {}", columns, segments_clause({path})), types,
                            [&](const ScanChunk& chunk) {
                              add_ends(chunk, *ends);
                              add_values(chunk, *values);
                            });
  if (!scanned) return std::unexpected(scanned.error());
  return Known{ends->take(), values->take()};
}

std::shared_ptr<const SegmentIndex::Known> SegmentIndex::kept(const std::string& path) const {
  const auto bytes = files_.get(segment_name(path));
  if (!bytes) return nullptr;
  IndexReader reader(*bytes);
  auto known = std::make_shared<Known>();
  known->ends = reader.numbers();
  known->values = reader.numbers();
  const bool is_whole =
      reader.ok() && reader.left() == 0 && std::ranges::is_sorted(known->ends) && std::ranges::is_sorted(known->values);
  return is_whole ? known : nullptr;
}

void SegmentIndex::keep(const std::string& path, const Known& known) const {
  IndexWriter writer;
  writer.add(known.ends);
  writer.add(known.values);
  files_.keep(segment_name(path), writer.bytes());
}

Expected<void> SegmentIndex::follow(const std::vector<Segment>& segments, DatabasePool& databases) {
  std::set<std::string> live, names;
  for (const Segment& segment : segments) live.insert(segment.path);
  std::vector<std::string> missing;
  {
    const std::lock_guard lock(mutex_);
    std::erase_if(of_, [&](const auto& entry) { return !live.contains(entry.first); });
    for (const std::string& path : live) {
      names.insert(segment_name(path));
      if (!of_.contains(path)) missing.push_back(path);
    }
  }
  files_.forget_others(names);
  const auto database = databases.take();
  if (!database) return std::unexpected(database.error());
  for (const std::string& path : missing) {
    std::shared_ptr<const Known> known = kept(path);
    if (known == nullptr) {
      auto found = read(path, **database);
      if (!found) return std::unexpected(found.error());
      keep(path, *found);
      known = std::make_shared<const Known>(std::move(*found));
    }
    const std::lock_guard lock(mutex_);
    of_[path] = std::move(known);
  }
  return {};
}

std::vector<std::string> SegmentIndex::with_hash(std::uint32_t hash, std::vector<std::uint32_t> Known::*hashes,
                                                 const std::vector<std::string>& paths) const {
  std::vector<std::string> found;
  const std::lock_guard lock(mutex_);
  for (const std::string& path : paths) {
    const auto known = of_.find(path);
    if (known == of_.end() || std::ranges::binary_search((*known->second).*hashes, hash)) found.push_back(path);
  }
  return found;
}

std::vector<std::string> SegmentIndex::with(const Prefix& network, const std::vector<std::string>& paths) const {
  if (network.length() == 128) return with_hash(hash_of(network.address()), &Known::ends, paths);
  const Prefix wide = wide_network_of(network.address());
  return network.length() < wide.length() ? paths : with_hash(hash_of_network(wide), &Known::ends, paths);
}

std::vector<std::string> SegmentIndex::with(std::string_view name, const std::vector<std::string>& paths) const {
  return with_hash(hash_of(name), &Known::ends, paths);
}

std::vector<std::string> SegmentIndex::with_value(std::string_view column, std::string_view value,
                                                  const std::vector<std::string>& paths) const {
  const auto at = std::ranges::find(kValues, column, &std::pair<std::string_view, ScanType>::first);
  if (at == kValues.end()) return paths;
  return with_hash(hash_of_value(static_cast<std::size_t>(at - kValues.begin()), value), &Known::values, paths);
}

std::vector<std::uint32_t> SegmentIndex::frequent(std::size_t segments, std::size_t most) const {
  std::vector<std::uint32_t> all;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [path, known] : of_) {
      all.insert(all.end(), known->ends.begin(), std::ranges::lower_bound(known->ends, kWide));
    }
  }
  std::ranges::sort(all);
  std::vector<std::pair<std::size_t, std::uint32_t>> found;  // how many segments have it
  for (auto from = all.begin(); from != all.end();) {
    const auto to = std::ranges::upper_bound(from, all.end(), *from);
    const auto times = static_cast<std::size_t>(to - from);
    if (times >= segments) found.emplace_back(times, *from);
    from = to;
  }
  std::ranges::sort(found, std::greater{});
  found.resize(std::min(found.size(), most));
  std::vector<std::uint32_t> hashes;
  for (const auto& [times, hash] : found) hashes.push_back(hash);
  std::ranges::sort(hashes);
  return hashes;
}

std::size_t SegmentIndex::bytes() const {
  const std::lock_guard lock(mutex_);
  std::size_t bytes = 0;
  for (const auto& [path, known] : of_) {
    bytes += (known->ends.size() + known->values.size()) * sizeof(std::uint32_t);
  }
  return bytes;
}

}  // namespace tocsin::serve
