#include "pipeline/eve.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "dissect/community_id.h"

namespace tocsin {
namespace {

using nlohmann::json;

std::string protocol_name(std::uint8_t protocol) {
  switch (protocol) {
    case kTcp:
      return "TCP";
    case kUdp:
      return "UDP";
    case kIcmp:
      return "ICMP";
    case kIcmp6:
      return "IPv6-ICMP";
    default:
      return fmt::format("{}", protocol);
  }
}

// Suricata's form: microseconds and an offset without colon.
std::string eve_time(Timestamp time) {
  std::string text = format_time(floor_to(time, kSecond));
  text.pop_back();
  return fmt::format("{}.{:06}+0000", text, time - floor_to(time, kSecond));
}

json event(std::string_view type, Timestamp time, const Endpoint& source, const Endpoint& destination) {
  return {{"timestamp", eve_time(time)},      {"event_type", type},
          {"src_ip", source.ip.text()},       {"src_port", source.port},
          {"dest_ip", destination.ip.text()}, {"dest_port", destination.port}};
}

void put(std::ostream& out, const json& value) {
  out << value.dump(-1, ' ', false, json::error_handler_t::replace) << '\n';
}

void put_if(json& object, const char* key, std::string_view text) {
  if (!text.empty()) object[key] = text;
}

json flow_event(const Flow& flow) {
  json out = event("flow", flow.last, flow.initiator, flow.responder);
  out["proto"] = protocol_name(flow.protocol);
  if (flow.protocol == kIcmp || flow.protocol == kIcmp6) {
    out["icmp_type"] = flow.initiator.port;
    out["icmp_code"] = flow.responder.port;
    out.erase("src_port");
    out.erase("dest_port");
  }
  out["community_id"] = community_id(flow);
  out["flow"] = {{"pkts_toserver", flow.initiator_packets},
                 {"pkts_toclient", flow.responder_packets},
                 {"bytes_toserver", flow.initiator_bytes},
                 {"bytes_toclient", flow.responder_bytes},
                 {"start", eve_time(flow.first)},
                 {"end", eve_time(flow.last)},
                 {"age", (flow.last - flow.first) / kSecond},
                 {"conn_state", name_of(flow.state)}};
  if (flow.protocol == kTcp && flow.flags_known) {
    out["tcp"] = {{"tcp_flags", fmt::format("{:02x}", flow.initiator_flags | flow.responder_flags)},
                  {"tcp_flags_ts", fmt::format("{:02x}", flow.initiator_flags)},
                  {"tcp_flags_tc", fmt::format("{:02x}", flow.responder_flags)}};
  }
  return out;
}

json dns_event(const DnsTransaction& dns) {
  json out = event("dns", dns.time, dns.client, dns.server);
  json body = {{"type", dns.response_code < 0 ? "query" : "answer"}, {"rrname", dns.query}, {"rrtype", dns.query_type}};
  if (dns.response_code >= 0) body["rcode"] = dns.response_code;
  for (const IpAddress& address : dns.addresses)
    body["grouped"][address.is_v4() ? "A" : "AAAA"].push_back(address.text());
  for (const std::string_view name : dns.names) body["grouped"]["CNAME"].push_back(name);
  out["dns"] = std::move(body);
  return out;
}

json http_event(const HttpTransaction& http) {
  json out = event("http", http.time, http.client, http.server);
  json body = {{"http_method", http.method}, {"url", http.uri}};
  put_if(body, "hostname", http.host);
  put_if(body, "http_user_agent", http.user_agent);
  put_if(body, "http_refer", http.referrer);
  if (http.status != 0) body["status"] = http.status;
  out["http"] = std::move(body);
  return out;
}

json tls_event(const TlsHandshake& tls) {
  json out = event("tls", tls.time, tls.client, tls.server);
  out["tls"] = json::object();
  put_if(out["tls"], "sni", tls.server_name);
  if (!tls.ja3.empty()) out["tls"]["ja3"] = {{"hash", tls.ja3}};
  return out;
}

json alert_event(const Alert& alert) {
  const bool forward = alert.client_is_source;
  json out = event("alert", alert.time, forward ? alert.client : alert.server, forward ? alert.server : alert.client);
  out["proto"] = protocol_name(alert.protocol);
  out["alert"] = {{"signature", alert.signature},
                  {"signature_id", alert.signature_id},
                  {"category", alert.category},
                  {"severity", alert.severity}};
  if (!forward) out["direction"] = "to_client";
  if (!alert.host.empty()) out["http"] = {{"hostname", alert.host}};
  return out;
}

}  // namespace

void EveWriter::write(const Batch& batch) {
  if (out_ == nullptr) return;
  for (const DnsTransaction& dns : batch.dns) put(*out_, dns_event(dns));
  for (const HttpTransaction& http : batch.http) put(*out_, http_event(http));
  for (const TlsHandshake& tls : batch.tls) put(*out_, tls_event(tls));
  for (const Alert& alert : batch.alerts) put(*out_, alert_event(alert));
  for (const Flow& flow : batch.flows) put(*out_, flow_event(flow));
}

void EveWriter::sight(Sighting&& sighting) {
  if (out_ == nullptr) return;
  json out = event("alert", sighting.first_seen, sighting.actor, sighting.target);
  out["alert"] = {{"signature", fmt::format("TOCSIN {} {}", name_of(sighting.kind), sighting.rule)},
                  {"category", taxonomy_of(sighting.kind)},
                  {"severity", 4 - static_cast<int>(sighting.confidence)}};
  json body = {{"kind", name_of(sighting.kind)}, {"confidence", name_of(sighting.confidence)},
               {"detector", sighting.detector},  {"rule", sighting.rule},
               {"count", sighting.count},        {"last_seen", eve_time(sighting.last_seen)},
               {"matched", sighting.matched}};
  put_if(body, "actor_country", sighting.actor_country.text());
  put_if(body, "target_country", sighting.target_country.text());
  put_if(body, "actor_name", sighting.actor_name);
  put_if(body, "family", sighting.family);
  put_if(body, "group", sighting.group);
  put_if(body, "cve", sighting.cve);
  out["tocsin"] = std::move(body);
  put(*out_, out);
}

}  // namespace tocsin
