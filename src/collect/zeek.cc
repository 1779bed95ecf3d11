// Zeek's logs, as tab-separated values with #-headers or as JSON: conn, dns, http, ssl and notice. Logs of other kinds
// are passed over. A JSON log says by its fields what it is. Labels are not read.

#include <simdjson.h>

#include <array>

#include "collect/readers.h"

namespace tocsin {
namespace {

enum class Log { kUnknown, kConn, kDns, kHttp, kSsl, kNotice };

enum Column {
  kTs, kOrigHost, kOrigPort, kRespHost, kRespPort, kProto, kDuration, kConnState, kHistory, kOrigPackets, kRespPackets,
  kOrigIpBytes, kRespIpBytes, kOrigBytes, kRespBytes, kQuery, kQtype, kRcode, kAnswers, kMethod, kHost, kUri, kUserAgent,
  kReferrer, kStatus, kServerName, kJa3, kNote, kMsg, kSub, kSrc, kDst, kPort, kColumns
};
constexpr std::array<std::string_view, kColumns> kNames{
    "ts", "id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p", "proto", "duration", "conn_state", "history", "orig_pkts",
    "resp_pkts", "orig_ip_bytes", "resp_ip_bytes", "orig_bytes", "resp_bytes", "query", "qtype", "rcode", "answers",
    "method", "host", "uri", "user_agent", "referrer", "status_code", "server_name", "ja3", "note", "msg", "sub", "src",
    "dst", "p"};

// The values of one record by column; empty: not set.
using Record = std::array<std::string_view, kColumns>;

void take_history(std::string_view history, Flow& flow) {
  // Capital letters are the originator's. Letters of docs.zeek.org, base/protocols/conn: s SYN, h SYN-ACK, a ACK,
  // d data, f FIN, r RST, and an inverted pair "^" for a flow that was turned round.
  if (flow.protocol != kTcp || history.empty()) return;
  flow.flags_known = true;
  bool first = true;
  for (const char letter : history) {
    std::uint8_t flags = 0;
    switch (letter | 0x20) {
      case 's': flags = kSyn; break;
      case 'h': flags = kSyn | kAck; break;
      case 'a': flags = kAck; break;
      case 'd': flags = kPsh | kAck; break;
      case 'f': flags = kFin; break;
      case 'r': flags = kRst; break;
      default: continue;
    }
    const bool from_originator = letter < 'a';
    (from_originator ? flow.initiator_flags : flow.responder_flags) |= flags;
    if (first && from_originator) flow.first_flags = flags;
    first = false;
  }
}

class ZeekReader : public LineReader {
 public:
  ZeekReader(InputStream& input, std::uint32_t source, bool json) : LineReader(input, source), json_(json) { columns_.fill(-1); }

 private:
  std::optional<std::string_view> take(std::string_view line, Batch& batch) override {
    record_.fill({});
    answers_.clear();
    if (json_) {
      if (const auto wrong = take_json(line)) return wrong;
    } else if (line.starts_with('#')) {
      take_header(line);
      --records_;
      return std::nullopt;
    } else {
      if (!has_fields_) return "line before #fields";
      take_fields(line);
    }
    return take_record(batch);
  }

  void take_header(std::string_view line) {
    if (line.starts_with("#separator ")) {
      const std::string_view value = line.substr(11);
      if (value.starts_with("\\x") && value.size() >= 4) {
        const auto code = number_or_hex_of("0x" + std::string(value.substr(2, 2)));
        if (code) separator_ = static_cast<char>(*code);
      } else if (!value.empty()) {
        separator_ = value[0];
      }
      return;
    }
    const auto value_after = [&](std::string_view name) -> std::optional<std::string_view> {
      if (!line.starts_with(name) || line.size() <= name.size() || line[name.size()] != separator_) return std::nullopt;
      return line.substr(name.size() + 1);
    };
    if (const auto value = value_after("#set_separator")) set_separator_ = value->empty() ? ',' : (*value)[0];
    if (const auto value = value_after("#empty_field")) empty_ = *value;
    if (const auto value = value_after("#unset_field")) unset_ = *value;
    if (const auto value = value_after("#path")) path_ = *value;
    if (const auto value = value_after("#fields")) {
      columns_.fill(-1);
      std::size_t at = 0;
      int column = 0;
      while (at <= value->size()) {
        const std::size_t end = std::min(value->find(separator_, at), value->size());
        const auto found = std::ranges::find(kNames, value->substr(at, end - at));
        if (found != kNames.end()) columns_[static_cast<std::size_t>(found - kNames.begin())] = column;
        ++column;
        at = end + 1;
      }
      has_fields_ = true;
    }
  }

  void take_fields(std::string_view line) {
    fields_.clear();
    for (std::size_t at = 0; at <= line.size() && fields_.size() < 1024;) {
      const std::size_t end = std::min(line.find(separator_, at), line.size());
      fields_.push_back(line.substr(at, end - at));
      at = end + 1;
    }
    for (std::size_t i = 0; i < kColumns; ++i) {
      const int column = columns_[i];
      if (column < 0 || static_cast<std::size_t>(column) >= fields_.size()) continue;
      const std::string_view value = fields_[static_cast<std::size_t>(column)];
      if (value != unset_ && value != empty_) record_[i] = value;
    }
    const std::string_view answers = record_[kAnswers];
    for (std::size_t at = 0; !answers.empty() && at <= answers.size();) {
      const std::size_t end = std::min(answers.find(set_separator_, at), answers.size());
      answers_.push_back(answers.substr(at, end - at));
      at = end + 1;
    }
    log_ = path_ == "conn" ? Log::kConn : path_ == "dns" ? Log::kDns : path_ == "http" ? Log::kHttp
           : path_ == "ssl" ? Log::kSsl : path_ == "notice" ? Log::kNotice : path_.empty() ? log_by_fields() : Log::kUnknown;
  }

  std::optional<std::string_view> take_json(std::string_view line) {
    padded_.assign(line);
    padded_.resize(line.size() + simdjson::SIMDJSON_PADDING);
    simdjson::dom::element root;
    if (parser_.parse(padded_.data(), line.size(), false).get(root) != simdjson::SUCCESS) return "no JSON";
    simdjson::dom::object object;
    if (root.get(object) != simdjson::SUCCESS) return "no JSON object";
    numbers_.clear();
    numbers_.reserve(kColumns);
    bool certificate_log = false;
    for (const auto& [key, value] : object) {
      certificate_log = certificate_log || key == "certificate.version";
      const auto found = std::ranges::find(kNames, std::string_view(key));
      if (found == kNames.end()) continue;
      const auto column = static_cast<std::size_t>(found - kNames.begin());
      if (value.is_string()) {
        record_[column] = value.get_string().value_unsafe();
      } else if (value.is_array() && column == kAnswers) {
        const simdjson::dom::array items = value.get_array().value_unsafe();
        for (const auto item : items) {
          if (item.is_string()) answers_.push_back(item.get_string().value_unsafe());
        }
        record_[column] = "x";
      } else if (value.is_double() || value.is_int64() || value.is_uint64()) {
        // As text, like the other form of the log; times to the microsecond.
        const bool real = value.is_double();
        numbers_.push_back(real ? fmt_number(value.get_double().value_unsafe()) : std::to_string(value.get_int64().value()));
        record_[column] = numbers_.back();
      }
    }
    log_ = certificate_log ? Log::kUnknown : log_by_fields();
    return std::nullopt;
  }

  static std::string fmt_number(double value) {
    if (!(value > -1e15 && value < 1e15)) return "x";
    const auto micros = static_cast<std::int64_t>(value * 1e6 + (value < 0 ? -0.5 : 0.5));
    const std::int64_t positive = micros < 0 ? -micros : micros;
    std::string fraction = std::to_string(1'000'000 + positive % 1'000'000);
    fraction[0] = '.';
    return (micros < 0 ? "-" : "") + std::to_string(positive / 1'000'000) + fraction;
  }

  Log log_by_fields() const {
    const auto has = [this](Column column) { return json_ ? !record_[column].empty() : columns_[column] >= 0; };
    if (has(kNote)) return Log::kNotice;
    if (!has(kOrigHost)) return Log::kUnknown;
    if (has(kConnState)) return Log::kConn;
    if (has(kMethod) || (has(kStatus) && has(kHost))) return Log::kHttp;
    if (has(kRcode) || (has(kQuery) && has(kProto))) return Log::kDns;
    if (path_ == "ssl" || (has(kServerName) && !has(kMethod))) return Log::kSsl;
    return json_ && raw_has("\"cipher\"", "\"established\"") ? Log::kSsl
           : json_ && raw_has("\"trans_id\"", "\"rejected\"") ? Log::kDns
           : json_ && raw_has("\"trans_depth\"", "\"request_body_len\"") ? Log::kHttp
                                                             : Log::kUnknown;
  }

  bool raw_has(std::string_view a, std::string_view b) const {
    return padded_.find(a) != std::string::npos || padded_.find(b) != std::string::npos;
  }

  std::optional<std::string_view> take_record(Batch& batch) {
    if (log_ == Log::kUnknown) {
      ++passed_over_;
      return std::nullopt;
    }
    const auto time = parse_epoch(record_[kTs]);
    if (!time) return "ts is no time";
    if (log_ == Log::kNotice) return take_notice(*time, batch);
    const auto originator = IpAddress::parse(record_[kOrigHost]), responder = IpAddress::parse(record_[kRespHost]);
    if (!originator) return "id.orig_h is no IP address";
    if (!responder) return "id.resp_h is no IP address";
    const auto original_port = number_of(record_[kOrigPort]), response_port = number_of(record_[kRespPort]);
    if (!original_port || *original_port > 65535 || !response_port || *response_port > 65535) return "port is no number";
    const Endpoint client{*originator, static_cast<std::uint16_t>(*original_port)};
    const Endpoint server{*responder, static_cast<std::uint16_t>(*response_port)};
    const auto common = [&](Transaction& transaction) {
      transaction.client = client;
      transaction.server = server;
      transaction.time = *time;
      transaction.place = place();
    };
    TextArena& text = batch.text;
    if (log_ == Log::kConn) return take_conn(*time, client, server, batch);
    if (log_ == Log::kDns) {
      DnsTransaction dns;
      common(dns);
      dns.query = text.keep(record_[kQuery]);
      dns.query_type = static_cast<std::uint16_t>(number_of(record_[kQtype]).value_or(0));
      if (const auto code = number_of(record_[kRcode])) dns.response_code = static_cast<std::int16_t>(*code & 0x7fff);
      for (const std::string_view answer : answers_) {
        if (const auto ip = IpAddress::parse(answer)) {
          dns.addresses.push_back(*ip);
        } else {
          dns.names.push_back(text.keep(answer));
        }
      }
      batch.dns.push_back(std::move(dns));
    } else if (log_ == Log::kHttp) {
      HttpTransaction http;
      common(http);
      http.method = text.keep(record_[kMethod]);
      http.host = text.keep(record_[kHost]);
      http.uri = text.keep(record_[kUri]);
      http.user_agent = text.keep(record_[kUserAgent]);
      http.referrer = text.keep(record_[kReferrer]);
      http.status = static_cast<std::uint16_t>(number_of(record_[kStatus]).value_or(0));
      batch.http.push_back(http);
    } else {
      TlsHandshake tls;
      common(tls);
      tls.server_name = text.keep(record_[kServerName]);
      tls.ja3 = text.keep(record_[kJa3]);
      batch.tls.push_back(tls);
    }
    return std::nullopt;
  }

  std::optional<std::string_view> take_conn(Timestamp time, const Endpoint& client, const Endpoint& server, Batch& batch) {
    const auto protocol = protocol_of(record_[kProto]);
    if (!protocol) return "proto is unknown";
    Flow flow;
    flow.initiator = client;
    flow.responder = server;
    flow.protocol = *protocol == kIcmp && !client.ip.is_v4() ? kIcmp6 : *protocol;
    flow.first = time;
    const auto duration = record_[kDuration].empty() ? Expected<Timestamp>(0) : parse_epoch(record_[kDuration]);
    if (!duration || *duration < 0) return "duration is no number of seconds";
    flow.last = time + *duration;
    flow.state = conn_state_of(record_[kConnState]);
    const auto count = [this](Column column) { return number_of(record_[column]).value_or(0); };
    flow.initiator_packets = count(kOrigPackets);
    flow.responder_packets = count(kRespPackets);
    flow.initiator_bytes = record_[kOrigIpBytes].empty() ? count(kOrigBytes) : count(kOrigIpBytes);
    flow.responder_bytes = record_[kRespIpBytes].empty() ? count(kRespBytes) : count(kRespIpBytes);
    take_history(record_[kHistory], flow);
    flow.place = place();
    batch.flows.push_back(flow);
    return std::nullopt;
  }

  std::optional<std::string_view> take_notice(Timestamp time, Batch& batch) {
    Alert alert;
    alert.time = time;
    alert.place = place();
    alert.sensor = "zeek";
    alert.signature = batch.text.keep(record_[kNote]);
    alert.message = batch.text.keep(record_[kMsg]);
    alert.cve = batch.text.keep(cve_in(record_[kMsg]));
    alert.protocol = protocol_of(record_[kProto]).value_or(0);
    const auto address = [this](Column first, Column second) {
      const auto ip = IpAddress::parse(record_[first].empty() ? record_[second] : record_[first]);
      return ip.value_or(IpAddress());
    };
    alert.client.ip = address(kSrc, kOrigHost);
    alert.server.ip = address(kDst, kRespHost);
    const auto port = number_of(record_[kPort].empty() ? record_[kRespPort] : record_[kPort]);
    alert.server.port = static_cast<std::uint16_t>(port.value_or(0) & 0xffff);
    batch.alerts.push_back(alert);
    return std::nullopt;
  }

  bool json_;
  char separator_ = '\t';
  char set_separator_ = ',';
  std::string empty_ = "(empty)", unset_ = "-", path_;
  bool has_fields_ = false;
  std::array<int, kColumns> columns_{};
  std::vector<std::string_view> fields_, answers_;
  std::vector<std::string> numbers_;
  Record record_{};
  Log log_ = Log::kUnknown;
  simdjson::dom::parser parser_;
  std::string padded_;
};

}  // namespace

std::unique_ptr<ObservationReader> make_zeek_reader(InputStream& input, std::uint32_t source, bool json) {
  return std::make_unique<ZeekReader>(input, source, json);
}

}  // namespace tocsin
