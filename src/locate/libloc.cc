// libloc's database is a tree of networks that nest; a look-up gives the most specific network whole, without
// inheriting from those around it. So a flat list in which the most specific decides says the same.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
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

// libloc trusts what the header says about where things are, and a file that was cut short would crash it. The fields
// are those of struct loc_database_header_v1 in libloc/format.h: big-endian, offset and length of each section.
bool sections_fit(std::FILE* file) {
  constexpr std::size_t kHeaderSize = 68;
  std::array<std::uint8_t, kHeaderSize> header;
  if (std::fread(header.data(), 1, header.size(), file) != header.size() || std::fseek(file, 0, SEEK_END) != 0) {
    return false;
  }
  const long end = std::ftell(file);
  auto number = [](const std::uint8_t* at) {
    return static_cast<std::uint32_t>(at[0]) << 24 | static_cast<std::uint32_t>(at[1]) << 16 |
           static_cast<std::uint32_t>(at[2]) << 8 | at[3];
  };
  auto field = [&](std::size_t at) { return number(header.data() + at); };
  constexpr std::size_t kAs = 28;
  constexpr std::size_t kPool = 60;
  for (std::size_t at = kAs; at <= kPool; at += 8) {
    if (std::uint64_t{field(at)} + field(at + 4) > static_cast<std::uint64_t>(end)) return false;
  }
  auto read = [&](std::size_t at, std::size_t size) {
    std::string bytes(size, '\0');
    const bool whole =
        std::fseek(file, static_cast<long>(at), SEEK_SET) == 0 && std::fread(bytes.data(), 1, size, file) == size;
    return whole ? bytes : std::string();
  };
  // Strings: offsets into a pool whose last byte ends the last one.
  const std::uint32_t pool_size = field(kPool + 4);
  if (pool_size == 0 || read(field(kPool) + std::size_t{pool_size} - 1, 1) != std::string(1, '\0')) return false;
  for (const std::size_t at : {16, 20, 24}) {
    if (field(at) >= pool_size) return false;
  }
  const std::string as_section = read(field(kAs), field(kAs + 4));
  for (std::size_t at = 0; at + 8 <= as_section.size(); at += 8) {
    if (number(reinterpret_cast<const std::uint8_t*>(as_section.data()) + at + 4) >= pool_size) return false;
  }
  std::rewind(file);
  return true;
}

}  // namespace

Expected<LocationTableContent> read_libloc(const std::string& path) {
  const File file(std::fopen(path.c_str(), "rbe"));
  if (!file) return failure(fmt::format("{}: {}", path, std::strerror(errno)));
  if (!sections_fit(file.get())) return failure(fmt::format("{}: not a whole libloc database", path));
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
  constexpr std::uint64_t kLatest = 253'402'300'799;  // the end of the year 9999
  content.date =
      static_cast<Timestamp>(std::min<std::uint64_t>(loc_database_created_at(raw_database), kLatest)) * kSecond;
  content.description =
      fmt::format("libloc location database ({}, {})", first_line(loc_database_get_vendor(raw_database)),
                  first_line(loc_database_get_license(raw_database)));
  if (!read_networks(raw_database, content) || !read_holders(raw_database, content)) {
    return failure(fmt::format("{}: damaged", path));
  }
  content.ranges = flatten(std::move(content.ranges));
  return content;
}

}  // namespace tocsin
