// DNS over UDP and TCP (RFC 1035, RFC 7766). Every message is a transaction of its own, of the side that sent it: the
// id of a query says nothing certain of which answer is its own.
#include <array>
#include <utility>

#include "protocol/dns_eve.h"
#include "protocol/dns_message.h"
#include "protocol/protocols.h"
#include "protocol/values.h"

namespace tocsin::protocol {
namespace {

enum Field : int { kQueryName, kAnswerName, kAuthorityName, kAdditionalName, kResponseName, kOpcode, kRcode, kRrtype };
constexpr std::array<std::pair<std::string_view, int>, 11> kFields = {{{"dns.query", kQueryName},
                                                                       {"dns.query.name", kQueryName},
                                                                       {"dns.queries.rrname", kQueryName},
                                                                       {"dns.answer.name", kAnswerName},
                                                                       {"dns.answers.rrname", kAnswerName},
                                                                       {"dns.authorities.rrname", kAuthorityName},
                                                                       {"dns.additionals.rrname", kAdditionalName},
                                                                       {"dns.response.rrname", kResponseName},
                                                                       {"dns.opcode", kOpcode},
                                                                       {"dns.rcode", kRcode},
                                                                       {"dns.rrtype", kRrtype}}};

constexpr std::size_t kMostTransactions = 10'000;  // that wait to be looked at

Value name_value(const dns::Name& name) { return text_value(name.text); }

int log_version(const Options& options) { return options.text("outputs.eve-log.types.dns.version") == "2" ? 2 : 3; }

class DnsTransaction final : public Transaction {
 public:
  DnsTransaction(dns::Message message, Side side, int log_version)
      : message_(std::move(message)), side_(side), log_version_(log_version) {
    progress[0] = progress[1] = kComplete;
    is_skipped[static_cast<int>(other(side))] = true;
    if (message_.has_invalid_additionals) events.emplace_back("dns.invalid_additionals");
    if (message_.has_invalid_authorities) events.emplace_back("dns.invalid_authorities");
    if (side == Side::kToClient && !message_.is_response()) events.emplace_back("dns.not_response");
    if ((message_.flags & 0x0040) != 0) events.emplace_back("dns.z_flag_set");
    if (message_.opcode() >= 7) events.emplace_back("dns.invalid_opcode");
    if (message_.has_long_name) events.emplace_back("dns.name_too_long");
    if (message_.has_loop) events.emplace_back("dns.infinite_loop");
    if (message_.has_too_many_labels) events.emplace_back("dns.too_many_labels");
    if (side == Side::kToClient) list_names();
  }

  Value value(int field, Side side, std::size_t index) const override {
    if (side != side_) return absent_value();
    switch (field) {
      case kQueryName:
        return index < message_.questions.size() ? name_value(message_.questions[index].name) : absent_value();
      case kAnswerName:
        return name_of(message_.answers, index);
      case kAuthorityName:
        return side == Side::kToClient ? name_of(message_.authorities, index) : absent_value();
      case kAdditionalName:
        return side == Side::kToClient ? name_of(message_.additionals, index) : absent_value();
      case kResponseName:
        return index < names_.size() ? name_value(*names_[index]) : absent_value();
      case kOpcode:
        return index == 0 ? whole_number(message_.opcode()) : absent_value();
      case kRcode:
        return index == 0 ? whole_number(message_.rcode()) : absent_value();
      case kRrtype:
        if (side == Side::kToServer) {
          return index < message_.questions.size() ? whole_number(message_.questions[index].type) : absent_value();
        }
        return index < message_.answers.size() ? whole_number(message_.answers[index].type) : absent_value();
      default:
        return absent_value();
    }
  }

  std::string eve() const override { return dns::eve(message_, side_ == Side::kToServer, id, log_version_); }

 private:
  static Value name_of(const std::vector<dns::Record>& records, std::size_t index) {
    return index < records.size() ? name_value(records[index].name) : absent_value();
  }

  void list_names() {
    for (const dns::Question& question : message_.questions) {
      if (!question.name.text.empty()) names_.push_back(&question.name);
    }
    for (const auto* records : {&message_.answers, &message_.authorities, &message_.additionals}) {
      for (const dns::Record& record : *records) {
        if (!record.name.text.empty()) names_.push_back(&record.name);
        const dns::Name* target = record.name_in_data();
        if (target && !target->text.empty()) names_.push_back(target);
      }
    }
  }

  dns::Message message_;
  std::vector<const dns::Name*> names_;  // all of a response
  Side side_;
  int log_version_;
};

class DnsParser final : public Parser {
 public:
  DnsParser(bool is_udp, const Options& options) : is_stream_(!is_udp), log_version_(log_version(options)) {}

  bool take(Side side, Bytes bytes, Timestamp time) override {
    if (is_stream_) return take_stream(side, bytes, time);
    message(side, bytes, time);
    return true;
  }

  bool skip(Side side, std::uint64_t bytes, Timestamp) override {
    (void)bytes;
    pending_[static_cast<int>(side)].clear();
    has_gap_ = true;
    return true;
  }

  void end(Side, Timestamp) override {}

 private:
  // Messages with their length before them.
  bool take_stream(Side side, Bytes bytes, Timestamp time) {
    std::vector<std::uint8_t>& pending = pending_[static_cast<int>(side)];
    if (has_gap_) {
      if (bytes.size() > 14 && !dns::has_plausible_header(bytes.subspan(2))) return true;
      has_gap_ = false;
    }
    if (!pending.empty()) {
      pending.insert(pending.end(), bytes.begin(), bytes.end());
      bytes = pending;
    }
    while (bytes.size() >= 2) {
      const std::size_t length = std::size_t{bytes[0]} << 8 | bytes[1];
      if (length + 2 > bytes.size()) break;
      if (length > 0 && !message(side, bytes.subspan(2, length), time)) return false;
      bytes = bytes.subspan(length + 2);
    }
    std::vector<std::uint8_t> rest(bytes.begin(), bytes.end());
    pending = std::move(rest);
    return true;
  }

  bool message(Side side, Bytes bytes, Timestamp time) {
    if (!dns::has_plausible_header(bytes)) return !is_stream_;
    auto read = dns::parse_message(bytes);
    if (!read) return note("dns.malformed_data");
    if (side == Side::kToServer && read->is_response()) return note("dns.not_request");
    keep(std::make_unique<DnsTransaction>(std::move(*read), side, log_version_), time, kMostTransactions);
    return true;
  }

  bool note(std::string_view event) {
    tell_last(event);
    return false;
  }

  bool is_stream_;
  int log_version_;
  std::vector<std::uint8_t> pending_[2];  // of streams, a message cut short
  bool has_gap_ = false;
};

class Dns final : public Protocol {
 public:
  std::string_view name() const override { return "dns"; }

  int field(std::string_view keyword) const override { return number_in(kFields, keyword); }

  std::optional<std::uint64_t> number_of(int field, std::string_view word) const override {
    if (field == kRrtype) return dns::type_number(word);
    if (field == kRcode) return dns::rcode_number(word);
    return std::nullopt;
  }

  Probe probe(bool, Side, Bytes, std::uint16_t) const override { return Probe::kNo; }
  std::string_view ports(bool) const override { return "53"; }
  bool tells_sides() const override { return true; }

  Probe recognise_on_port(const Beginning& beginning) const override {
    Bytes bytes = beginning.bytes;
    bool is_cut = false;
    if (!beginning.is_udp) {
      if (bytes.size() < 14) return Probe::kMore;
      const std::size_t length = std::size_t{bytes[0]} << 8 | bytes[1];
      bytes = bytes.subspan(2);
      is_cut = bytes.size() < length;
      if (!is_cut) bytes = bytes.first(length);
      if (length < 12) return Probe::kNo;
    }
    if (!is_cut && !dns::has_plausible_header(bytes)) return Probe::kNo;
    if (!is_cut && !dns::parse_message(bytes)) return Probe::kNo;
    if (beginning.is_udp) {
      // Who asks is the client.
      const bool asks = (bytes[2] & 0x80) == 0;
      if (beginning.other == nullptr && asks != (beginning.side == Side::kToServer)) return Probe::kNo;
    }
    return Probe::kYes;
  }

  std::unique_ptr<Parser> parser(const Options& options) const override { return parser_over(true, options); }
  std::unique_ptr<Parser> parser_over(bool is_udp, const Options& options) const override {
    return std::make_unique<DnsParser>(is_udp, options);
  }
};

}  // namespace

std::unique_ptr<Transaction> dns::transaction_of(Bytes message, Side side) {
  if (!has_plausible_header(message)) return nullptr;
  auto read = parse_message(message);
  if (!read || read->is_response() != (side == Side::kToClient)) return nullptr;
  return std::make_unique<DnsTransaction>(std::move(*read), side, 3);
}

const Protocol& dns_protocol() {
  static const Dns protocol;
  return protocol;
}

}  // namespace tocsin::protocol
