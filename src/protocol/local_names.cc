// Names asked for on the local network: multicast DNS (RFC 6762) and LLMNR (RFC 4795), which have DNS's messages.
#include <fmt/format.h>

#include <algorithm>

#include "protocol/dns_message.h"
#include "protocol/eve_object.h"
#include "protocol/protocols.h"
#include "protocol/values.h"

namespace tocsin::protocol {
namespace {

enum Field : int { kQuery, kAnswer, kAuthority, kAdditional, kResponse };
constexpr std::pair<std::string_view, int> kFields[] = {{"queries.rrname", kQuery},
                                                        {"answers.rrname", kAnswer},
                                                        {"authorities.rrname", kAuthority},
                                                        {"additionals.rrname", kAdditional},
                                                        {"response.rrname", kResponse}};
constexpr std::size_t kMostTransactions = 1000;

class LocalNameTransaction final : public Transaction {
 public:
  LocalNameTransaction(std::string_view protocol, dns::Message message, Side side)
      : protocol_(protocol), message_(std::move(message)), side_(side) {
    progress[0] = progress[1] = kComplete;
    is_skipped[static_cast<int>(other(side))] = true;
    if (!message_.is_response()) return;
    const auto add = [this](const dns::Name* name) {
      if (name != nullptr && !name->text.empty()) names_.push_back(name);
    };
    for (const dns::Question& question : message_.questions) add(&question.name);
    for (const auto* records : {&message_.answers, &message_.authorities, &message_.additionals}) {
      for (const dns::Record& record : *records) {
        add(&record.name);
        add(record.name_in_data());
      }
    }
  }

  Value value(int field, Side side, std::size_t index) const override {
    if (side != side_) return absent_value();
    const auto of = [&](const std::vector<dns::Record>& records) {
      return index < records.size() ? text_value(records[index].name.text) : absent_value();
    };
    switch (field) {
      case kQuery:
        return index < message_.questions.size() ? text_value(message_.questions[index].name.text) : absent_value();
      case kAnswer:
        return of(message_.answers);
      case kAuthority:
        return of(message_.authorities);
      case kAdditional:
        return of(message_.additionals);
      case kResponse:
        return index < names_.size() ? text_value(names_[index]->text) : absent_value();
      default:
        return absent_value();
    }
  }

  std::string eve() const override {
    EveObject out;
    out.open(protocol_);
    out.text("type", message_.is_response() ? "response" : "request");
    if (protocol_ == "llmnr") out.number("tx_id", id);
    out.number("id", message_.id);
    out.open_list("flags");
    constexpr std::pair<std::uint16_t, std::string_view> kFlags[] = {
        {0x0400, "aa"}, {0x0200, "tc"}, {0x0100, "rd"}, {0x0080, "ra"}, {0x0040, "z"}};
    for (const auto& [bit, name] : kFlags) {
      if ((message_.flags & bit) != 0) out.item(name);
    }
    out.close_list();
    out.number("opcode", message_.opcode());
    if (protocol_ == "mdns" && message_.is_response()) out.text("rcode", dns::rcode_name(message_.rcode()));
    if (!message_.questions.empty()) {
      out.open_list("queries");
      for (const dns::Question& question : message_.questions) {
        out.open_item();
        out.text("rrname", question.name.text);
        out.text("rrtype", dns::type_name(question.type));
        out.close();
      }
      out.close_list();
    }
    records(out, "answers", message_.answers);
    records(out, "authorities", message_.authorities);
    records(out, "additionals", message_.additionals);
    out.close();
    return out.take();
  }

 private:
  static void records(EveObject& out, const char* name, const std::vector<dns::Record>& all) {
    if (all.empty()) return;
    out.open_list(name);
    for (const dns::Record& record : all) {
      out.open_item();
      out.text("rrname", record.name.text);
      out.text("rrtype", dns::type_name(record.type));
      out.number("ttl", record.ttl);
      if (const dns::Name* target = record.name_in_data()) {
        out.text("rdata", target->text);
      } else if (record.type == dns::kA && record.data.size() == 4) {
        const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(record.data[i]); };
        out.text("rdata", fmt::format("{}.{}.{}.{}", byte(0), byte(1), byte(2), byte(3)));
      } else if (record.type == dns::kAaaa && record.data.size() == 16) {
        std::string text;
        for (std::size_t i = 0; i < 16; i += 2) {
          text += fmt::format("{}{:02x}{:02x}", i ? ":" : "", static_cast<std::uint8_t>(record.data[i]),
                              static_cast<std::uint8_t>(record.data[i + 1]));
        }
        out.text("rdata", text);
      } else if (!record.texts.empty()) {
        out.open_list("txt");
        for (const std::string& text : record.texts) out.item(text);
        out.close_list();
      }
      out.close();
    }
    out.close_list();
  }

  std::string_view protocol_;
  dns::Message message_;
  std::vector<const dns::Name*> names_;  // all of a response
  Side side_;
};

class LocalNameParser final : public Parser {
 public:
  explicit LocalNameParser(std::string_view protocol) : protocol_(protocol) {}
  bool take(Side side, Bytes bytes, Timestamp time) override {
    auto read = dns::parse_message(bytes);
    if (!read) {
      tell_last(protocol_ == "mdns" ? "mdns.malformed_data" : "llmnr.malformed_data");
      return false;
    }
    keep(std::make_unique<LocalNameTransaction>(protocol_, std::move(*read), side), time, kMostTransactions);
    return true;
  }
  bool skip(Side, std::uint64_t, Timestamp) override { return false; }
  void end(Side, Timestamp) override {}

 private:
  std::string_view protocol_;
};

class LocalNames final : public Protocol {
 public:
  constexpr LocalNames(std::string_view name, std::string_view port) : name_(name), port_(port) {}
  std::string_view name() const override { return name_; }
  int field(std::string_view keyword) const override {
    if (!keyword.starts_with(name_) || keyword.size() <= name_.size() || keyword[name_.size()] != '.') return -1;
    return number_in(kFields, keyword.substr(name_.size() + 1));
  }
  Probe probe(bool, Side, Bytes, std::uint16_t) const override { return Probe::kNo; }
  std::string_view ports(bool is_udp) const override { return is_udp ? port_ : std::string_view(); }
  Probe recognise_on_port(const Beginning& beginning) const override {
    const bool is_one = beginning.is_udp && beginning.bytes.size() >= 12 && dns::parse_message(beginning.bytes);
    return is_one ? Probe::kYes : Probe::kNo;
  }
  std::unique_ptr<Parser> parser(const Options&) const override { return std::make_unique<LocalNameParser>(name_); }

 private:
  std::string_view name_, port_;
};

}  // namespace

const Protocol& mdns_protocol() {
  static const LocalNames protocol("mdns", "5353");
  return protocol;
}
const Protocol& llmnr_protocol() {
  static const LocalNames protocol("llmnr", "5355");
  return protocol;
}

}  // namespace tocsin::protocol
