// LDAP (RFC 4511): a request and what answers it, told by the number of the message, are a transaction.
#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "protocol/eve_object.h"
#include "protocol/ldap_message.h"
#include "protocol/protocols.h"
#include "protocol/values.h"

namespace tocsin::protocol {
namespace {

using namespace ldap;

enum Field : int {
  kRequestOperation,
  kResponseOperation,
  kResponseCount,
  kRequestName,
  kResponseName,
  kResultCode,
  kMessageText,
  kRequestAttribute,
  kResponseAttribute
};
constexpr std::pair<std::string_view, int> kFields[] = {{"ldap.request.operation", kRequestOperation},
                                                        {"ldap.responses.operation", kResponseOperation},
                                                        {"ldap.responses.count", kResponseCount},
                                                        {"ldap.request.dn", kRequestName},
                                                        {"ldap.responses.dn", kResponseName},
                                                        {"ldap.responses.result_code", kResultCode},
                                                        {"ldap.responses.message", kMessageText},
                                                        {"ldap.request.attribute_type", kRequestAttribute},
                                                        {"ldap.responses.attribute_type", kResponseAttribute}};
constexpr std::size_t kMostTransactions = 1024, kMostResponses = 256;
constexpr std::size_t kLargestMessage = 1 << 20;
constexpr std::string_view kStartTls = "1.3.6.1.4.1.1466.20037";

class LdapTransaction final : public Transaction {
 public:
  Value value(int field, Side, std::size_t index) const override {
    const Value none = is_complete() ? absent_value() : Value{};
    const auto nth = [&](auto&& of) -> Value {  // of: the responses that have it
      for (const Message& one : responses) {
        if (!of(one)) continue;
        if (index-- == 0) return *of(one);
      }
      return none;
    };
    switch (field) {
      case kRequestOperation:
        return request && index == 0 ? whole_number(request->operation) : absent_value();
      case kRequestName:
        return request && index == 0 ? text_value(request->name) : absent_value();
      case kRequestAttribute:
        return request && index < request->attributes.size() ? whole_value(request->attributes[index].type)
                                                             : absent_value();
      case kResponseOperation:
        return nth([](const Message& one) { return std::optional(whole_number(one.operation)); });
      case kResponseCount:
        return index > 0 ? absent_value() : is_complete() ? whole_number(responses.size()) : none;
      case kResponseName:
        return nth(
            [](const Message& one) { return one.name.empty() ? std::nullopt : std::optional(whole_value(one.name)); });
      case kResultCode:
        return nth(
            [](const Message& one) { return one.result ? std::optional(whole_number(*one.result)) : std::nullopt; });
      case kMessageText:
        return nth(
            [](const Message& one) { return one.text.empty() ? std::nullopt : std::optional(whole_value(one.text)); });
      case kResponseAttribute:
        for (const Message& one : responses) {
          if (index < one.attributes.size()) return whole_value(one.attributes[index].type);
          index -= one.attributes.size();
        }
        return none;
      default:
        return absent_value();
    }
  }

  std::string eve() const override {
    EveObject out;
    out.open("ldap");
    if (request) {
      out.open("request");
      write(out, *request);
      out.close();
    }
    if (!responses.empty()) {
      out.open_list("responses");
      for (const Message& one : responses) {
        out.open_item();
        write(out, one);
        out.close();
      }
      out.close_list();
    }
    out.close();
    return out.take();
  }

  void finish() {
    progress[0] = progress[1] = kComplete;
    changed();
  }

  std::optional<Message> request;
  std::vector<Message> responses;
};

class LdapParser final : public Parser {
 public:
  explicit LdapParser(bool is_udp) : is_udp_(is_udp) {}

  bool take(Side side, Bytes bytes, Timestamp time) override {
    if (is_udp_) return message(side, bytes, time);
    std::string& pending = pending_[static_cast<int>(side)];
    pending.append(text_of(bytes));
    std::size_t done = 0;
    while (done < pending.size()) {
      const Bytes rest = bytes_of(std::string_view(pending).substr(done));
      const auto size = ber::size_of(rest);
      if (!size || *size > kLargestMessage || rest[0] != ber::kSequence) {
        tell_last("ldap.invalid_data");
        return false;
      }
      if (*size == 0 || *size > rest.size()) break;
      if (!message(side, rest.first(*size), time)) return false;
      done += *size;
      if (upgrade_to.empty()) continue;
      upgrade_left = pending.size() - done;
      return true;
    }
    pending.erase(0, done);
    return true;
  }
  bool skip(Side, std::uint64_t, Timestamp) override { return false; }
  void end(Side, Timestamp) override {
    for (const auto& one : transactions) {
      if (!one->is_complete()) static_cast<LdapTransaction&>(*one).finish();
    }
  }

 private:
  LdapTransaction& begin(Timestamp time) {
    if (transactions.size() >= kMostTransactions) tell_last("ldap.too_many_transactions");
    keep(std::make_unique<LdapTransaction>(), time, kMostTransactions);
    return static_cast<LdapTransaction&>(*transactions.back());
  }

  bool message(Side side, Bytes bytes, Timestamp time) {
    auto read = read_message(bytes);
    if (!read) {
      tell_last("ldap.invalid_data");
      return false;
    }
    if (is_request(read->operation)) {
      LdapTransaction& made = begin(time);
      const bool has_answer = read->operation != kUnbind && read->operation != kAbandon;
      made.request = std::move(*read);
      has_answer ? made.changed() : made.finish();
      return true;
    }
    LdapTransaction* of = nullptr;
    for (const auto& one : transactions) {
      auto& asked = static_cast<LdapTransaction&>(*one);
      if (asked.request && !asked.is_complete() && asked.request->id == read->id) of = &asked;
    }
    if (of == nullptr) {
      of = &begin(time);
      if (side == Side::kToClient && read->operation != kExtendedResponse) of->event("ldap.request_not_found");
      of->responses.push_back(std::move(*read));
      of->finish();
      return true;
    }
    const bool is_last = is_final(read->operation);
    const bool is_tls = read->operation == kExtendedResponse && of->request->extended == kStartTls && read->result == 0;
    if (of->responses.size() < kMostResponses) of->responses.push_back(std::move(*read));
    is_last ? of->finish() : of->changed();
    if (is_tls) upgrade_to = "tls";
    return true;
  }

  bool is_udp_;
  std::string pending_[2];
};

class Ldap final : public Protocol {
 public:
  std::string_view name() const override { return "ldap"; }
  int field(std::string_view keyword) const override { return number_in(kFields, keyword); }
  std::optional<std::uint64_t> number_of(int field, std::string_view word) const override {
    if (field == kResultCode) return result_of(word);
    return operation_of(word);
  }
  Probe probe(bool, Side, Bytes, std::uint16_t) const override { return Probe::kNo; }
  std::string_view ports(bool) const override { return "389, 3268"; }
  Probe recognise_on_port(const Beginning& beginning) const override {
    const Bytes bytes = beginning.bytes;
    if (bytes.empty()) return Probe::kMore;
    const auto size = ber::size_of(bytes);
    if (bytes[0] != ber::kSequence || !size) return Probe::kNo;
    if (*size == 0) return Probe::kMore;
    // A number, and an operation.
    Reader reader(bytes.subspan(1));
    const std::uint8_t length = reader.u8();
    if (length > 0x80) reader.skip(length & 0x7f);
    const auto id = ber::next(reader, ber::kInteger);
    if (!reader.ok()) return Probe::kMore;
    if (!id) return Probe::kNo;
    const std::uint8_t tag = reader.u8();
    if (!reader.ok()) return Probe::kMore;
    return (tag & 0xc0) == 0x40 && (tag & 0x1f) <= 25 ? Probe::kYes : Probe::kNo;
  }
  std::unique_ptr<Parser> parser(const Options&) const override { return std::make_unique<LdapParser>(false); }
  std::unique_ptr<Parser> parser_over(bool is_udp, const Options&) const override {
    return std::make_unique<LdapParser>(is_udp);
  }
};

}  // namespace

const Protocol& ldap_protocol() {
  static const Ldap protocol;
  return protocol;
}

}  // namespace tocsin::protocol
