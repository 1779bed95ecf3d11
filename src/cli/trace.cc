#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "cli/command.h"
#include "cli/terminal.h"
#include "pipeline/evidence.h"

namespace tocsin::cli {
namespace {

struct TraceCommand {
  std::string directory, id, pcap_directory;
  std::vector<std::string> keys;
  std::uint64_t limit = 20;
  PeriodOptions period;
  bool json = false, evidence = true;
};

std::string text_of(const Cell& cell) {
  if (const auto* text = std::get_if<std::string>(&cell)) return *text;
  if (const auto* number = std::get_if<std::int64_t>(&cell)) return fmt::format("{}", *number);
  if (const auto* real = std::get_if<double>(&cell)) return fmt::format("{}", *real);
  return {};
}

// One row of the answer, by the names of its columns.
class Row {
 public:
  Row(const Table& table, std::size_t index) : table_(table), row_(table.rows[index]) {}
  std::string text(std::string_view column) const {
    for (std::size_t i = 0; i < table_.columns.size(); ++i) {
      if (table_.columns[i] == column) return text_of(row_[i]);
    }
    return {};
  }
  std::int64_t number(std::string_view column) const {
    for (std::size_t i = 0; i < table_.columns.size(); ++i) {
      if (table_.columns[i] != column) continue;
      if (const auto* number = std::get_if<std::int64_t>(&row_[i])) return *number;
    }
    return 0;
  }

 private:
  const Table& table_;
  const std::vector<Cell>& row_;
};

// What stands behind each row.
std::vector<Expected<Evidence>> find(const std::vector<SourceRecord>& sources, const Table& rows,
                                     const TraceCommand& given) {
  std::vector<RowEvidence> wanted;
  for (std::size_t i = 0; i < rows.rows.size(); ++i) {
    const Row row(rows, i);
    const Place place = place_of(row.text("evidence")).value_or(Place{});
    RowEvidence& each = wanted.emplace_back();
    each.source = row.text("source");
    each.request = {IpAddress::parse(row.text("actor_ip")).value_or(IpAddress()),
                    IpAddress::parse(row.text("target_ip")).value_or(IpAddress()),
                    row.number("first_seen"),
                    row.number("last_seen"),
                    place.offset,
                    place.record};
    if (!given.pcap_directory.empty()) {
      each.pcap =
          fmt::format("{}/{:03}-{}-{}.pcap", given.pcap_directory, i + 1, row.text("actor_ip"), row.text("target_ip"));
    }
  }
  return fetch_evidence(sources, wanted);
}

void print_text(const std::vector<SourceRecord>& sources, const Table& rows,
                const std::vector<Expected<Evidence>>& found) {
  std::map<std::string, std::string> names;
  for (const SourceRecord& source : sources) names[source.id] = source.name;
  for (std::size_t i = 0; i < rows.rows.size(); ++i) {
    const Row row(rows, i);
    const auto endpoint = [&row](const std::string& side) {
      const std::string ip = row.text(side + "_ip"), name = row.text(side + "_name");
      std::string text = ip.empty() ? name : ip;
      if (const auto port = row.number(side + "_port"); port != 0) text += fmt::format(" port {}", port);
      if (!ip.empty() && !name.empty()) text += fmt::format(" ({})", name);
      if (const std::string country = row.text(side + "_country"); !country.empty()) text += ", " + country;
      return printable(text);
    };
    fmt::print("{}\n", bold(fmt::format("{}. {}, {}", i + 1, row.text("kind"),
                                        name_of(static_cast<Confidence>(row.number("confidence"))))));
    fmt::print("   actor     {}\n   target    {}\n", endpoint("actor"), endpoint("target"));
    fmt::print("   seen      {} to {}, {} {}\n", format_time(row.number("first_seen")),
               format_time(row.number("last_seen")), with_thousands(row.number("count")),
               row.number("count") == 1 ? "time" : "times");
    fmt::print("   judged    by {}: {}\n", printable(row.text("detector")), printable(row.text("rule")));
    fmt::print("   because   {}\n", printable(row.text("matched"), 1000));
    fmt::print("   evidence  {}, {}\n", printable(names[row.text("source")]), printable(row.text("evidence")));
    if (!found[i]) {
      fmt::print("             {}\n", printable(found[i].error().message));
      continue;
    }
    const Evidence& what = *found[i];
    if (!what.line.empty()) fmt::print("             {}\n", printable(what.line, 2000));
    if (what.packets > 0) {
      fmt::print("             {} packets{}\n", with_thousands(static_cast<std::int64_t>(what.packets)),
                 what.pcap.empty() ? "; --pcap DIR writes them" : " in " + printable(what.pcap));
    }
  }
  if (rows.rows.empty()) fmt::print("No sightings.\n");
}

int trace_figure(const TraceCommand& given) {
  auto open = open_store(given.directory);
  if (!open) return fail(open.error());
  auto request = given.period.request(*open);
  if (!request) return wrong_usage(request.error().message);
  if (open->catalogue.find(given.id) == nullptr) {
    return wrong_usage(fmt::format("'{}' is not a figure; tocsin figure lists them", given.id));
  }
  request->id = given.id;
  request->limit = given.limit;
  for (const std::string& key : given.keys) {
    const std::size_t equals = key.find('=');
    if (equals == std::string::npos) return wrong_usage("--row takes DIMENSION=VALUE, such as actor-country=US");
    request->only.keys[key.substr(0, equals)] = key.substr(equals + 1);
  }
  const auto rows = trace(open->catalogue, *open->store, *open->database, *request);
  if (!rows) return fail(rows.error());
  if (!given.pcap_directory.empty()) {
    std::error_code error;
    std::filesystem::create_directories(given.pcap_directory, error);
    if (error) return fail({fmt::format("{}: {}", given.pcap_directory, error.message())});
  }
  const auto sources = open->store->sources();
  if (!sources) return fail(sources.error());
  const auto found = given.evidence ? find(*sources, *rows, given) : std::vector<Expected<Evidence>>(rows->rows.size());
  if (!given.json) {
    print_text(*sources, *rows, found);
    return 0;
  }
  nlohmann::json list = nlohmann::json::array();
  for (std::size_t i = 0; i < rows->rows.size(); ++i) {
    nlohmann::json entry = nlohmann::json::object();
    for (std::size_t c = 0; c < rows->columns.size(); ++c) {
      const std::string& column = rows->columns[c];
      const Cell& cell = rows->rows[i][c];
      if (column.ends_with("_seen")) {
        entry[column] = format_time(Row(*rows, i).number(column));
      } else if (column == "confidence") {
        entry[column] = name_of(static_cast<Confidence>(Row(*rows, i).number(column)));
      } else {
        std::visit(
            [&](const auto& value) {
              if constexpr (std::is_same_v<std::decay_t<decltype(value)>, std::monostate>) {
                entry[column] = nullptr;
              } else {
                entry[column] = value;
              }
            },
            cell);
      }
    }
    if (!found[i]) {
      entry["problem"] = found[i].error().message;
    } else {
      if (!found[i]->line.empty()) entry["line"] = found[i]->line;
      if (!found[i]->pcap.empty()) entry["pcap"] = found[i]->pcap;
      if (found[i]->packets > 0) entry["packets"] = found[i]->packets;
    }
    list.push_back(std::move(entry));
  }
  fmt::print("{}\n", list.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
  return 0;
}

}  // namespace

void add_trace(CLI::App& app, Chosen& chosen) {
  auto given = std::make_shared<TraceCommand>();
  CLI::App* command =
      app.add_subcommand("trace", "From a figure to its sightings, and from these to the evidence itself");
  command->add_option("id", given->id, "The figure")->required();
  command->add_option("--row", given->keys,
                      "One row of it: DIMENSION=VALUE, such as actor-country=US; several narrow down");
  add_store_option(*command, given->directory);
  given->period.add_to(*command);
  command->add_option("--limit", given->limit, "Sightings shown, 0 for all")->capture_default_str();
  command->add_option("--pcap", given->pcap_directory, "Write the packets of each sighting into this directory");
  command->add_flag("!--no-evidence", given->evidence, "Leave the sources unread");
  command->add_flag("--json", given->json, "Print JSON");
  command->callback([=, &chosen] { chosen = [=] { return trace_figure(*given); }; });
}

}  // namespace tocsin::cli
