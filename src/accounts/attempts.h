// How often sign-in may be tried and fail. Three kinds of token bucket:
// - the pair of account and address: 5 wrong tries, then one a minute;
// - the address (of IPv6 its /64, which one customer has): 30, then one in 10 s, whatever the accounts;
// - the account, for wrong codes after its right password: 20, then one in 5 minutes. Codes have a million values, so
//   whoever has the password and many addresses could try them all. Only who has the password can use this bucket up.
// Thus nobody who lacks an account's password can keep its owner out from elsewhere.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string_view>
#include <unordered_map>

#include "base/time.h"

namespace tocsin::serve {

class Attempts {
 public:
  Attempts();
  enum class Leave { kGo, kStop, kStopAndTell };  // told: once a minute for each bucket
  // Takes one from the pair and the address, before the password is looked at, so that tries at once count too.
  Leave take(std::string_view name, std::string_view peer, Timestamp now);
  void give_back(std::string_view name, std::string_view peer, Timestamp now);  // it was not a wrong one
  void clear(std::string_view name, std::string_view peer, Timestamp now);      // signed in
  // Takes one from the account's codes; give it back if the code is right.
  Leave take_code(std::string_view name, Timestamp now);
  void give_back_code(std::string_view name, Timestamp now);
  std::size_t size() const;

 private:
  struct Kind {
    double burst;
    Timestamp period;  // one more in each
  };
  static constexpr Kind kPair{5, kMinute}, kAddress{30, 10 * kSecond}, kCodes{20, 5 * kMinute};
  struct Bucket {
    const Kind* kind;
    double left;
    Timestamp when;
    Timestamp told = 0;
  };
  using Table = std::unordered_map<std::uint64_t, Bucket>;  // by a keyed hash, whose collisions nobody can choose

  std::uint64_t key(char kind, std::string_view name, std::string_view peer) const;
  Bucket& bucket(std::uint64_t key, const Kind& kind, Timestamp now);
  void make_room(Timestamp now);
  static void fill(Bucket& bucket, Timestamp now);
  static Leave refusal(Bucket& bucket, Timestamp now);
  void put_back(std::uint64_t key, Timestamp now);

  std::uint64_t seed_;
  mutable std::mutex mutex_;
  Table buckets_;
};

}  // namespace tocsin::serve
