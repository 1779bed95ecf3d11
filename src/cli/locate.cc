#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/country_name.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/terminal.h"
#include "locate/locator.h"
#include "pipeline/relocate.h"
#include "pipeline/watch.h"

namespace tocsin::cli {
namespace {

struct LocateCommand {
  std::vector<std::string> addresses;
  std::string at, directory, with;
  bool json = false, sightings = false;
};

std::string marks_of(const Location& location) {
  std::string marks;
  const auto add = [&marks](bool has, std::string_view name) {
    if (has) marks += fmt::format("{}{}", marks.empty() ? "" : ", ", name);
  };
  add(location.anycast, "anycast");
  add(location.anonymous_proxy, "anonymous proxy");
  add(location.hostile, "hostile");
  return marks;
}

// The sightings of a store, with the database named or that of each one's time.
int locate_again(const LocateCommand& given) {
  auto open = open_store(given.directory);
  if (!open) return fail(open.error());
  const auto locator = open_locator(open->settings);
  if (!locator) return fail(locator.error());
  int database = -1;
  std::string known;
  for (std::size_t i = 0; i < (*locator)->databases().size(); ++i) {
    const std::string& version = (*locator)->databases()[i].version;
    known += (known.empty() ? "" : ", ") + version;
    if (version == given.with) database = static_cast<int>(i);
  }
  if (!given.with.empty() && database < 0) {
    return wrong_usage(fmt::format("there is no location database '{}': there are {}", given.with, known));
  }
  const auto rows = relocate(*open->store, **locator, Constituency(open->settings.constituency), database);
  if (!rows) return fail(rows.error());
  fmt::print("Located {} rows again.\n", with_thousands(static_cast<std::int64_t>(*rows)));
  return 0;
}

int locate(const LocateCommand& given) {
  if (given.sightings) return locate_again(given);
  if (given.addresses.empty()) return wrong_usage("give addresses, or --sightings to locate a store's sightings again");
  Settings settings;
  const std::string path = given.directory + "/tocsin.toml";
  if (std::FILE* file = std::fopen(path.c_str(), "r"); file != nullptr) {
    std::fclose(file);
    auto loaded = load_settings(path);
    if (!loaded) return fail(loaded.error());
    settings = std::move(*loaded);
  }
  const auto locator = open_locator(settings);
  if (!locator) return fail(locator.error());
  for (const std::string& warning : (*locator)->warnings()) fmt::print(stderr, "tocsin: {}\n", printable(warning));
  const Constituency constituency(settings.constituency);
  std::size_t used = (*locator)->databases().size();
  if (!given.at.empty()) {
    const auto time = parse_time(given.at, settings.zone);
    if (!time) return wrong_usage(time.error().message);
    used = (*locator)->database_for(*time);
  }
  std::vector<std::vector<std::string>> rows;
  nlohmann::json list = nlohmann::json::array();
  for (const std::string& text : given.addresses) {
    const auto ip = IpAddress::parse(text);
    if (!ip) return wrong_usage(fmt::format("'{}' is not an IP address", text));
    const AddressScope scope = scope_of(*ip);
    for (std::size_t i = 0; i < (*locator)->databases().size(); ++i) {
      if (used < (*locator)->databases().size() && i != used) continue;
      const Location location = (*locator)->locate_with(i, *ip);
      const bool inside = constituency.contains(*ip, location.country, location.asn);
      const std::string& version = (*locator)->databases()[i].version;
      const std::string holder = location.asn == 0 ? "" : (*locator)->holder(location.asn);
      rows.push_back({ip->text(), version, std::string(location.country.text()), country_name(location.country),
                      location.asn == 0 ? "" : fmt::format("AS{}", location.asn), holder,
                      scope == AddressScope::kGlobal ? marks_of(location) : std::string(name_of(scope)),
                      inside ? "inside" : ""});
      list.push_back(
          {{"address", ip->text()},
           {"database", version},
           {"country", location.country.known() ? nlohmann::json(location.country.text()) : nlohmann::json()},
           {"asn", location.asn == 0 ? nlohmann::json() : nlohmann::json(location.asn)},
           {"holder", holder},
           {"scope", name_of(scope)},
           {"anycast", location.anycast},
           {"anonymous_proxy", location.anonymous_proxy},
           {"hostile", location.hostile},
           {"inside", inside}});
    }
  }
  if (given.json) {
    fmt::print("{}\n", list.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
    return 0;
  }
  fmt::print(
      "{}",
      table({{"address"}, {"database"}, {"CC"}, {"country"}, {"AS"}, {"holder"}, {"marks"}, {"constituency"}}, rows));
  for (const auto& database : (*locator)->databases()) {
    fmt::print("{}\n", faint(fmt::format("{}: {}", database.version, printable(database.description, 2000))));
  }
  return 0;
}

}  // namespace

void add_locate(CLI::App& app, Chosen& chosen) {
  auto given = std::make_shared<LocateCommand>();
  CLI::App* command = app.add_subcommand("locate", "Where addresses are or were: country, network, marks");
  command->add_option("addresses", given->addresses, "IP addresses");
  command->add_option("--at", given->at, "Only the database that is used for this time");
  command->add_flag("--sightings", given->sightings,
                    "Locate the sightings of the store again; earlier briefs stay verifiable");
  command->add_option("--with", given->with, "For --sightings: the database, by its date (default: that of each time)");
  add_store_option(*command, given->directory);
  command->add_flag("--json", given->json, "Print JSON");
  command->callback([=, &chosen] { chosen = [=] { return locate(*given); }; });
}

}  // namespace tocsin::cli
