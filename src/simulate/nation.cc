#include "simulate/nation.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/hash.h"

namespace tocsin::simulate {

std::uint64_t number_of(const IpAddress& address) {
  return address.is_unspecified() ? 0 : address.is_v4() ? address.as_v4() : hash_of(address);
}

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
  crowds_ = {crowd(Family::kV4), crowd(Family::kV6)};
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

const std::vector<IpAddress>& Nation::actors(const Population& population, const Origin& origin) {
  const bool botnet = population.kind == Kind::kBotnetControl;
  const bool served = population.kind == Kind::kPhishing;
  return world_.abroad(std::string(name_of(population.kind)) + population.group, origin.country, origin.actors,
                       {.v6 = !botnet         ? scenario_.ipv6
                              : population.v6 ? 1.0
                                              : 0.0,
                        .moved = scenario_.moved,
                        .exits = botnet || served ? 0 : scenario_.tor});
}

Deed Nation::deed_of(Kind kind, Timestamp time, const IpAddress& actor, bool inside) const {
  Deed deed{.time = time, .actor = number_of(actor), .kind = kind, .from_inside = inside};
  if (actor.is_unspecified()) return deed;
  const Standing standing = world_.standing(actor);
  deed.country = standing.country;
  deed.there = standing.there;
  deed.from_inside_there = standing.inside_there;
  deed.by_relay = standing.relay;
  return deed;
}

void Nation::harm(Kind kind, Timestamp time, const IpAddress& actor, const Site& target, bool inside) {
  Deed deed = deed_of(kind, time, actor, inside);
  deed.target = hash64(target.name);
  deed.sector = truth_.word(target.sector);
  deed.province = truth_.word(target.province);
  truth_.add(deed);
}

std::string Nation::stamp(Timestamp time) const {
  std::string text = format_time(floor_to(time + offset_, kSecond));
  text.pop_back();
  const Timestamp minutes = offset_ / kMinute;
  return fmt::format("{}.{:06}{}{:02}{:02}", text, time - floor_to(time, kSecond), minutes < 0 ? '-' : '+',
                     std::abs(minutes) / 60, std::abs(minutes) % 60);
}

void Nation::alert(Timestamp time, Endpoint source, Endpoint target, std::string_view signature,
                   std::string_view category, std::string_view family, std::string_view host) {
  std::string line = fmt::format(
      R"({{"timestamp":"{}","flow_id":{},"event_type":"alert","src_ip":"{}","src_port":{},"dest_ip":"{}","dest_port":{},)"
      R"("proto":"TCP","alert":{{"action":"allowed","gid":1,"signature_id":{},"rev":2,"signature":"{}","category":"{}","severity":1)",
      stamp(time), flow_id_++, source.ip.text(), source.port, target.ip.text(), target.port,
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

void Nation::dns_answer(Timestamp time, const IpAddress& client, std::string_view name,
                        const std::vector<IpAddress>& addresses) {
  const bool v6 = !addresses.front().is_v4();
  const IpAddress& asks = client.is_unspecified() ? random_.of(any_crowd().clients) : client;
  std::string list;
  for (const IpAddress& address : addresses) {
    list += fmt::format("{}\"{}\"", list.empty() ? "" : ",", address.text());
  }
  file(fmt::format("sources/eve/dns-{}.json", format_day(time).substr(0, 7)))
      .write(fmt::format(
          R"({{"timestamp":"{}","flow_id":{},"event_type":"dns","src_ip":"{}","src_port":{},"dest_ip":"{}",)"
          R"("dest_port":53,"proto":"UDP","dns":{{"version":2,"type":"answer","id":{},"rrname":"{}","rrtype":"{}",)"
          R"("rcode":"NOERROR","grouped":{{"{}":[{}]}}}}}})"
          "\n",
          stamp(time), flow_id_++, asks.text(), 20'000 + random_.below(40'000),
          asks.is_v4() ? "8.8.8.8" : "2001:4860:4860::8888", random_.below(65536), name, v6 ? "AAAA" : "A",
          v6 ? "AAAA" : "A", list));
  ++records_;
}

void Nation::damage(TextFile& file) { file.write("\x01\xff\"{truncated,,, \n"); }

}  // namespace tocsin::simulate
