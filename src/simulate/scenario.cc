#include "simulate/scenario.h"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <cmath>

#include "base/text.h"

namespace tocsin::simulate {
namespace {

class ScenarioFile {
 public:
  ScenarioFile(std::string path, double scale) : path_(std::move(path)), scale_(scale) {}

  Expected<Scenario> read() {
    toml::table file;
    try {
      file = toml::parse_file(path_);
    } catch (const toml::parse_error& error) {
      return failure(fmt::format("{}:{}: {}", path_, error.source().begin.line, error.description()));
    }
    Scenario scenario;
    scenario.zone = text(file, "zone", "UTC");
    zone_ = scenario.zone;
    scenario.name = text(file, "name", "");
    scenario.seed = static_cast<std::uint64_t>(file["seed"].value_or(std::int64_t{1}));
    scenario.benign_flows = file["benign-flows"].value_or(10.0);
    scenario.benign_requests = file["benign-requests"].value_or(2.0);
    scenario.ipv6 = part(file, "ipv6");
    scenario.moved = part(file, "moved");
    scenario.tor = part(file, "tor");
    scenario.shared = part(file, "shared");
    scenario.scanners = count(file, "scanners");
    scenario.keep_alive = count(file, "keep-alive");
    for (const auto& [key, node] : file) read_part(key.str(), node, scenario);
    if (scenario.constituency.empty()) fail(file, "the table [constituency] with a name is missing");
    if (scenario.countries.empty() == scenario.prefixes.empty()) {
      fail(file, "[constituency] needs either countries or prefixes");
    }
    if (error_) return std::unexpected(*error_);
    return scenario;
  }

 private:
  void fail(const toml::node& at, std::string_view what) {
    if (!error_) error_ = Error{fmt::format("{}:{}: {}", path_, at.source().begin.line, what)};
  }

  void read_part(std::string_view key, const toml::node& node, Scenario& scenario) {
    static constexpr std::string_view kPlain[] = {"name",  "seed", "zone",   "benign-flows", "benign-requests", "ipv6",
                                                  "moved", "tor",  "shared", "scanners",     "keep-alive"};
    if (std::ranges::find(kPlain, key) != std::end(kPlain)) return;
    if (key == "constituency" && node.is_table()) return read_constituency(*node.as_table(), scenario);
    const toml::array* tables = node.as_array();
    if (tables == nullptr) return fail(node, fmt::format("'{}' is not known here", printable(key)));
    for (const toml::node& element : *tables) {
      const toml::table* table = element.as_table();
      if (table == nullptr) return fail(element, fmt::format("expected a table that begins with [[{}]]", key));
      if (key == "truth") {
        scenario.truths.push_back(period_of(*table));
      } else if (const auto kind = kind_of(key)) {
        scenario.populations.push_back(population_of(*kind, *table));
      } else {
        return fail(element, kind.error().message);
      }
    }
  }

  void read_constituency(const toml::table& table, Scenario& scenario) {
    scenario.constituency = text(table, "name", "");
    scenario.provinces = texts(table, "provinces");
    for (const std::string& code : texts(table, "countries")) {
      const auto country = CountryCode::parse(code);
      if (country) {
        scenario.countries.push_back(*country);
      } else {
        fail(table, fmt::format("'{}' is no ISO 3166 alpha-2 code", printable(code)));
      }
    }
    for (const std::string& prefix : texts(table, "prefixes")) {
      const auto parsed = Prefix::parse(prefix);
      if (parsed && parsed->length() <= (parsed->address().is_v4() ? 96 + 16 : 36)) {
        scenario.prefixes.push_back(*parsed);
      } else {
        fail(table, fmt::format("'{}' is no prefix of at most 16 bits, of IPv6 36", printable(prefix)));
      }
    }
  }

  Population population_of(Kind kind, const toml::table& table) {
    static constexpr std::string_view kKeys[] = {"from",      "to",        "targets", "origins",  "others",
                                                 "others-in", "domestic",  "group",   "families", "by-alert",
                                                 "by-name",   "by-rhythm", "sectors"};
    for (const auto& [key, node] : table) {
      if (std::ranges::find(kKeys, key.str()) == std::end(kKeys)) {
        fail(node, fmt::format("'{}' is not a key of [[{}]]", printable(key.str()), name_of(kind)));
      }
    }
    Population population;
    population.kind = kind;
    population.period = period_of(table);
    population.targets = scaled(table["targets"].value_or(std::int64_t{0}));
    population.group = text(table, "group", "");
    population.families = texts(table, "families");
    population.sectors = texts(table, "sectors");
    population.by_alert = part(table, "by-alert");
    population.by_name = part(table, "by-name");
    population.by_rhythm = count(table, "by-rhythm");
    if (const toml::table* origins = table["origins"].as_table()) {
      for (const auto& [code, node] : *origins) {
        const auto country = CountryCode::parse(code.str());
        if (!country) fail(node, fmt::format("'{}' is no ISO 3166 alpha-2 code", printable(code.str())));
        if (country) population.origins.push_back(origin_of(*country, node));
      }
    }
    spread_others(table, population);
    if (const toml::node* domestic = table.get("domestic")) population.domestic = origin_of({}, *domestic);
    // toml++ keeps its keys in the order of the alphabet: the largest first is what assignment wants.
    std::ranges::stable_sort(population.origins, std::greater<>{}, &Origin::amount);
    return population;
  }

  // The rest of the world, the earlier countries of the list with one more.
  void spread_others(const toml::table& table, Population& population) {
    const toml::node* node = table.get("others");
    if (node == nullptr) return;
    const Origin all = origin_of({}, *node);
    const std::vector<std::string> codes = texts(table, "others-in");
    if (codes.empty()) return fail(*node, "'others' needs 'others-in', a list of countries");
    for (std::size_t i = 0; i < codes.size(); ++i) {
      const auto country = CountryCode::parse(codes[i]);
      if (!country) return fail(*node, fmt::format("'{}' is no ISO 3166 alpha-2 code", printable(codes[i])));
      const auto part = [&](std::uint64_t whole) { return whole / codes.size() + (i < whole % codes.size() ? 1 : 0); };
      if (part(all.actors) > 0) population.origins.push_back({*country, part(all.actors), part(all.amount)});
    }
  }

  Origin origin_of(CountryCode country, const toml::node& node) {
    const toml::array* pair = node.as_array();
    if (pair == nullptr || pair->size() != 2 || !(*pair)[0].is_integer() || !(*pair)[1].is_integer()) {
      fail(node, "expected [actors, amount], two whole numbers");
      return {};
    }
    Origin origin{country, scaled((*pair)[0].value_or(std::int64_t{0})), scaled((*pair)[1].value_or(std::int64_t{0}))};
    origin.actors = std::min(origin.actors, origin.amount);
    return origin;
  }

  std::uint64_t scaled(std::int64_t count) const {
    if (count <= 0) return 0;
    return static_cast<std::uint64_t>(std::max(1.0, std::round(static_cast<double>(count) * scale_)));
  }

  Period period_of(const toml::table& table) {
    const auto from = parse_time(text(table, "from", ""), zone_), to = parse_time(text(table, "to", ""), zone_);
    if (!from || !to || *from >= *to) {
      fail(table, "expected 'from' and a later 'to', as \"2013-01-01\"");
      return {};
    }
    return {*from, *to};
  }

  std::string text(const toml::table& table, std::string_view key, const char* otherwise) const {
    return table[key].value_or(std::string(otherwise));
  }

  // Of a whole; nothing if it is not given.
  double part(const toml::table& table, std::string_view key) {
    const toml::node* node = table.get(key);
    if (node == nullptr) return 0;
    const double value = node->value_or(-1.0);
    if (!(value >= 0 && value < 1)) fail(*node, fmt::format("'{}' must be a number from 0 to below 1", key));
    return value;
  }

  std::uint64_t count(const toml::table& table, std::string_view key) {
    const toml::node* node = table.get(key);
    if (node == nullptr) return 0;
    const std::int64_t value = node->value_or(std::int64_t{-1});
    if (value < 0) fail(*node, fmt::format("'{}' must be a whole number", key));
    return static_cast<std::uint64_t>(std::max<std::int64_t>(value, 0));
  }

  std::vector<std::string> texts(const toml::table& table, std::string_view key) {
    std::vector<std::string> list;
    if (const toml::array* array = table[key].as_array()) {
      for (const toml::node& node : *array) list.push_back(node.value_or(std::string()));
    }
    return list;
  }

  std::string path_;
  double scale_;
  std::string zone_;
  std::optional<Error> error_;
};

}  // namespace

std::uint64_t Population::amount() const {
  std::uint64_t sum = 0;
  for (const Origin& origin : origins) sum += origin.amount;
  return sum;
}

std::uint64_t Population::reached() const { return std::min(targets, amount()); }

Families by_family(const Population& population, double part_v6) {
  Families parts{population, population};
  parts.v6.v6 = true;
  const auto split = [part_v6](Origin& four, Origin& six) {
    const auto part = [part_v6](std::uint64_t count) {
      return static_cast<std::uint64_t>(static_cast<double>(count) * part_v6);
    };
    six.actors = part(four.actors);
    // As many as its actors need, and no more than leave the others theirs.
    six.amount = six.actors == 0 ? 0 : std::max(part(four.amount), six.actors);
    if (four.actors - six.actors > four.amount - six.amount) six.actors = six.amount = 0;
    four.actors -= six.actors;
    four.amount -= six.amount;
  };
  for (std::size_t i = 0; i < population.origins.size(); ++i) split(parts.v4.origins[i], parts.v6.origins[i]);
  split(parts.v4.domestic, parts.v6.domestic);
  std::erase_if(parts.v6.origins, [](const Origin& origin) { return origin.actors == 0; });
  const std::uint64_t targets = population.reached(), amount = population.amount();
  if (amount == 0) return parts;
  // In proportion, but so many that each origin of either part reaches as many different targets as it shall. Where
  // there is no room for that, fewer are IPv6.
  std::uint64_t least = 0, most_of_v4 = 0;
  for (const Origin& origin : parts.v6.origins) least = std::max(least, origin.amount);
  for (const Origin& origin : parts.v4.origins) most_of_v4 = std::max(most_of_v4, origin.amount);
  if (least > 0 && least + most_of_v4 > targets) return by_family(population, part_v6 / 2);
  const auto six = static_cast<std::uint64_t>(static_cast<double>(parts.v6.amount()) / static_cast<double>(amount) *
                                              static_cast<double>(targets));
  parts.v6.targets = std::max(std::min(six, targets - std::min(targets, most_of_v4)), least);
  parts.v4.targets = targets - parts.v6.targets;
  // One actor of each kind is left to each part.
  parts.v6.by_rhythm =
      parts.v6.origins.empty() ? 0 : std::min(population.by_rhythm / 2, parts.v6.origins[0].actors - 1);
  parts.v4.by_rhythm = population.by_rhythm - parts.v6.by_rhythm;
  return parts;
}

Expected<Scenario> load_scenario(const std::string& path, double scale) { return ScenarioFile(path, scale).read(); }

}  // namespace tocsin::simulate
