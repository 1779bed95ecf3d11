#include "locate/locator.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <optional>

#include "locate/location_table.h"
#include "locate/sources.h"

namespace tocsin {
namespace {

// Part of every cache's key: raised whenever the same sources would give another table.
constexpr int kTableVersion = 1;

struct SourceFile {
  std::string_view name;
  std::string_view description;
};
constexpr SourceFile kWhois{"geo-whois-asn-country.mmdb", "geo-whois-asn-country (CC0 1.0)"};
constexpr SourceFile kRoutes{"iptoasn-country.mmdb", "iptoasn-country (PDDL 1.0)"};
constexpr SourceFile kAsV4{"asn-ipv4.csv", "AS ranges of RouteViews and DB-IP, IPv4 (CC BY 4.0)"};
constexpr SourceFile kAsV6{"asn-ipv6.csv", "AS ranges of RouteViews and DB-IP, IPv6 (CC BY 4.0)"};
constexpr SourceFile kLibloc{"location.db", "libloc location database"};

// The size, the time and the ends of a file, which together change when the file does. All of it is not read: that
// would take longer than everything else.
std::string identity_of(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return "none";
  constexpr std::size_t kEnd = 65'536;
  std::ifstream file(path, std::ios::binary);
  std::string ends(2 * kEnd, '\0');
  file.read(ends.data(), kEnd);
  std::size_t size = static_cast<std::size_t>(file.gcount());
  if (status.st_size > static_cast<off_t>(kEnd)) {
    file.clear();
    file.seekg(-static_cast<std::streamoff>(kEnd), std::ios::end);
    file.read(ends.data() + size, kEnd);
    size += static_cast<std::size_t>(file.gcount());
  }
  return fmt::format("{} {}.{} {:x}", status.st_size, status.st_mtim.tv_sec, status.st_mtim.tv_nsec,
                     hash64(std::string_view(ends).substr(0, size)));
}

Timestamp file_time(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 ? status.st_mtim.tv_sec * kSecond : 0;
}

class TableLocator final : public Locator {
 public:
  TableLocator(std::string directory, std::string cache) : directory_(std::move(directory)), cache_(std::move(cache)) {}

  bool open_all() {
    if (!cache_.empty()) {
      std::error_code ignored;  // if it can't be made, saving says so
      std::filesystem::create_directories(cache_, ignored);
    }
    add("networks.table", {kWhois, kRoutes, kAsV4, kAsV6}, [this](bool& clean) { return build_networks(clean); });
    add("libloc.table", {kLibloc}, [this](bool& clean) { return build_libloc(clean); });
    std::ranges::stable_sort(entries_, {}, [](const Entry& entry) { return entry.info.date; });
    for (const Entry& entry : entries_) infos_.push_back(entry.info);
    return !entries_.empty();
  }

  Location locate(const IpAddress& ip, Timestamp time) const override { return locate_with(database_for(time), ip); }

  Location locate_with(std::size_t database, const IpAddress& ip) const override {
    if (database >= entries_.size()) return {};
    const LocationRecord& record = entries_[database].table->find(ip);
    Location location;
    location.country = record.country_code();
    location.asn = record.asn;
    location.anycast = (record.marks & LocationRecord::kAnycast) != 0;
    location.anonymous_proxy = (record.marks & LocationRecord::kAnonymousProxy) != 0;
    location.hostile = (record.marks & LocationRecord::kHostile) != 0;
    return location;
  }

  std::size_t database_for(Timestamp time) const override {
    std::size_t at = entries_.size() - 1;
    while (at > 0 && entries_[at].info.date > time) --at;
    return at;
  }

  const std::vector<LocationDatabaseInfo>& databases() const override { return infos_; }

  std::string holder(std::uint32_t asn) const override {
    for (auto entry = entries_.rbegin(); entry != entries_.rend(); ++entry) {
      const std::string_view name = entry->table->holder(asn);
      if (!name.empty()) return std::string(name);
    }
    return {};
  }

  const std::vector<std::string>& warnings() const override { return warnings_; }

 private:
  struct Entry {
    LocationDatabaseInfo info;
    std::shared_ptr<const LocationTable> table;
  };

  std::string path_of(const SourceFile& file) const { return fmt::format("{}/{}", directory_, file.name); }
  bool exists(const SourceFile& file) const {
    std::error_code ignored;
    return std::filesystem::is_regular_file(path_of(file), ignored);
  }

  // build: makes the content, or nothing if no source can be read; sets clean to false if one could not.
  void add(std::string_view cache_name, const std::vector<SourceFile>& files,
           const std::function<std::optional<LocationTableContent>(bool& clean)>& build) {
    std::string identity = fmt::format("{}\n", kTableVersion);
    Entry entry;
    for (const SourceFile& file : files) {
      identity += fmt::format("{} {}\n", file.name, identity_of(path_of(file)));
      if (exists(file)) {
        entry.info.files.emplace_back(file.name);
      } else {
        warnings_.push_back(fmt::format("{}: missing; {} is left out", path_of(file), file.description));
      }
    }
    if (entry.info.files.empty()) return;
    const Hash128 key = hash128(identity);
    const std::string cache_path = cache_.empty() ? "" : fmt::format("{}/{}", cache_, cache_name);
    if (!cache_path.empty()) {
      auto mapped = LocationTable::map(cache_path, key);
      if (mapped) {
        entry.table = *mapped;
      } else {
        warnings_.push_back(mapped.error().message);
      }
    }
    if (!entry.table) {
      bool clean = true;
      const std::optional<LocationTableContent> content = build(clean);
      if (!content) return;
      entry.table = LocationTable::make(*content, key);
      // A table that lacks a source is not kept: the next start must say again what is wrong.
      if (clean && !cache_path.empty()) {
        if (auto saved = entry.table->save(cache_path); !saved) {
          warnings_.push_back(fmt::format("{}; the table is kept in memory only", saved.error().message));
        }
      }
    }
    entry.info.date = entry.table->date();
    entry.info.version = format_day(entry.info.date);
    entry.info.description = entry.table->description();
    entries_.push_back(std::move(entry));
  }

  std::optional<LocationTableContent> build_networks(bool& clean) {
    LocationTableContent content;
    std::vector<std::string> used;
    auto refuse = [&](const Error& error) {
      warnings_.push_back(error.message + "; it is left out");
      clean = false;
    };
    std::vector<AddressRange<CountryCode>> countries[2];
    const SourceFile country_files[2] = {kWhois, kRoutes};
    for (std::size_t i = 0; i < 2; ++i) {
      if (!exists(country_files[i])) continue;
      auto read = read_mmdb_countries(path_of(country_files[i]));
      if (!read) {
        refuse(read.error());
        continue;
      }
      used.emplace_back(country_files[i].description);
      countries[i] = std::move(read->ranges);
      content.date = std::max(content.date, read->date > 0 ? read->date : file_time(path_of(country_files[i])));
    }
    AsRanges as_ranges;
    Timestamp as_time = 0;
    for (const SourceFile& file : {kAsV4, kAsV6}) {
      if (!exists(file)) continue;
      as_ranges.skipped = 0;
      if (auto read = read_as_csv(path_of(file), as_ranges); !read) {
        refuse(read.error());
        continue;
      }
      used.emplace_back(file.description);
      as_time = std::max(as_time, file_time(path_of(file)));
      if (as_ranges.skipped > 0) {
        warnings_.push_back(fmt::format("{}:{}: not start,end,AS number,holder; {} such line(s) skipped", path_of(file),
                                        as_ranges.first_skipped_line, as_ranges.skipped));
      }
    }
    if (used.empty()) return std::nullopt;
    if (content.date == 0) content.date = as_time;
    content.description = fmt::format("{}", fmt::join(used, "; "));
    content.ranges = without_special(merge_sources(countries[0], countries[1], as_ranges.ranges));
    content.holders = std::move(as_ranges.holders);
    return content;
  }

  std::optional<LocationTableContent> build_libloc(bool& clean) {
    auto content = read_libloc(path_of(kLibloc));
    if (!content) {
      warnings_.push_back(content.error().message + "; it is left out");
      clean = false;
      return std::nullopt;
    }
    if (content->date <= 0) content->date = file_time(path_of(kLibloc));
    content->ranges = without_special(content->ranges);
    return std::move(*content);
  }

  std::string directory_;
  std::string cache_;
  std::vector<Entry> entries_;
  std::vector<LocationDatabaseInfo> infos_;
  std::vector<std::string> warnings_;
};

}  // namespace

Expected<std::unique_ptr<Locator>> Locator::open(const std::string& directory, const std::string& cache) {
  auto locator = std::make_unique<TableLocator>(directory, cache);
  if (!locator->open_all()) {
    std::string message =
        fmt::format("{}: no location database can be read there; run scripts/setup and build again", directory);
    for (const std::string& warning : locator->warnings()) message += "\n  " + warning;
    return failure(std::move(message));
  }
  return locator;
}

void locate_sighting(Sighting& sighting, const Locator& locator, const Constituency& constituency, int database) {
  const std::size_t index =
      database >= 0 ? static_cast<std::size_t>(database) : locator.database_for(sighting.first_seen);
  if (index >= locator.databases().size()) return;
  auto place = [&](const IpAddress& ip, CountryCode& country, std::uint32_t& asn) {
    const Location location = locator.locate_with(index, ip);
    country = location.country;
    asn = location.asn;
    return !ip.is_unspecified() && constituency.contains(ip, country, asn);
  };
  // An actor's name is what it says of itself in a Host header or a server name, so it is asked only where there is no
  // address: else any server could hide among the constituency's. A target's name is whom the attack was meant for.
  const bool actor_there = place(sighting.actor.ip, sighting.actor_country, sighting.actor_asn);
  sighting.actor_inside =
      sighting.actor.ip.is_unspecified() ? constituency.contains_name(sighting.actor_name) : actor_there;
  const bool target_there = place(sighting.target.ip, sighting.target_country, sighting.target_asn);
  sighting.target_inside = target_there || constituency.contains_name(sighting.target_name);
  const Organisation* const organisation = constituency.organisation_of(sighting.target.ip, sighting.target_name);
  sighting.target_organisation.clear();
  sighting.target_sector.clear();
  if (organisation != nullptr) {
    sighting.target_organisation = organisation->name;
    sighting.target_sector = organisation->sector;
  }
  sighting.target_province = organisation != nullptr && !organisation->province.empty()
                                 ? std::string_view(organisation->province)
                                 : constituency.province_of(sighting.target.ip, sighting.target_name);
  sighting.location_version = locator.databases()[index].version;
}

}  // namespace tocsin
