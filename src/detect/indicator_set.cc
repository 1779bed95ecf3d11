// One open-addressed table holds the keys of all types: 64-bit hashes, of which the high bits choose the slot and the
// low 32 stand in it, so that a slot is 8 bytes. A key that passes is verified against the value's text. Before the
// table stands a filter for each sort of look-up, small enough to stay in the processor's second-level cache: addresses
// of flows, the look-up made most often, have one of their own.
//
// An address with a port has two keys: the pair, and the address alone unless an indicator of that stands there; so
// another port of the same host is found too, as a loose match. The further ports of an address are in a list of pairs,
// sorted by the entry that the key of the address leads to, where they are looked for only when nothing else was valid.
#include "detect/indicator_set.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

#include "base/hash.h"
#include "base/text.h"
#include "detect/domain_name.h"
#include "detect/indicator_set_builder.h"

namespace tocsin {
namespace {

constexpr std::size_t kMostBoundaries = 64;
constexpr std::size_t kLongestUri = 4096;
constexpr std::size_t kMostLoose = 64;  // of one address; more of them say nothing new

bool is_boundary(char c) { return c == '/' || c == '?' || c == '&' || c == '#' || c == ';'; }

std::optional<IpAddress> address_of(std::string_view value, IndicatorType type) {
  return IpAddress::parse(type == IndicatorType::kAddressPort ? host_of_endpoint(value) : value);
}

}  // namespace

std::string IndicatorMatch::origin() const { return line == 0 ? std::string(file) : fmt::format("{}:{}", file, line); }

template <typename Same>
std::uint32_t IndicatorSet::find(std::uint64_t key, Same same) const {
  if (slots_.empty()) return kNone;
  for (std::size_t at = slot_of(key);; at = at + 1 == slots_.size() ? 0 : at + 1) {
    const Slot slot = slots_[at];
    if (slot.entry == kNone) return kNone;
    if (slot.tag == static_cast<std::uint32_t>(key) && same(entries_[slot.entry])) return slot.entry;
  }
}

IndicatorMatch IndicatorSet::match_of(std::uint32_t index, bool loose) const {
  const Entry& entry = entries_[index];
  const Common& common = commons_[entry.common];
  IndicatorMatch match;
  match.value = value_of(entry);
  match.family = texts_[common.family];
  match.group = texts_[common.group];
  match.source = texts_[common.source];
  match.tlp = texts_[common.tlp];
  match.file = texts_[common.file];
  match.line = entry.line;
  match.type = entry.type;
  match.kind = common.kind;
  match.confidence = loose ? Confidence::kSuspected : common.confidence;
  match.valid = common.valid;
  match.loose = loose;
  match.entry = index;
  return match;
}

void IndicatorSet::take(std::uint32_t index, Timestamp time, bool loose, Matches& out) const {
  if (commons_[entries_[index].common].valid.contains(time)) out.push_back(match_of(index, loose));
}

void IndicatorSet::take_chain(std::uint32_t entry, Timestamp time, bool loose, Matches& out) const {
  for (; entry != kNone; entry = entries_[entry].next) take(entry, time, loose, out);
}

void IndicatorSet::take_other_ports(std::uint32_t address, Timestamp time, Matches& out) const {
  const std::size_t enough = out.size() + kMostLoose;
  if (entries_[address].type == IndicatorType::kAddressPort) take_chain(address, time, true, out);
  auto other = std::ranges::lower_bound(other_ports_, address, {}, &PortOf::address);
  for (; other != other_ports_.end() && other->address == address && out.size() < enough; ++other) {
    take_chain(other->entry, time, true, out);
  }
}

bool IndicatorSet::in_prefix_page(const IpAddress& address) const {
  if (!address.is_v4()) return has_v6_prefixes_;
  const std::uint32_t page = address.as_v4() >> 16;
  return (prefix_pages_[page >> 6] >> (page & 63) & 1) != 0;
}

void IndicatorSet::match_address(const Endpoint& endpoint, Timestamp time, Matches& out) const {
  const std::uint64_t key = key_of(endpoint.ip);
  if (addresses_.may_have(key)) {
    const std::uint32_t found = find(key, [&](const Entry& entry) {
      return entry.type <= IndicatorType::kAddressPort && address_of(value_of(entry), entry.type) == endpoint.ip;
    });
    if (found != kNone) {
      const std::size_t before = out.size();
      if (endpoint.port != 0) {
        const std::uint32_t pair = find(endpoint_key(key, endpoint.port), [&](const Entry& entry) {
          return entry.type == IndicatorType::kAddressPort && port_of_endpoint(value_of(entry)) == endpoint.port &&
                 address_of(value_of(entry), entry.type) == endpoint.ip;
        });
        take_chain(pair, time, false, out);
      }
      if (entries_[found].type == IndicatorType::kAddress) take_chain(found, time, false, out);
      if (out.size() == before) take_other_ports(found, time, out);
    }
  }
  if (!has_prefixes_ || !in_prefix_page(endpoint.ip)) return;
  const bool v4 = endpoint.ip.is_v4();
  for (const int length : prefix_lengths_) {
    if (v4 && length <= 96) continue;
    const Prefix prefix(endpoint.ip, length);
    take_chain(find(prefix_key(prefix),
                    [&](const Entry& entry) {
                      return entry.type == IndicatorType::kPrefix && Prefix::parse(value_of(entry)) == prefix;
                    }),
               time, false, out);
  }
}

void IndicatorSet::match_domain(std::string_view name, Timestamp time, Matches& out) const {
  std::string normal;
  if (!normalise_domain(name, normal)) return;
  for (std::size_t at = 0; at < normal.size();) {
    const std::string_view suffix = std::string_view(normal).substr(at);
    const std::uint64_t key = domain_key(suffix);
    if (names_.may_have(key)) {
      const std::uint32_t found = find(
          key, [&](const Entry& entry) { return entry.type == IndicatorType::kDomain && value_of(entry) == suffix; });
      if (found != kNone && (at == 0 || !is_public_suffix(suffix))) take_chain(found, time, false, out);
    }
    const std::size_t dot = normal.find('.', at);
    if (dot == std::string::npos) break;
    at = dot + 1;
  }
}

void IndicatorSet::match_url_from(std::string_view host, std::string_view uri, bool loose, Timestamp time,
                                  Matches& out) const {
  std::string request(host);
  request += uri;
  std::array<std::size_t, kMostBoundaries> ends;
  std::size_t count = 0;
  for (std::size_t i = host.size() + 1; i < request.size() && count + 1 < ends.size(); ++i) {
    if (is_boundary(request[i])) ends[count++] = i;
  }
  ends[count++] = request.size();
  while (count > 0) {
    const std::string_view candidate = std::string_view(request).substr(0, ends[--count]);
    const std::uint64_t key = url_key(candidate);
    if (!urls_.may_have(key)) continue;
    take_chain(
        find(key,
             [&](const Entry& entry) { return entry.type == IndicatorType::kUrl && value_of(entry) == candidate; }),
        time, loose, out);
  }
}

void IndicatorSet::match_url(std::string_view host, std::string_view uri, Timestamp time, Matches& out) const {
  if (const std::size_t mark = uri.find("://"); mark != std::string_view::npos && mark <= 8) {
    const std::string_view rest = uri.substr(mark + 3);
    const std::size_t slash = std::min(rest.find_first_of("/?"), rest.size());
    host = rest.substr(0, slash);
    uri = rest.substr(slash);
  }
  uri = uri.substr(0, std::min(uri.find('#'), kLongestUri));
  std::string authority;
  if (normalise_authority(host, authority)) {
    if (urls_.may_have(url_host_key(authority))) match_url_from(authority, uri, false, time, out);
    const std::string_view bare = without_port(authority);
    if (bare.size() != authority.size() && urls_.may_have(url_host_key(bare))) {
      match_url_from(bare, uri, true, time, out);
    }
  }
  if (has_paths_ && uri.starts_with('/')) match_url_from({}, uri, true, time, out);
}

void IndicatorSet::match_hash(std::string_view hex, Timestamp time, Matches& out) const {
  const std::string normal = lower(hex);
  const std::uint64_t key = hash_key(normal);
  if (!hashes_.may_have(key)) return;
  take_chain(
      find(key, [&](const Entry& entry) { return entry.type == IndicatorType::kHash && value_of(entry) == normal; }),
      time, false, out);
}

std::size_t IndicatorSet::bytes() const {
  std::size_t texts = 0;
  for (const std::string& text : texts_) texts += sizeof text + text.capacity();
  return values_.capacity() + entries_.capacity() * sizeof(Entry) + commons_.capacity() * sizeof(Common) +
         slots_.capacity() * sizeof(Slot) + other_ports_.capacity() * sizeof(PortOf) + texts + addresses_.bytes() +
         names_.bytes() + urls_.bytes() + hashes_.bytes();
}

}  // namespace tocsin
