// Live counts, sensors, health and metrics.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/ip_address.h"
#include "http/json_text.h"
#include "http/server.h"
#include "serve/live.h"
#include "serve/query.h"
#include "serve/routes.h"

namespace tocsin::serve {
namespace {

constexpr std::array kForwarding = {"forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto",
                                    "x-real-ip"};

// Whoever may know how the server fares. A program on this machine that speaks for others (a proxy that was set up
// without --behind-proxy, say) names them in a header.
bool may_watch(const Call& call) {
  if (may(call.identity, call.identity.by_token ? Access::kAnalyst : Access::kAdministrator)) return true;
  const auto peer = IpAddress::parse(call.request.peer);
  if (!peer || scope_of(*peer) != AddressScope::kLoopback) return false;
  return std::ranges::none_of(kForwarding, [&](const char* name) { return call.request.header(name) != nullptr; });
}

Response health(Context& context, const Call& call) {
  const auto head = context.store.head();
  if (!head) {
    Response response = json(R"({"status":"failing"})", 503);
    log_error(head.error());
    return response;
  }
  Json told{{"status", "ok"}};
  if (may_watch(call)) told["ledger"] = {{"sequence", head->sequence}};
  Response response = json(told.dump());
  response.headers.emplace_back("Cache-Control", "no-store");
  return response;
}

// Prometheus text exposition format, version 0.0.4.
std::string metrics(Context& context, const ServerCounts& counts) {
  std::string text;
  const auto add = [&](const char* name, const char* type, const char* help, std::uint64_t value) {
    text += fmt::format("# HELP {0} {1}\n# TYPE {0} {2}\n{0} {3}\n", name, help, type, value);
  };
  add("tocsin_http_connections_total", "counter", "Connections accepted", counts.connections);
  add("tocsin_http_connections_open", "gauge", "Connections open now", counts.open);
  add("tocsin_http_requests_total", "counter", "Requests answered", counts.requests);
  add("tocsin_http_refused_total", "counter", "Connections and requests refused because of limits", counts.refused);
  add("tocsin_http_timed_out_total", "counter", "Connections closed because they were too slow", counts.timed_out);
  add("tocsin_http_malformed_total", "counter", "Requests that were no HTTP", counts.malformed);
  add("tocsin_http_sent_bytes_total", "counter", "Bytes sent", counts.bytes_sent);
  add("tocsin_live_subscribers", "gauge", "Subscribers of live events", counts.subscribers);
  if (const auto head = context.store.head()) {
    add("tocsin_ledger_sequence", "gauge", "Lines of the ledger", head->sequence);
  }
  // Who watches how the server fares must not wait for a reading of the store.
  if (const auto extent = known_extent(context)) {
    add("tocsin_store_rows", "gauge", "Rows of sightings in live segments", extent->sightings);
    if (extent->seen) {
      text += fmt::format(
          "# HELP tocsin_store_last_seen_seconds Time of the last sighting\n# TYPE "
          "tocsin_store_last_seen_seconds gauge\ntocsin_store_last_seen_seconds {}\n",
          (extent->seen->to - 1) / kSecond);
    }
  }
  if (const auto sources = context.store.sources()) {
    std::uint64_t records = 0, skipped = 0;
    for (const SourceRecord& source : *sources) {
      records += source.records;
      skipped += source.skipped;
    }
    add("tocsin_sources", "gauge", "Live sources of the ledger", sources->size());
    add("tocsin_records", "gauge", "Records read of live sources", records);
    add("tocsin_records_skipped", "gauge", "Records of live sources that could not be read", skipped);
  }
  return text;
}

}  // namespace

void add_live_routes(Router& router, Context& context) {
  router.add({.method = "GET",
              .path = "/api/v1/live",
              .access = Access::kAnalyst,
              .summary = "Server-sent events: counts and sensors, as the ledger grows",
              .answers = {{.media = "text/event-stream"}},
              .handler = [](const Call&) { return Response{.status = 200, .headers = {}, .events = true}; }});
  router.add({.method = "GET",
              .path = "/api/v1/live/counts",
              .access = Access::kAnalyst,
              .summary = "The last event of the live counts",
              .answers = {{.schema = "LiveCounts"}},
              .handler = [&context](const Call&) {
                auto counts = live_counts(context, 0);
                return counts ? json(std::move(*counts)) : failed(counts.error());
              }});
  router.add({.method = "GET",
              .path = "/api/v1/sensors",
              .access = Access::kAnalyst,
              .summary = "The sources: what was read and skipped of each, and how late it is",
              .answers = {{.schema = "SensorList"}},
              .handler = [&context](const Call&) {
                auto list = sensors(context);
                return list ? json(std::move(*list)) : failed(list.error());
              }});
  router.add({.method = "GET",
              .path = "/api/v1/health",
              .access = Access::kPublic,
              .summary = "Whether the server can read its store; the ledger for those who may see the metrics",
              .answers = {{.schema = "Health"}, {.status = 503, .schema = "Health"}},
              .handler = bound(context, health)});
  router.add({.method = "GET",
              .path = "/metrics",
              .access = Access::kPublic,
              .summary = "Prometheus metrics: for this machine itself, tokens of analysts, and administrators",
              .answers = {{.media = "text/plain"}},
              .handler = [&context](const Call& call) {
                if (!may_watch(call)) {
                  return problem(403, "Metrics are for this machine itself, tokens of analysts, and administrators.");
                }
                const ServerCounts counts = context.server_counts ? context.server_counts() : ServerCounts{};
                Response response;
                response.headers = {{"Content-Type", "text/plain; version=0.0.4; charset=utf-8"},
                                    {"Cache-Control", "no-store"}};
                response.body = metrics(context, counts);
                return response;
              }});
}

}  // namespace tocsin::serve
