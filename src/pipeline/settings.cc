#include "pipeline/settings.h"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <filesystem>
#include <set>

#include "base/text.h"
#include "pipeline/register.h"

namespace tocsin {
namespace {

// Reads tables of one file; the first thing wrong is kept with its place.
class SettingsReader {
 public:
  explicit SettingsReader(std::string path) : path_(std::move(path)) {}

  const std::optional<Error>& error() const { return error_; }

  void fail(const toml::node& at, const std::string& what) {
    if (!error_) error_ = Error{fmt::format("{}:{}: {}", path_, at.source().begin.line, what)};
  }

  void allow(const toml::table& table, const std::set<std::string_view>& keys, std::string_view name) {
    for (const auto& [key, node] : table) {
      if (keys.contains(key.str())) continue;
      std::string known;
      for (const auto allowed : keys) known += fmt::format("{}{}", known.empty() ? "" : ", ", allowed);
      fail(node, fmt::format("'{}' is not a key of {}: they are {}", printable(key.str()), name, known));
    }
  }

  const toml::table* table(const toml::table& parent, std::string_view key) {
    const toml::node* node = parent.get(key);
    if (node == nullptr) return nullptr;
    if (!node->is_table()) fail(*node, fmt::format("'{}' must be a table: [{}]", key, key));
    return node->as_table();
  }

  // Calls take(table) for each element of an array of tables.
  template <typename Take>
  void tables(const toml::table& parent, std::string_view key, Take take) {
    const toml::node* node = parent.get(key);
    if (node == nullptr) return;
    if (!node->is_array()) return fail(*node, fmt::format("'{}' must be an array of tables: [[{}]]", key, key));
    for (const toml::node& element : *node->as_array()) {
      if (!element.is_table()) return fail(element, fmt::format("'{}' must be an array of tables: [[{}]]", key, key));
      take(*element.as_table());
    }
  }

  std::string text(const toml::table& table, std::string_view key, bool required = false) {
    const toml::node* node = table.get(key);
    if (node == nullptr) {
      if (required) fail(table, fmt::format("'{}' is missing: give it as a text", key));
      return {};
    }
    if (!node->is_string()) fail(*node, fmt::format("'{}' must be a text in quotes", key));
    return node->value_or(std::string());
  }

  // Calls parse(text) -> optional<T> for each element of an array of texts.
  template <typename T, typename Parse>
  std::vector<T> list(const toml::table& table, std::string_view key, std::string_view expected, Parse parse) {
    std::vector<T> values;
    const toml::node* node = table.get(key);
    if (node == nullptr) return values;
    if (!node->is_array()) {
      fail(*node, fmt::format("'{}' must be a list of {}: [...]", key, expected));
      return values;
    }
    for (const toml::node& element : *node->as_array()) {
      const std::string value =
          element.is_integer() ? std::to_string(element.value_or(0LL)) : element.value_or(std::string());
      if (auto parsed = parse(value)) {
        values.push_back(std::move(*parsed));
      } else {
        fail(element, fmt::format("'{}' in '{}' is none of {}", printable(value), key, expected));
      }
    }
    return values;
  }

 private:
  std::string path_;
  std::optional<Error> error_;
};

Expected<toml::table> parsed(const std::string& path) {
  try {
    return toml::parse_file(path);
  } catch (const toml::parse_error& error) {
    return failure(fmt::format("{}:{}: {}", path, error.source().begin.line, error.description()));
  }
}

std::optional<std::string> domain(const std::string& text) {
  const std::string_view name = std::string_view(text).substr(text.starts_with('.') ? 1 : 0);
  if (name.empty() || name.find_first_of(" /:") != std::string_view::npos) return std::nullopt;
  return lower(name);
}

std::optional<std::uint32_t> as_number(const std::string& text) {
  std::string_view digits = text;
  if (digits.starts_with("AS")) digits.remove_prefix(2);
  if (digits.empty() || digits.size() > 10 || digits.find_first_not_of("0123456789") != std::string_view::npos)
    return {};
  const unsigned long long value = std::stoull(std::string(digits));
  if (value == 0 || value > 0xffffffffULL) return std::nullopt;  // AS 0 is nobody's (RFC 7607), and here unknown
  return static_cast<std::uint32_t>(value);
}

void read_constituency(SettingsReader& reader, const toml::table& table, ConstituencySpec& spec) {
  reader.allow(table, {"name", "countries", "prefixes", "as-numbers", "domains", "register", "organisation"},
               "[constituency]");
  spec.name = reader.text(table, "name", true);
  spec.countries = reader.list<CountryCode>(table, "countries", "ISO 3166 alpha-2 codes", CountryCode::parse);
  spec.prefixes = reader.list<Prefix>(table, "prefixes", "prefixes like 192.168.1.0/24", Prefix::parse);
  spec.as_numbers = reader.list<std::uint32_t>(table, "as-numbers", "AS numbers", as_number);
  spec.domain_suffixes = reader.list<std::string>(table, "domains", "domain suffixes like .cz", domain);
  reader.tables(table, "organisation", [&](const toml::table& entry) {
    reader.allow(entry, {"name", "sector", "province", "contact", "prefixes", "domains"},
                 "[[constituency.organisation]]");
    Organisation organisation;
    organisation.name = reader.text(entry, "name", true);
    organisation.sector = reader.text(entry, "sector");
    organisation.province = reader.text(entry, "province");
    organisation.contact = reader.text(entry, "contact");
    organisation.prefixes = reader.list<Prefix>(entry, "prefixes", "prefixes like 192.0.2.0/24", Prefix::parse);
    organisation.domains = reader.list<std::string>(entry, "domains", "domain names", domain);
    spec.organisations.push_back(std::move(organisation));
  });
}

}  // namespace

Expected<Settings> load_settings(const std::string& path) {
  const auto whole = parsed(path);
  if (!whole) return std::unexpected(whole.error());
  const toml::table& root = *whole;
  SettingsReader reader(path);
  Settings settings;
  reader.allow(root,
               {"constituency", "indicators", "brands", "baseline", "relays", "rules", "zone", "location", "directory"},
               "tocsin.toml");
  settings.zone = root.contains("zone") ? reader.text(root, "zone") : "UTC";
  if (const toml::table* table = reader.table(root, "constituency")) {
    read_constituency(reader, *table, settings.constituency);
  } else {
    reader.fail(root, "the table [constituency] is missing: whom does this store protect?");
  }
  if (const toml::table* table = reader.table(root, "location")) {
    reader.allow(*table, {"directory"}, "[location]");
    settings.location_directory = reader.text(*table, "directory");
  }
  const auto base = root.contains("directory") ? std::filesystem::path(reader.text(root, "directory"))
                                               : std::filesystem::absolute(path).parent_path();
  const auto files = [&](const toml::table& table, std::string_view key) {
    return reader.list<std::string>(table, key, "paths", [&](const std::string& file) {
      return file.empty() ? std::nullopt : std::optional((base / file).lexically_normal().string());
    });
  };
  settings.brands = files(root, "brands");
  settings.baseline = files(root, "baseline");
  settings.relays = files(root, "relays");
  settings.rules = files(root, "rules");
  settings.files = {std::filesystem::absolute(path).lexically_normal().string()};
  if (const toml::table* table = root["constituency"].as_table()) {
    for (const std::string& file : files(*table, "register")) {
      if (const auto read = read_register(file, settings.constituency.organisations); !read) {
        return std::unexpected(read.error());
      }
      settings.files.push_back(file);
    }
  }
  for (const auto* named : {&settings.brands, &settings.baseline, &settings.relays, &settings.rules}) {
    settings.files.insert(settings.files.end(), named->begin(), named->end());
  }
  reader.tables(root, "indicators", [&](const toml::table& entry) {
    reader.allow(entry, {"path", "kind", "confidence", "family", "source", "tlp"}, "[[indicators]]");
    IndicatorDefaults defaults;
    const std::string file = reader.text(entry, "path", true);
    if (const std::string kind = reader.text(entry, "kind"); !kind.empty()) {
      if (const auto value = kind_of(kind)) {
        defaults.kind = *value;
      } else {
        reader.fail(*entry.get("kind"), value.error().message);
      }
    }
    if (const std::string confidence = reader.text(entry, "confidence"); !confidence.empty()) {
      if (const auto value = confidence_of(confidence)) {
        defaults.confidence = *value;
      } else {
        reader.fail(*entry.get("confidence"), value.error().message);
      }
    }
    defaults.family = reader.text(entry, "family");
    defaults.source = reader.text(entry, "source");
    defaults.tlp = reader.text(entry, "tlp");
    settings.indicators.emplace_back((base / file).lexically_normal().string(), std::move(defaults));
    settings.files.push_back(settings.indicators.back().first);
  });
  if (reader.error()) return std::unexpected(*reader.error());
  return settings;
}

Expected<RelayNetworks> load_relay_networks(const std::string& path) {
  const auto file = parsed(path);
  if (!file) return std::unexpected(file.error());
  SettingsReader reader(path);
  reader.allow(*file, {"as-numbers", "prefixes"}, "a file of relays");
  RelayNetworks networks;
  networks.as_numbers = reader.list<std::uint32_t>(*file, "as-numbers", "AS numbers", as_number);
  networks.prefixes = reader.list<Prefix>(*file, "prefixes", "prefixes like 192.0.2.0/24", Prefix::parse);
  if (reader.error()) return std::unexpected(*reader.error());
  return networks;
}

std::string default_settings(CountryCode country, const std::string& name) {
  std::string quoted;
  for (const char c : name) {
    if (c == '"' || c == '\\') quoted += '\\';
    if (static_cast<unsigned char>(c) >= 0x20) quoted += c;
  }
  return fmt::format(R"(# The settings of this store. Paths are relative to this file.

# Zone of days and of times given without an offset: UTC, +08:00 or a name like Europe/Prague.
zone = "UTC"

# Whom this CERT protects. An address belongs if any of these says so.
[constituency]
name = "{}"
countries = ["{}"]
prefixes = []      # networks, private ones too: ["192.168.1.0/24"]
as-numbers = []    # [2852, 15685]
domains = []       # suffixes of names: [".gov.example"]
register = []      # files of organisations and networks: docs/formats.md

# Organisations to name in figures and to tell of what harms them; as many as there are.
# [[constituency.organisation]]
# name = "Example Bank"
# sector = "finance/banking"   # of constituencies/sectors.toml
# province = "CZ-10"
# contact = "security@bank.example"
# prefixes = ["192.0.2.0/24"]
# domains = ["bank.example"]

# Lists of indicators: files or directories, in any of the formats of docs/formats.md; as many as there are.
# What a list does not say of itself, these defaults say.
# [[indicators]]
# path = "lists/botnets.txt"
# kind = "botnet-control"      # the kinds: tocsin figure --kinds
# confidence = "confirmed"     # suspected, probable or confirmed
# family = ""
# tlp = "amber"

# Protected brands, whose imitations are phishing, in files like constituencies/brands.toml; and web archives of pages
# that are known to be clean, with which later ones are compared.
# brands = ["brands.toml"]
# baseline = ["clean.warc.gz"]

# Lists of relays, such as the exits of Tor: addresses or networks, one a line. 'report --sensitivity' says what the
# figures would be without them and those of constituencies/relays.toml.
# relays = ["lists/tor-exits.txt"]

# Rules in the language of Suricata, for packets: files, or directories with files *.rules. What their alerts mean is in
# rules/alerts.toml; tocsin rules check says which can't run.
# rules = ["rules/local.rules"]

# Other location databases than the installation's own.
# [location]
# directory = "location"
)",
                     quoted, country.text());
}

}  // namespace tocsin
