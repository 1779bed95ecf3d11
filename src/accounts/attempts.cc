#include "accounts/attempts.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "accounts/secrets.h"
#include "base/hash.h"
#include "base/ip_address.h"

namespace tocsin::serve {
namespace {

// Hashing a password takes so long that fewer are ever in use; this is the end of all doubt.
constexpr std::size_t kMost = 65'536;

std::string network_of(std::string_view peer) {
  const auto address = IpAddress::parse(peer);
  if (!address) return std::string(peer);
  return address->is_v4() ? address->text() : Prefix(*address, 64).text();
}

}  // namespace

Attempts::Attempts() { std::memcpy(&seed_, random_bytes(sizeof seed_).data(), sizeof seed_); }

std::uint64_t Attempts::key(char kind, std::string_view name, std::string_view peer) const {
  std::string text(1, kind);
  text += network_of(peer);
  text += '\0';
  text += name;
  return hash64(text, seed_);
}

void Attempts::fill(Bucket& bucket, Timestamp now) {
  // A clock that was put back fills nothing, and starts anew.
  const Timestamp passed = std::max<Timestamp>(now - bucket.when, 0);
  bucket.left = std::min(bucket.kind->burst,
                         bucket.left + static_cast<double>(passed) / static_cast<double>(bucket.kind->period));
  bucket.when = now;
}

void Attempts::make_room(Timestamp now) {
  for (auto& [key, bucket] : buckets_) fill(bucket, now);
  std::erase_if(buckets_, [](const auto& item) { return item.second.left >= item.second.kind->burst; });
  while (buckets_.size() > kMost - 2) {
    buckets_.erase(std::ranges::max_element(buckets_, {}, [](const auto& item) { return item.second.left; }));
  }
}

Attempts::Bucket& Attempts::bucket(std::uint64_t key, const Kind& kind, Timestamp now) {
  auto found = buckets_.find(key);
  if (found == buckets_.end()) {
    if (buckets_.size() >= kMost) make_room(now);
    found = buckets_.emplace(key, Bucket{&kind, kind.burst, now}).first;
  }
  fill(found->second, now);
  return found->second;
}

Attempts::Leave Attempts::refusal(Bucket& bucket, Timestamp now) {
  if (bucket.told != 0 && now - bucket.told < kMinute) return Leave::kStop;
  bucket.told = now;
  return Leave::kStopAndTell;
}

Attempts::Leave Attempts::take(std::string_view name, std::string_view peer, Timestamp now) {
  const std::lock_guard lock(mutex_);
  if (buckets_.size() > kMost - 2) make_room(now);  // for both, so that the second does not push out the first
  Bucket& address = bucket(key('a', {}, peer), kAddress, now);
  if (address.left < 1) return refusal(address, now);
  Bucket& pair = bucket(key('p', name, peer), kPair, now);
  if (pair.left < 1) return refusal(pair, now);
  address.left -= 1;
  pair.left -= 1;
  return Leave::kGo;
}

void Attempts::put_back(std::uint64_t key, Timestamp now) {
  const auto found = buckets_.find(key);
  if (found == buckets_.end()) return;
  fill(found->second, now);
  found->second.left = std::min(found->second.kind->burst, found->second.left + 1);
}

void Attempts::give_back(std::string_view name, std::string_view peer, Timestamp now) {
  const std::lock_guard lock(mutex_);
  put_back(key('a', {}, peer), now);
  put_back(key('p', name, peer), now);
}

void Attempts::clear(std::string_view name, std::string_view peer, Timestamp now) {
  const std::lock_guard lock(mutex_);
  put_back(key('a', {}, peer), now);
  buckets_.erase(key('p', name, peer));
}

Attempts::Leave Attempts::take_code(std::string_view name, Timestamp now) {
  const std::lock_guard lock(mutex_);
  Bucket& codes = bucket(key('c', name, {}), kCodes, now);
  if (codes.left < 1) return refusal(codes, now);
  codes.left -= 1;
  return Leave::kGo;
}

void Attempts::give_back_code(std::string_view name, Timestamp now) {
  const std::lock_guard lock(mutex_);
  put_back(key('c', name, {}), now);
}

std::size_t Attempts::size() const {
  const std::lock_guard lock(mutex_);
  return buckets_.size();
}

}  // namespace tocsin::serve
