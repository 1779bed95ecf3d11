#include <array>
#include <string_view>

#include "locate/sources.h"

namespace tocsin {
namespace {

// A flat list read from front to back.
template <typename Value>
class Cursor {
 public:
  explicit Cursor(const std::vector<AddressRange<Value>>& ranges) : at_(ranges.begin()), end_(ranges.end()) {}
  // The value at key, which must not go down; `until` is lowered to the last key of which the same can be said.
  Value value_at(AddressKey key, AddressKey& until) {
    while (at_ != end_ && at_->last < key) ++at_;
    if (at_ == end_) return Value{};
    if (key < at_->first) {
      until = std::min(until, at_->first - 1);
      return Value{};
    }
    until = std::min(until, at_->last);
    return at_->value;
  }

 private:
  std::vector<AddressRange<Value>>::const_iterator at_, end_;
};

// Where the scope of an address may change: the networks that scope_of tells apart. More of them do no harm.
constexpr std::array<std::string_view, 31> kSpecialNetworks{
    "0.0.0.0/8",       "0.0.0.0/32",     "10.0.0.0/8",     "100.64.0.0/10",  "127.0.0.0/8",        "169.254.0.0/16",
    "172.16.0.0/12",   "192.0.0.0/24",   "192.0.2.0/24",   "192.88.99.0/24", "192.168.0.0/16",     "198.18.0.0/15",
    "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4",    "240.0.0.0/4",    "255.255.255.255/32", "::/128",
    "::1/128",         "64:ff9b::/96",   "64:ff9b:1::/48", "100::/64",       "2000::/3",           "2001:2::/48",
    "2001:db8::/32",   "2002::/16",      "3fff::/20",      "fc00::/7",       "fe80::/10",          "ff00::/8",
    "2001::/32"};

std::vector<AddressKey> scope_changes() {
  std::vector<AddressKey> changes{0, kFirstV4Key, kLastV4Key + 1};
  for (const std::string_view text : kSpecialNetworks) {
    const auto network = Prefix::parse(text);
    changes.push_back(key_of(network->address()));
    changes.push_back(key_of(network->last()) + 1);
  }
  std::ranges::sort(changes);
  return changes;
}

}  // namespace

std::vector<AddressRange<LocationRecord>> merge_sources(const std::vector<AddressRange<CountryCode>>& first,
                                                        const std::vector<AddressRange<CountryCode>>& second,
                                                        const std::vector<AddressRange<std::uint32_t>>& as_numbers) {
  std::vector<AddressRange<LocationRecord>> merged;
  Cursor first_cursor(first);
  Cursor second_cursor(second);
  Cursor as_cursor(as_numbers);
  AddressKey key = 0;
  while (true) {
    AddressKey until = kLastKey;
    const CountryCode by_first = first_cursor.value_at(key, until);
    const CountryCode by_second = second_cursor.value_at(key, until);
    const std::uint32_t asn = as_cursor.value_at(key, until);
    const LocationRecord record = LocationRecord::of(by_first.known() ? by_first : by_second, asn, 0);
    if (record != LocationRecord{}) {
      if (!merged.empty() && merged.back().last + 1 == key && merged.back().value == record) {
        merged.back().last = until;
      } else {
        merged.push_back({key, until, record});
      }
    }
    if (until == kLastKey) return merged;
    key = until + 1;
  }
}

std::vector<AddressRange<LocationRecord>> without_special(const std::vector<AddressRange<LocationRecord>>& flat) {
  const std::vector<AddressKey> changes = scope_changes();
  std::vector<AddressRange<LocationRecord>> kept;
  kept.reserve(flat.size());
  for (const AddressRange<LocationRecord>& range : flat) {
    AddressKey first = range.first;
    while (true) {
      const auto change = std::ranges::upper_bound(changes, first);
      const AddressKey last = change == changes.end() ? range.last : std::min(range.last, *change - 1);
      if (scope_of(address_of(first)) == AddressScope::kGlobal) kept.push_back({first, last, range.value});
      if (last == range.last) break;
      first = last + 1;
    }
  }
  return kept;
}

}  // namespace tocsin
