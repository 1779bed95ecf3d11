// The flat tables against the libraries and files they were made from, address by address.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <maxminddb.h>
#include <netinet/in.h>

#include <algorithm>
#include <fstream>
#include <random>
#include <sstream>

#include "locate/iso_countries.h"
#include "locate/locator.h"
#include "locate/sources.h"
#include "location_data.h"

extern "C" {
#include <libloc/database.h>
#include <libloc/libloc.h>
#include <libloc/network.h>
}

namespace tocsin {
namespace {

constexpr int kAddresses = 200'000;

// Half IPv4, half IPv6 in the networks that are in use; every fourth is an end of a range of the AS files or the
// address next to it, where mistakes would be.
class Addresses {
 public:
  explicit Addresses(const std::vector<AddressKey>& edges) : edges_(edges) {}
  IpAddress next() {
    if (random_() % 4 == 0 && !edges_.empty()) {
      return address_of(edges_[random_() % edges_.size()] + random_() % 3 - 1);
    }
    if (random_() % 2 == 0) return IpAddress::v4(static_cast<std::uint32_t>(random_()));
    if (random_() % 2 == 0 && !edges_.empty()) {  // near a network in use
      const AddressKey key =
          edges_[random_() % edges_.size()] ^ (static_cast<AddressKey>(random_() & 0xffffffff) << 64);
      return address_of(key ^ random_());
    }
    std::array<std::uint8_t, 16> bytes{};
    for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random_());
    bytes[0] = static_cast<std::uint8_t>(0x20 | (bytes[0] & 0x0f));
    return IpAddress(bytes);
  }

 private:
  std::mt19937_64 random_{20'26};
  const std::vector<AddressKey>& edges_;
};

// The AS files read and searched in another way than the reader's.
struct AsFile {
  struct Row {
    IpAddress first, last;
    std::uint32_t asn;
  };
  explicit AsFile(const std::string& path) {
    std::ifstream file(path);
    std::string line;
    while (std::getline(file, line)) {
      std::istringstream fields(line);
      std::string first, last, asn;
      std::getline(fields, first, ',');
      std::getline(fields, last, ',');
      std::getline(fields, asn, ',');
      rows.push_back({*IpAddress::parse(first), *IpAddress::parse(last), static_cast<std::uint32_t>(std::stoul(asn))});
    }
    std::ranges::sort(rows, {}, &Row::first);
  }
  std::uint32_t find(const IpAddress& ip) const {
    auto row = std::ranges::upper_bound(rows, ip, {}, &Row::first);
    if (row == rows.begin()) return 0;
    --row;
    return ip <= row->last ? row->asn : 0;
  }
  std::vector<Row> rows;
};

CountryCode look_up(const MMDB_s& database, const IpAddress& ip) {
  sockaddr_in four{};
  sockaddr_in6 six{};
  four.sin_family = AF_INET;
  four.sin_addr.s_addr = htonl(ip.as_v4());
  six.sin6_family = AF_INET6;
  std::memcpy(&six.sin6_addr, ip.bytes().data(), 16);
  int error = 0;
  auto result = MMDB_lookup_sockaddr(
      &database, ip.is_v4() ? reinterpret_cast<const sockaddr*>(&four) : reinterpret_cast<const sockaddr*>(&six),
      &error);
  MMDB_entry_data_s value{};
  if (error != MMDB_SUCCESS || !result.found_entry ||
      MMDB_get_value(&result.entry, &value, "country_code", nullptr) != MMDB_SUCCESS || !value.has_data) {
    return {};
  }
  return iso_country({value.utf8_string, value.data_size});
}

TEST(Agreement, TablesSayExactlyWhatTheirSourcesSay) {
  NEEDS_LOCATION_DATA();
  const std::string directory = location_directory();
  const ScratchDirectory cache;
  // The second opening is from the cache.
  ASSERT_TRUE(Locator::open(directory, cache.path()));
  const auto opened = Locator::open(directory, cache.path());
  ASSERT_TRUE(opened);
  const Locator& locator = **opened;
  ASSERT_EQ(locator.databases().size(), 2U);

  const AsFile as_v4(directory + "/asn-ipv4.csv");
  const AsFile as_v6(directory + "/asn-ipv6.csv");
  std::vector<AddressKey> edges;
  for (const AsFile* file : {&as_v4, &as_v6}) {
    for (const AsFile::Row& row : file->rows) {
      edges.push_back(key_of(row.first));
      edges.push_back(key_of(row.last));
    }
  }
  MMDB_s whois{};
  MMDB_s routes{};
  ASSERT_EQ(MMDB_open((directory + "/geo-whois-asn-country.mmdb").c_str(), MMDB_MODE_MMAP, &whois), MMDB_SUCCESS);
  ASSERT_EQ(MMDB_open((directory + "/iptoasn-country.mmdb").c_str(), MMDB_MODE_MMAP, &routes), MMDB_SUCCESS);
  loc_ctx* context = nullptr;
  ASSERT_EQ(loc_new(&context), 0);
  std::FILE* const file = std::fopen((directory + "/location.db").c_str(), "rb");
  loc_database* libloc = nullptr;
  ASSERT_EQ(loc_database_new(context, &libloc, file), 0);

  Addresses addresses(edges);
  int with_country = 0;
  int with_as = 0;
  int marked = 0;
  for (int i = 0; i < kAddresses; ++i) {
    const IpAddress ip = addresses.next();
    const bool special = scope_of(ip) != AddressScope::kGlobal;

    const Location newer = locator.locate_with(1, ip);
    CountryCode country;
    std::uint32_t asn = 0;
    if (!special) {
      country = look_up(whois, ip);
      if (!country.known()) country = look_up(routes, ip);
      asn = (ip.is_v4() ? as_v4 : as_v6).find(ip);
    }
    ASSERT_EQ(newer.country.text(), country.text()) << ip.text();
    ASSERT_EQ(newer.asn, asn) << ip.text();

    const Location older = locator.locate_with(0, ip);
    Location expected;
    loc_network* network = nullptr;
    in6_addr address{};
    std::memcpy(&address, ip.bytes().data(), 16);
    if (!special && loc_database_lookup(libloc, &address, &network) == 0 && network != nullptr) {
      expected.country = iso_country(loc_network_get_country_code(network));
      expected.asn = loc_network_get_asn(network);
      expected.anycast = loc_network_has_flag(network, LOC_NETWORK_FLAG_ANYCAST) != 0;
      expected.anonymous_proxy = loc_network_has_flag(network, LOC_NETWORK_FLAG_ANONYMOUS_PROXY) != 0;
      expected.hostile = loc_network_has_flag(network, LOC_NETWORK_FLAG_DROP) != 0;
    }
    if (network != nullptr) loc_network_unref(network);
    ASSERT_EQ(older.country.text(), expected.country.text()) << ip.text();
    ASSERT_EQ(older.asn, expected.asn) << ip.text();
    ASSERT_EQ(older.anycast, expected.anycast) << ip.text();
    ASSERT_EQ(older.anonymous_proxy, expected.anonymous_proxy) << ip.text();
    ASSERT_EQ(older.hostile, expected.hostile) << ip.text();
    with_country += newer.country.known() ? 1 : 0;
    with_as += newer.asn != 0 ? 1 : 0;
    marked += older.anycast || older.anonymous_proxy || older.hostile ? 1 : 0;
  }
  // So that the comparison is not of nothing with nothing.
  EXPECT_GT(with_country, kAddresses / 2);
  EXPECT_GT(with_as, kAddresses / 2);
  EXPECT_GT(marked, 10);
  loc_database_unref(libloc);
  std::fclose(file);
  loc_unref(context);
  MMDB_close(&whois);
  MMDB_close(&routes);
}

}  // namespace
}  // namespace tocsin
