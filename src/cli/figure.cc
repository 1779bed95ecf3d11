#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/country_name.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/terminal.h"

namespace tocsin::cli {
namespace {

struct FigureCommand {
  std::string directory, id, measure;
  std::vector<std::string> by;
  std::uint64_t limit = 20;
  PeriodOptions period;
  bool json = false, sql = false;
};

std::string english(const std::map<std::string, std::string>& texts) {
  const auto found = texts.find("en");
  return found == texts.end() ? std::string() : found->second;
}

std::string number(double value) {
  if (value == std::floor(value)) return with_thousands(static_cast<std::int64_t>(value));
  return fmt::format("{:.1f}", value);
}

int list(const Catalogue& catalogue, bool json) {
  if (json) {
    nlohmann::json figures = nlohmann::json::array();
    for (const FigureDefinition& figure : catalogue.figures()) {
      figures.push_back({{"figure", figure.id},
                         {"measure", figure.measure},
                         {"unit", figure.unit},
                         {"by", figure.by},
                         {"title", figure.title},
                         {"definition", figure.definition},
                         {"caution", figure.caution}});
    }
    fmt::print("{}\n", figures.dump(2));
    return 0;
  }
  std::vector<std::vector<std::string>> rows;
  for (const FigureDefinition& figure : catalogue.figures()) rows.push_back({figure.id, english(figure.title)});
  fmt::print(
      "{}\n{}\n", table({{"figure"}, {"counts"}}, rows),
      faint("tocsin figure ID answers one; --by takes: " + fmt::format("{}", fmt::join(dimension_names(), ", "))));
  return 0;
}

void print(const FigureResult& result) {
  const FigureRequest& asked = result.request;
  fmt::print("{}\n", bold(printable(english(result.definition.title))));
  fmt::print("{} {}", bold(number(result.value)), printable(result.definition.unit));
  if (result.previous) fmt::print("  {}", faint(fmt::format("(the period before: {})", number(*result.previous))));
  fmt::print("\n{} to {} {}, {}, {} and above\n", format_time(asked.period.from), format_time(asked.period.to),
             faint("(not included)"), printable(result.constituency), name_of(asked.confidence));
  if (!asked.by.empty()) {
    std::vector<Column> columns;
    for (const std::string& dimension : asked.by) columns.push_back({dimension});
    columns.push_back({result.definition.unit, true});
    columns.push_back({"share", true});
    std::vector<std::vector<std::string>> rows;
    for (const FigureRow& row : result.rows) {
      auto& cells = rows.emplace_back();
      for (std::size_t i = 0; i < row.key.size(); ++i) {
        std::string key = row.key[i].empty() ? "unknown" : row.key[i];
        if (i < asked.by.size() && asked.by[i].ends_with("-country")) {
          if (const auto code = CountryCode::parse(row.key[i])) key = fmt::format("{}  {}", key, country_name(*code));
        }
        cells.push_back(std::move(key));
      }
      cells.push_back(number(row.value));
      cells.push_back(fmt::format("{:.1f}%", row.share * 100));
    }
    fmt::print("\n{}", table(columns, rows));
    if (result.overlap > 0) {
      fmt::print("{}\n", faint(fmt::format("Rows add up to {} more than the total: they share members.",
                                           with_thousands(result.overlap))));
    }
  }
  if (const std::string text = english(result.definition.definition); !text.empty())
    fmt::print("\n{}\n", printable(text, 2000));
  if (const std::string text = english(result.definition.caution); !text.empty())
    fmt::print("{}\n", printable(text, 2000));
  fmt::print("Location is not attribution: it says where an address was, never who used it.\n");
  if (result.skipped > 0) {
    fmt::print("{} records of the sources could not be read.\n",
               with_thousands(static_cast<std::int64_t>(result.skipped)));
  }
}

int figure(const FigureCommand& given) {
  auto open = open_store(given.directory);
  if (!open) return fail(open.error());
  if (given.id.empty()) return list(open->catalogue, given.json);
  auto request = given.period.request(*open);
  if (!request) return wrong_usage(request.error().message);
  const FigureDefinition* definition = open->catalogue.find(given.id);
  if (definition == nullptr) {
    return wrong_usage(fmt::format("'{}' is not a figure; tocsin figure lists them", given.id));
  }
  request->id = given.id;
  request->measure = given.measure;
  request->by = given.by.empty() ? definition->by : given.by;
  std::erase(request->by, "none");
  request->limit = given.json ? 0 : given.limit;
  if (given.sql) {
    const auto from = open->store->from_clause();
    if (!from) return fail(from.error());
    const auto sql = compile(open->catalogue, *request, *from);
    if (!sql) return wrong_usage(sql.error().message);
    fmt::print("{}\n", *sql);
    return 0;
  }
  const auto result =
      answer(open->catalogue, *open->store, *open->database, *request, open->settings.constituency.name);
  if (!result) return fail(result.error());
  if (given.json) {
    fmt::print("{}\n", to_json(*result));
  } else {
    print(*result);
  }
  return 0;
}

}  // namespace

void add_figure(CLI::App& app, Chosen& chosen) {
  auto given = std::make_shared<FigureCommand>();
  CLI::App* command = app.add_subcommand("figure", "List the catalogue of figures, or answer one");
  command->add_option("id", given->id, "Figure to answer; none lists them all");
  add_store_option(*command, given->directory);
  given->period.add_to(*command);
  command->add_option("--by", given->by, "Dimensions of the rows, several with commas; none for the total alone")
      ->delimiter(',');
  command->add_option("--measure", given->measure, "Another measure than the definition's, such as monthly-mean");
  command->add_option("--limit", given->limit, "Rows shown, 0 for all")->capture_default_str();
  command->add_flag("--json", given->json, "Print JSON");
  command->add_flag("--sql", given->sql, "Print the statement instead of its answer");
  command->callback([=, &chosen] { chosen = [=] { return figure(*given); }; });
}

}  // namespace tocsin::cli
