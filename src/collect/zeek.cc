#include "collect/zeek.h"

#include <limits>

#include "collect/fields.h"

namespace tocsin::collect {
namespace {

using enum ZeekField;

constexpr std::array<std::string_view, kZeekFields> kFieldNames{"_path",
                                                                "answers",
                                                                "call_id",
                                                                "conn_state",
                                                                "dst",
                                                                "duration",
                                                                "established",
                                                                "history",
                                                                "host",
                                                                "id.orig_h",
                                                                "id.orig_p",
                                                                "id.resp_h",
                                                                "id.resp_p",
                                                                "ja3",
                                                                "method",
                                                                "missed_bytes",
                                                                "msg",
                                                                "note",
                                                                "orig_bytes",
                                                                "orig_ip_bytes",
                                                                "orig_pkts",
                                                                "p",
                                                                "proto",
                                                                "qtype",
                                                                "query",
                                                                "rcode",
                                                                "referrer",
                                                                "rejected",
                                                                "request_body_len",
                                                                "resp_bytes",
                                                                "resp_ip_bytes",
                                                                "resp_pkts",
                                                                "server_name",
                                                                "src",
                                                                "status_code",
                                                                "sub",
                                                                "ts",
                                                                "uri",
                                                                "user_agent"};
static_assert(kZeekFields <= 64);

// A JSON log names every field in every line: names are looked up by size and three letters, in a table for which the
// compiler has found a factor without collisions.
constexpr std::size_t kSlotCount = 512;
constexpr std::uint8_t kNoField = 0xff;

constexpr std::size_t slot_of(std::string_view name, std::uint32_t factor) {
  const auto letter = [name](std::size_t at) {
    return static_cast<std::uint32_t>(static_cast<unsigned char>(name[at]));
  };
  const std::uint32_t key = static_cast<std::uint32_t>(name.size()) << 24 | letter(0) << 16 |
                            letter(name.size() / 2) << 8 | letter(name.size() - 1);
  return (key * factor) >> 23;
}

constexpr std::optional<std::array<std::uint8_t, kSlotCount>> slots_with(std::uint32_t factor) {
  std::array<std::uint8_t, kSlotCount> slots{};
  slots.fill(kNoField);
  for (std::size_t i = 0; i < kZeekFields; ++i) {
    std::uint8_t& slot = slots[slot_of(kFieldNames[i], factor)];
    if (slot != kNoField) return std::nullopt;
    slot = static_cast<std::uint8_t>(i);
  }
  return slots;
}

constexpr std::uint32_t find_factor() {
  std::uint32_t factor = 0x9e3779b1;
  while (!slots_with(factor)) factor = factor * 1664525 + 1013904223;
  return factor;
}
constexpr std::uint32_t kFactor = find_factor();
constexpr auto kSlots = *slots_with(kFactor);

constexpr std::string_view kBadNumber = "not a number", kBadAddress = "not an IP address", kBadTime = "not a time";

// Zeek's history: a letter an event, upper case from the originator. '^' says that Zeek turned the direction.
void take_history(std::string_view history, Flow& flow) {
  bool first = true;
  for (const char letter : history) {
    const bool from_initiator = letter >= 'A' && letter <= 'Z';
    std::uint8_t flags = 0;
    switch (from_initiator ? static_cast<char>(letter + 32) : letter) {
      case 's':
        flags = kSyn;
        break;
      case 'h':
        flags = kSyn | kAck;
        break;
      case 'a':
      case 'd':
        flags = kAck;
        break;
      case 'f':
        flags = kFin;
        break;
      case 'r':
        flags = kRst;
        break;
      case 'q':
        flags = kSyn | kFin;
        break;
      default:
        continue;
    }
    (from_initiator ? flow.initiator_flags : flow.responder_flags) |= flags;
    if (first) flow.first_flags = flags;
    first = false;
  }
  flow.flags_known = !first;
}

// Absent is 0; false if there is a text that is no number.
template <typename T>
bool number(std::string_view text, T& into) {
  if (text.empty()) return true;
  const auto value = unsigned_of(text);
  if (!value || *value > std::numeric_limits<T>::max()) return false;
  into = static_cast<T>(*value);
  return true;
}

std::string_view take_ends(const ZeekRecord& record, Endpoint& from, Endpoint& to, Timestamp& time) {
  const auto first = time_of(record[kTs]);
  if (!first) return kBadTime;
  const auto source = IpAddress::parse(record[kOrigH]);
  const auto destination = IpAddress::parse(record[kRespH]);
  if (!source || !destination) return kBadAddress;
  from.ip = *source;
  to.ip = *destination;
  time = *first;
  return number(record[kOrigP], from.port) && number(record[kRespP], to.port) ? std::string_view() : "not a port";
}

std::string_view take_conn(const ZeekRecord& record, const Place& place, Batch& batch, bool& passed_over) {
  Flow flow;
  flow.place = place;
  if (const auto wrong = take_ends(record, flow.initiator, flow.responder, flow.first); !wrong.empty()) return wrong;
  flow.protocol = protocol_of(record[kProto]);
  if (flow.protocol == 0) {
    passed_over = true;
    return {};
  }
  flow.last = flow.first + duration_of(record[kDuration]).value_or(0);
  if (!number(record[kOrigPkts], flow.initiator_packets) || !number(record[kRespPkts], flow.responder_packets))
    return kBadNumber;
  // The bytes of IP packets where they are told, else those of the payload.
  if (!number(record[record.has(kOrigIpBytes) ? kOrigIpBytes : kOrigBytes], flow.initiator_bytes) ||
      !number(record[record.has(kRespIpBytes) ? kRespIpBytes : kRespBytes], flow.responder_bytes))
    return kBadNumber;
  flow.state = conn_state_of(record[kConnState]);
  if (flow.protocol == kTcp) take_history(record[kHistory], flow);
  batch.flows.push_back(flow);
  return {};
}

std::string_view take_dns(const ZeekRecord& record, const Place& place, Batch& batch) {
  DnsTransaction dns;
  dns.place = place;
  if (const auto wrong = take_ends(record, dns.client, dns.server, dns.time); !wrong.empty()) return wrong;
  std::uint16_t code = 0;
  if (!number(record[kQtype], dns.query_type) || !number(record[kRcode], code)) return kBadNumber;
  if (!record[kRcode].empty() && code < 4096) dns.response_code = static_cast<std::int16_t>(code);
  dns.query = batch.text.keep(without_final_dot(record[kQuery]));
  for (const std::string_view answer : record.answers) {
    if (const auto address = IpAddress::parse(answer)) {
      dns.addresses.push_back(*address);
    } else if (!answer.empty() && !answer.starts_with("TXT ")) {
      dns.names.push_back(batch.text.keep(without_final_dot(answer)));
    }
  }
  batch.dns.push_back(std::move(dns));
  return {};
}

std::string_view take_http(const ZeekRecord& record, const Place& place, Batch& batch) {
  HttpTransaction http;
  http.place = place;
  if (const auto wrong = take_ends(record, http.client, http.server, http.time); !wrong.empty()) return wrong;
  if (!number(record[kStatusCode], http.status)) return kBadNumber;
  http.method = batch.text.keep(record[kMethod]);
  http.host = batch.text.keep(record[kHost]);
  http.uri = batch.text.keep(record[kUri]);
  http.user_agent = batch.text.keep(record[kUserAgent]);
  http.referrer = batch.text.keep(record[kReferrer]);
  batch.http.push_back(http);
  return {};
}

std::string_view take_ssl(const ZeekRecord& record, const Place& place, Batch& batch) {
  TlsHandshake tls;
  tls.place = place;
  if (const auto wrong = take_ends(record, tls.client, tls.server, tls.time); !wrong.empty()) return wrong;
  tls.server_name = batch.text.keep(without_final_dot(record[kServerName]));
  tls.ja3 = batch.text.keep(record[kJa3]);
  batch.tls.push_back(tls);
  return {};
}

// A notice may be about a connection, a host, or nothing with an address (a sensor's own health): that one is passed
// over.
std::string_view take_notice(const ZeekRecord& record, const Place& place, Batch& batch, bool& passed_over) {
  Alert alert;
  alert.place = place;
  const auto time = time_of(record[kTs]);
  if (!time) return kBadTime;
  alert.time = *time;
  const bool by_host = !record[kSrc].empty();
  const std::string_view source = by_host ? record[kSrc] : record[kOrigH];
  const std::string_view destination = by_host && !record[kDst].empty() ? record[kDst] : record[kRespH];
  if (source.empty() && destination.empty()) {
    passed_over = true;
    return {};
  }
  const auto from = IpAddress::parse(source);
  const auto to = IpAddress::parse(destination);
  if ((!from && !source.empty()) || (!to && !destination.empty())) return kBadAddress;
  alert.client.ip = from.value_or(IpAddress());
  alert.server.ip = to.value_or(IpAddress());
  if (!number(record[kOrigP], alert.client.port) || !number(record[kRespP], alert.server.port)) return "not a port";
  if (alert.server.port == 0 && !number(record[kP], alert.server.port)) return "not a port";
  alert.protocol = protocol_of(record[kProto]);
  alert.sensor = "zeek";
  alert.signature = batch.text.keep(record[kNote]);
  alert.message = batch.text.keep(record[kMsg]);
  for (const ZeekField field : {kNote, kMsg, kSub}) {
    if (alert.cve.empty()) alert.cve = cve_in(record[field], false, batch.text);
  }
  batch.alerts.push_back(alert);
  return {};
}

}  // namespace

void ZeekRecord::clear() {
  values.fill({});
  answers.clear();
  present = 0;
}

ZeekLog zeek_log_of(std::string_view path) {
  if (path == "conn") return ZeekLog::kConn;
  if (path == "dns") return ZeekLog::kDns;
  if (path == "http") return ZeekLog::kHttp;
  if (path == "ssl") return ZeekLog::kSsl;
  return path == "notice" ? ZeekLog::kNotice : ZeekLog::kOther;
}

ZeekLog zeek_log_of(const ZeekRecord& record) {
  if (!record[kPath].empty()) return zeek_log_of(record[kPath]);
  if (record.has(kNote) && record.has(kMsg)) return ZeekLog::kNotice;
  if (!record.has(kOrigH)) return ZeekLog::kOther;
  if (record.has(kConnState) || record.has(kMissedBytes)) return ZeekLog::kConn;
  // Every DNS record says whether it was rejected; SIP is told from HTTP by its call.
  if (record.has(kRejected) || (record.has(kQuery) && record.has(kProto))) return ZeekLog::kDns;
  if (record.has(kRequestBodyLen) && !record.has(kCallId)) return ZeekLog::kHttp;
  return record.has(kEstablished) ? ZeekLog::kSsl : ZeekLog::kOther;
}

std::optional<ZeekField> zeek_field_of(std::string_view name) {
  if (name.empty()) return std::nullopt;
  const std::uint8_t index = kSlots[slot_of(name, kFactor)];
  if (index == kNoField || kFieldNames[index] != name) return std::nullopt;
  return static_cast<ZeekField>(index);
}

std::string_view take_zeek(ZeekLog log, const ZeekRecord& record, const Place& place, Batch& batch, bool& passed_over) {
  passed_over = false;
  switch (log) {
    case ZeekLog::kConn:
      return take_conn(record, place, batch, passed_over);
    case ZeekLog::kDns:
      return take_dns(record, place, batch);
    case ZeekLog::kHttp:
      return take_http(record, place, batch);
    case ZeekLog::kSsl:
      return take_ssl(record, place, batch);
    case ZeekLog::kNotice:
      return take_notice(record, place, batch, passed_over);
    case ZeekLog::kOther:
      break;
  }
  passed_over = true;
  return {};
}

}  // namespace tocsin::collect
