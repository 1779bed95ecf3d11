// What goes on beside attacks, and must be no part of any figure: people who browse by day, programs that call home
// with good reasons, addresses that thousands of names share, and scanners that control nothing.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "simulate/nation.h"

namespace tocsin::simulate {
namespace {

constexpr std::size_t kPopular = 3000, kClients = 50'000;
constexpr std::size_t kShared = 24;        // addresses of content networks
constexpr std::size_t kSharedOfName = 3;   // of them that one name has
constexpr std::uint16_t kPushPort = 5228;  // of notifications to phones
constexpr int kProbes = 100;

// Part of a day's traffic, hour by hour of local time, in thousandths.
constexpr std::array<int, 24> kDayOfPeople{12, 8,  6,  5,  5,  8,  16, 30, 48, 58, 62, 62,
                                           56, 58, 60, 60, 58, 56, 58, 64, 70, 66, 48, 26};

}  // namespace

Nation::Crowd Nation::crowd(Family family) {
  const bool v6 = family == Family::kV6;
  const Mix mix{.v6 = v6 ? 1.0 : 0.0};
  const double part = v6 ? scenario_.ipv6 : 1;
  const auto many = [part](std::size_t count) { return static_cast<std::size_t>(static_cast<double>(count) * part); };
  Crowd crowd;
  const std::vector<CountryCode>& countries = world_.strangers();
  const auto from_all = [&](const char* name, std::size_t count) {
    std::vector<IpAddress> all;
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t round = i / countries.size();
      const auto& list = world_.abroad(name, countries[i % countries.size()], round + 1, mix);
      if (round < list.size()) all.push_back(list[round]);
    }
    return all;
  };
  crowd.popular = from_all("popular", many(kPopular));
  const auto& at_home = world_.hosts("popular", many(kPopular / 4), family);
  crowd.popular.insert(crowd.popular.end(), at_home.begin(), at_home.end());
  if (part > 0) crowd.shared = from_all("shared", kShared);
  crowd.clients = world_.hosts("clients", many(kClients), family);
  crowd.strangers = from_all("strangers", many(40 * countries.size()));
  return crowd;
}

const Nation::Crowd& Nation::any_crowd() {
  const Crowd& six = crowds_[1];
  const bool v6 = random_.chance(scenario_.ipv6) && !six.popular.empty() && !six.shared.empty() &&
                  !six.clients.empty() && !six.strangers.empty();
  return crowds_[v6 ? 1 : 0];
}

double Nation::bustle(Timestamp time) const {
  const Timestamp local = time + offset_;
  const auto hour = static_cast<std::size_t>((local - floor_to(local, kDay)) / kHour);
  return kDayOfPeople[hour] * 0.024;
}

// Most of what people fetch is small, and most bytes are in the few things that are large.
std::uint64_t Nation::browsed() {
  const std::uint64_t most = std::uint64_t{1000} << random_.below(random_.below(14) + 1);
  return 200 + random_.below(most);
}

void Nation::benign_flows(Timestamp time, double number) {
  number *= bustle(time);
  auto left = static_cast<std::uint64_t>(number);
  if (random_.chance(number - static_cast<double>(left))) ++left;
  for (; left > 0; --left) {
    const std::uint64_t bits = random_.next();
    const Timestamp when = time + static_cast<Timestamp>(bits % 60'000) * 1000 - 30'000'000;
    const Crowd& crowd = any_crowd();
    const bool shared = random_.chance(scenario_.shared);
    IpAddress client = random_.of(crowd.clients), server = random_.of(shared ? crowd.shared : crowd.popular);
    // Some of it leaks from private networks, or goes to such.
    if (client.is_v4()) {
      if ((bits >> 40) % 64 == 0) client = IpAddress::v4(0x0a000000 + static_cast<std::uint32_t>(bits >> 46));
      if ((bits >> 48) % 128 == 0) server = IpAddress::v4(0xc0a80101);
    }
    const std::uint16_t port = shared ? 443 : (bits >> 20) % 8 == 0 ? 53 : (bits >> 20) % 8 < 3 ? 80 : 443;
    Flow flow = connection(when, client, server, port);
    if (port != 53) {
      flow.responder_bytes = browsed();
      flow.responder_packets = 2 + flow.responder_bytes / 1400;
      flow.initiator_packets = 3 + flow.responder_packets / 2;
      flow.initiator_bytes = flow.initiator_packets * 40 + 300 + (bits >> 30 & 511);
      // A connection that is kept open for what may come.
      if ((bits >> 52) % 8 == 0) flow.last = flow.first + static_cast<Timestamp>(60 + (bits >> 55)) * kSecond;
    }
    write_flow(static_cast<unsigned>(bits >> 63), flow);
  }
}

Timestamp Nation::rhythm(Timestamp begin, const IpAddress& client, const IpAddress& server, std::uint16_t port,
                         Timestamp interval, int calls) {
  Timestamp time = begin;
  for (int i = 0; i < calls; ++i) {
    Flow flow;
    flow.initiator = {client, static_cast<std::uint16_t>(30'000 + i)};
    flow.responder = {server, port};
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
    time += interval + static_cast<Timestamp>(random_.below(6000)) * 1000 - 3 * kSecond;
  }
  return begin;
}

// Phones that ask a service for news at a steady rate. Many share its addresses, and have asked for its name.
void Nation::keep_alive(const Population& population) {
  const Period& period = population.period;
  for (std::uint64_t i = 0; i < scenario_.keep_alive; ++i) {
    const Crowd& crowd = any_crowd();
    const IpAddress client = random_.of(crowd.clients);
    const std::size_t name = random_.below(crowd.shared.size() / kSharedOfName);
    std::vector<IpAddress> addresses(crowd.shared.begin() + static_cast<std::ptrdiff_t>(name * kSharedOfName),
                                     crowd.shared.begin() + static_cast<std::ptrdiff_t>((name + 1) * kSharedOfName));
    std::ranges::rotate(addresses, addresses.begin() + static_cast<std::ptrdiff_t>(random_.below(kSharedOfName)));
    const Timestamp begin = time_of({period.from, period.to - 12 * kHour}, i, scenario_.keep_alive);
    dns_answer(begin - kSecond, client, fmt::format("push{}.notices.test", name), addresses);
    rhythm(begin, client, addresses.front(), i % 2 == 0 ? kPushPort : 443,
           static_cast<Timestamp>(60 + random_.below(240)) * kSecond, 60);
  }
}

void Nation::scans(const Population& population) {
  for (std::uint64_t i = 0; i < scenario_.scanners; ++i) {
    const Crowd& crowd = any_crowd();
    scan(random_.of(crowd.strangers), crowd, time_of(population.period, i, scenario_.scanners));
  }
}

// One port of many hosts or many ports of one. None of them answers.
void Nation::scan(const IpAddress& scanner, const Crowd& crowd, Timestamp time) {
  static constexpr std::array<std::uint16_t, 6> kSought{23, 22, 445, 3389, 80, 1433};
  const IpAddress victim = random_.of(crowd.clients);
  const bool vertical = random_.below(4) == 0;
  const std::uint16_t port = kSought[random_.below(kSought.size())];
  for (int probe = 0; probe < kProbes; ++probe) {
    Flow flow;
    flow.initiator = {scanner, static_cast<std::uint16_t>(40'000 + probe)};
    flow.responder = {vertical ? victim : random_.of(crowd.clients),
                      vertical ? static_cast<std::uint16_t>(1 + probe * 7) : port};
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

}  // namespace tocsin::simulate
