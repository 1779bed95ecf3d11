// Suricata's EVE JSON lines. https://docs.suricata.io/en/latest/output/eve/eve-json-format.html
//
// A line is read once, in order, into the fields of any event; when it has ended, its event_type says what to make of
// them. DNS has three forms: version 1 gives a line an answer, version 2 a line with all answers, version 3 puts the
// queries in an array and calls the types request and response. Query and answer are events of their own: they are put
// together.
#include <algorithm>
#include <optional>

#include "base/text.h"
#include "collect/dns_pairs.h"
#include "collect/fields.h"
#include "collect/json_line.h"
#include "collect/readers.h"

namespace tocsin::collect {
namespace {

using simdjson::error_code;
using simdjson::SUCCESS;
using Value = simdjson::ondemand::value;

constexpr std::size_t kMostHost = 253;

struct EveRecord {
  std::string_view event_type, timestamp, source, source_port, destination, destination_port, protocol, icmp_type,
      icmp_code, direction;
  // alert
  std::string_view signature_id, signature, category, severity, cve, malware_family, attack_target;
  // flow and tcp
  std::string_view packets_to_server, packets_to_client, bytes_to_server, bytes_to_client, start, end, flow_state,
      tcp_flags_to_server, tcp_flags_to_client;
  // dns
  std::string_view dns_type, dns_id, name, name_type, response_code, data;
  std::vector<std::string_view> answers;
  // http and tls
  std::string_view method, host, uri, user_agent, referrer, status, server_name, ja3;
};

struct Wanted {
  std::string_view key;
  std::string_view EveRecord::*into;
};

// Takes the text of the field if it is one of those wanted.
template <std::size_t N>
error_code take_wanted(const Wanted (&wanted)[N], std::string_view key, Value value, EveRecord& record) {
  for (const Wanted& want : wanted) {
    if (key == want.key) return text_of(value, record.*want.into);
  }
  return SUCCESS;
}

constexpr Wanted kTop[] = {{"event_type", &EveRecord::event_type}, {"timestamp", &EveRecord::timestamp},
                           {"src_ip", &EveRecord::source},         {"src_port", &EveRecord::source_port},
                           {"dest_ip", &EveRecord::destination},   {"dest_port", &EveRecord::destination_port},
                           {"direction", &EveRecord::direction},   {"proto", &EveRecord::protocol},
                           {"icmp_type", &EveRecord::icmp_type},   {"icmp_code", &EveRecord::icmp_code}};
constexpr Wanted kAlert[] = {{"signature_id", &EveRecord::signature_id},
                             {"signature", &EveRecord::signature},
                             {"category", &EveRecord::category},
                             {"severity", &EveRecord::severity}};
constexpr Wanted kMetadata[] = {{"cve", &EveRecord::cve},
                                {"malware_family", &EveRecord::malware_family},
                                {"attack_target", &EveRecord::attack_target}};
constexpr Wanted kFlow[] = {{"pkts_toserver", &EveRecord::packets_to_server},
                            {"pkts_toclient", &EveRecord::packets_to_client},
                            {"bytes_toserver", &EveRecord::bytes_to_server},
                            {"bytes_toclient", &EveRecord::bytes_to_client},
                            {"start", &EveRecord::start},
                            {"end", &EveRecord::end},
                            {"state", &EveRecord::flow_state}};
constexpr Wanted kTcpFields[] = {{"tcp_flags_ts", &EveRecord::tcp_flags_to_server},
                                 {"tcp_flags_tc", &EveRecord::tcp_flags_to_client}};
constexpr Wanted kDns[] = {{"type", &EveRecord::dns_type},       {"id", &EveRecord::dns_id},
                           {"rrname", &EveRecord::name},         {"rrtype", &EveRecord::name_type},
                           {"rcode", &EveRecord::response_code}, {"rdata", &EveRecord::data}};
constexpr Wanted kQuery[] = {{"rrname", &EveRecord::name}, {"rrtype", &EveRecord::name_type}};
constexpr Wanted kHttp[] = {
    {"http_method", &EveRecord::method},         {"hostname", &EveRecord::host},       {"url", &EveRecord::uri},
    {"http_user_agent", &EveRecord::user_agent}, {"http_refer", &EveRecord::referrer}, {"status", &EveRecord::status}};
constexpr Wanted kTls[] = {{"sni", &EveRecord::server_name}};
constexpr Wanted kJa3[] = {{"hash", &EveRecord::ja3}};

template <std::size_t N>
error_code take_object(const Wanted (&wanted)[N], Value value, EveRecord& record) {
  return each_field(value, [&](std::string_view key, Value field) { return take_wanted(wanted, key, field, record); });
}

// Values of a rule's metadata are arrays of strings: the first one is taken.
error_code take_metadata(Value value, EveRecord& record) {
  return each_field(value, [&](std::string_view key, Value field) -> error_code {
    const auto* const want = std::ranges::find(kMetadata, key, &Wanted::key);
    if (want == std::end(kMetadata)) return SUCCESS;
    return each_element(field, [&](Value element) {
      std::string_view text;
      const auto error = text_of(element, text);
      if (!error && (record.*want->into).empty()) record.*want->into = text;
      return error;
    });
  });
}

error_code take_alert_fields(Value value, EveRecord& record) {
  return each_field(value, [&](std::string_view key, Value field) {
    return key == "metadata" ? take_metadata(field, record) : take_wanted(kAlert, key, field, record);
  });
}

error_code take_dns_answer(Value value, EveRecord& record) {
  return each_field(value, [&](std::string_view key, Value field) -> error_code {
    if (key != "rdata") return SUCCESS;
    std::string_view text;
    const auto error = text_of(field, text);
    if (!error && !text.empty()) record.answers.push_back(text);
    return error;
  });
}

// "grouped" repeats what "answers" has, unless Suricata was told to write only one of them.
error_code take_grouped(Value value, EveRecord& record) {
  return each_field(value, [&](std::string_view key, Value field) -> error_code {
    if (key != "A" && key != "AAAA" && key != "CNAME" && key != "NS" && key != "PTR") return SUCCESS;
    return each_element(field, [&](Value element) {
      std::string_view text;
      const auto error = text_of(element, text);
      // No real answer has so many; looking for each among all of them would take the square of their number.
      if (!error && !text.empty() && record.answers.size() < 256 &&
          std::ranges::find(record.answers, text) == record.answers.end())
        record.answers.push_back(text);
      return error;
    });
  });
}

error_code take_dns_fields(Value value, EveRecord& record) {
  return each_field(value, [&](std::string_view key, Value field) -> error_code {
    if (key == "answers") return each_element(field, [&](Value answer) { return take_dns_answer(answer, record); });
    if (key == "grouped") return take_grouped(field, record);
    if (key == "queries" || key == "query") {
      return each_element(
          field, [&](Value query) { return record.name.empty() ? take_object(kQuery, query, record) : SUCCESS; });
    }
    return take_wanted(kDns, key, field, record);
  });
}

error_code take_tls_fields(Value value, EveRecord& record) {
  return each_field(value, [&](std::string_view key, Value field) {
    return key == "ja3" ? take_object(kJa3, field, record) : take_wanted(kTls, key, field, record);
  });
}

error_code take_field(std::string_view key, Value value, EveRecord& record) {
  if (key == "alert") return take_alert_fields(value, record);
  if (key == "flow") return take_object(kFlow, value, record);
  if (key == "tcp") return take_object(kTcpFields, value, record);
  if (key == "dns") return take_dns_fields(value, record);
  if (key == "http") return take_object(kHttp, value, record);
  if (key == "tls") return take_tls_fields(value, record);
  return take_wanted(kTop, key, value, record);
}

template <typename T>
T number_or(std::string_view text, T otherwise) {
  const auto value = unsigned_of(text);
  return value && *value <= static_cast<std::uint64_t>(std::numeric_limits<T>::max()) ? static_cast<T>(*value)
                                                                                      : otherwise;
}

std::optional<std::uint8_t> flags_of(std::string_view hexadecimal) {
  if (hexadecimal.empty() || hexadecimal.size() > 2) return std::nullopt;
  unsigned value = 0;
  for (const char c : hexadecimal) {
    const bool digit = c >= '0' && c <= '9';
    const bool letter = (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    if (!digit && !letter) return std::nullopt;
    value = value * 16 + static_cast<unsigned>(digit ? c - '0' : (c | 32) - 'a' + 10);
  }
  return static_cast<std::uint8_t>(value & 0x3f);
}

class EveReader : public LineReader {
 public:
  using LineReader::LineReader;

 protected:
  Outcome take(std::string_view line, const Place& place, Batch& batch) override {
    auto answers = std::move(record_.answers);
    answers.clear();
    record_ = EveRecord{};
    record_.answers = std::move(answers);
    simdjson::ondemand::object object;
    if (json_.open(line, object)) return bad("not a JSON object");
    const auto error =
        each_field(object, [this](std::string_view key, Value value) { return take_field(key, value, record_); });
    if (error || !json_.ended()) return bad("malformed JSON");
    return take_event(place, batch);
  }

  bool give_rest(Batch& batch) override { return dns_.give_rest(batch); }

 private:
  Outcome take_event(const Place& place, Batch& batch) {
    const std::string_view type = record_.event_type;
    if (type.empty()) return bad("no event_type");
    if (type != "alert" && type != "flow" && type != "dns" && type != "http" && type != "tls")
      return Outcome::kPassedOver;
    const auto time = time_of(record_.timestamp);
    if (!time) return bad("not a time");
    // Events of packets that could not be decoded, or of link-layer protocols, have no addresses.
    if (record_.source.empty() && record_.destination.empty()) return Outcome::kPassedOver;
    const auto source = IpAddress::parse(record_.source);
    const auto destination = IpAddress::parse(record_.destination);
    if (!source || !destination) return bad("not an IP address");
    Transaction ends;
    ends.client = {*source, number_or<std::uint16_t>(record_.source_port, 0)};
    ends.server = {*destination, number_or<std::uint16_t>(record_.destination_port, 0)};
    ends.time = *time;
    ends.place = place;
    if (type == "alert") return take_alert(ends, batch);
    if (type == "flow") return take_flow(ends, batch);
    if (type == "dns") return take_dns(ends, batch);
    return type == "http" ? take_http(ends, batch) : take_tls(ends, batch);
  }

  Outcome take_alert(const Transaction& ends, Batch& batch) {
    Alert alert;
    static_cast<Transaction&>(alert) = ends;
    alert.protocol = protocol_of(record_.protocol);
    alert.sensor = "suricata";
    alert.signature = batch.text.keep(record_.signature);
    alert.category = batch.text.keep(record_.category);
    alert.signature_id = number_or<std::uint64_t>(record_.signature_id, 0);
    alert.severity = number_or<std::uint8_t>(record_.severity, 0);
    alert.cve = cve_in(record_.cve, true, batch.text);
    if (alert.cve.empty()) alert.cve = cve_in(record_.signature, false, batch.text);
    alert.malware_family = batch.text.keep(record_.malware_family);
    alert.attack_target = batch.text.keep(record_.attack_target);
    alert.host = host_name(record_.host, batch.text);
    if (from_server(ends)) {
      std::swap(alert.client, alert.server);
      alert.client_is_source = false;
    }
    batch.alerts.push_back(alert);
    return Outcome::kTaken;
  }

  // Whether the packet of an alert came from the server. Old versions do not say it: then by the ports of HTTP.
  bool from_server(const Transaction& ends) const {
    if (!record_.direction.empty()) return record_.direction == "to_client";
    return !record_.host.empty() && ends.client.port < 1024 && ends.server.port >= 1024 && ends.client.port != 0;
  }

  // A name without its port; empty if it is an address.
  static std::string_view host_name(std::string_view host, TextArena& text) {
    host = without_final_dot(host.substr(0, std::min(host.find(':'), kMostHost)));
    if (host.starts_with('[') || IpAddress::parse(host)) return {};
    return text.keep(lower(host));
  }

  Outcome take_flow(const Transaction& ends, Batch& batch) {
    Flow flow;
    flow.initiator = ends.client;
    flow.responder = ends.server;
    flow.place = ends.place;
    flow.protocol = protocol_of(record_.protocol);
    if (flow.protocol == 0) return Outcome::kPassedOver;
    if (flow.protocol == kIcmp || flow.protocol == kIcmp6) {
      flow.initiator.port = number_or<std::uint16_t>(record_.icmp_type, 0);
      flow.responder.port = number_or<std::uint16_t>(record_.icmp_code, 0);
    }
    flow.first = time_of(record_.start).value_or(ends.time);
    flow.last = std::max(flow.first, time_of(record_.end).value_or(flow.first));
    flow.initiator_packets = number_or<std::uint64_t>(record_.packets_to_server, 0);
    flow.responder_packets = number_or<std::uint64_t>(record_.packets_to_client, 0);
    flow.initiator_bytes = number_or<std::uint64_t>(record_.bytes_to_server, 0);
    flow.responder_bytes = number_or<std::uint64_t>(record_.bytes_to_client, 0);
    if (flow.protocol == kTcp) {
      set_tcp_state(flow);
    } else {
      flow.state = state_without_flags(flow.protocol, flow.responder_packets);
    }
    batch.flows.push_back(flow);
    return Outcome::kTaken;
  }

  void set_tcp_state(Flow& flow) const {
    const auto to_server = flags_of(record_.tcp_flags_to_server);
    const auto to_client = flags_of(record_.tcp_flags_to_client);
    if (to_server || to_client) {
      flow.flags_known = true;
      flow.initiator_flags = to_server.value_or(0);
      flow.responder_flags = to_client.value_or(0);
      if ((flow.initiator_flags & kSyn) != 0) {
        flow.first_flags = kSyn;
      } else if (flow.initiator_packets == 1) {
        flow.first_flags = flow.initiator_flags;
      }
      flow.state = state_from_flags(flow.initiator_flags, flow.responder_flags);
    } else if (record_.flow_state == "established") {
      flow.state = ConnState::kS1;
    } else if (record_.flow_state == "closed") {
      flow.state = ConnState::kSF;
    } else if (record_.flow_state == "new") {
      flow.state = flow.responder_packets == 0 ? ConnState::kS0 : ConnState::kOTH;
    }
  }

  Outcome take_dns(const Transaction& ends, Batch& batch) {
    DnsMessage message;
    message.ends = ends;
    message.protocol = protocol_of(record_.protocol);
    if (const auto id = unsigned_of(record_.dns_id); id && *id <= 0xffff) message.id = static_cast<std::uint16_t>(*id);
    message.answer = record_.dns_type == "answer" || record_.dns_type == "response";
    // Old versions give an answer the direction of its packet.
    if (message.answer && ends.client.port == 53 && ends.server.port != 53)
      std::swap(message.ends.client, message.ends.server);
    message.name = without_final_dot(record_.name);
    message.type = dns_type_of(record_.name_type);
    if (message.answer) {
      message.response_code = record_.response_code.empty() ? std::int16_t{0} : dns_rcode_of(record_.response_code);
      message.part = !record_.data.empty();
      if (message.part) record_.answers.push_back(record_.data);
      message.records = record_.answers;
    }
    dns_.take(message, batch);
    return Outcome::kTaken;
  }

  Outcome take_http(const Transaction& ends, Batch& batch) {
    HttpTransaction http;
    static_cast<Transaction&>(http) = ends;
    http.method = batch.text.keep(record_.method);
    http.host = batch.text.keep(record_.host);
    http.uri = batch.text.keep(record_.uri);
    http.user_agent = batch.text.keep(record_.user_agent);
    http.referrer = batch.text.keep(record_.referrer);
    http.status = number_or<std::uint16_t>(record_.status, 0);
    batch.http.push_back(http);
    return Outcome::kTaken;
  }

  Outcome take_tls(const Transaction& ends, Batch& batch) {
    TlsHandshake tls;
    static_cast<Transaction&>(tls) = ends;
    tls.server_name = batch.text.keep(without_final_dot(record_.server_name));
    tls.ja3 = batch.text.keep(record_.ja3);
    batch.tls.push_back(tls);
    return Outcome::kTaken;
  }

  JsonLine json_;
  EveRecord record_;
  DnsPairs dns_;
};

}  // namespace

std::unique_ptr<ObservationReader> make_eve_reader(InputStream& input, std::uint32_t source) {
  return std::make_unique<EveReader>(input, source);
}

}  // namespace tocsin::collect
