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
void Nation::rhythm(const Period& period, std::uint32_t host, std::uint32_t server) {
  Timestamp time = floor_to(period.from + (period.to - period.from) / 2, kDay) +
                   static_cast<Timestamp>(random_.below(6 * 3600)) * kSecond;
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

void Nation::infect(const Population& population) {
  std::uint64_t amounts = 0;
  for (const Origin& origin : population.origins) amounts += origin.amount;
  const std::uint64_t targets = std::min(population.targets, amounts);
  if (targets == 0) return;
  const Circle circle(population, targets, true);
  const std::vector<std::uint32_t>& hosts = world_.hosts("infected" + population.group, targets);
  const Period& period = population.period;
  const std::uint16_t detail = truth_.word(population.group);
  const auto family_of = [&](std::uint64_t number) -> std::string_view {
    return population.families.empty() ? ""
                                       : std::string_view(population.families[number % population.families.size()]);
  };
  // The last actors of an origin are in no list: only another sensor's alerts tell of them. Never the first.
  const auto by_alert = [&](const Origin& origin, std::uint64_t actor) {
    return actor > 0 && static_cast<double>(actor) >= static_cast<double>(origin.actors) * (1 - population.by_alert);
  };
  const auto by_rhythm = [&](const Contact& contact) {
    return contact.origin == 0 && contact.actor > 0 && contact.actor <= population.by_rhythm;
  };
  const auto deed = [&](Timestamp time, std::uint32_t host, std::uint32_t server, bool domestic) {
    truth_.add({.time = time,
                .actor = server,
                .target = host,
                .kind = Kind::kBotnetControl,
                .from_inside = domestic,
                .country = world_.country_of(server),
                .province = truth_.word(world_.province_of(host)),
                .detail = detail});
  };
  for (const Origin& origin : population.origins) {
    const auto& servers = actors(population, origin);
    for (std::uint64_t i = 0; i < origin.actors && i < servers.size(); ++i) {
      if (!by_alert(origin, i) && !(&origin == &population.origins[0] && i > 0 && i <= population.by_rhythm)) {
        list(servers[i], population, family_of(i), period.from - 30 * kDay, period.to + 30 * kDay);
      }
    }
  }
  // Domestic servers are hosts that are controlled themselves.
  const std::uint64_t domestic = std::min(population.domestic.actors, targets / 2);
  for (std::uint64_t i = 0; i < domestic; ++i) {
    list(hosts[i], population, family_of(i), period.from - 30 * kDay, period.to + 30 * kDay);
  }
  const std::uint64_t domestic_contacts = domestic == 0 ? 0 : std::min(population.domestic.amount, targets - domestic);

  const std::uint64_t size = circle.size();
  // Over the period the contacts come in an order that has nothing to do with who they are of.
  const Shuffle shuffle(size);
  for (std::uint64_t i = 0; i < size; ++i) {
    const std::uint64_t number = shuffle(i);
    Random own(scenario_.seed ^ (number * 0x9e3779b97f4a7c15ULL) ^ static_cast<std::uint64_t>(period.from));
    const Contact contact = circle.contact(number, own);
    const Origin& origin = population.origins[contact.origin];
    const auto& servers = actors(population, origin);
    if (contact.actor >= servers.size() || contact.target >= hosts.size()) continue;
    const std::uint32_t host = hosts[contact.target], server = servers[contact.actor];
    Timestamp time = i == 0 ? period.from : i + 1 == size ? period.to - 1000 : time_of(period, i, size);
    const unsigned sensor = i % 2;
    if (by_rhythm(contact)) {
      rhythm(period, host, server);
      deed(period.from + (period.to - period.from) / 2 + kDay / 4, host, server, false);
      continue;
    }
    if (sensor == 1 && time + kClockOff < period.to) time += kClockOff;
    if (by_alert(origin, contact.actor)) {
      const std::string_view family = family_of(contact.actor);
      alert(time, host, static_cast<std::uint16_t>(20'000 + own.below(40'000)), IpAddress::v4(server), 443,
            fmt::format("ET MALWARE {} CnC Checkin", family.empty() ? "Generic" : family),
            "Malware Command and Control Activity Detected", family, "");
    } else {
      connect(time, host, server, kControlPorts[server % kControlPorts.size()], sensor);
      capture(time, host, server, 80);
      if (own.below(8) == 0 && time + kHour < period.to) {
        connect(time + 40 * kMinute, host, server, kControlPorts[server % kControlPorts.size()], sensor);
        deed(time + 40 * kMinute, host, server, false);
      }
    }
    deed(time, host, server, false);
    benign_flows(time, scenario_.benign_flows);
    // Servers control hosts elsewhere as well, and call each other.
    if (own.below(16) == 0) connect(time, random_.of(strangers_), server, 443, sensor);
    if (own.below(64) == 0) connect(time, servers[own.below(servers.size())], server, 443, sensor);
    if (domestic_contacts > 0 && i % (size / domestic_contacts + 1) == 0) {
      const std::uint64_t at = i / (size / domestic_contacts + 1);
      const std::uint32_t victim = hosts[domestic + at % (targets - domestic)];
      connect(time, victim, hosts[at % domestic], 6667, sensor);
      deed(time, victim, hosts[at % domestic], true);
    }
  }

  // At the edges, by a millisecond outside: of a pair that is counted inside as well.
  const std::uint32_t host = hosts[0], server = actors(population, population.origins[0])[0];
  for (const Timestamp time : {period.from - 1000, period.to}) {
    connect(time, host, server, 443, 0);
    deed(time, host, server, false);
  }
  // Listed once, or not yet; and servers of none but strangers.
  const std::uint64_t decoys = std::max<std::uint64_t>(3, size / 500);
  const auto& stale = world_.abroad("stale", population.origins[0].country, 30);
  for (std::size_t i = 0; i < stale.size() && population.group.empty(); ++i) {
    const bool early = i % 2 == 0;
    list(stale[i], population, "Expired", early ? period.from - 900 * kDay : period.to + 400 * kDay,
         early ? period.from - 500 * kDay : period.to + 800 * kDay);
  }
  const auto& elsewhere = world_.abroad("elsewhere", population.origins[0].country, 20);
  for (const std::uint32_t address : elsewhere) {
    if (population.group.empty())
      list(address, population, "Elsewhere", period.from - 30 * kDay, period.to + 30 * kDay);
  }
  for (std::uint64_t i = 0; i < decoys; ++i) {
    const Timestamp time = time_of(period, i, decoys);
    if (!stale.empty()) connect(time, random_.of(clients_), random_.of(stale), 443, 0);
    if (!elsewhere.empty()) connect(time, random_.of(strangers_), random_.of(elsewhere), 443, 1);
  }
  scans(period);
}

}  // namespace tocsin::simulate
