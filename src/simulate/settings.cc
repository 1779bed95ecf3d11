// What a store of the nation is made with: settings, register, brands and lists.
#include <fmt/format.h>

#include "simulate/nation.h"

namespace tocsin::simulate {

void Nation::write_register() {
  TextFile& reg = file("register.csv");
  reg.write("name,sector,province,contact,domains,prefixes\n");
  for (const auto& [prefix, province] : world_.networks()) {
    reg.write(fmt::format(",,{},,,{}\n", province, prefix.text()));
  }
  for (const auto& [sector, sites] : world_.all_sites()) {
    for (const Site& site : sites) {
      if (site.alias) continue;
      reg.write(fmt::format("{},{},{},security@{},{},\n", site.organisation, site.sector, site.province, site.domain,
                            site.domain));
    }
  }
}

// As public lists of exits are: one address a line, most of which nobody here has seen.
void Nation::write_relays() {
  TextFile& exits = file("feeds/tor-exits.txt");
  exits.write("# Exits of Tor\n");
  for (const IpAddress& exit : world_.exits()) exits.write(exit.text() + "\n");
  for (const CountryCode country : world_.strangers()) {
    for (const IpAddress& exit : world_.abroad("exits", country, 3)) exits.write(exit.text() + "\n");
  }
}

void Nation::write_settings() {
  TextFile& settings = file("tocsin.toml");
  settings.write(
      fmt::format("zone = \"{}\"\nbrands = [\"brands.toml\"]\nrelays = [\"feeds/tor-exits.txt\"]\n", scenario_.zone));
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
}

bool Nation::finish() {
  for (auto& [sensor, open] : flows_) {
    if (open.second) failed_ |= !open.second->finish();
  }
  write_register();
  write_brands();
  write_relays();
  write_settings();
  judge_calls_from_abroad();
  file("truth.json").write(truth_.to_json());
  for (auto& [name, open] : files_) failed_ |= !open->close();
  return !failed_;
}

}  // namespace tocsin::simulate
