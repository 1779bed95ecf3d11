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
    static constexpr std::string_view kPlain[] = {"name", "seed", "zone", "benign-flows", "benign-requests"};
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
      if (parsed && parsed->address().is_v4() && parsed->length() <= 96 + 16) {
        scenario.prefixes.push_back(*parsed);
      } else {
        fail(table, fmt::format("'{}' is no IPv4 prefix of 16 bits or less", printable(prefix)));
      }
    }
  }

  Population population_of(Kind kind, const toml::table& table) {
    static constexpr std::string_view kKeys[] = {"from",     "to",    "targets",  "origins",  "others",    "others-in",
                                                 "domestic", "group", "families", "by-alert", "by-rhythm", "sectors"};
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
    population.by_alert = table["by-alert"].value_or(0.0);
    population.by_rhythm = static_cast<std::uint64_t>(table["by-rhythm"].value_or(std::int64_t{0}));
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

Expected<Scenario> load_scenario(const std::string& path, double scale) { return ScenarioFile(path, scale).read(); }

}  // namespace tocsin::simulate
