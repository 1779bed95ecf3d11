// libloc's database is a tree of networks that nest; a look-up gives the most specific network whole, without
// inheriting from those around it. So a flat list in which the most specific decides says the same.
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstring>
#include <memory>

#include "base/text.h"
#include "locate/iso_countries.h"
#include "locate/sources.h"

extern "C" {
#include <libloc/as.h>
#include <libloc/database.h>
#include <libloc/libloc.h>
#include <libloc/network.h>
}

namespace tocsin {
namespace {

template <auto release>
struct Release {
  template <typename T>
  void operator()(T* object) const {
    release(object);
  }
};
using Context = std::unique_ptr<loc_ctx, Release<loc_unref>>;
using Database = std::unique_ptr<loc_database, Release<loc_database_unref>>;
using Enumerator = std::unique_ptr<loc_database_enumerator, Release<loc_database_enumerator_unref>>;
using Network = std::unique_ptr<loc_network, Release<loc_network_unref>>;
using As = std::unique_ptr<loc_as, Release<loc_as_unref>>;
using File = std::unique_ptr<std::FILE, Release<std::fclose>>;

void log_nothing(loc_ctx*, int, const char*, int, const char*, const char*, va_list) {}

AddressKey key_of_in6(const in6_addr& address) {
  std::array<std::uint8_t, 16> bytes;
  std::memcpy(bytes.data(), &address, bytes.size());
  return key_of(IpAddress(bytes));
}

LocationRecord record_of(loc_network* network) {
  std::uint8_t marks = 0;
  if (loc_network_has_flag(network, LOC_NETWORK_FLAG_ANYCAST)) marks |= LocationRecord::kAnycast;
  if (loc_network_has_flag(network, LOC_NETWORK_FLAG_ANONYMOUS_PROXY)) marks |= LocationRecord::kAnonymousProxy;
  if (loc_network_has_flag(network, LOC_NETWORK_FLAG_DROP)) marks |= LocationRecord::kHostile;
  const char* const country = loc_network_get_country_code(network);
  return LocationRecord::of(country == nullptr ? CountryCode() : iso_country(country), loc_network_get_asn(network),
                            marks);
}

bool read_networks(loc_database* database, LocationTableContent& content) {
  loc_database_enumerator* raw = nullptr;
  if (loc_database_enumerator_new(&raw, database, LOC_DB_ENUMERATE_NETWORKS, 0) != 0) return false;
  const Enumerator enumerator(raw);
  while (true) {
    loc_network* next = nullptr;
    if (loc_database_enumerator_next_network(raw, &next) != 0) return false;
    if (next == nullptr) return true;
    const Network network(next);
    const in6_addr* const first = loc_network_get_first_address(next);
    const in6_addr* const last = loc_network_get_last_address(next);
    content.ranges.push_back({key_of_in6(*first), key_of_in6(*last), record_of(next)});
  }
}

bool read_holders(loc_database* database, LocationTableContent& content) {
  loc_database_enumerator* raw = nullptr;
  if (loc_database_enumerator_new(&raw, database, LOC_DB_ENUMERATE_ASES, 0) != 0) return false;
  const Enumerator enumerator(raw);
  while (true) {
    loc_as* next = nullptr;
    if (loc_database_enumerator_next_as(raw, &next) != 0) return false;
    if (next == nullptr) return true;
    const As as(next);
    const char* const name = loc_as_get_name(next);
    if (name != nullptr && *name != '\0') content.holders.push_back({loc_as_get_number(next), name});
  }
}

std::string first_line(const char* text) {
  const std::string_view whole = text == nullptr ? "" : text;
  return std::string(trim(whole.substr(0, whole.find('\n'))));
}

}  // namespace

Expected<LocationTableContent> read_libloc(const std::string& path) {
  const File file(std::fopen(path.c_str(), "rbe"));
  if (!file) return failure(fmt::format("{}: {}", path, std::strerror(errno)));
  loc_ctx* raw_context = nullptr;
  if (loc_new(&raw_context) != 0) return failure(fmt::format("{}: libloc can't be set up", path));
  const Context context(raw_context);
  loc_set_log_fn(raw_context, log_nothing);
  loc_database* raw_database = nullptr;
  if (loc_database_new(raw_context, &raw_database, file.get()) != 0 || raw_database == nullptr) {
    return failure(fmt::format("{}: not a database that libloc can read", path));
  }
  const Database database(raw_database);
  LocationTableContent content;
  content.date = static_cast<Timestamp>(loc_database_created_at(raw_database)) * kSecond;
  content.description =
      fmt::format("{} ({}, {})", "libloc location database", first_line(loc_database_get_vendor(raw_database)),
                  first_line(loc_database_get_license(raw_database)));
  if (!read_networks(raw_database, content) || !read_holders(raw_database, content)) {
    return failure(fmt::format("{}: damaged", path));
  }
  content.ranges = flatten(std::move(content.ranges));
  return content;
}

}  // namespace tocsin
