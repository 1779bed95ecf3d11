#include "locate/locator.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <optional>

#include "base/hash.h"
#include "base/text.h"
#include "locate/databases.h"
#include "locate/ranges.h"

namespace tocsin {
namespace {
namespace fs = std::filesystem;

struct Dated {
  LocationDatabaseInfo info;
  RangeTable table;
};

// The key of a kept table: what the files are, and how it is made of them.
std::uint64_t key_of(const std::vector<std::string>& files) {
  std::string text = "ranges 1";
  for (const std::string& file : files) {
    std::error_code error;
    const auto size = fs::file_size(file, error);
    const auto time = fs::last_write_time(file, error).time_since_epoch().count();
    text += fmt::format("|{}|{}|{}", fs::absolute(file, error).string(), size, time);
  }
  return hash64(text);
}

class FileLocator : public Locator {
 public:
  FileLocator(std::string directory, std::string cache) : directory_(std::move(directory)), cache_(std::move(cache)) {}

  Expected<void> open() {
    open_newer();
    open_older();
    if (dated_.empty()) return failure(fmt::format("{}: no location database there", directory_));
    std::ranges::sort(dated_, {}, [](const Dated& d) { return d.info.date; });
    for (const Dated& dated : dated_) infos_.push_back(dated.info);
    return {};
  }

  Location locate(const IpAddress& ip, Timestamp time) const override { return locate_with(database_for(time), ip); }
  Location locate_with(std::size_t database, const IpAddress& ip) const override {
    if (database >= dated_.size()) return {};
    const Location location = dated_[database].table.find(ip);
    if (!location.country.known() && location.asn == 0) return location;
    return scope_of(ip) == AddressScope::kGlobal ? location : Location();
  }
  std::size_t database_for(Timestamp time) const override {
    std::size_t best = 0;
    for (std::size_t i = 0; i < dated_.size(); ++i) {
      if (dated_[i].info.date <= time) best = i;
    }
    return best;
  }
  const std::vector<LocationDatabaseInfo>& databases() const override { return infos_; }
  std::string holder(std::uint32_t asn) const override {
    const auto found = names_.find(asn);
    return found == names_.end() ? std::string() : found->second;
  }
  const std::vector<std::string>& warnings() const override { return warnings_; }

 private:
  bool have(const std::string& name) {
    std::error_code error;
    if (fs::exists(fs::path(directory_) / name, error)) return true;
    warnings_.push_back(fmt::format("{}/{}: is missing", directory_, name));
    return false;
  }
  std::string path(const std::string& name) const { return (fs::path(directory_) / name).string(); }

  template <typename T>
  std::optional<T> good(Expected<T> value) {
    if (value) return std::move(*value);
    warnings_.push_back(value.error().message);
    return std::nullopt;
  }

  // Names of AS are kept beside the table, a line each.
  void add(Timestamp date, std::string description, std::vector<std::string> files,
           const std::function<std::vector<std::vector<RangeEntry>>(std::map<std::uint32_t, std::string>&)>& layers) {
    Dated dated;
    dated.info.date = date;
    dated.info.version = format_day(date);
    dated.info.description = std::move(description);
    dated.info.files = files;
    const std::uint64_t key = key_of(files);
    const std::string kept = fmt::format("{}/locations-{:016x}", cache_, key);
    std::map<std::uint32_t, std::string> names;
    auto table = RangeTable::load(kept + ".table", key);
    std::ifstream list(kept + ".names");
    if (table && list) {
      std::string line;
      while (std::getline(list, line)) {
        const std::size_t tab = line.find('\t');
        if (tab == std::string::npos) continue;
        names.emplace(static_cast<std::uint32_t>(std::strtoul(line.c_str(), nullptr, 10)), line.substr(tab + 1));
      }
    } else {
      table = RangeTable::merge(layers(names));
      std::error_code error;
      fs::create_directories(cache_, error);
      std::ofstream out(kept + ".names");
      for (const auto& [asn, name] : names) out << asn << '\t' << printable(name) << '\n';
      out.close();
      // Without a place to keep it, it is made again the next time.
      if (out) (void)table->save(kept + ".table", key);
    }
    dated.table = std::move(*table);
    for (auto& [asn, name] : names) names_.insert_or_assign(asn, name);
    dated_.push_back(std::move(dated));
  }

  void open_older() {
    if (!have("location.db")) return;
    const auto date = good(date_of_libloc(path("location.db")));
    if (!date) return;
    add(*date, "IPFire libloc location.db (CC BY-SA 4.0): country, AS, marks", {path("location.db")}, [&](auto& names) {
      std::vector<std::vector<RangeEntry>> layers;
      if (auto source = good(read_libloc(path("location.db"), names))) layers.push_back(std::move(source->entries));
      return layers;
    });
  }

  void open_newer() {
    std::vector<std::string> countries, ranges, files;
    for (const char* name : {"geo-whois-asn-country.mmdb", "iptoasn-country.mmdb"}) {
      if (have(name)) countries.push_back(path(name));
    }
    for (const char* name : {"asn-ipv4.csv", "asn-ipv6.csv"}) {
      if (have(name)) ranges.push_back(path(name));
    }
    if (countries.empty()) return;
    const auto date = good(date_of_mmdb(countries.front()));
    if (!date) return;
    files = countries;
    files.insert(files.end(), ranges.begin(), ranges.end());
    add(*date, "ip-location-db geo-whois-asn (CC0) and iptoasn (PDDL): country; asn (CC BY 4.0: RouteViews, DB-IP): AS", files,
        [&](auto& names) {
          std::vector<std::vector<RangeEntry>> layers;
          for (const std::string& file : countries) {
            if (auto source = good(read_mmdb(file))) layers.push_back(std::move(source->entries));
          }
          for (const std::string& file : ranges) {
            if (auto source = good(read_asn_csv(file, names))) layers.push_back(std::move(source->entries));
          }
          return layers;
        });
  }

  std::string directory_, cache_;
  std::vector<Dated> dated_;
  std::vector<LocationDatabaseInfo> infos_;
  std::map<std::uint32_t, std::string> names_;
  std::vector<std::string> warnings_;
};

}  // namespace

Expected<std::unique_ptr<Locator>> Locator::open(const std::string& directory, const std::string& cache) {
  auto locator = std::make_unique<FileLocator>(directory, cache);
  if (const auto opened = locator->open(); !opened) return std::unexpected(opened.error());
  return locator;
}

void locate_sighting(Sighting& sighting, const Locator& locator, const Constituency& constituency, int database) {
  const std::size_t used = database >= 0 ? static_cast<std::size_t>(database) : locator.database_for(sighting.first_seen);
  const auto locate = [&](const IpAddress& ip, const std::string& name, CountryCode& country, std::uint32_t& asn, bool& inside) {
    const Location location = locator.locate_with(used, ip);
    country = location.country;
    asn = location.asn;
    inside = (!ip.is_unspecified() && constituency.contains(ip, location.country, location.asn)) ||
             (!name.empty() && constituency.contains_name(name));
  };
  locate(sighting.actor.ip, sighting.actor_name, sighting.actor_country, sighting.actor_asn, sighting.actor_inside);
  locate(sighting.target.ip, sighting.target_name, sighting.target_country, sighting.target_asn, sighting.target_inside);
  if (const Organisation* organisation = constituency.organisation_of(sighting.target.ip, sighting.target_name)) {
    sighting.target_organisation = organisation->name;
    sighting.target_sector = organisation->sector;
  }
  if (used < locator.databases().size()) sighting.location_version = locator.databases()[used].version;
}

}  // namespace tocsin
