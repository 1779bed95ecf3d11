// Sightings one by one, those behind a figure, their evidence.
#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <stdexcept>

#include "base/text.h"
#include "collect/reader.h"
#include "figures/plan.h"
#include "http/json_text.h"
#include "pipeline/evidence.h"
#include "serve/cases.h"
#include "serve/lookup.h"
#include "serve/query.h"
#include "serve/routes.h"
#include "serve/sighting_query.h"

namespace tocsin::serve {
namespace {

namespace fs = std::filesystem;
// A file that goes with this, in a directory that only its owner may enter: who writes it chooses its mode.
class ScratchFile {
 public:
  ScratchFile() {
    std::string name = (fs::temp_directory_path() / fmt::format("tocsin-{}-XXXXXX", ::getpid())).string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no directory can be made for a file on its way");
    directory_ = name;
  }
  ScratchFile(const ScratchFile&) = delete;
  ScratchFile& operator=(const ScratchFile&) = delete;
  ~ScratchFile() {
    std::error_code error;
    fs::remove_all(directory_, error);
  }
  fs::path path() const { return directory_ / "file"; }

  void send(BodyWriter& writer) const {
    std::ifstream file(path(), std::ios::binary);
    std::string block(std::size_t{64} << 10, '\0');
    while (file) {
      file.read(block.data(), static_cast<std::streamsize>(block.size()));
      if (file.gcount() > 0 && !writer.write({block.data(), static_cast<std::size_t>(file.gcount())})) return;
    }
    if (!file.eof()) throw std::runtime_error("a file on its way could not be read");
  }

 private:
  fs::path directory_;
};

Response streamed(const char* media, const char* name, std::function<void(BodyWriter&)> stream) {
  Response response;
  response.headers = {{"Content-Type", media},
                      {"Content-Disposition", fmt::format("attachment; filename=\"{}\"", name)},
                      {"Cache-Control", "private, no-store"}};
  response.stream = std::move(stream);
  return response;
}

Response exported(Context& context, const SightingQuery& query, const std::string& format) {
  if (format == "parquet") {
    return streamed("application/vnd.apache.parquet", "sightings.parquet", [&context, query](BodyWriter& writer) {
      const ScratchFile file;
      const auto written = write_parquet(context, query, file.path().string());
      // An answer that ended well would pass for the whole.
      if (!written) throw std::runtime_error(written.error().message);
      file.send(writer);
    });
  }
  const bool csv = format == "csv";
  return streamed(csv ? "text/csv; charset=utf-8" : "application/x-ndjson", csv ? "sightings.csv" : "sightings.ndjson",
                  [&context, query, csv](BodyWriter& writer) {
                    if (csv && !writer.write(SightingRow::csv_header())) return;
                    const auto sent = each_chunk(context, query, [&](const Table& chunk) {
                      std::string text;
                      for (std::size_t i = 0; i < chunk.rows.size(); ++i) {
                        const SightingRow row(chunk, i);
                        text += csv ? row.csv() : row.json() + "\n";
                      }
                      return writer.write(text);
                    });
                    if (!sent) throw std::runtime_error(sent.error().message);
                  });
}

Response listed(Context& context, const Call& call, const SightingQuery& query) {
  const auto* format = call.get("format");
  if (format != nullptr && *format != "json") return exported(context, query, *format);
  const auto* after = call.get("after");
  // All that pages at one head differ by: what was asked, and who may see what.
  std::string question = fmt::format("{}\n{}\n{}\n{}", call.request.path, after ? *after : "", limit_of(call, 50),
                                     fmt::join(query.conditions, "\n"));
  question += fmt::format("\n{}\n{}", query.period.from, query.period.to);
  const auto head = context.store.head(query.sequence);
  if (!head) return failed(head.error());
  const auto answer = context.answers.get(head->hash, question, [&]() -> Expected<std::string> {
    const auto found = page(context, query, after ? *after : "", limit_of(call, 50));
    if (!found) return std::unexpected(found.error());
    std::string text = R"({"sightings":[)";
    for (std::size_t i = 0; i < found->rows.rows.size(); ++i) {
      text += (i == 0 ? "" : ",") + SightingRow(found->rows, i).json();
    }
    return text + (found->next.empty() ? R"(],"next":null})" : fmt::format(R"(],"next":"{}"}})", found->next));
  });
  if (!answer && after != nullptr && !is_cursor(*after)) {
    return problem(400, "the parameter 'after' is not what an earlier page gave as next");
  }
  if (!answer) return failed(answer.error());
  return of_cache(*answer);
}

Response sightings(Context& context, const Call& call) {
  const auto request = request_of(context, call, Confidence::kSuspected);
  if (!request) return refused(request.error());
  SightingQuery query{.sequence = request->sequence, .period = request->period, .conditions = {}};
  if (const auto added = add_filters(call, query); !added) return refused(added.error());
  const auto narrowed = conditions_of(request->only, request->zone);
  if (!narrowed) return failed(narrowed.error());
  query.conditions.insert(query.conditions.end(), narrowed->begin(), narrowed->end());
  if (request->confidence != Confidence::kSuspected) {
    query.conditions.push_back(fmt::format("confidence >= {}", static_cast<int>(request->confidence)));
  }
  return listed(context, call, query);
}

Response behind_figure(Context& context, const Call& call) {
  if (context.catalogue.find(call.path.at("id")) == nullptr) {
    return problem(404, "No figure of the catalogue has this id.");
  }
  auto request = request_of(context, call);
  if (!request) return refused(request.error());
  request->id = call.path.at("id");
  if (const auto added = add_keys(call, request->only); !added) return refused(added.error());
  const auto filter = figures::filter_sql(context.catalogue, *request);
  if (!filter) return refused(filter.error());
  SightingQuery query{.sequence = request->sequence, .period = request->period, .conditions = {*filter}};
  add_places(request->only.keys, query);
  return listed(context, call, query);
}

// A sighting, as of a head of the ledger.
struct Sighted {
  SightingStore::Head head;
  RowsCache::Answer rows;
};

// The sighting's rows, or why there are none for who asks.
std::variant<Sighted, Response> found(Context& context, const Call& call) {
  const auto head = context.store.head();
  if (!head) return failed(head.error());
  auto rows = rows_of(context, *head, call.path.at("id"), narrowing_of(context, call.identity));
  if (!rows) return failed(rows.error());
  if ((*rows)->rows.empty()) return problem(404, "There is no such sighting.");
  return Sighted{*head, std::move(*rows)};
}

// All of a sighting but its case, which changes without the ledger: the members of an object.
Expected<std::string> members_of(Context& context, const Sighted& sighted, bool with_paths) {
  const Table& table = *sighted.rows;
  Json whole = Json::parse(SightingRow(table, 0).json());
  Json rows = Json::array();
  std::map<std::string, bool> wanted;
  std::int64_t count = 0;
  for (std::size_t i = 0; i < table.rows.size(); ++i) {
    const SightingRow row(table, i);
    rows.push_back(Json::parse(row.json()));
    count += row.number("count");
    wanted[row.text("source")] = true;
    // Times of one zone and one form compare as text.
    whole["first_seen"] =
        std::min(whole["first_seen"].get<std::string>(), rows.back()["first_seen"].get<std::string>());
    whole["last_seen"] = std::max(whole["last_seen"].get<std::string>(), rows.back()["last_seen"].get<std::string>());
  }
  whole["count"] = count;
  const auto sources = context.store.sources(sighted.head.sequence);
  if (!sources) return std::unexpected(sources.error());
  Json list = Json::array();
  for (const SourceRecord& source : *sources) {
    if (!wanted.contains(source.id)) continue;
    Json entry{{"id", source.id},          {"name", source.name},   {"format", source.format},
               {"sha256", source.sha256},  {"bytes", source.bytes}, {"records", source.records},
               {"skipped", source.skipped}};
    if (with_paths) entry["path"] = source.path;
    list.push_back(std::move(entry));
  }
  return fmt::format(R"("sighting":{},"rows":{},"sources":{})", dumped(whole), dumped(rows), dumped(list));
}

// What is told of a sighting to all who may see just as much of it.
Expected<AnswerCache::Answer> shared(Context& context, const Call& call, const Sighted& sighted, const char* what,
                                     const std::function<Expected<std::string>()>& make) {
  const std::string question = fmt::format("{}\n{}\n{}\n{}", what, call.path.at("id"),
                                           call.identity.role == Role::kOrganisation, call.identity.organisation);
  return context.answers.get(sighted.head.hash, question, make);
}

Response one(Context& context, const Call& call) {
  const auto answer = found(context, call);
  if (const auto* response = std::get_if<Response>(&answer)) return *response;
  const Sighted& sighted = std::get<Sighted>(answer);
  const Table& table = *sighted.rows;
  const bool sees_all = call.identity.role != Role::kOrganisation;
  const auto members =
      shared(context, call, sighted, "sighting", [&] { return members_of(context, sighted, sees_all); });
  if (!members) return failed(members.error());
  auto belongs = context.cases.of_sighting(table);
  // A sighting of an organisation's hosts as actors belongs to the case of another.
  if (!sees_all && SightingRow(table, 0).text("target_organisation") != call.identity.organisation) belongs.reset();
  return json(fmt::format(R"({{{},"case":{}}})", **members, belongs ? std::to_string(*belongs) : "null"));
}

struct Found {
  std::string source, format, place;
  Evidence evidence;
};

// Whether a record of the format is of one sighting's actor and target. An event of MISP has those of many.
bool is_of_one(std::string_view format) { return format != name_of(Format::kMispEvent); }

// What the sources hold of these rows. pcap: where packets go; empty for none.
Expected<std::vector<Found>> evidence_of(Context& context, const Sighted& sighted, const std::string& pcap) {
  const Table& table = *sighted.rows;
  const auto sources = context.store.sources(sighted.head.sequence);
  if (!sources) return std::unexpected(sources.error());
  std::vector<RowEvidence> wanted;
  std::vector<Found> all;
  for (std::size_t i = 0; i < table.rows.size() && i < 20; ++i) {
    const SightingRow row(table, i);
    const auto source = std::ranges::find(*sources, row.text("source"), &SourceRecord::id);
    const auto place = place_of(row.text("evidence"));
    if (source == sources->end() || !place) continue;
    wanted.push_back({source->id,
                      {IpAddress::parse(row.text("actor_ip")).value_or(IpAddress()),
                       IpAddress::parse(row.text("target_ip")).value_or(IpAddress()), row.number("first_seen"),
                       row.number("last_seen"), place->offset, place->record},
                      pcap});
    all.push_back({source->name, source->format, row.text("evidence"), {}});
  }
  if (pcap.empty()) {
    auto fetched = fetch_evidence(*sources, wanted);
    for (std::size_t i = 0; i < fetched.size(); ++i) {
      if (!fetched[i]) return std::unexpected(fetched[i].error());
      all[i].evidence = std::move(*fetched[i]);
    }
    return all;
  }
  // All packets go to one place: those of the first row that has any.
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    auto fetched = fetch_evidence(*sources, {wanted[i]});
    if (!fetched.front()) return std::unexpected(fetched.front().error());
    all[i].evidence = std::move(*fetched.front());
    if (all[i].evidence.packets > 0) break;
  }
  return all;
}

Response evidence(Context& context, const Call& call) {
  const auto answer = found(context, call);
  if (const auto* response = std::get_if<Response>(&answer)) return *response;
  const bool sees_all = call.identity.role != Role::kOrganisation;
  // What can't be read now may be there again later: such an answer is not kept.
  const auto list = shared(context, call, std::get<Sighted>(answer), "evidence", [&]() -> Expected<std::string> {
    const auto all = evidence_of(context, std::get<Sighted>(answer), "");
    if (!all) return std::unexpected(all.error());
    Json json = Json::array();
    for (const Found& each : *all) {
      const bool is_shown = sees_all || is_of_one(each.format);
      json.push_back({{"source", each.source},
                      {"place", each.place},
                      {"line", is_shown ? printable(each.evidence.line, 4000) : ""},
                      {"packets", each.evidence.packets}});
    }
    return dumped({{"evidence", std::move(json)}, {"error", ""}});
  });
  if (list) return of_cache(*list);
  // The reason names a path of this machine.
  const std::string error =
      sees_all ? printable(list.error().message, 500) : "The source of this sighting cannot be read (any more).";
  return json(dumped({{"evidence", Json::array()}, {"error", error}}));
}

Response packets(Context& context, const Call& call) {
  const auto answer = found(context, call);
  if (const auto* response = std::get_if<Response>(&answer)) return *response;
  const auto file = std::make_shared<ScratchFile>();
  const auto all = evidence_of(context, std::get<Sighted>(answer), file->path().string());
  const bool some = all && std::ranges::any_of(*all, [](const Found& each) { return each.evidence.packets > 0; });
  if (!some) return problem(404, all ? "The sources of this sighting hold no packets." : all.error().message);
  return streamed("application/vnd.tcpdump.pcap", "evidence.pcap", [file](BodyWriter& writer) { file->send(writer); });
}

Response looked_up(Context& context, const Call& call) {
  auto request = request_of(context, call, Confidence::kSuspected);
  if (!request) return refused(request.error());
  // All that is known, unless a period is asked for.
  if (call.get("from") == nullptr && call.get("to") == nullptr) {
    const auto extent = extent_of(context);
    if (!extent) return failed(extent.error());
    // Whole days: those were counted before.
    if (extent->seen)
      request->period = {floor_to(extent->seen->from, kDay), floor_to(extent->seen->to - 1, kDay) + kDay};
  }
  const auto* text = call.get("q");
  const auto subject = subject_of(context, *text);
  if (!subject) return refused(subject.error());
  request->id = subject->what + "\n" + subject->text;
  const auto answer = cached(context, *request, "lookup", [&] { return lookup(context, *subject, *request); });
  return answer ? of_cache(*answer) : failed(answer.error());
}

}  // namespace

void add_sighting_routes(Router& router, Context& context) {
  const auto paged = [](std::vector<Parameter> parameters) {
    parameters.push_back(limit_parameter(50, 1000));
    parameters.push_back(text_parameter("after", "What the page before gave as next", 2000));
    parameters.push_back(choice_parameter("format", "json (default): a page; the others: all that match",
                                          {"json", "ndjson", "csv", "parquet"}));
    return parameters;
  };
  const std::vector<Answer> forms = {{.schema = "SightingPage"},
                                     {.media = "application/x-ndjson"},
                                     {.media = "text/csv"},
                                     {.media = "application/vnd.apache.parquet"}};
  std::vector<Parameter> parameters = period_parameters("suspected");
  for (Parameter& filter : filter_parameters()) parameters.push_back(std::move(filter));
  router.add({.method = "GET",
              .path = "/api/v1/sightings",
              .access = Access::kOrganisation,
              .summary = "Sightings, the newest first; an organisation's are those that touch it",
              .parameters = paged(std::move(parameters)),
              .answers = forms,
              .handler = bound(context, sightings)});
  parameters = period_parameters();
  parameters.push_back(text_parameter("id", "The figure", 100));
  parameters.push_back(key_parameter());
  router.add({.method = "GET",
              .path = "/api/v1/figures/{id}/sightings",
              .access = Access::kOrganisation,
              .summary = "The sightings behind a figure, or behind a row of it",
              .parameters = paged(std::move(parameters)),
              .answers = forms,
              .handler = bound(context, behind_figure)});
  const Parameter id = text_parameter("id", "The sighting, as lists give it", 64);
  router.add({.method = "GET",
              .path = "/api/v1/sightings/{id}",
              .access = Access::kOrganisation,
              .summary = "One sighting with its sources",
              .parameters = {id},
              .answers = {{.schema = "SightingDetail"}},
              .handler = bound(context, one)});
  router.add({.method = "GET",
              .path = "/api/v1/sightings/{id}/evidence",
              .access = Access::kOrganisation,
              .summary = "The records of the sources that a sighting was made from",
              .parameters = {id},
              .answers = {{.schema = "EvidenceList"}},
              .handler = bound(context, evidence)});
  router.add({.method = "GET",
              .path = "/api/v1/sightings/{id}/evidence.pcap",
              .access = Access::kAnalyst,
              .summary = "The packets between actor and target",
              .parameters = {id},
              .answers = {{.media = "application/vnd.tcpdump.pcap"}},
              .handler = bound(context, packets)});
  parameters = period_parameters("suspected");
  parameters.push_back(text_parameter("q", "An address, prefix, name, AS number, organisation, family, group or CVE"));
  parameters.back().required = true;
  router.add({.method = "GET",
              .path = "/api/v1/lookup",
              .access = Access::kAnalyst,
              .summary = "All that is known of something",
              .parameters = std::move(parameters),
              .answers = {{.schema = "Lookup"}},
              .handler = bound(context, looked_up)});
}

}  // namespace tocsin::serve
