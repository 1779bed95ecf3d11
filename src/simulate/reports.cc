// What other parties report: phishing pages, sites broken into, attempts on honeypots; and pages as they were fetched.
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

std::string brand_domain(std::size_t brand) { return fmt::format("{}.com.example", kBrands[brand]); }

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

void Nation::phish(const Population& population) {
  if (brands_.empty()) brands_.assign(kBrands.begin(), kBrands.end());
  TextFile& reports = file(numbered("sources/reports/phishing") + ".csv");
  reports.write("time,url,brand,reporter\n");
  const std::string events_name = numbered("sources/reports/phishing-misp") + ".json";
  std::vector<Origin> origins = population.origins;
  if (population.domestic.amount > 0) origins.push_back(population.domestic);
  std::uint64_t size = 0, number = 0;
  for (const Origin& origin : origins) size += origin.amount;
  const std::string series = format_day(population.period.from).substr(2, 5);
  for (const Origin& origin : origins) {
    const bool inside = &origin == &origins.back() && population.domestic.amount > 0;
    // Several sites on one server are still several sites.
    const auto& servers = inside ? world_.hosts("phishing", origin.actors) : actors(population, origin);
    for (std::uint64_t i = 0; i < origin.amount && !servers.empty(); ++i, ++number) {
      const std::uint32_t server = servers[i % std::min<std::size_t>(servers.size(), origin.actors)];
      const std::size_t brand = number % kBrands.size();
      const std::string name = fmt::format("{}-{}.{}{}x{}.test", kBrands[brand],
                                           kLures[number / kBrands.size() % kLures.size()], "page", series, number);
      const Timestamp time = floor_to(time_of(population.period, (number * 7919) % size, size), kSecond);
      const Timestamp when = std::max(time, population.period.from);
      dns_answer(when - 5 * kMinute, name, server);
      const std::string url = fmt::format("http://{}/{}/index.php?id={}", name, kLures[number % kLures.size()], number);
      if (number % 3 != 1) {
        reports.write(fmt::format("{},{},{},desk\n", stamp(when), url, kBrands[brand]));
        ++records_;
        // Another page of the same site; and the same again.
        if (number % 4 == 0) {
          reports.write(fmt::format("{},http://{}/2/,{},desk\n", stamp(when), name, kBrands[brand]));
          reports.write(fmt::format("{},{},{},desk\n", stamp(when), url, kBrands[brand]));
        }
      }
      if (number % 3 != 0) {
        file(events_name)
            .write(fmt::format(
                R"({{"Event":{{"uuid":"{0:08x}-0000-4000-8000-{1:012x}","info":"Phishing against {2}","date":"{3}",)"
                R"("timestamp":"{4}","Tag":[{{"name":"rsit:fraud=\"phishing\""}},{{"name":"tlp:green"}}],"Attribute":[)"
                R"({{"type":"url","category":"Network activity","value":"{5}","first_seen":"{6}","timestamp":"{4}","to_ids":true}},)"
                R"({{"type":"target-org","category":"Targeting data","value":"{2}","timestamp":"{4}","to_ids":false}}]}}}})"
                "\n",
                static_cast<std::uint32_t>(hash64(name)), number, kBrands[brand], format_day(when), when / kSecond, url,
                format_time(when)));
        ++records_;
      }
      truth_.add({.time = when,
                  .actor = hash64(name),
                  .target = brand + 1,
                  .kind = Kind::kPhishing,
                  .from_inside = inside,
                  .country = world_.country_of(server)});
    }
  }
  damage(reports);
}

void Nation::break_in(const Population& population) {
  TextFile& reports = file(numbered("sources/reports/incidents") + ".csv");
  TextFile& others = file(numbered("sources/reports/incidents-sector") + ".csv");
  TextFile& pages = file(numbered("sources/pages/crawl") + ".warc");
  TextFile& baseline = file("baseline.warc");
  reports.write("time,kind,actor_ip,target_name,reporter,confidence,description\n");
  others.write("time;kind;actor_ip;target_name;reporter;confidence;description\n");
  std::uint64_t amounts = 0;
  for (const Origin& origin : population.origins) amounts += origin.amount;
  const std::uint64_t targets = std::min(population.targets, amounts);
  if (targets == 0) return;
  const Circle circle(population, targets, true);
  const auto deed = [&](Timestamp time, std::uint32_t actor, const Site& site, Kind kind) {
    truth_.add({.time = time,
                .actor = actor,
                .target = hash64(site.name),
                .kind = kind,
                .country = actor == 0 ? CountryCode() : world_.country_of(actor),
                .sector = truth_.word(site.sector),
                .province = truth_.word(site.province)});
  };
  for (std::uint64_t i = 0; i < circle.size(); ++i) {
    const Contact contact = circle.contact(i, random_);
    const auto& intruders = actors(population, population.origins[contact.origin]);
    if (contact.actor >= intruders.size()) continue;
    const std::uint32_t actor = intruders[contact.actor];
    const Site& target = site(population, contact.target);
    const Timestamp time =
        std::max(population.period.from, floor_to(time_of(population.period, i, circle.size()), kSecond));
    const std::string line =
        fmt::format("{},intrusion,{},{},desk,confirmed,\"account \"\"admin\"\" used, files changed\"\n", stamp(time),
                    IpAddress::v4(actor).text(), target.name);
    reports.write(line);
    if (i % 5 == 0) reports.write(line);
    if (i % 3 == 0) {
      others.write(fmt::format("{};intrusion;{};{};sector desk;confirmed;web server broken into\n",
                               stamp(time + 20 * kMinute < population.period.to ? time + 20 * kMinute : time),
                               IpAddress::v4(actor).text(), target.name));
    }
    records_ += 2;
    deed(time, actor, target, Kind::kIntrusion);
    if (i % 4 == 0) {
      baseline.write(warc_record(target, population.period.from - 40 * kDay, clean_page(target)));
      pages.write(warc_record(target, time, defaced_page()));
      deed(time, 0, target, Kind::kDefacement);
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
  std::uint64_t size = 0;
  for (const Origin& origin : population.origins) size += origin.amount;
  if (size == 0 || population.targets == 0) return;
  TextFile& attempts = file(numbered("sources/reports/honeypot") + ".csv");
  attempts.write("timestamp,src_ip,src_port,dst_ip,dst_port,cve,rule\n");
  const Circle circle(population, population.targets, false);
  const auto& honeypots = world_.hosts("honeypots", population.targets);
  static const std::vector<std::string> kAny{"CVE-2012-1823"};
  const auto& cves = population.families.empty() ? kAny : population.families;
  for (std::uint64_t i = 0; i < size; ++i) {
    const std::uint64_t number = (i * 7919) % size;
    const Contact contact = circle.contact(size % 7919 == 0 ? i : number, random_);
    const auto& intruders = actors(population, population.origins[contact.origin]);
    if (contact.actor >= intruders.size()) continue;
    const std::uint32_t actor = intruders[contact.actor], honeypot = honeypots[contact.target % honeypots.size()];
    const std::string& cve = cves[i % cves.size()];
    const Timestamp time = std::max(population.period.from, time_of(population.period, i, size));
    const auto port = static_cast<std::uint16_t>(20'000 + i % 40'000);
    // No two attempts have one time and port, so that each line is its own.
    attempts.write(fmt::format("{},{},{},{},80,{},http-honeypot\n", stamp(time), IpAddress::v4(actor).text(), port,
                               IpAddress::v4(honeypot).text(), cve));
    ++records_;
    if (i % 6 == 0) {
      alert(time, actor, port, IpAddress::v4(honeypot), 80, fmt::format("ET EXPLOIT Attempt ({})", cve),
            "Attempted Administrator Privilege Gain", "", "");
    }
    truth_.add({.time = time,
                .actor = actor,
                .target = honeypot,
                .kind = Kind::kExploit,
                .country = world_.country_of(actor),
                .province = truth_.word(world_.province_of(honeypot)),
                .detail = truth_.word(cve)});
  }
  damage(attempts);
}

bool Nation::finish() {
  for (auto& [sensor, open] : flows_) {
    if (open.second) failed_ |= !open.second->finish();
  }
  TextFile& reg = file("register.csv");
  reg.write("name,sector,province,contact,domains,prefixes\n");
  for (const auto& [prefix, province] : world_.networks())
    reg.write(fmt::format(",,{},,,{}\n", province, prefix.text()));
  for (const auto& [sector, sites] : world_.all_sites()) {
    for (const Site& site : sites) {
      reg.write(fmt::format("{},{},{},security@{},{},\n", site.organisation, site.sector, site.province, site.domain,
                            site.domain));
    }
  }
  TextFile& brands = file("brands.toml");
  for (std::size_t i = 0; i < kBrands.size(); ++i) {
    brands.write(fmt::format("[[brand]]\nname = \"{}\"\ndomains = [\"{}\"]\n\n", kBrands[i], brand_domain(i)));
  }
  TextFile& settings = file("tocsin.toml");
  settings.write(fmt::format("zone = \"{}\"\nbrands = [\"brands.toml\"]\n", scenario_.zone));
  if (files_.contains("baseline.warc")) settings.write("baseline = [\"baseline.warc\"]\n");
  settings.write(fmt::format("\n[constituency]\nname = \"{}\"\n", scenario_.constituency));
  std::string countries, prefixes;
  for (const CountryCode country : scenario_.countries) countries += fmt::format("\"{}\", ", country.text());
  for (const Prefix& prefix : scenario_.prefixes) prefixes += fmt::format("\"{}\", ", prefix.text());
  settings.write(
      fmt::format("countries = [{}]\nprefixes = [{}]\ndomains = [\".example\"]\nregister = [\"register.csv\"]\n",
                  countries, prefixes));
  for (const char* feed : {"control-servers", "groups"}) {
    if (!files_.contains(fmt::format("feeds/{}.csv", feed))) continue;
    settings.write(fmt::format("\n[[indicators]]\npath = \"feeds/{}.csv\"\nsource = \"{}\"\n", feed, feed));
  }
  TextFile& truth = file("truth.json");
  truth.write(truth_.to_json());
  for (auto& [name, open] : files_) failed_ |= !open->close();
  return !failed_;
}

}  // namespace tocsin::simulate
