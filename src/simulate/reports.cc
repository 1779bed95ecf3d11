// What other parties report: sites broken into, attempts on honeypots; and pages as they were fetched.
#include <fmt/format.h>

#include <algorithm>

#include "base/hash.h"
#include "simulate/nation.h"

namespace tocsin::simulate {
namespace {

std::string clean_page(const Site& site) {
  std::string text =
      fmt::format("<html><head><title>{}</title></head><body><h1>{}</h1><ul>", site.organisation, site.organisation);
  for (int i = 0; i < 12; ++i) {
    text += fmt::format(
        "<li><a href=\"http://{0}/news/{1}.html\">Notice {1} of the office on opening hours, forms and fees "
        "for the year</a></li>",
        site.name, i);
  }
  return text +
         "</ul><p>Our desk is open on working days from nine to five; please bring your papers.</p></body></html>";
}

std::string defaced_page() {
  return "<html><head><title>Hacked by Nobody</title></head><body bgcolor=black><center><h1>Hacked by Nobody</h1>"
         "<p>greetz to all my friends, your security is low</p></center></body></html>";
}

std::string warc_record(const Site& site, Timestamp time, const std::string& html) {
  const std::string http = fmt::format(
      "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\n\r\n{}", html.size(), html);
  const Hash128 id = hash128(fmt::format("{}{}", site.name, time));
  return fmt::format(
      "WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: http://{}/\r\nWARC-Date: {}\r\n"
      "WARC-Record-ID: <urn:uuid:{:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}>\r\nWARC-IP-Address: {}\r\n"
      "Content-Type: application/http; msgtype=response\r\nContent-Length: {}\r\n\r\n{}\r\n\r\n",
      site.name, format_time(floor_to(time, kSecond)), id.high >> 32, id.high >> 16 & 0xffff, id.high & 0xfff,
      id.low >> 52, id.low & 0xffff'ffff'ffff, site.server.text(), http.size(), http);
}

}  // namespace

void Nation::break_in(const Population& population) {
  TextFile& reports = file(numbered("sources/reports/incidents") + ".csv");
  TextFile& others = file(numbered("sources/reports/incidents-sector") + ".csv");
  TextFile& pages = file(numbered("sources/pages/crawl") + ".warc");
  TextFile& baseline = file("baseline.warc");
  reports.write("time,kind,actor_ip,target_name,reporter,confidence,description\n");
  others.write("time;kind;actor_ip;target_name;reporter;confidence;description\n");
  const std::uint64_t targets = population.reached();
  if (targets == 0) return;
  const Circle circle(population, targets, true);
  for (std::uint64_t i = 0; i < circle.size(); ++i) {
    const Contact contact = circle.contact(i, random_);
    const auto& intruders = actors(population, population.origins[contact.origin]);
    if (contact.actor >= intruders.size()) continue;
    const IpAddress& actor = intruders[contact.actor];
    const Site& target = site(population, contact.target);
    const Timestamp time =
        std::max(population.period.from, floor_to(time_of(population.period, i, circle.size()), kSecond));
    const std::string line =
        fmt::format("{},intrusion,{},{},desk,confirmed,\"account \"\"admin\"\" used, files changed\"\n", stamp(time),
                    actor.text(), target.name);
    reports.write(line);
    if (i % 5 == 0) reports.write(line);
    if (i % 3 == 0) {
      others.write(fmt::format("{};intrusion;{};{};sector desk;confirmed;web server broken into\n",
                               stamp(time + 20 * kMinute < population.period.to ? time + 20 * kMinute : time),
                               actor.text(), target.name));
    }
    records_ += 2;
    harm(Kind::kIntrusion, time, actor, target);
    if (i % 4 == 0) {
      baseline.write(warc_record(target, population.period.from - 40 * kDay, clean_page(target)));
      pages.write(warc_record(target, time, defaced_page()));
      harm(Kind::kDefacement, time, IpAddress(), target);
    }
  }
  // Pages that are as they were.
  for (std::uint64_t i = 0; i < 40; ++i) {
    const Site& calm = world_.sites("business/retail", 40)[i];
    baseline.write(warc_record(calm, population.period.from - 40 * kDay, clean_page(calm)));
    pages.write(warc_record(calm, time_of(population.period, i, 40), clean_page(calm)));
  }
  damage(reports);
}

void Nation::exploit(const Population& population) {
  const std::uint64_t size = population.amount();
  if (size == 0 || population.targets == 0) return;
  TextFile& attempts = file(numbered("sources/reports/honeypot") + ".csv");
  attempts.write("timestamp,src_ip,src_port,dst_ip,dst_port,cve,rule\n");
  const Circle circle(population, population.targets, false);
  const auto& honeypots = world_.hosts("honeypots", population.targets);
  const auto& honeypots6 = world_.hosts("honeypots", population.targets, Family::kV6);
  const Shuffle shuffle(size);
  static const std::vector<std::string> kAny{"CVE-2012-1823"};
  const auto& cves = population.families.empty() ? kAny : population.families;
  for (std::uint64_t i = 0; i < size; ++i) {
    const Contact contact = circle.contact(shuffle(i), random_);
    const auto& intruders = actors(population, population.origins[contact.origin]);
    if (contact.actor >= intruders.size()) continue;
    const IpAddress& actor = intruders[contact.actor];
    const auto& reached = actor.is_v4() || honeypots6.empty() ? honeypots : honeypots6;
    const IpAddress& honeypot = reached[contact.target % reached.size()];
    const std::string& cve = cves[i % cves.size()];
    const Timestamp time = std::max(population.period.from, time_of(population.period, i, size));
    const auto port = static_cast<std::uint16_t>(20'000 + i % 40'000);
    // No two attempts have one time and port, so that each line is its own.
    attempts.write(
        fmt::format("{},{},{},{},80,{},http-honeypot\n", stamp(time), actor.text(), port, honeypot.text(), cve));
    ++records_;
    if (i % 6 == 0) {
      alert(time, {actor, port}, {honeypot, 80}, fmt::format("ET EXPLOIT Attempt ({})", cve),
            "Attempted Administrator Privilege Gain", "", "");
    }
    Deed deed = deed_of(Kind::kExploit, time, actor, false);
    deed.target = number_of(honeypot);
    deed.to_inside_there = world_.standing(honeypot).inside_there;
    deed.province = truth_.word(world_.province_of(honeypot));
    deed.detail = truth_.word(cve);
    truth_.add(deed);
  }
  damage(attempts);
}

}  // namespace tocsin::simulate
