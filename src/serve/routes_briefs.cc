// Briefs: drafts, publishing, what the press reads.
#include <fmt/format.h>

#include <charconv>
#include <filesystem>
#include <fstream>

#include "accounts/accounts.h"
#include "http/json_text.h"
#include "publish/language.h"
#include "serve/briefs.h"
#include "serve/query.h"
#include "serve/routes.h"

namespace tocsin::serve {
namespace {

using Texts = std::map<std::string, std::string>;

// by: for those who may see it, since names of accounts are not the public's.
Json json_of(const StoredBrief& brief, const Identity& identity) {
  return {{"id", brief.id},
          {"title", brief.title},
          {"remarks", brief.remarks},
          {"headline", brief.headline},
          {"from", format_time(brief.period.from)},
          {"to", format_time(brief.period.to)},
          {"zone", brief.zone},
          {"confidence", name_of(brief.confidence)},
          {"state", brief.published ? "published" : "draft"},
          {"by", may(identity, Access::kAnalyst) ? brief.by : ""},
          {"made", format_time(brief.made)},
          {"published", brief.published ? Json(format_time(*brief.published)) : Json()},
          {"files", brief.files}};
}

// Title or remarks of a body, by language.
Expected<Texts> texts_of(const Json& body, const char* name, std::size_t most, Texts usual) {
  const auto at = body.find(name);
  if (at == body.end()) return usual;
  if (!at->is_object()) return failure(std::string(name) + " must be an object with texts in en and zh");
  for (const auto& [language, text] : at->items()) {
    if (!language_of(language) || !text.is_string() || text.get_ref<const std::string&>().size() > most) {
      return failure(fmt::format("{} takes en and zh, each of at most {} bytes", name, most));
    }
    usual[language] = text;
  }
  return usual;
}

// The brief of the path, if who asks may see it.
std::variant<StoredBrief, Response> found(Context& context, const Call& call) {
  const std::string& text = call.path.at("id");
  std::int64_t id = 0;
  std::from_chars(text.data(), text.data() + text.size(), id);
  auto brief = context.briefs.find(id);
  if (!brief) return failed(brief.error());
  if (!*brief || (!(*brief)->published && !may(call.identity, Access::kAnalyst))) {
    return problem(404, "There is no such brief.");
  }
  return std::move(**brief);
}

Response made(Context& context, const Call& call) {
  const Json body = Json::parse(call.request.body);
  const auto extent = extent_of(context);
  if (!extent) return failed(extent.error());
  FigureRequest request;
  request.sequence = extent->head.sequence;
  request.period = extent->usual;
  request.zone = context.settings.zone;
  for (const auto& [name, value] : body.items()) {
    if (name == "title" || name == "remarks") continue;
    if (name != "from" && name != "to" && name != "zone" && name != "confidence") {
      return problem(400, "from, to, zone, confidence, title and remarks only");
    }
    if (!value.is_string()) return problem(400, name + " must be text");
  }
  if (body.contains("zone")) request.zone = body["zone"];
  if (body.contains("confidence")) {
    const auto confidence = confidence_of(body["confidence"].get<std::string>());
    if (!confidence) return refused(confidence.error());
    request.confidence = *confidence;
  }
  for (const auto& [name, into] : {std::pair("from", &request.period.from), std::pair("to", &request.period.to)}) {
    if (!body.contains(name)) continue;
    const auto time = parse_time(body[name].get<std::string>(), request.zone);
    if (!time) return refused(time.error());
    *into = *time;
  }
  if (request.period.from >= request.period.to) return problem(400, "the period is empty: from must be before to");
  const auto title = texts_of(body, "title", 300, {}), remarks = texts_of(body, "remarks", 20'000, {});
  if (!title) return refused(title.error());
  if (!remarks) return refused(remarks.error());
  const auto brief = context.briefs.make(context, request, *title, *remarks, call.identity.user);
  if (!brief) return failed(brief.error());
  context.accounts.note(call.identity.user, call.request.peer, "brief.make", std::to_string(brief->id));
  return json(dumped(json_of(*brief, call.identity)), 201);
}

// A draft, to be changed, published or removed.
Response no_draft() { return problem(409, "The brief is published or gone: make another one."); }
std::variant<StoredBrief, Response> draft(Context& context, const Call& call) {
  auto answer = found(context, call);
  const auto* brief = std::get_if<StoredBrief>(&answer);
  if (brief != nullptr && brief->published) return no_draft();
  return answer;
}

Response changed(Context& context, const Call& call) {
  auto answer = draft(context, call);
  if (const auto* response = std::get_if<Response>(&answer)) return *response;
  StoredBrief& brief = std::get<StoredBrief>(answer);
  const Json body = Json::parse(call.request.body);
  const auto title = texts_of(body, "title", 300, brief.title),
             remarks = texts_of(body, "remarks", 20'000, brief.remarks);
  if (!title) return refused(title.error());
  if (!remarks) return refused(remarks.error());
  brief.title = *title;
  brief.remarks = *remarks;
  const auto kept = context.briefs.change(context, std::move(brief), call.identity.user);
  if (!kept) return failed(kept.error());
  if (!*kept) return no_draft();
  context.accounts.note(call.identity.user, call.request.peer, "brief.change", std::to_string((*kept)->id));
  return json(dumped(json_of(**kept, call.identity)));
}

Response published(Context& context, const Call& call) {
  auto answer = draft(context, call);
  if (const auto* response = std::get_if<Response>(&answer)) return *response;
  const auto out = context.briefs.publish(context, std::move(std::get<StoredBrief>(answer)), call.identity.user);
  if (!out) return failed(out.error());
  if (!*out) return no_draft();
  context.accounts.note(call.identity.user, call.request.peer, "brief.publish", std::to_string((*out)->id));
  return json(dumped(json_of(**out, call.identity)));
}

const char* media_of(std::string_view name) {
  if (name.ends_with(".html")) return "text/html; charset=utf-8";
  if (name.ends_with(".pdf")) return "application/pdf";
  if (name.ends_with(".md")) return "text/markdown; charset=utf-8";
  if (name.ends_with(".csv")) return "text/csv; charset=utf-8";
  return "application/json";
}

Response file(Context& context, const Call& call) {
  const auto answer = found(context, call);
  if (const auto* response = std::get_if<Response>(&answer)) return *response;
  const StoredBrief& brief = std::get<StoredBrief>(answer);
  const std::string& name = call.path.at("name");
  // Only names that the brief has: nothing of the path reaches the file system unread.
  if (std::ranges::find(brief.files, name) == brief.files.end()) return problem(404, "The brief has no such file.");
  std::ifstream stream(context.briefs.path_of(brief, name), std::ios::binary);
  Response response;
  response.body.assign(std::istreambuf_iterator<char>(stream), {});
  if (!stream && response.body.empty()) return problem(404, "The file is gone.");
  response.headers = {
      {"Content-Type", media_of(name)},
      {"Cache-Control", "no-cache"},
      // The document brings its own styles and drawings, and no scripts.
      {"Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox allow-popups"},
      {"Content-Disposition", fmt::format("inline; filename=\"tocsin-{}-{}\"", brief.id, name)}};
  return response;
}

}  // namespace

void add_brief_routes(Router& router, Context& context) {
  const Parameter id{"id", "Number of the brief", R"({"type":"integer","minimum":1})"};
  router.add({.method = "GET",
              .path = "/api/v1/briefs",
              .access = Access::kPublic,
              .summary = "Published briefs, the newest first; analysts see drafts too",
              .answers = {{.schema = "BriefList"}},
              .handler = [&context](const Call& call) {
                const auto briefs = context.briefs.list(may(call.identity, Access::kAnalyst));
                if (!briefs) return failed(briefs.error());
                Json list = Json::array();
                for (const StoredBrief& brief : *briefs) list.push_back(json_of(brief, call.identity));
                return json(dumped({{"briefs", std::move(list)}}));
              }});
  router.add({.method = "POST",
              .path = "/api/v1/briefs",
              .access = Access::kAnalyst,
              .summary = "Make a draft: its figures are computed now, as of the ledger's head",
              .body = "NewBrief",
              .answers = {{.status = 201, .schema = "Brief"}},
              .changes = true,
              .handler = bound(context, made)});
  router.add({.method = "GET",
              .path = "/api/v1/briefs/{id}",
              .access = Access::kPublic,
              .summary = "One brief; drafts are for analysts",
              .parameters = {id},
              .answers = {{.schema = "Brief"}},
              .handler = [&context](const Call& call) -> Response {
                const auto answer = found(context, call);
                if (const auto* response = std::get_if<Response>(&answer)) return *response;
                return json(dumped(json_of(std::get<StoredBrief>(answer), call.identity)));
              }});
  router.add({.method = "PATCH",
              .path = "/api/v1/briefs/{id}",
              .access = Access::kAnalyst,
              .summary = "Change the title and the remarks of a draft",
              .parameters = {id},
              .body = "BriefChange",
              .answers = {{.schema = "Brief"}},
              .changes = true,
              .handler = bound(context, changed)});
  router.add({.method = "DELETE",
              .path = "/api/v1/briefs/{id}",
              .access = Access::kAnalyst,
              .summary = "Remove a draft",
              .parameters = {id},
              .answers = {{.status = 204, .media = ""}},
              .changes = true,
              .handler = [&context](const Call& call) -> Response {
                auto answer = draft(context, call);
                if (const auto* response = std::get_if<Response>(&answer)) return *response;
                const StoredBrief& brief = std::get<StoredBrief>(answer);
                const auto removed = context.briefs.remove(brief);
                if (!removed) return failed(removed.error());
                if (!*removed) return no_draft();
                context.accounts.note(call.identity.user, call.request.peer, "brief.remove", std::to_string(brief.id));
                return {.status = 204, .headers = {}};
              }});
  router.add({.method = "POST",
              .path = "/api/v1/briefs/{id}/publish",
              .access = Access::kOfficer,
              .summary = "Publish a draft: its files are written with PDF, and signed",
              .parameters = {id},
              .answers = {{.schema = "Brief"}},
              .changes = true,
              .handler = bound(context, published)});
  router.add({.method = "GET",
              .path = "/api/v1/briefs/{id}/files/{name}",
              .access = Access::kPublic,
              .summary = "A file of a brief, as its list names it",
              .parameters = {id, text_parameter("name", "brief.en.html, brief.zh.pdf, brief.json, …", 64)},
              .answers = {{.media = "text/html"},
                          {.media = "application/pdf"},
                          {.media = "application/json"},
                          {.media = "text/markdown"},
                          {.media = "text/csv"}},
              .handler = bound(context, file)});
}

}  // namespace tocsin::serve
