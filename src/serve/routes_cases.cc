// Cases, their notices, and what an organisation sees of itself.
#include <fmt/format.h>

#include <charconv>

#include "accounts/accounts.h"
#include "base/text.h"
#include "http/json_text.h"
#include "serve/cases.h"
#include "serve/notice.h"
#include "serve/query.h"
#include "serve/routes.h"
#include "serve/sighting_query.h"

namespace tocsin::serve {
namespace {

bool is_organisation(const Call& call) { return call.identity.role == Role::kOrganisation; }

std::string contact_of(const Context& context, const Case& of) {
  if (of.is_network) return {};
  for (const Organisation& entry : context.constituency.spec().organisations) {
    if (entry.name == of.organisation && !entry.contact.empty()) return entry.contact;
  }
  return {};
}

// As who asks may see it: who of the CERT works on a case is not an organisation's to know.
Json json_of(const Context& context, const Call& call, const Case& of) {
  std::string name = of.organisation;
  if (of.is_network) {
    std::uint32_t asn = 0;
    std::from_chars(name.data() + 2, name.data() + name.size(), asn);
    const std::string holder = asn == 0 ? "" : context.locator.holder(asn);
    if (!holder.empty()) name += " " + holder;
  }
  return {{"id", of.id},
          {"organisation", name},
          {"is_network", of.is_network},
          {"kind", of.kind},
          {"target", of.target},
          {"targets", of.targets},
          {"state", of.state},
          {"assignee", is_organisation(call) ? "" : of.assignee},
          {"sightings", of.sightings},
          {"first_seen", format_time(of.first_seen)},
          {"last_seen", format_time(of.last_seen)},
          {"made", format_time(of.made)},
          {"changed", format_time(of.changed)},
          {"fixed_at", of.fixed_at ? Json(format_time(*of.fixed_at)) : Json()},
          {"contact", contact_of(context, of)}};
}

// The case of the path, if who asks may see it.
std::variant<Case, Response> found(Context& context, const Call& call) {
  const std::string& text = call.path.at("id");
  std::int64_t id = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (error != std::errc{} || end != text.data() + text.size()) return problem(404, "There is no such case.");
  auto of = context.cases.find(id);
  if (!of) return failed(of.error());
  const bool hidden =
      *of && is_organisation(call) && ((*of)->is_network || (*of)->organisation != call.identity.organisation);
  if (!*of || hidden) return problem(404, "There is no such case.");
  return std::move(**of);
}

Response listed(Context& context, const Call& call) {
  CaseFilter filter;
  for (const auto& [name, into] : {std::pair("state", &filter.state), std::pair("organisation", &filter.organisation),
                                   std::pair("assignee", &filter.assignee), std::pair("kind", &filter.kind)}) {
    if (const auto* value = call.get(name)) *into = *value;
  }
  if (is_organisation(call)) filter.organisation = call.identity.organisation;
  if (const auto* after = call.get("after")) {
    std::from_chars(after->data(), after->data() + after->size(), filter.after);
  }
  filter.limit = limit_of(call, 50) + 1;
  auto cases = context.cases.list(filter);
  if (!cases) return failed(cases.error());
  const bool more = cases->size() == filter.limit;
  if (more) cases->pop_back();
  Json list = Json::array();
  for (const Case& of : *cases) {
    if (is_organisation(call) && of.is_network) continue;
    list.push_back(json_of(context, call, of));
  }
  return json(dumped({{"cases", std::move(list)}, {"next", more ? Json(std::to_string(cases->back().id)) : Json()}}));
}

SightingQuery query_of(const Case& of) {
  return {.sequence = {}, .period = {of.first_seen, of.last_seen + 1}, .conditions = {condition_of(of)}};
}

Response one(Context& context, const Call& call) {
  const auto answer = found(context, call);
  if (const auto* response = std::get_if<Response>(&answer)) return *response;
  const Case& of = std::get<Case>(answer);
  Json whole = json_of(context, call, of);
  const auto events = context.cases.history(of.id);
  if (!events) return failed(events.error());
  whole["history"] = Json::array();
  for (const CaseEvent& event : *events) {
    // What analysts say to each other, and who they are, stays with them.
    const bool is_own = !is_organisation(call) || event.user == call.identity.user;
    if (!is_own && event.action != "state" && event.action != "recurred") continue;
    whole["history"].push_back({{"when", format_time(event.when)},
                                {"user", is_own ? event.user : ""},
                                {"action", event.action},
                                {"text", event.text}});
  }
  const auto relation = context.store.from_clause();
  if (!relation) return failed(relation.error());
  const auto database = context.databases.take();
  if (!database) return failed(database.error());
  const auto actors = (*database)->query(fmt::format(
      "SELECT actor_ip, any_value(actor_country), count(*) FROM {} WHERE {} AND actor_ip IS NOT NULL GROUP BY "
      "actor_ip ORDER BY 3 DESC, 1 LIMIT 20",
      *relation, condition_of(of)));
  if (!actors) return failed(actors.error());
  whole["actors"] = Json::array();
  for (const auto& row : actors->rows) {
    const auto* country = std::get_if<std::string>(&row[1]);
    whole["actors"].push_back({{"ip", std::get<std::string>(row[0])},
                               {"country", country ? *country : ""},
                               {"sightings", std::get<std::int64_t>(row[2])}});
  }
  return json(dumped(whole));
}

Response changed(Context& context, const Call& call) {
  const auto answer = found(context, call);
  if (const auto* response = std::get_if<Response>(&answer)) return *response;
  const Case& of = std::get<Case>(answer);
  const Json body = Json::parse(call.request.body);
  for (const auto& [name, value] : body.items()) {
    if (name != "state" && name != "assignee" && name != "fixed_at")
      return problem(400, "state, assignee, fixed_at only");
    if (!value.is_string()) return problem(400, name + " must be text");
  }
  std::optional<Timestamp> fixed_at;
  if (body.contains("fixed_at")) {
    const auto time = parse_time(body["fixed_at"].get<std::string>(), context.settings.zone);
    if (!time) return refused(time.error());
    // Nothing seen until then would make the case recur.
    if (*time > now()) return problem(400, "fixed_at is in the future");
    fixed_at = *time;
  }
  if (body.contains("state")) {
    const std::string state = body["state"];
    if (std::ranges::find(kCaseStates, state) == std::end(kCaseStates) || state == "recurred") {
      return problem(400, "state must be new, notified, acknowledged or fixed");
    }
    // An organisation says of its own that it knows, and that it has mended; the rest is the CERT's to say.
    if (is_organisation(call) && state != "acknowledged" && state != "fixed") {
      return problem(403, "An organisation may set acknowledged or fixed.");
    }
    if (const auto set = context.cases.set_state(of.id, state, call.identity.user, fixed_at); !set) {
      return failed(set.error());
    }
  }
  if (body.contains("assignee")) {
    if (is_organisation(call)) return problem(403, "Cases are assigned by analysts.");
    const std::string assignee = body["assignee"];
    if (!assignee.empty()) {
      const auto account = context.accounts.find(assignee);
      if (!account) return failed(account.error());
      if (!*account) return problem(400, "No account has this name.");
    }
    if (const auto set = context.cases.assign(of.id, assignee, call.identity.user); !set) return failed(set.error());
  }
  context.accounts.note(call.identity.user, call.request.peer, "case.change",
                        fmt::format("{} {}", of.id, dumped(body)));
  const auto now_is = context.cases.find(of.id);
  if (!now_is || !*now_is) return failed(now_is ? Error{"the case is gone"} : now_is.error());
  return json(dumped(json_of(context, call, **now_is)));
}

Response commented(Context& context, const Call& call) {
  const auto answer = found(context, call);
  if (const auto* response = std::get_if<Response>(&answer)) return *response;
  const Json body = Json::parse(call.request.body);
  if (!body.contains("text") || !body["text"].is_string()) return problem(400, "text is missing");
  const std::string text = body["text"];
  if (text.empty() || text.size() > 10'000) return problem(400, "text takes 1 to 10,000 bytes");
  const auto added = context.cases.comment(std::get<Case>(answer).id, text, call.identity.user);
  if (!added) return failed(added.error());
  context.accounts.note(call.identity.user, call.request.peer, "case.comment",
                        std::to_string(std::get<Case>(answer).id));
  return json("{}", 201);
}

Response notice(Context& context, const Call& call) {
  const auto answer = found(context, call);
  if (const auto* response = std::get_if<Response>(&answer)) return *response;
  const Case& of = std::get<Case>(answer);
  const auto rows = page(context, query_of(of), "", 20);
  if (!rows) return failed(rows.error());
  std::vector<NoticeLine> lines;
  for (std::size_t i = 0; i < rows->rows.rows.size(); ++i) {
    const SightingRow row(rows->rows, i);
    const auto either = [&](const char* a, const char* b) { return row.text(a).empty() ? row.text(b) : row.text(a); };
    lines.push_back({either("target_name", "target_ip"), either("actor_ip", "actor_name"), row.text("actor_country"),
                     row.number("last_seen")});
  }
  const auto* language = call.get("lang");
  const Notice draft = notice_of(of, lines, context.settings.constituency.name,
                                 language ? language_of(*language).value_or(Language::kEnglish) : Language::kEnglish);
  return json(dumped({{"subject", draft.subject}, {"text", draft.text}}));
}

Response own_view(Context& context, const Call& call) {
  const auto* asked = call.get("organisation");
  if (!is_organisation(call) && asked == nullptr) return problem(400, "organisation is missing");
  const std::string name = is_organisation(call) ? call.identity.organisation : *asked;
  const auto& all = context.constituency.spec().organisations;
  const auto entry = std::ranges::find(all, name, &Organisation::name);
  if (name.empty() || entry == all.end()) return problem(404, "The register has no such organisation.");
  const auto cases = context.cases.list({.state = "", .organisation = name, .assignee = "", .kind = "", .limit = 200});
  if (!cases) return failed(cases.error());
  Json list = Json::array(), kinds = Json::array();
  std::int64_t open = 0;
  for (const Case& of : *cases) {
    if (of.is_network) continue;
    list.push_back(json_of(context, call, of));
    open += of.state != "fixed";
    kinds.push_back(
        {{"kind", of.kind},
         {"targets", of.targets},
         {"sightings", of.sightings},
         {"last_seen", format_time(of.last_seen)},
         {"advice", {{"en", advice(of.kind, Language::kEnglish)}, {"zh", advice(of.kind, Language::kChinese)}}}});
  }
  return json(dumped({{"name", name},
                      {"sector", entry->sector},
                      {"contact", entry->contact},
                      {"open", open},
                      {"cases", std::move(list)},
                      {"kinds", std::move(kinds)}}));
}

}  // namespace

void add_case_routes(Router& router, Context& context) {
  const Parameter id{"id", "Number of the case", R"({"type":"integer","minimum":1})"};
  router.add({.method = "GET",
              .path = "/api/v1/cases",
              .access = Access::kOrganisation,
              .summary = "Cases, the newest first; an organisation's are its own",
              .parameters = {choice_parameter("state", "State", {std::begin(kCaseStates), std::end(kCaseStates)}),
                             text_parameter("organisation", "Who is to be told"),
                             text_parameter("assignee", "Account"),
                             text_parameter("kind", "Kind of sighting"),
                             limit_parameter(50, 500),
                             {"after", "What the page before gave as next", R"({"type":"integer","minimum":1})"}},
              .answers = {{.schema = "CasePage"}},
              .handler = bound(context, listed)});
  router.add({.method = "GET",
              .path = "/api/v1/cases/summary",
              .access = Access::kOrganisation,
              .summary = "How many cases are in each state",
              .answers = {{.schema = "CaseSummary"}},
              .handler = [&context](const Call& call) {
                const auto states = context.cases.by_state(is_organisation(call) ? call.identity.organisation : "");
                if (!states) return failed(states.error());
                Json counts = Json::object();
                for (const auto& [state, count] : *states) counts[state] = count;
                return json(dumped({{"states", std::move(counts)}}));
              }});
  router.add({.method = "POST",
              .path = "/api/v1/cases/refresh",
              .access = Access::kAnalyst,
              .summary = "Gather sightings into cases; it also happens after each change of the ledger",
              .answers = {{.schema = "CaseRefresh"}},
              .changes = true,
              .handler = [&context](const Call&) {
                const auto report = context.cases.refresh(context);
                if (!report) return failed(report.error());
                return json(dumped({{"made", report->made}, {"recurred", report->recurred}, {"open", report->open}}));
              }});
  router.add({.method = "GET",
              .path = "/api/v1/cases/{id}",
              .access = Access::kOrganisation,
              .summary = "One case with its history and its busiest actors",
              .parameters = {id},
              .answers = {{.schema = "CaseDetail"}},
              .handler = bound(context, one)});
  router.add({.method = "PATCH",
              .path = "/api/v1/cases/{id}",
              .access = Access::kOrganisation,
              .summary = "Change the state or the assignee; an organisation may acknowledge, and say fixed",
              .parameters = {id},
              .body = "CaseChange",
              .answers = {{.schema = "Case"}},
              .changes = true,
              .handler = bound(context, changed)});
  router.add({.method = "POST",
              .path = "/api/v1/cases/{id}/comments",
              .access = Access::kOrganisation,
              .summary = "Add a comment",
              .parameters = {id},
              .body = "Comment",
              .answers = {{.status = 201}},
              .changes = true,
              .handler = bound(context, commented)});
  router.add({.method = "GET",
              .path = "/api/v1/cases/{id}/notice",
              .access = Access::kAnalyst,
              .summary = "Draft of the notice to the one to be told",
              .parameters = {id, choice_parameter("lang", "Language (default: en)", {"en", "zh"})},
              .answers = {{.schema = "Notice"}},
              .handler = bound(context, notice)});
  router.add({.method = "GET",
              .path = "/api/v1/organisation",
              .access = Access::kOrganisation,
              .summary = "What an organisation should know of itself, and do",
              .parameters = {text_parameter("organisation", "For analysts: whose view")},
              .answers = {{.schema = "OrganisationView"}},
              .handler = bound(context, own_view)});
}

}  // namespace tocsin::serve
