// Suricata's EVE JSON lines (docs.suricata.io, "EVE JSON Format"): alert, flow, dns (versions 1 to 3), http and tls.
// Other event types are passed over.

#include <simdjson.h>

#include "collect/readers.h"

namespace tocsin {
namespace {

using simdjson::dom::element;

std::string_view text_at(const element& object, std::string_view key) {
  std::string_view text;
  if (object[key].get(text) != simdjson::SUCCESS) return {};
  return text;
}

std::uint64_t number_at(const element& object, std::string_view key) {
  std::uint64_t number = 0;
  if (object[key].get(number) != simdjson::SUCCESS) return 0;
  return number;
}

// metadata values are lists of texts: the first.
std::string_view metadata_at(const element& alert, std::string_view key) {
  element value;
  if (alert["metadata"][key].get(value) != simdjson::SUCCESS) return {};
  std::string_view text;
  if (value.get(text) == simdjson::SUCCESS) return text;
  if (value.is_array() && value.at(0).get(text) == simdjson::SUCCESS) return text;
  return {};
}

std::uint8_t hex_flags(std::string_view text) {
  return static_cast<std::uint8_t>(number_or_hex_of("0x" + std::string(text)).value_or(0) & 0x3f);
}

std::uint16_t dns_type(std::string_view name) {
  struct Known {
    std::string_view name;
    std::uint16_t number;
  };
  static constexpr Known known[] = {{"A", 1},    {"NS", 2},     {"CNAME", 5}, {"SOA", 6},    {"PTR", 12}, {"MX", 15},
                                    {"TXT", 16}, {"AAAA", 28},  {"SRV", 33},  {"NAPTR", 35}, {"DS", 43},  {"DNSKEY", 48},
                                    {"TLSA", 52}, {"SVCB", 64}, {"HTTPS", 65}, {"ANY", 255}};
  for (const Known& each : known) {
    if (each.name == name) return each.number;
  }
  return 0;
}

std::int16_t dns_code(std::string_view name) {
  static constexpr std::string_view codes[] = {"NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"};
  for (std::int16_t i = 0; i < 6; ++i) {
    if (codes[i] == name) return i;
  }
  return name.empty() ? -1 : 15;
}

class EveReader : public LineReader {
 public:
  using LineReader::LineReader;

 private:
  std::optional<std::string_view> take(std::string_view line, Batch& batch) override {
    padded_.assign(line);
    padded_.resize(line.size() + simdjson::SIMDJSON_PADDING);
    element event;
    if (parser_.parse(padded_.data(), line.size(), false).get(event) != simdjson::SUCCESS) return "no JSON";
    if (!event.is_object()) return "no JSON object";
    const std::string_view type = text_at(event, "event_type");
    if (type.empty()) return "no event_type";
    const bool flow = type == "flow", alert = type == "alert", dns = type == "dns", http = type == "http", tls = type == "tls";
    if (!flow && !alert && !dns && !http && !tls) {
      ++passed_over_;
      return std::nullopt;
    }
    const auto time = parse_time(text_at(event, "timestamp"));
    if (!time) return "timestamp is no time";
    const auto source = IpAddress::parse(text_at(event, "src_ip")), dest = IpAddress::parse(text_at(event, "dest_ip"));
    if (!source) return "src_ip is no IP address";
    if (!dest) return "dest_ip is no IP address";
    Transaction common;
    common.client = {*source, static_cast<std::uint16_t>(number_at(event, "src_port"))};
    common.server = {*dest, static_cast<std::uint16_t>(number_at(event, "dest_port"))};
    common.time = *time;
    common.place = place();
    const std::uint8_t protocol = protocol_of(text_at(event, "proto")).value_or(0);
    element body;
    if (event[type].get(body) != simdjson::SUCCESS || !body.is_object()) return "event without its object";
    if (alert) take_alert(common, protocol, body, batch);
    if (flow) return take_flow(common, protocol, event, body, batch);
    if (dns) take_dns(common, body, batch);
    if (http) take_http(common, body, batch);
    if (tls) {
      TlsHandshake handshake;
      static_cast<Transaction&>(handshake) = common;
      handshake.server_name = batch.text.keep(text_at(body, "sni"));
      element ja3;
      if (body["ja3"].get(ja3) == simdjson::SUCCESS) handshake.ja3 = batch.text.keep(text_at(ja3, "hash"));
      batch.tls.push_back(handshake);
    }
    return std::nullopt;
  }

  static void take_alert(const Transaction& common, std::uint8_t protocol, const element& body, Batch& batch) {
    Alert alert;
    static_cast<Transaction&>(alert) = common;
    TextArena& text = batch.text;
    alert.protocol = protocol;
    alert.sensor = "suricata";
    alert.signature = text.keep(text_at(body, "signature"));
    alert.category = text.keep(text_at(body, "category"));
    alert.signature_id = number_at(body, "signature_id");
    alert.severity = static_cast<std::uint8_t>(number_at(body, "severity"));
    const std::string cve = cve_in(metadata_at(body, "cve"));
    alert.cve = text.keep(cve.empty() ? cve_in(alert.signature) : cve);
    alert.malware_family = text.keep(metadata_at(body, "malware_family"));
    alert.attack_target = text.keep(metadata_at(body, "attack_target"));
    batch.alerts.push_back(alert);
  }

  std::optional<std::string_view> take_flow(const Transaction& common, std::uint8_t protocol, const element& event,
                                            const element& body, Batch& batch) {
    using enum ConnState;
    Flow flow;
    flow.initiator = common.client;
    flow.responder = common.server;
    flow.place = common.place;
    flow.protocol = protocol;
    const auto start = parse_time(text_at(body, "start"));
    const auto end = parse_time(text_at(body, "end"));
    flow.first = start ? *start : common.time;
    flow.last = end ? std::max(*end, flow.first) : flow.first;
    flow.initiator_packets = number_at(body, "pkts_toserver");
    flow.responder_packets = number_at(body, "pkts_toclient");
    flow.initiator_bytes = number_at(body, "bytes_toserver");
    flow.responder_bytes = number_at(body, "bytes_toclient");
    if (protocol == kIcmp || protocol == kIcmp6) {
      flow.initiator.port = static_cast<std::uint16_t>(number_at(event, "icmp_type"));
      flow.responder.port = static_cast<std::uint16_t>(number_at(event, "icmp_code"));
    }
    const bool answered = flow.responder_packets > 0;
    flow.state = answered ? kSF : kS0;
    element tcp;
    if (protocol == kTcp && event["tcp"].get(tcp) == simdjson::SUCCESS) {
      const std::uint8_t ours = flow.initiator_flags = hex_flags(text_at(tcp, "tcp_flags_ts"));
      const std::uint8_t theirs = flow.responder_flags = hex_flags(text_at(tcp, "tcp_flags_tc"));
      flow.flags_known = true;
      flow.first_flags = (ours & kSyn) != 0 ? kSyn : ours;
      const bool opened = (ours & kSyn) != 0 && (theirs & kSyn) != 0;
      if ((ours & kSyn) != 0 && !opened) {
        flow.state = (theirs & kRst) != 0 ? kREJ : (ours & kRst) != 0 ? kRSTOS0 : kS0;
      } else if (opened) {
        flow.state = (theirs & kRst) != 0          ? kRSTR
                     : (ours & kRst) != 0          ? kRSTO
                     : (ours & theirs & kFin) != 0 ? kSF
                                                   : kS1;
      } else {
        flow.state = kOTH;
      }
    }
    batch.flows.push_back(flow);
    return std::nullopt;
  }

  static void take_answer(const element& answer, DnsTransaction& dns, Batch& batch) {
    const std::string_view data = text_at(answer, "rdata");
    if (const auto ip = IpAddress::parse(data)) {
      dns.addresses.push_back(*ip);
    } else if (!data.empty()) {
      dns.names.push_back(batch.text.keep(data));
    }
  }

  static void take_dns(const Transaction& common, const element& body, Batch& batch) {
    DnsTransaction dns;
    static_cast<Transaction&>(dns) = common;
    const std::string_view type = text_at(body, "type");
    const bool answer = type == "answer" || type == "response";
    if (answer && dns.client.port == 53 && dns.server.port != 53) std::swap(dns.client, dns.server);
    element query;
    const bool listed = body["queries"].get(query) == simdjson::SUCCESS && query.is_array() && query.at(0).get(query) == simdjson::SUCCESS;
    const bool old = !listed && body["query"].get(query) == simdjson::SUCCESS && query.is_array() &&
                     query.at(0).get(query) == simdjson::SUCCESS;
    const element& asked = listed || old ? query : body;
    dns.query = batch.text.keep(text_at(asked, "rrname"));
    dns.query_type = dns_type(text_at(asked, "rrtype"));
    if (answer) dns.response_code = dns_code(text_at(body, "rcode"));
    simdjson::dom::array answers;
    if (body["answers"].get(answers) == simdjson::SUCCESS) {
      for (const element item : answers) take_answer(item, dns, batch);
    } else if (answer) {
      take_answer(body, dns, batch);
      for (const std::string_view family : {"A", "AAAA"}) {
        if (body["grouped"][family].get(answers) != simdjson::SUCCESS) continue;
        for (const element item : answers) {
          std::string_view text;
          if (item.get(text) == simdjson::SUCCESS) {
            if (const auto ip = IpAddress::parse(text)) dns.addresses.push_back(*ip);
          }
        }
      }
    }
    batch.dns.push_back(std::move(dns));
  }

  static void take_http(const Transaction& common, const element& body, Batch& batch) {
    HttpTransaction http;
    static_cast<Transaction&>(http) = common;
    TextArena& text = batch.text;
    http.method = text.keep(text_at(body, "http_method"));
    http.host = text.keep(text_at(body, "hostname"));
    http.uri = text.keep(text_at(body, "url"));
    http.user_agent = text.keep(text_at(body, "http_user_agent"));
    http.referrer = text.keep(text_at(body, "http_refer"));
    http.status = static_cast<std::uint16_t>(number_at(body, "status"));
    batch.http.push_back(http);
  }

  simdjson::dom::parser parser_;
  std::string padded_;
};

}  // namespace

std::unique_ptr<ObservationReader> make_eve_reader(InputStream& input, std::uint32_t source) {
  return std::make_unique<EveReader>(input, source);
}

}  // namespace tocsin
