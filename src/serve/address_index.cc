#include "serve/address_index.h"

#include <fmt/format.h>

#include <algorithm>
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

Prefix wide_network_of(const IpAddress& ip) { return {ip, ip.is_v4() ? 96 + 16 : 32}; }
std::uint32_t hash_of_network(const Prefix& wide) { return AddressIndex::hash_of(wide.address()) | kWide; }

Expected<std::vector<std::uint32_t>> hashes_of(const std::string& path, Database& database) {
  std::vector<std::uint32_t> hashes;
  const auto scanned = scan(
      database, fmt::format("SELECT actor_ip, target_ip, actor_name, target_name FROM {}", segments_clause({path})),
      {ScanType::kUuid, ScanType::kUuid, ScanType::kText, ScanType::kText}, [&](const ScanChunk& chunk) {
        for (std::size_t row = 0; row < chunk.rows(); ++row) {
          for (const std::size_t column : {0, 1}) {
            if (chunk.is_null(column, row)) continue;
            const Hash128 address = chunk.uuid(column, row);
            const IpAddress ip = IpAddress::of_halves(address.high, address.low);
            hashes.push_back(AddressIndex::hash_of(ip));
            hashes.push_back(hash_of_network(wide_network_of(ip)));
          }
          for (const std::size_t column : {2, 3}) {
            if (!chunk.is_null(column, row)) hashes.push_back(AddressIndex::hash_of(chunk.text(column, row)));
          }
        }
      });
  if (!scanned) return std::unexpected(scanned.error());
  std::ranges::sort(hashes);
  hashes.erase(std::ranges::unique(hashes).begin(), hashes.end());
  hashes.shrink_to_fit();
  return hashes;
}

}  // namespace

std::uint32_t AddressIndex::hash_of(const IpAddress& ip) { return folded(tocsin::hash_of(ip)) & ~kWide; }
std::uint32_t AddressIndex::hash_of(std::string_view name) { return folded(hash64(lower(name))) & ~kWide; }

Expected<void> AddressIndex::follow(const std::vector<Segment>& segments, DatabasePool& databases) {
  std::set<std::string> live;
  for (const Segment& segment : segments) live.insert(segment.path);
  std::vector<std::string> missing;
  {
    const std::lock_guard lock(mutex_);
    std::erase_if(of_, [&](const auto& entry) { return !live.contains(entry.first); });
    for (const std::string& path : live) {
      if (!of_.contains(path)) missing.push_back(path);
    }
  }
  const auto database = databases.take();
  if (!database) return std::unexpected(database.error());
  for (const std::string& path : missing) {
    auto hashes = hashes_of(path, **database);
    if (!hashes) return std::unexpected(hashes.error());
    const std::lock_guard lock(mutex_);
    of_[path] = std::make_shared<const std::vector<std::uint32_t>>(std::move(*hashes));
  }
  return {};
}

std::vector<std::string> AddressIndex::with_hash(std::uint32_t hash, const std::vector<std::string>& paths) const {
  std::vector<std::string> found;
  const std::lock_guard lock(mutex_);
  for (const std::string& path : paths) {
    const auto known = of_.find(path);
    if (known == of_.end() || std::ranges::binary_search(*known->second, hash)) found.push_back(path);
  }
  return found;
}

std::vector<std::string> AddressIndex::with(const Prefix& network, const std::vector<std::string>& paths) const {
  if (network.length() == 128) return with_hash(hash_of(network.address()), paths);
  const Prefix wide = wide_network_of(network.address());
  return network.length() < wide.length() ? paths : with_hash(hash_of_network(wide), paths);
}

std::vector<std::string> AddressIndex::with(std::string_view name, const std::vector<std::string>& paths) const {
  return with_hash(hash_of(name), paths);
}

std::vector<std::uint32_t> AddressIndex::frequent(std::size_t segments, std::size_t most) const {
  std::vector<std::uint32_t> all;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [path, hashes] : of_) {
      all.insert(all.end(), hashes->begin(), std::ranges::lower_bound(*hashes, kWide));
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

std::size_t AddressIndex::bytes() const {
  const std::lock_guard lock(mutex_);
  std::size_t bytes = 0;
  for (const auto& [path, hashes] : of_) bytes += hashes->size() * sizeof(std::uint32_t);
  return bytes;
}

}  // namespace tocsin::serve
