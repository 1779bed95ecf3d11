#include "serve/router.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>
#include <stdexcept>

namespace tocsin::serve {
namespace {

using Json = nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;

std::string field(const Response& response, std::string_view name) {
  for (const auto& [key, value] : response.headers) {
    if (key == name) return value;
  }
  return {};
}

Identity account(Role role) {
  Identity identity;
  identity.user = "ann";
  identity.role = role;
  identity.csrf = "token-of-the-sign-in";
  identity.scopes = {"read", "write"};
  if (role == Role::kOrganisation) identity.organisation = "Ministry";
  return identity;
}

Request get(const std::string& path, Fields query = {}, Fields headers = {}) {
  Request request;
  request.method = "GET";
  request.path = path;
  request.query = std::move(query);
  request.headers = std::move(headers);
  return request;
}

Request post(const std::string& path, const std::string& body, Fields headers = {}) {
  Request request = get(path, {}, std::move(headers));
  request.method = "POST";
  request.body = body;
  return request;
}

const Fields kJson{{"content-type", "application/json"}};
const Fields kJsonAndToken{{"content-type", "application/json; charset=utf-8"},
                           {"x-csrf-token", "token-of-the-sign-in"}};

class Routes : public testing::Test {
 protected:
  Routes() {
    const auto told = [this](const Call& call) {
      Json seen{{"path", call.path}, {"limit", call.get("limit") ? *call.get("limit") : ""}, {"by", call.all("by")}};
      last_ = seen;
      return json(seen.dump());
    };
    router_.add({.method = "GET",
                 .path = "/api/v1/figures/{id}",
                 .summary = "One figure.",
                 .parameters = {{"id", "which", R"({"type":"string","pattern":"^[a-z.-]+$"})"},
                                {"limit", "how many", R"({"type":"integer","minimum":1,"maximum":1000})"},
                                {"share", "least", R"({"type":"number","minimum":0,"maximum":1})"},
                                {"from", "start", R"({"type":"string","format":"date-time"})", true},
                                {"all", "or not", R"({"type":"boolean"})"},
                                {"by", "grouping", R"({"enum":["day","week"]})", false, true},
                                {"q", "text", R"({"type":"string","maxLength":3})"}},
                 .answers = {{200, "application/json", "Figure"}, {200, "text/csv", ""}},
                 .handler = told});
    router_.add({.method = "GET",
                 .path = "/api/v1/figures/summary",
                 .access = Access::kOrganisation,
                 .summary = "All figures.",
                 .handler = [](const Call&) { return json("\"summary\""); }});
    router_.add({.method = "DELETE",
                 .path = "/api/v1/figures/{id}",
                 .access = Access::kAdministrator,
                 .summary = "Forget it.",
                 .answers = {{204, "", ""}},
                 .changes = true,
                 .handler = [](const Call&) { return Response{.status = 204}; }});
    router_.add({.method = "POST",
                 .path = "/api/v1/cases",
                 .access = Access::kAnalyst,
                 .summary = "A new case.",
                 .body = "Case",
                 .answers = {{201, "application/json", "Case"}},
                 .changes = true,
                 .handler = [](const Call&) { return json("{}", 201); }});
    router_.add({.method = "POST",
                 .path = "/api/v1/session",
                 .access = Access::kPublic,
                 .summary = "Sign in.",
                 .body = "Case",
                 .changes = true,
                 .handler = [](const Call&) { return json("{}"); }});
    router_.add({.method = "GET",
                 .path = "/metrics",
                 .access = Access::kPublic,
                 .summary = "Numbers.",
                 .answers = {{200, "text/plain", ""}},
                 .handler = [](const Call&) {
                   Response response;
                   response.shared = std::make_shared<const std::string>("up 1\n");
                   response.headers = {{"Content-Type", "text/plain"}, {"Cache-Control", "max-age=5"}};
                   return response;
                 }});
  }

  Response handle(const Request& request, const Identity& identity = account(Role::kAdministrator)) const {
    return router_.handle(request, identity);
  }
  unsigned status(const Request& request, const Identity& identity = account(Role::kAdministrator)) const {
    return handle(request, identity).status;
  }

  Router router_{"Tocsin", "1.0", R"({"Figure":{"type":"object"},"Case":{"type":"object"}})"};
  Json last_;
};

const Fields kFrom{{"from", "2013-02-01T00:00:00Z"}};

Fields with(std::string name, std::string value) {
  Fields query = kFrom;
  query.emplace_back(std::move(name), std::move(value));
  return query;
}

TEST_F(Routes, CallsTheHandlerWithWhatWasSent) {
  Fields query = with("by", "day");
  query.emplace_back("by", "week");
  query.emplace_back("limit", "50");
  EXPECT_EQ(status(get("/api/v1/figures/botnet.hosts", query)), 200U);
  EXPECT_EQ(last_, Json::parse(R"({"path":{"id":"botnet.hosts"},"limit":"50","by":["day","week"]})"));
  EXPECT_EQ(handle(get("/api/v1/figures/summary")).body, "\"summary\"");  // not an id
}

TEST_F(Routes, SaysWhatIsNotThereAndWhatIsNotAllowed) {
  for (const char* path : {"/", "/api", "/api/v1/figures", "/api/v1/figures/", "/api/v1/figures/a/b", "//metrics",
                           "/metrics/", "/Metrics"}) {
    EXPECT_EQ(status(get(path)), 404U) << path;
  }
  Request request = get("/api/v1/figures/a");
  request.method = "PUT";
  EXPECT_EQ(status(request), 405U);
  EXPECT_EQ(field(handle(request), "Allow"), "DELETE, GET, HEAD");
  request.method = "get";
  EXPECT_EQ(status(request), 405U);
}

TEST_F(Routes, ChecksParameters) {
  struct Wrong {
    Fields query;
    const char* detail;
  };
  for (const Wrong& wrong : std::vector<Wrong>{
           {{}, "'from' is missing"},
           {with("nonsense", "1"), "no parameter 'nonsense'"},
           {with("id", "x"), "no parameter 'id'"},
           {with("from", "2014-01-01T00:00:00Z"), "'from' is given more than once"},
           {with("limit", "0"), "'limit' is less than 1"},
           {with("limit", "1001"), "'limit' is more than 1000"},
           {with("limit", "5.5"), "'limit' is not a whole number"},
           {with("limit", ""), "'limit' is not a whole number"},
           {with("limit", " 5"), "'limit' is not a whole number"},
           {with("limit", "99999999999999999999"), "'limit' is not a whole number"},
           {with("share", "nan"), "'share' is not a number"},
           {with("share", "1e999"), "'share' is not a number"},
           {with("share", "1.5"), "'share' is more than 1"},
           {with("all", "yes"), "'all' is neither true nor false"},
           {with("by", "month"), "'by' is none of day, week"},
           {with("q", "abcd"), "'q' is longer than 3"},
           {{{"from", "2013-02-01"}}, "'from' is not a time"},
           {{{"from", "2013-02-30T00:00:00Z"}}, "'from' is not a time"},
           {{{"from", "2013-02-01T00:00:00"}}, "'from' is not a time"},
           {{{"from", "2013-02-01T00:00:00Z'; DROP TABLE x"}}, "'from' is not a time"},
       }) {
    const Response response = handle(get("/api/v1/figures/a", wrong.query));
    EXPECT_EQ(response.status, 400U) << wrong.detail;
    EXPECT_THAT(response.body, HasSubstr(wrong.detail));
    EXPECT_EQ(field(response, "Content-Type"), "application/problem+json");
  }
  EXPECT_EQ(status(get("/api/v1/figures/a", with("q", "\xc3\xa9\xc3\xa9\xc3\xa9"))), 200U);  // characters, not bytes
  EXPECT_EQ(status(get("/api/v1/figures/a", with("share", "0.5"))), 200U);
  EXPECT_EQ(status(get("/api/v1/figures/a", {{"from", "2013-02-01T00:00:00.5+01:00"}})), 200U);
  EXPECT_EQ(status(get("/api/v1/figures/A1", kFrom)), 400U);
  EXPECT_EQ(status(get("/api/v1/figures/" + std::string(10'000, 'a'), kFrom)), 400U);
}

TEST_F(Routes, LetsInWhoMay) {
  const Identity nobody;
  const Request figure = get("/api/v1/figures/a", kFrom);
  EXPECT_EQ(status(figure, nobody), 401U);
  EXPECT_EQ(field(handle(figure, nobody), "WWW-Authenticate"), "Bearer");
  EXPECT_EQ(status(figure, account(Role::kPress)), 403U);
  EXPECT_EQ(status(figure, account(Role::kOrganisation)), 403U);
  EXPECT_EQ(status(figure, account(Role::kAnalyst)), 200U);
  EXPECT_EQ(status(get("/api/v1/figures/summary"), account(Role::kOrganisation)), 200U);
  EXPECT_EQ(status(get("/api/v1/figures/summary"), account(Role::kPress)), 403U);
  Identity without = account(Role::kOrganisation);
  without.organisation.clear();
  EXPECT_EQ(status(get("/api/v1/figures/summary"), without), 403U);
  EXPECT_EQ(status(get("/metrics"), nobody), 200U);
  // Who may not know does not learn what is wrong either.
  EXPECT_EQ(status(get("/api/v1/figures/a", {{"nonsense", "1"}}), nobody), 401U);
}

TEST_F(Routes, ChecksBodies) {
  EXPECT_EQ(status(post("/api/v1/cases", R"({"a":1})", kJsonAndToken)), 201U);
  EXPECT_EQ(status(post("/api/v1/cases", "{}", {{"x-csrf-token", "token-of-the-sign-in"}})), 415U);
  EXPECT_EQ(
      status(post("/api/v1/cases", "a=1",
                  {{"x-csrf-token", "token-of-the-sign-in"}, {"content-type", "application/x-www-form-urlencoded"}})),
      415U);
  for (const std::string& body : {std::string(), std::string("{"), std::string("{} {}"),
                                  std::string("{\"a\":\"\xff\"}"), std::string("{'a':1}"), std::string(500'000, '[')}) {
    EXPECT_EQ(status(post("/api/v1/cases", body, kJsonAndToken)), 400U) << body.substr(0, 20);
  }
  Request request = get("/metrics");
  request.body = "{\"a\":1}";
  EXPECT_EQ(status(request), 400U);
}

TEST_F(Routes, WantsTheTokenOfTheSession) {
  const auto with_token = [](const std::string& token) {
    Fields fields = kJson;
    fields.emplace_back("x-csrf-token", token);
    return post("/api/v1/cases", "{}", fields);
  };
  EXPECT_EQ(status(with_token("token-of-the-sign-in")), 201U);
  EXPECT_EQ(status(with_token("token-of-the-sign-ix")), 403U);
  EXPECT_EQ(status(with_token("token-of-the-sign-in2")), 403U);
  EXPECT_EQ(status(with_token("")), 403U);
  EXPECT_EQ(status(post("/api/v1/cases", "{}", kJson)), 403U);
  Identity without = account(Role::kAnalyst);
  without.csrf.clear();
  EXPECT_EQ(status(with_token(""), without), 403U);
  // Also on a public route, once somebody is signed in.
  EXPECT_EQ(status(post("/api/v1/session", "{}", kJson), account(Role::kAnalyst)), 403U);
  EXPECT_EQ(status(post("/api/v1/session", "{}", kJsonAndToken), account(Role::kAnalyst)), 200U);
}

TEST_F(Routes, LetsTokensDoWhatTheyAreFor) {
  Identity token = account(Role::kAdministrator);
  token.csrf.clear();
  token.by_token = true;
  EXPECT_EQ(status(post("/api/v1/cases", "{}", kJson), token), 201U);
  token.scopes = {"read"};
  EXPECT_EQ(status(post("/api/v1/cases", "{}", kJson), token), 403U);
  EXPECT_EQ(status(get("/api/v1/figures/a", kFrom), token), 200U);
  token.scopes = {"write"};
  EXPECT_EQ(status(get("/api/v1/figures/a", kFrom), token), 403U);
  EXPECT_EQ(status(get("/metrics"), token), 200U);
}

TEST_F(Routes, LetsNoOtherSiteSignIn) {
  const Identity nobody;
  const auto sign_in = [&](Fields fields) {
    fields.emplace_back("host", "tocsin.example:8443");
    return status(post("/api/v1/session", "{}", std::move(fields)), nobody);
  };
  EXPECT_EQ(sign_in(kJson), 200U);
  EXPECT_EQ(sign_in({{"content-type", "application/json"}, {"origin", "https://tocsin.example:8443"}}), 200U);
  EXPECT_EQ(sign_in({{"content-type", "application/json"}, {"origin", "https://tocsin.example"}}), 403U);
  EXPECT_EQ(sign_in({{"content-type", "application/json"}, {"origin", "https://other.example"}}), 403U);
  EXPECT_EQ(sign_in({{"content-type", "application/json"}, {"origin", "null"}}), 403U);
  EXPECT_EQ(sign_in({{"content-type", "application/json"}, {"sec-fetch-site", "cross-site"}}), 403U);
  EXPECT_EQ(sign_in({{"content-type", "text/plain"}}), 403U);
  EXPECT_EQ(sign_in({}), 403U);
}

TEST_F(Routes, TagsWhatWasRead) {
  const Response first = handle(get("/api/v1/figures/a", kFrom));
  const std::string tag = field(first, "ETag");
  ASSERT_FALSE(tag.empty());
  EXPECT_EQ(field(first, "Cache-Control"), "private, no-cache");
  EXPECT_NE(field(handle(get("/api/v1/figures/b", kFrom)), "ETag"), tag);
  EXPECT_EQ(field(handle(get("/metrics")), "Cache-Control"), "max-age=5");
  for (const std::string& known : {tag, "W/" + tag, "\"x,y\", W/" + tag + ", \"z\"", std::string("*")}) {
    const Response again = handle(get("/api/v1/figures/a", kFrom, {{"if-none-match", known}}));
    EXPECT_EQ(again.status, 304U) << known;
    EXPECT_EQ(again.body, "");
    EXPECT_EQ(field(again, "ETag"), tag);
    EXPECT_EQ(field(again, "Content-Type"), "");
  }
  for (const std::string& known : {std::string("\"x\""), tag.substr(1), std::string("\"x, ") + tag}) {
    EXPECT_EQ(status(get("/api/v1/figures/a", kFrom, {{"if-none-match", known}})), 200U) << known;
  }
  Request head = get("/metrics", {}, {});
  head.method = "HEAD";
  EXPECT_EQ(field(handle(head), "ETag"), field(handle(get("/metrics")), "ETag"));
  // What was changed is not.
  EXPECT_EQ(field(handle(post("/api/v1/cases", "{}", kJsonAndToken)), "ETag"), "");
  EXPECT_EQ(field(handle(post("/api/v1/cases", "{}", kJsonAndToken)), "Cache-Control"), "no-store");
}

TEST_F(Routes, RefusesDefinitionsThatPromiseTooMuch) {
  const auto add = [this](const std::string& schema) {
    router_.add(
        {.method = "GET", .path = "/x", .summary = "", .parameters = {{"a", "", schema}}, .handler = [](const Call&) {
           return json("{}");
         }});
  };
  for (const char* schema :
       {R"({"multipleOf":2})", R"({"type":"object"})", R"({"format":"email"})", "[", "1", R"({"pattern":"("})"}) {
    EXPECT_THROW(add(schema), std::invalid_argument) << schema;
  }
  add("{}");
  EXPECT_THROW(add("{}"), std::invalid_argument);  // defined twice
}

TEST_F(Routes, DescribeThemselves) {
  const Json document = Json::parse(router_.document());
  EXPECT_EQ(document["openapi"], "3.1.0");
  EXPECT_EQ(document["info"], Json::parse(R"({"title":"Tocsin","version":"1.0"})"));
  EXPECT_EQ(document["components"]["securitySchemes"]["session"]["in"], "cookie");
  EXPECT_EQ(document["components"]["securitySchemes"]["token"]["scheme"], "bearer");
  std::set<std::string> ids;
  for (const Route& route : router_.routes()) {
    std::string method = route.method;
    for (char& c : method) c = static_cast<char>(std::tolower(c));
    ASSERT_TRUE(document["paths"].contains(route.path)) << route.path;
    ASSERT_TRUE(document["paths"][route.path].contains(method)) << route.path;
    const Json& operation = document["paths"][route.path][method];
    EXPECT_EQ(operation["summary"], route.summary);
    EXPECT_TRUE(ids.insert(operation["operationId"].get<std::string>()).second) << operation["operationId"];
    EXPECT_EQ(operation["tags"].size(), 1U);
    EXPECT_EQ(operation["security"].empty(), route.access == Access::kPublic);
    EXPECT_EQ(operation.contains("requestBody"), !route.body.empty());
    EXPECT_EQ(operation["responses"]["default"]["content"]["application/problem+json"]["schema"]["$ref"],
              "#/components/schemas/Problem");
    for (const auto& [status, response] : operation["responses"].items()) {
      EXPECT_FALSE(response["description"].get<std::string>().empty()) << route.path << status;
    }
    for (const Answer& answer : route.answers) {
      EXPECT_TRUE(operation["responses"].contains(std::to_string(answer.status)));
    }
    for (const Parameter& parameter : route.parameters) {
      const auto named = [&](const Json& one) { return one["name"] == parameter.name; };
      EXPECT_EQ(std::ranges::count_if(operation["parameters"], named), 1) << parameter.name;
    }
  }
  const Json& figure = document["paths"]["/api/v1/figures/{id}"]["get"];
  EXPECT_EQ(figure["tags"][0], "figures");
  EXPECT_EQ(figure["parameters"][0]["in"], "path");
  EXPECT_EQ(figure["parameters"][0]["required"], true);
  EXPECT_EQ(figure["parameters"][5]["schema"]["items"]["enum"][1], "week");
  EXPECT_EQ(figure["responses"]["200"]["content"]["application/json"]["schema"]["$ref"], "#/components/schemas/Figure");
  EXPECT_TRUE(figure["responses"]["200"]["content"].contains("text/csv"));
  EXPECT_EQ(document["paths"]["/metrics"]["get"]["tags"][0], "metrics");
  // Whatever is referred to is there.
  const std::string text = document.dump();
  for (std::size_t at = 0; (at = text.find("\"#/components/schemas/", at)) != std::string::npos; ++at) {
    const std::size_t begin = at + 22;
    const std::string name = text.substr(begin, text.find('"', begin) - begin);
    EXPECT_TRUE(document["components"]["schemas"].contains(name)) << name;
  }
}

TEST(Roles, HaveNames) {
  for (const Role role : {Role::kPress, Role::kOrganisation, Role::kAnalyst, Role::kOfficer, Role::kAdministrator}) {
    EXPECT_EQ(role_of(name_of(role)).value(), role);
  }
  EXPECT_FALSE(role_of("root"));
  EXPECT_FALSE(role_of(""));
}

TEST(Roles, MayDoMoreInTheirOrder) {
  const std::vector<Access> all{Access::kPublic,  Access::kSignedIn, Access::kOrganisation,
                                Access::kAnalyst, Access::kOfficer,  Access::kAdministrator};
  const auto allowed = [&](const Identity& identity) {
    return std::ranges::count_if(all, [&](Access access) { return may(identity, access); });
  };
  EXPECT_EQ(allowed({}), 1);
  EXPECT_EQ(allowed(account(Role::kPress)), 2);
  EXPECT_EQ(allowed(account(Role::kOrganisation)), 3);
  EXPECT_EQ(allowed(account(Role::kAnalyst)), 4);
  EXPECT_EQ(allowed(account(Role::kOfficer)), 5);
  EXPECT_EQ(allowed(account(Role::kAdministrator)), 6);
  Identity nobody = account(Role::kAdministrator);
  nobody.user.clear();
  EXPECT_EQ(allowed(nobody), 1);
}

TEST(Requests, HaveCookies) {
  Request request;
  request.headers = {{"cookie", "a=1; tocsin_session=x=y ;b"}, {"cookie", "c=3"}};
  EXPECT_EQ(request.cookie("a"), "1");
  EXPECT_EQ(request.cookie("tocsin_session"), "x=y");
  EXPECT_EQ(request.cookie("c"), "3");
  EXPECT_FALSE(request.cookie("b"));
  EXPECT_FALSE(request.cookie("session"));
}

TEST(Problems, AreJsonWhateverTheyTell) {
  const Json document = Json::parse(problem(404, "no \"x\" \xff\n").body);
  EXPECT_EQ(document["title"], "Not Found");
  EXPECT_EQ(document["type"], "about:blank");
  EXPECT_EQ(document["status"], 404);
}

}  // namespace
}  // namespace tocsin::serve
