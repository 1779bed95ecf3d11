// Phishing: sites that imitate brands, as they resolve and as other parties report them.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/hash.h"
#include "simulate/nation.h"

namespace tocsin::simulate {
namespace {

constexpr std::array<std::string_view, 6> kBrands{"harbourbank", "silkpay",   "lotusmall",
                                                  "jadeticket",  "riverpost", "orchidinsure"};
constexpr std::array<std::string_view, 8> kLures{"login",  "secure",  "verify", "account",
                                                 "update", "service", "online", "confirm"};
constexpr std::uint64_t kSecondNameEvery = 10;  // sites of an origin

}  // namespace

void Nation::phish(const Population& population) {
  TextFile& reports = file(numbered("sources/reports/phishing") + ".csv");
  TextFile& events = file(numbered("sources/reports/phishing-misp") + ".json");
  reports.write("time,url,brand,reporter\n");
  std::vector<Origin> origins = population.origins;
  if (population.domestic.amount > 0) origins.push_back(population.domestic);
  const std::uint64_t size = population.amount() + population.domestic.amount;
  if (size == 0) return;
  const Shuffle shuffle(size);
  const std::string series = format_day(population.period.from).substr(2, 5);
  std::uint64_t number = 0;
  std::string before;
  for (const Origin& origin : origins) {
    const bool inside = &origin == &origins.back() && population.domestic.amount > 0;
    // Several sites on one server are still several sites.
    const auto& servers = inside ? world_.hosts("phishing", origin.actors) : actors(population, origin);
    const std::size_t count = std::min<std::size_t>(servers.size(), origin.actors);
    for (std::uint64_t i = 0; i < origin.amount && count > 0; ++i, ++number) {
      // Now and then one site has two names: by name they are two.
      const bool second = i % kSecondNameEvery == kSecondNameEvery - 1;
      const std::uint64_t first = second ? number - 1 : number;
      const IpAddress& server = servers[(second ? i - 1 : i) % count];
      const std::size_t brand = first % kBrands.size();
      const std::string name =
          second ? "www." + before
                 : fmt::format("{}-{}.{}{}x{}.test", kBrands[brand], kLures[number / kBrands.size() % kLures.size()],
                               "page", series, number);
      before = name;
      const Timestamp when =
          std::max(population.period.from, floor_to(time_of(population.period, shuffle(number), size), kSecond));
      resolve(std::max(population.period.from, when - 5 * kMinute), name, server, servers, count);
      report_page(reports, events, {.name = name, .brand = kBrands[brand], .number = number, .time = when});
      Deed deed = deed_of(Kind::kPhishing, when, server, inside);
      deed.actor = hash64(name);
      deed.target = brand + 1;
      truth_.add(deed);
    }
  }
  damage(reports);
}

// To one or both of two desks.
void Nation::report_page(TextFile& reports, TextFile& events, const Page& page) {
  const std::string url =
      fmt::format("http://{}/{}/index.php?id={}", page.name, kLures[page.number % kLures.size()], page.number);
  if (page.number % 3 != 1) {
    const std::string line = fmt::format("{},{},{},desk\n", stamp(page.time), url, page.brand);
    reports.write(line);
    ++records_;
    // Another page of the same site; and the same again.
    if (page.number % 4 == 0) {
      reports.write(fmt::format("{},http://{}/2/,{},desk\n", stamp(page.time), page.name, page.brand));
      reports.write(line);
    }
  }
  if (page.number % 3 == 0) return;
  events.write(fmt::format(
      R"({{"Event":{{"uuid":"{0:08x}-0000-4000-8000-{1:012x}","info":"Phishing against {2}","date":"{3}",)"
      R"("timestamp":"{4}","Tag":[{{"name":"rsit:fraud=\"phishing\""}},{{"name":"tlp:green"}}],"Attribute":[)"
      R"({{"type":"url","category":"Network activity","value":"{5}","first_seen":"{6}","timestamp":"{4}","to_ids":true}},)"
      R"({{"type":"target-org","category":"Targeting data","value":"{2}","timestamp":"{4}","to_ids":false}}]}}}})"
      "\n",
      static_cast<std::uint32_t>(hash64(page.name)), page.number, page.brand, format_day(page.time),
      page.time / kSecond, url, format_time(page.time)));
  ++records_;
}

// What the name's servers answer. Some sites are on several addresses, turned round at each answer; what is said of a
// site is the same for all of its addresses.
void Nation::resolve(Timestamp time, const std::string& name, const IpAddress& server,
                     const std::vector<IpAddress>& servers, std::size_t count) {
  std::vector<IpAddress> same{server}, other;  // of the server's family
  if (random_.below(4) == 0) {
    const Standing standing = world_.standing(server);
    for (int more = 0; more < 3; ++more) {
      const IpAddress& candidate = servers[random_.below(count)];
      if (candidate == server || !(world_.standing(candidate) == standing)) continue;
      auto& list = candidate.is_v4() == server.is_v4() ? same : other;
      if (std::ranges::find(list, candidate) == list.end()) list.push_back(candidate);
    }
  }
  dns_answer(time, {}, name, same);
  if (!other.empty()) dns_answer(time + kSecond, {}, name, other);
  if (same.size() > 1) {
    std::ranges::rotate(same, same.begin() + 1);
    dns_answer(time + kMinute, {}, name, same);
  }
}

void Nation::write_brands() {
  TextFile& brands = file("brands.toml");
  for (const std::string_view brand : kBrands) {
    brands.write(fmt::format("[[brand]]\nname = \"{}\"\ndomains = [\"{}.com.example\"]\n\n", brand, brand));
  }
}

}  // namespace tocsin::simulate
