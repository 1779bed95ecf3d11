#include "simulate/nation.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/hash.h"

namespace tocsin::simulate {
namespace {

constexpr std::size_t kPopular = 3000;
constexpr std::size_t kClients = 50'000;

}  // namespace

Nation::Nation(const Scenario& scenario, World& world, Truth& truth, std::filesystem::path directory, bool with_capture)
    : scenario_(scenario),
      world_(world),
      truth_(truth),
      directory_(std::move(directory)),
      random_(scenario.seed),
      with_capture_(with_capture) {
  for (const char* folder :
       {"sources/flows", "sources/eve", "sources/logs", "sources/reports", "sources/pages", "feeds"}) {
    std::error_code error;
    std::filesystem::create_directories(directory_ / folder, error);
    failed_ |= static_cast<bool>(error);
  }
  // The offset of the zone when it all begins; the sensors of a nation keep it.
  if (!scenario.populations.empty()) {
    const Timestamp begin = scenario.populations.front().period.from;
    if (const auto local = parse_time(format_time(floor_to(begin, kDay)).substr(0, 10), scenario.zone)) {
      offset_ = floor_to(begin, kDay) - *local;
    }
  }
  const std::vector<CountryCode>& countries = world_.strangers();
  for (std::size_t i = 0; i < kPopular; ++i) {
    const CountryCode country = countries[i % countries.size()];
    const auto& list = world_.abroad("popular", country, i / countries.size() + 1);
    if (i / countries.size() < list.size()) popular_.push_back(list[i / countries.size()]);
  }
  for (const std::uint32_t host : world_.hosts("popular", kPopular / 4)) popular_.push_back(host);
  clients_ = world_.hosts("clients", kClients);
  for (const CountryCode country : countries) {
    const auto& list = world_.abroad("strangers", country, 40);
    strangers_.insert(strangers_.end(), list.begin(), list.end());
  }
}

Nation::Circle::Circle(const Population& population, std::uint64_t targets, bool once)
    : population_(population), targets_(targets) {
  for (const Origin& origin : population.origins) {
    begins_.push_back(size_);
    amounts_.push_back(once ? std::min(origin.amount, targets) : origin.amount);
    size_ += amounts_.back();
  }
}

Nation::Contact Nation::Circle::contact(std::uint64_t number, Random& random) const {
  Contact contact;
  contact.origin = static_cast<std::size_t>(std::ranges::upper_bound(begins_, number) - begins_.begin()) - 1;
  const Origin& origin = population_.origins[contact.origin];
  const std::uint64_t within = number - begins_[contact.origin];
  contact.target = number % targets_;
  // Every actor has its own target first. Of the first origin some actors keep to that one: see by_rhythm.
  const std::uint64_t actors = std::min(origin.actors, amounts_[contact.origin]);
  const std::uint64_t reserved = contact.origin == 0 ? std::min(population_.by_rhythm, actors - 1) : 0;
  if (within < actors) {
    contact.actor = within;
  } else {
    const std::uint64_t any = random.below(actors - reserved);
    contact.actor = any == 0 ? 0 : any + reserved;
  }
  return contact;
}

TextFile& Nation::file(const std::string& name) {
  auto& file = files_[name];
  if (!file) file = std::make_unique<TextFile>(directory_ / name);
  return *file;
}

std::string Nation::numbered(const std::string& name) {
  const unsigned part = ++parts_[name];
  return part == 1 ? name : fmt::format("{}-{}", name, part);
}

const Site& Nation::site(const Population& population, std::uint64_t target) {
  static const std::vector<std::string> kAny{"business"};
  const auto& sectors = population.sectors.empty() ? kAny : population.sectors;
  const std::string& sector = sectors[target % sectors.size()];
  // A sector that stands in the list several times has as many sites of each round.
  const auto here = sectors.begin() + static_cast<std::ptrdiff_t>(target % sectors.size());
  const auto times = static_cast<std::uint64_t>(std::ranges::count(sectors, sector));
  const auto before = static_cast<std::uint64_t>(std::count(sectors.begin(), here, sector));
  const auto& sites = world_.sites(sector, (population.targets / sectors.size() + 1) * times);
  return sites[target / sectors.size() * times + before];
}

// In the order of their numbers over the period, each somewhere in its own part of it.
Timestamp Nation::time_of(const Period& period, std::uint64_t number, std::uint64_t size) {
  const Timestamp length = period.to - period.from;
  const auto at = [&](std::uint64_t i) { return static_cast<Timestamp>(static_cast<Wide>(length) * i / size); };
  const Timestamp begin = at(number), end = std::max(begin + 1, at(number + 1));
  // To the millisecond, which is what flow exporters know.
  const Timestamp time = begin + static_cast<Timestamp>(random_.below(static_cast<std::uint64_t>(end - begin)));
  return period.from + time / 1000 * 1000;
}

const std::vector<std::uint32_t>& Nation::actors(const Population& population, const Origin& origin) {
  return world_.abroad(std::string(name_of(population.kind)) + population.group, origin.country, origin.actors);
}

std::string Nation::stamp(Timestamp time) const {
  std::string text = format_time(floor_to(time + offset_, kSecond));
  text.pop_back();
  const Timestamp minutes = offset_ / kMinute;
  return fmt::format("{}.{:06}{}{:02}{:02}", text, time - floor_to(time, kSecond), minutes < 0 ? '-' : '+',
                     std::abs(minutes) / 60, std::abs(minutes) % 60);
}

void Nation::alert(Timestamp time, std::uint32_t source, std::uint16_t source_port, IpAddress target,
                   std::uint16_t target_port, std::string_view signature, std::string_view category,
                   std::string_view family, std::string_view host) {
  std::string line = fmt::format(
      R"({{"timestamp":"{}","flow_id":{},"event_type":"alert","src_ip":"{}","src_port":{},"dest_ip":"{}","dest_port":{},)"
      R"("proto":"TCP","alert":{{"action":"allowed","gid":1,"signature_id":{},"rev":2,"signature":"{}","category":"{}","severity":1)",
      stamp(time), flow_id_++, IpAddress::v4(source).text(), source_port, target.text(), target_port,
      2'800'000 + hash64(signature) % 90'000, signature, category);
  if (!family.empty()) line += fmt::format(R"(,"metadata":{{"malware_family":["{}"]}})", family);
  line += '}';
  if (!host.empty()) line += fmt::format(R"(,"app_proto":"http","http":{{"hostname":"{}"}})", host);
  line += "}\n";
  TextFile& eve = file(fmt::format("sources/eve/{}.json", format_day(time).substr(0, 7)));
  eve.write(line);
  ++records_;
  // A log that was turned over while it was copied has some lines twice.
  if (random_.chance(0.02)) eve.write(line);
  if (random_.chance(0.0005)) eve.write(line.substr(0, line.size() / 2) + "\n");
}

void Nation::dns_answer(Timestamp time, std::string_view name, std::uint32_t address) {
  file(fmt::format("sources/eve/dns-{}.json", format_day(time).substr(0, 7)))
      .write(fmt::format(
          R"({{"timestamp":"{}","flow_id":{},"event_type":"dns","src_ip":"{}","src_port":{},"dest_ip":"8.8.8.8",)"
          R"("dest_port":53,"proto":"UDP","dns":{{"version":2,"type":"answer","id":{},"rrname":"{}","rrtype":"A",)"
          R"("rcode":"NOERROR","grouped":{{"A":["{}"]}}}}}})"
          "\n",
          stamp(time), flow_id_++, IpAddress::v4(random_.of(clients_)).text(), 20'000 + random_.below(40'000),
          random_.below(65536), name, IpAddress::v4(address).text()));
  ++records_;
}

void Nation::damage(TextFile& file) { file.write("\x01\xff\"{truncated,,, \n"); }

}  // namespace tocsin::simulate
