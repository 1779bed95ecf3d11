// Botnets as a border sees them: flows, lists of control servers with dates, and alerts.
//
// Around what counts stands what must not: servers listed before or after their time, servers whose hosts are
// elsewhere, servers that are infected themselves, scanners, and traffic that means nothing.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "simulate/nation.h"

namespace tocsin::simulate {
namespace {

constexpr Timestamp kClockOff = 4 * kMinute;  // of the second sensor
constexpr std::array<std::uint16_t, 5> kControlPorts{443, 8080, 6667, 5552, 1177};

}  // namespace

void Nation::write_flow(unsigned sensor, Flow flow) {
  const std::int64_t day = floor_to(flow.first, kDay) / kDay;
  auto& [open, writer] = flows_[sensor];
  // Late records of the day before stay in the file that is open, as they do with a collector.
  if (!writer || day > open || day + 1 < open) {
    if (writer) failed_ |= !writer->finish();
    const std::string name =
        numbered(fmt::format("sources/flows/{}-{}", format_day(day * kDay), sensor == 0 ? "north" : "south"));
    auto made = IpfixWriter::create((directory_ / (name + ".ipfix")).string(), sensor + 1);
    failed_ |= !made;
    if (!made) return;
    writer = std::make_unique<IpfixWriter>(std::move(*made));
    open = day;
  }
  failed_ |= !writer->write(flow);
  ++records_;
}

// A connection that was made and ended; its sizes vary as people's do.
void Nation::connect(Timestamp time, std::uint32_t client, std::uint32_t server, std::uint16_t port, unsigned sensor) {
  Flow flow;
  const std::uint64_t bits = random_.next();
  flow.initiator = {IpAddress::v4(client), static_cast<std::uint16_t>(20'000 + bits % 40'000)};
  flow.responder = {IpAddress::v4(server), port};
  flow.protocol = port == 53 ? kUdp : kTcp;
  flow.first = time;
  flow.last = time + static_cast<Timestamp>(bits >> 16 & 0xfff) * 10'000;
  flow.initiator_packets = 3 + (bits >> 32 & 15);
  flow.responder_packets = 3 + (bits >> 36 & 31);
  flow.initiator_bytes = flow.initiator_packets * 40 + (bits >> 41 & 1023);
  flow.responder_bytes = flow.responder_packets * 40 + (bits >> 51);
  flow.flags_known = flow.protocol == kTcp;
  if (flow.flags_known) flow.initiator_flags = flow.responder_flags = kSyn | kAck | kPsh | kFin;
  flow.first_flags = flow.flags_known ? kSyn : 0;
  flow.state = ConnState::kSF;
  write_flow(sensor, flow);
}

void Nation::benign_flows(Timestamp time, double number) {
  auto left = static_cast<std::uint64_t>(number);
  if (random_.chance(number - static_cast<double>(left))) ++left;
  for (; left > 0; --left) {
    const std::uint64_t bits = random_.next();
    const Timestamp when = time + static_cast<Timestamp>(bits % 60'000) * 1000 - 30'000'000;
    const std::uint32_t client = random_.of(clients_), server = random_.of(popular_);
    // Some of it leaks from private networks, or goes to such.
    const std::uint32_t from = (bits >> 40) % 64 == 0 ? 0x0a000000 + static_cast<std::uint32_t>(bits >> 46) : client;
    const std::uint32_t to = (bits >> 48) % 128 == 0 ? 0xc0a80101 : server;
    connect(when, from, to,
            (bits >> 20) % 8 == 0  ? 53
            : (bits >> 20) % 8 < 3 ? 80
                                   : 443,
            static_cast<unsigned>(bits >> 63));
  }
}

void Nation::list(std::uint32_t address, const Population& population, std::string_view family, Timestamp from,
                  Timestamp until) {
  const std::string name = population.group.empty() ? "feeds/control-servers.csv" : "feeds/groups.csv";
  const bool fresh = !files_.contains(name);
  TextFile& feed = file(name);
  if (fresh) feed.write("value,kind,confidence,family,group,valid_from,valid_until,tlp\n");
  feed.write(fmt::format("{},botnet-control,confirmed,{},{},{},{},amber\n", IpAddress::v4(address).text(), family,
                         population.group, format_time(from), format_time(until)));
}

// A host that calls every five minutes for a working day, each time with as much to say.
Timestamp Nation::rhythm(const Period& period, std::uint32_t host, std::uint32_t server) {
  Timestamp time = floor_to(period.from + (period.to - period.from) / 2, kDay) +
                   static_cast<Timestamp>(random_.below(6 * 3600)) * kSecond;
  const Timestamp begin = time;
  for (int i = 0; i < 120; ++i) {
    Flow flow;
    flow.initiator = {IpAddress::v4(host), static_cast<std::uint16_t>(30'000 + i)};
    flow.responder = {IpAddress::v4(server), 8443};
    flow.protocol = kTcp;
    flow.first = time / 1000 * 1000;
    flow.last = flow.first + 300'000;
    flow.initiator_packets = 6;
    flow.responder_packets = 5;
    flow.initiator_bytes = 560;
    flow.responder_bytes = 420;
    flow.flags_known = true;
    flow.initiator_flags = flow.responder_flags = kSyn | kAck | kPsh | kFin;
    flow.first_flags = kSyn;
    write_flow(0, flow);
    time += 300 * kSecond + static_cast<Timestamp>(random_.below(6000)) * 1000 - 3 * kSecond;
  }
  return begin;
}

void Nation::scans(const Period& period) {
  const std::uint64_t scanners = 20;
  for (std::uint64_t i = 0; i < scanners; ++i) {
    const std::uint32_t scanner = random_.of(strangers_);
    Timestamp time = time_of(period, i, scanners);
    for (int probe = 0; probe < 100; ++probe) {
      Flow flow;
      flow.initiator = {IpAddress::v4(scanner), static_cast<std::uint16_t>(40'000 + probe)};
      flow.responder = {IpAddress::v4(random_.of(clients_)), 23};
      flow.protocol = kTcp;
      flow.first = flow.last = time;
      flow.initiator_packets = 1;
      flow.initiator_bytes = 40;
      flow.flags_known = true;
      flow.initiator_flags = flow.first_flags = kSyn;
      flow.state = ConnState::kS0;
      write_flow(0, flow);
      time += 50'000;
    }
  }
}

// What the parts of one infection share.
struct Nation::Infection {
  const Population& population;
  Circle circle;
  const std::vector<std::uint32_t>& hosts;
  std::uint64_t targets;
  std::uint64_t domestic;  // the first hosts are servers too
  std::uint16_t group;

  std::string_view family(std::uint64_t number) const {
    const auto& families = population.families;
    return families.empty() ? std::string_view() : families[number % families.size()];
  }
  // The last actors of an origin are in no list: only another sensor's alerts tell of them. Never the first.
  bool by_alert(std::size_t origin, std::uint64_t actor) const {
    const auto actors = static_cast<double>(population.origins[origin].actors);
    return actor > 0 && static_cast<double>(actor) >= actors * (1 - population.by_alert);
  }
  bool by_rhythm(std::size_t origin, std::uint64_t actor) const {
    return origin == 0 && actor > 0 && actor <= population.by_rhythm;
  }
};

void Nation::infect(const Population& population) {
  std::uint64_t amounts = 0;
  for (const Origin& origin : population.origins) amounts += origin.amount;
  const std::uint64_t targets = std::min(population.targets, amounts);
  if (targets == 0) return;
  const Infection infection{.population = population,
                            .circle = Circle(population, targets, true),
                            .hosts = world_.hosts("infected" + population.group, targets),
                            .targets = targets,
                            .domestic = std::min(population.domestic.actors, targets / 2),
                            .group = truth_.word(population.group)};
  list_servers(infection);
  call_servers(infection);
  call_at_edges(infection);
  if (population.group.empty()) call_decoys(infection);
  scans(population.period);
}

void Nation::control(const Infection& infection, Timestamp time, std::uint32_t host, std::uint32_t server,
                     bool domestic) {
  truth_.add({.time = time,
              .actor = server,
              .target = host,
              .kind = Kind::kBotnetControl,
              .from_inside = domestic,
              .country = world_.country_of(server),
              .province = truth_.word(world_.province_of(host)),
              .detail = infection.group});
}

void Nation::list_servers(const Infection& infection) {
  const Population& population = infection.population;
  const Timestamp from = population.period.from - 30 * kDay, until = population.period.to + 30 * kDay;
  for (std::size_t o = 0; o < population.origins.size(); ++o) {
    const Origin& origin = population.origins[o];
    const auto& servers = actors(population, origin);
    for (std::uint64_t i = 0; i < origin.actors && i < servers.size(); ++i) {
      if (infection.by_alert(o, i) || infection.by_rhythm(o, i)) continue;
      list(servers[i], population, infection.family(i), from, until);
    }
  }
  for (std::uint64_t i = 0; i < infection.domestic; ++i) {
    list(infection.hosts[i], population, infection.family(i), from, until);
  }
}

void Nation::call_servers(const Infection& infection) {
  const Population& population = infection.population;
  const Period& period = population.period;
  const std::uint64_t size = infection.circle.size();
  const std::uint64_t domestic_contacts =
      infection.domestic == 0 ? 0 : std::min(population.domestic.amount, infection.targets - infection.domestic);
  // Over the period the contacts come in an order that has nothing to do with who they are of.
  const Shuffle shuffle(size);
  for (std::uint64_t i = 0; i < size; ++i) {
    const std::uint64_t number = shuffle(i);
    Random own(scenario_.seed ^ (number * 0x9e3779b97f4a7c15ULL) ^ static_cast<std::uint64_t>(period.from));
    const Contact contact = infection.circle.contact(number, own);
    const auto& servers = actors(population, population.origins[contact.origin]);
    if (contact.actor >= servers.size() || contact.target >= infection.hosts.size()) continue;
    const std::uint32_t host = infection.hosts[contact.target], server = servers[contact.actor];
    if (infection.by_rhythm(contact.origin, contact.actor)) {
      control(infection, rhythm(period, host, server), host, server, false);
      continue;
    }
    const unsigned sensor = i % 2;
    Timestamp time = i == 0 ? period.from : i + 1 == size ? period.to - 1000 : time_of(period, i, size);
    if (sensor == 1 && time + kClockOff < period.to) time += kClockOff;
    const std::uint16_t port = kControlPorts[server % kControlPorts.size()];
    if (infection.by_alert(contact.origin, contact.actor)) {
      const std::string_view family = infection.family(contact.actor);
      alert(time, host, static_cast<std::uint16_t>(20'000 + own.below(40'000)), IpAddress::v4(server), 443,
            fmt::format("ET MALWARE {} CnC Checkin", family.empty() ? "Generic" : family),
            "Malware Command and Control Activity Detected", family, "");
    } else {
      connect(time, host, server, port, sensor);
      capture(time, host, server, 80);
      if (own.below(8) == 0 && time + kHour < period.to) {
        connect(time + 40 * kMinute, host, server, port, sensor);
        control(infection, time + 40 * kMinute, host, server, false);
      }
    }
    control(infection, time, host, server, false);
    benign_flows(time, scenario_.benign_flows);
    // Servers control hosts elsewhere as well, and call each other.
    if (own.below(16) == 0) connect(time, random_.of(strangers_), server, 443, sensor);
    if (own.below(64) == 0) connect(time, servers[own.below(servers.size())], server, 443, sensor);
    if (domestic_contacts > 0 && i % (size / domestic_contacts + 1) == 0) {
      const std::uint64_t at = i / (size / domestic_contacts + 1);
      const std::uint32_t victim = infection.hosts[infection.domestic + at % (infection.targets - infection.domestic)];
      connect(time, victim, infection.hosts[at % infection.domestic], 6667, sensor);
      control(infection, time, victim, infection.hosts[at % infection.domestic], true);
    }
  }
}

// By a millisecond outside of the period: of a pair that is counted inside as well.
void Nation::call_at_edges(const Infection& infection) {
  const Population& population = infection.population;
  const std::uint32_t host = infection.hosts[0], server = actors(population, population.origins[0])[0];
  for (const Timestamp time : {population.period.from - 1000, population.period.to}) {
    connect(time, host, server, 443, 0);
    control(infection, time, host, server, false);
  }
}

// Servers that were listed once or are not yet, and servers of none but strangers.
void Nation::call_decoys(const Infection& infection) {
  const Population& population = infection.population;
  const Period& period = population.period;
  const CountryCode country = population.origins[0].country;
  const auto& stale = world_.abroad("stale", country, 30);
  for (std::size_t i = 0; i < stale.size(); ++i) {
    const bool early = i % 2 == 0;
    list(stale[i], population, "Expired", early ? period.from - 900 * kDay : period.to + 400 * kDay,
         early ? period.from - 500 * kDay : period.to + 800 * kDay);
  }
  const auto& elsewhere = world_.abroad("elsewhere", country, 20);
  for (const std::uint32_t address : elsewhere) {
    list(address, population, "Elsewhere", period.from - 30 * kDay, period.to + 30 * kDay);
  }
  const std::uint64_t calls = std::max<std::uint64_t>(3, infection.circle.size() / 500);
  for (std::uint64_t i = 0; i < calls; ++i) {
    const Timestamp time = time_of(period, i, calls);
    if (!stale.empty()) connect(time, random_.of(clients_), random_.of(stale), 443, 0);
    if (!elsewhere.empty()) connect(time, random_.of(strangers_), random_.of(elsewhere), 443, 1);
  }
}

}  // namespace tocsin::simulate
