#include "locate/databases.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <memory>

#include "collect/input.h"

extern "C" {  // the headers of libloc do not say so
#include <libloc/as.h>
#include <libloc/database.h>
#include <libloc/libloc.h>
#include <libloc/network.h>
}

namespace tocsin {
namespace {

Number number_of(const IpAddress& ip) { return {ip.high(), ip.low()}; }

Number before(Number number) {
  if (number.low-- == 0) --number.high;
  return number;
}

Number after(Number number) {
  if (++number.low == 0) ++number.high;
  return number;
}

// Nested networks to ranges that do not overlap: the most specific counts.
std::vector<RangeEntry> flatten(std::vector<RangeEntry> nested) {
  std::ranges::sort(nested, [](const RangeEntry& a, const RangeEntry& b) {
    return a.first != b.first ? a.first < b.first : b.last < a.last;
  });
  std::vector<RangeEntry> flat, open;
  Number at{0, 0};
  const auto give = [&](const RangeEntry& entry, Number last) {
    if (at <= last && entry.first <= last) {
      RangeEntry part = entry;
      part.first = std::max(at, entry.first);
      part.last = last;
      flat.push_back(part);
    }
  };
  for (const RangeEntry& entry : nested) {
    while (!open.empty() && open.back().last < entry.first) {
      give(open.back(), open.back().last);
      at = std::max(at, after(open.back().last));
      open.pop_back();
    }
    if (!open.empty() && open.back().first < entry.first) give(open.back(), before(entry.first));
    at = entry.first;
    open.push_back(entry);
  }
  while (!open.empty()) {
    give(open.back(), open.back().last);
    if (open.back().last == Number{~0ULL, ~0ULL}) break;
    at = std::max(at, after(open.back().last));
    open.pop_back();
  }
  return flat;
}

class OpenLibloc {
 public:
  explicit OpenLibloc(const std::string& path) : file_(std::fopen(path.c_str(), "r")) {
    if (file_ == nullptr) return;
    if (loc_new(&context_) != 0) return;
    loc_set_log_priority(context_, 0);
    if (loc_database_new(context_, &database_, file_) != 0) database_ = nullptr;
  }
  OpenLibloc(const OpenLibloc&) = delete;
  OpenLibloc& operator=(const OpenLibloc&) = delete;
  ~OpenLibloc() {
    if (database_ != nullptr) loc_database_unref(database_);
    if (context_ != nullptr) loc_unref(context_);
    if (file_ != nullptr) std::fclose(file_);
  }
  loc_database* get() { return database_; }

 private:
  std::FILE* file_;
  loc_ctx* context_ = nullptr;
  loc_database* database_ = nullptr;
};

IpAddress address_of(const in6_addr& raw) {
  std::array<std::uint8_t, 16> bytes;
  std::copy(std::begin(raw.s6_addr), std::end(raw.s6_addr), bytes.begin());
  return IpAddress(bytes);
}

}  // namespace

std::uint16_t country_number(std::string_view code) {
  // Reserved, transitional or user-assigned codes that databases use for regions and for what is nowhere.
  static constexpr std::string_view no_countries[] = {"EU", "AP", "A1", "A2", "A3", "O1", "T1", "XD", "ZZ", "QQ", "AN", "YU", "UK"};
  const auto parsed = CountryCode::parse(code);
  if (!parsed || std::ranges::find(no_countries, parsed->text()) != std::end(no_countries)) return 0;
  return static_cast<std::uint16_t>(static_cast<unsigned>(parsed->text()[0]) << 8 | static_cast<unsigned>(parsed->text()[1]));
}

Expected<RangeSource> read_asn_csv(const std::string& path, std::map<std::uint32_t, std::string>& names) {
  auto input = InputStream::open(path);
  if (!input) return std::unexpected(input.error());
  RangeSource source;
  while (const auto line = (*input)->line()) {
    const std::size_t first = line->find(','), second = line->find(',', first + 1), third = line->find(',', second + 1);
    if (first == std::string_view::npos || second == std::string_view::npos) continue;
    const auto from = IpAddress::parse(line->substr(0, first)), to = IpAddress::parse(line->substr(first + 1, second - first - 1));
    const std::string_view digits = line->substr(second + 1, third == std::string_view::npos ? third : third - second - 1);
    std::uint32_t asn = 0;
    if (!from || !to || std::from_chars(digits.data(), digits.data() + digits.size(), asn).ec != std::errc()) continue;
    if (third != std::string_view::npos && !names.contains(asn)) {
      std::string_view name = line->substr(third + 1);
      if (name.starts_with('"') && name.ends_with('"') && name.size() >= 2) name = name.substr(1, name.size() - 2);
      names.emplace(asn, name);
    }
    source.entries.push_back({number_of(*from), number_of(*to), 0, asn, 0});
  }
  std::ranges::sort(source.entries, {}, &RangeEntry::first);
  if (source.entries.empty()) return failure(fmt::format("{}: holds no AS ranges", path));
  return source;
}

Expected<Timestamp> date_of_libloc(const std::string& path) {
  OpenLibloc db(path);
  if (db.get() == nullptr) return failure(fmt::format("{}: is no libloc database", path));
  return static_cast<Timestamp>(loc_database_created_at(db.get())) * kSecond;
}

Expected<RangeSource> read_libloc(const std::string& path, std::map<std::uint32_t, std::string>& names) {
  OpenLibloc db(path);
  if (db.get() == nullptr) return failure(fmt::format("{}: is no libloc database", path));
  RangeSource source;
  source.date = static_cast<Timestamp>(loc_database_created_at(db.get())) * kSecond;
  loc_database_enumerator* walk = nullptr;
  if (loc_database_enumerator_new(&walk, db.get(), LOC_DB_ENUMERATE_NETWORKS, 0) != 0) {
    return failure(fmt::format("{}: can't be read", path));
  }
  loc_network* network = nullptr;
  while (loc_database_enumerator_next_network(walk, &network) == 0 && network != nullptr) {
    RangeEntry entry;
    entry.first = number_of(address_of(*loc_network_get_first_address(network)));
    entry.last = number_of(address_of(*loc_network_get_last_address(network)));
    const char* code = loc_network_get_country_code(network);
    entry.country = code != nullptr ? country_number(code) : std::uint16_t{0};
    entry.asn = loc_network_get_asn(network);
    entry.marks = static_cast<std::uint8_t>((loc_network_has_flag(network, LOC_NETWORK_FLAG_ANYCAST) != 0 ? 1 : 0) |
                                            (loc_network_has_flag(network, LOC_NETWORK_FLAG_ANONYMOUS_PROXY) != 0 ? 2 : 0) |
                                            (loc_network_has_flag(network, LOC_NETWORK_FLAG_DROP) != 0 ? 4 : 0));
    source.entries.push_back(entry);
    loc_network_unref(network);
    network = nullptr;
  }
  loc_database_enumerator_unref(walk);
  if (loc_database_enumerator_new(&walk, db.get(), LOC_DB_ENUMERATE_ASES, 0) == 0) {
    loc_as* as = nullptr;
    while (loc_database_enumerator_next_as(walk, &as) == 0 && as != nullptr) {
      const char* name = loc_as_get_name(as);
      names.emplace(loc_as_get_number(as), name != nullptr ? name : "");
      loc_as_unref(as);
      as = nullptr;
    }
    loc_database_enumerator_unref(walk);
  }
  source.entries = flatten(std::move(source.entries));
  return source;
}

}  // namespace tocsin
