// Botnets as a border sees them: flows, lists of control servers with dates, and alerts.
//
// Around what counts stands what must not: servers listed before or after their time, servers whose hosts are
// elsewhere, servers that are infected themselves, servers that scan, and what noise.cc adds.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.h"
#include "simulate/nation.h"

namespace tocsin::simulate {
namespace {

constexpr Timestamp kClockOff = 4 * kMinute;  // of the second sensor
constexpr std::uint64_t kServersOfName = 3;
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

// A connection that was made and ended, with little said.
Flow Nation::connection(Timestamp time, const IpAddress& client, const IpAddress& server, std::uint16_t port) {
  Flow flow;
  const std::uint64_t bits = random_.next();
  flow.initiator = {client, static_cast<std::uint16_t>(20'000 + bits % 40'000)};
  flow.responder = {server, port};
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
  return flow;
}

void Nation::connect(Timestamp time, const IpAddress& client, const IpAddress& server, std::uint16_t port,
                     unsigned sensor) {
  write_flow(sensor, connection(time, client, server, port));
}

void Nation::list(const std::string& value, const Population& population, std::string_view family, Timestamp from,
                  Timestamp until) {
  const std::string name = population.group.empty() ? "feeds/control-servers.csv" : "feeds/groups.csv";
  const bool fresh = !files_.contains(name);
  TextFile& feed = file(name);
  if (fresh) feed.write("value,kind,confidence,family,group,valid_from,valid_until,tlp\n");
  feed.write(fmt::format("{},botnet-control,confirmed,{},{},{},{},amber\n", value, family, population.group,
                         format_time(from), format_time(until)));
  if (const auto address = IpAddress::parse(value)) listed_.emplace(number_of(*address), Period{from, until});
}

// What the parts of one infection share.
struct Nation::Infection {
  const Population& population;
  Circle circle;
  const std::vector<IpAddress>& hosts;
  std::uint64_t targets;
  std::uint64_t domestic;  // the first hosts are servers too
  std::uint16_t group;

  std::string_view family(std::uint64_t number) const {
    const auto& families = population.families;
    return families.empty() ? std::string_view() : families[number % families.size()];
  }
  // The last actors of an origin are in no list: only another sensor's alerts tell of them. Never the first.
  bool by_alert(std::size_t origin, std::uint64_t actor) const { return is_last(origin, actor, population.by_alert); }
  // Those before them are listed by the names that they have.
  bool by_name(std::size_t origin, std::uint64_t actor) const {
    return !by_alert(origin, actor) && !by_rhythm(origin, actor) &&
           is_last(origin, actor, population.by_alert + population.by_name);
  }
  bool by_rhythm(std::size_t origin, std::uint64_t actor) const {
    return origin == 0 && actor > 0 && actor <= population.by_rhythm;
  }
  bool is_last(std::size_t origin, std::uint64_t actor, double part) const {
    const auto actors = static_cast<double>(population.origins[origin].actors);
    return actor > 0 && static_cast<double>(actor) >= actors * (1 - part);
  }
};

void Nation::infect(const Population& population) {
  const std::uint64_t targets = population.reached();
  if (targets == 0) return;
  const Infection infection{
      .population = population,
      .circle = Circle(population, targets, true),
      .hosts = world_.hosts("infected" + population.group, targets, population.v6 ? Family::kV6 : Family::kV4),
      .targets = targets,
      .domestic = std::min(population.domestic.actors, targets / 2),
      .group = truth_.word(population.group)};
  if (infection.hosts.empty()) return;
  list_servers(infection);
  call_servers(infection);
  call_at_edges(infection);
  if (population.group.empty()) call_decoys(infection);
  if (population.v6) return;
  scans(population);
  keep_alive(population);
}

void Nation::control(const Infection& infection, Timestamp time, const IpAddress& host, const IpAddress& server,
                     bool domestic) {
  Deed deed = deed_of(Kind::kBotnetControl, time, server, domestic);
  deed.target = number_of(host);
  deed.to_inside_there = world_.standing(host).inside_there;
  deed.province = truth_.word(world_.province_of(host));
  deed.detail = infection.group;
  truth_.add(deed);
}

// Of a stranger, or of another server. The other location database may have either inside.
void Nation::call_from_abroad(const Infection& infection, Timestamp time, const IpAddress& caller,
                              const IpAddress& server, unsigned sensor) {
  connect(time, caller, server, 443, sensor);
  if (world_.standing(caller).inside_there || world_.standing(server).inside_there) {
    from_abroad_.push_back({time, caller, server, infection.group});
  }
}

// At the end, since a server that is listed by its name in one period may be listed by its address in the next. A
// listed server that calls is taken for one that controls whom it calls, and is sighted as well as the one called.
void Nation::judge_calls_from_abroad() {
  const auto judge = [&](const CallFromAbroad& call, const IpAddress& actor, const IpAddress& target) {
    const auto [first, last] = listed_.equal_range(number_of(actor));
    const auto is_valid = [&](const auto& listing) { return listing.second.contains(call.time); };
    if (std::none_of(first, last, is_valid) || !world_.standing(target).inside_there) return;
    Deed deed = deed_of(Kind::kBotnetControl, call.time, actor, false);
    deed.target = number_of(target);
    deed.to_inside = false;
    deed.detail = call.group;
    truth_.add(deed);
  };
  for (const CallFromAbroad& call : from_abroad_) {
    judge(call, call.server, call.caller);
    judge(call, call.caller, call.server);
  }
}

// Some neighbours in the list of an origin's servers have one name between them.
Nation::ServerName Nation::name_of_server(const Infection& infection, std::size_t origin, std::uint64_t actor) {
  const Population& population = infection.population;
  const auto& servers = actors(population, population.origins[origin]);
  const std::uint64_t first = actor / kServersOfName * kServersOfName;
  ServerName server{.name = fmt::format("cc{}.{}{}.test", first, lower(population.origins[origin].country.text()),
                                        format_day(population.period.from).substr(2, 5)),
                    .others = {}};
  if (population.v6) server.name.insert(0, "v6-");
  for (std::uint64_t i = first; i < first + kServersOfName && i < population.origins[origin].actors; ++i) {
    if (i != actor && infection.by_name(origin, i)) server.others.push_back(servers[i]);
  }
  return server;
}

void Nation::list_servers(const Infection& infection) {
  const Population& population = infection.population;
  const Timestamp from = population.period.from - 30 * kDay, until = population.period.to + 30 * kDay;
  for (std::size_t o = 0; o < population.origins.size(); ++o) {
    const Origin& origin = population.origins[o];
    const auto& servers = actors(population, origin);
    for (std::uint64_t i = 0; i < origin.actors && i < servers.size(); ++i) {
      if (infection.by_alert(o, i) || infection.by_rhythm(o, i)) continue;
      list(infection.by_name(o, i) ? name_of_server(infection, o, i).name : servers[i].text(), population,
           infection.family(i), from, until);
    }
  }
  for (std::uint64_t i = 0; i < infection.domestic; ++i) {
    list(infection.hosts[i].text(), population, infection.family(i), from, until);
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
    Random own(scenario_.seed ^ (number * 0x9e3779b97f4a7c15ULL) ^ static_cast<std::uint64_t>(period.from) ^
               (population.v6 ? 6 : 0));
    const Contact contact = infection.circle.contact(number, own);
    const auto& servers = actors(population, population.origins[contact.origin]);
    if (contact.actor >= servers.size() || contact.target >= infection.hosts.size()) continue;
    const IpAddress host = infection.hosts[contact.target], server = servers[contact.actor];
    if (infection.by_rhythm(contact.origin, contact.actor)) {
      // For a working day.
      const Timestamp begin = floor_to(period.from + (period.to - period.from) / 2, kDay) +
                              static_cast<Timestamp>(random_.below(6 * 3600)) * kSecond;
      control(infection, rhythm(begin, host, server, 8443, 5 * kMinute, 120), host, server, false);
      continue;
    }
    const unsigned sensor = i % 2;
    Timestamp time = i == 0 ? period.from : i + 1 == size ? period.to - 1000 : time_of(period, i, size);
    if (sensor == 1 && time + kClockOff < period.to) time += kClockOff;
    const std::uint16_t port = kControlPorts[number_of(server) % kControlPorts.size()];
    if (infection.by_alert(contact.origin, contact.actor)) {
      const std::string_view family = infection.family(contact.actor);
      alert(time, {host, static_cast<std::uint16_t>(20'000 + own.below(40'000))}, {server, 443},
            fmt::format("ET MALWARE {} CnC Checkin", family.empty() ? "Generic" : family),
            "Malware Command and Control Activity Detected", family, "");
    } else if (infection.by_name(contact.origin, contact.actor)) {
      // Who asks for the name takes the first of its addresses.
      ServerName named = name_of_server(infection, contact.origin, contact.actor);
      named.others.insert(named.others.begin(), server);
      dns_answer(time, host, named.name, named.others);
      connect(time + 20'000, host, server, port, sensor);
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
    if (own.below(16) == 0) {
      call_from_abroad(infection, time, random_.of(crowd_of(server).strangers), server, sensor);
    }
    if (own.below(64) == 0) call_from_abroad(infection, time, servers[own.below(servers.size())], server, sensor);
    if (domestic_contacts > 0 && i % (size / domestic_contacts + 1) == 0) {
      const std::uint64_t at = i / (size / domestic_contacts + 1);
      const IpAddress victim = infection.hosts[infection.domestic + at % (infection.targets - infection.domestic)];
      connect(time, victim, infection.hosts[at % infection.domestic], 6667, sensor);
      control(infection, time, victim, infection.hosts[at % infection.domestic], true);
    }
  }
}

// By a millisecond outside of the period: of a pair that is counted inside as well.
void Nation::call_at_edges(const Infection& infection) {
  const Population& population = infection.population;
  const auto& servers = actors(population, population.origins[0]);
  if (servers.empty()) return;
  const IpAddress host = infection.hosts[0], server = servers[0];
  for (const Timestamp time : {population.period.from - 1000, population.period.to}) {
    connect(time, host, server, 443, 0);
    control(infection, time, host, server, false);
  }
}

// Servers that were listed once or are not yet, servers of none but strangers, and such that scan and control nothing.
void Nation::call_decoys(const Infection& infection) {
  const Population& population = infection.population;
  const Period& period = population.period;
  const CountryCode country = population.origins[0].country;
  const Mix mix{.v6 = population.v6 ? 1.0 : 0.0};
  const auto& stale = world_.abroad("stale", country, 30, mix);
  for (std::size_t i = 0; i < stale.size(); ++i) {
    const bool early = i % 2 == 0;
    list(stale[i].text(), population, "Expired", early ? period.from - 900 * kDay : period.to + 400 * kDay,
         early ? period.from - 500 * kDay : period.to + 800 * kDay);
  }
  const auto& elsewhere = world_.abroad("elsewhere", country, 20, mix);
  if (stale.empty() || elsewhere.empty()) return;
  for (const IpAddress& address : elsewhere) {
    list(address.text(), population, "Elsewhere", period.from - 30 * kDay, period.to + 30 * kDay);
  }
  const Crowd& crowd = crowd_of(stale.front());
  const std::uint64_t calls = std::max<std::uint64_t>(3, infection.circle.size() / 500);
  for (std::uint64_t i = 0; i < calls; ++i) {
    const Timestamp time = time_of(period, i, calls);
    connect(time, random_.of(crowd.clients), random_.of(stale), 443, 0);
    const IpAddress& stranger = random_.of(crowd.strangers);
    call_from_abroad(infection, time, stranger, random_.of(elsewhere), 1);
  }
  for (std::uint64_t i = 0; i < scenario_.scanners / 4; ++i) {
    scan(elsewhere[i % elsewhere.size()], crowd, time_of(period, i, scenario_.scanners));
  }
}

}  // namespace tocsin::simulate
