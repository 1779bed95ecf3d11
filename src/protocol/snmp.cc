// SNMP versions 1, 2c and 3 (RFC 1157, RFC 1905, RFC 3412, RFC 3414). Every message is a transaction of its own.
#include <fmt/format.h>

#include <optional>

#include "base/text.h"
#include "protocol/ber.h"
#include "protocol/eve_object.h"
#include "protocol/protocols.h"
#include "protocol/values.h"

namespace tocsin::protocol {
namespace {

enum Field : int { kVersion, kCommunity, kPduType, kUser, kTrapType, kTrapOid, kTrapAddress };
constexpr std::pair<std::string_view, int> kFields[] = {
    {"snmp.version", kVersion},         {"snmp.community", kCommunity},
    {"snmp.pdu_type", kPduType},        {"snmp.usm", kUser},
    {"snmp.trap_type", kTrapType},      {"snmp.trap_oid", kTrapOid},
    {"snmp.trap_address", kTrapAddress}};

constexpr std::string_view kPduTypes[] = {"get_request",      "get_next_request", "response", "set_request", "trap_v1",
                                          "get_bulk_request", "inform_request",   "trap_v2",  "report"};
constexpr std::string_view kTrapTypes[] = {
    "coldstart", "warmstart", "linkdown", "linkup", "authenticationfailure", "egpneighborloss", "enterprisespecific"};
constexpr std::string_view kTrapNames[] = {
    "ColdStart", "WarmStart", "LinkDown", "LinkUp", "AuthenticationFailure", "EgpNeighborLoss", "EnterpriseSpecific"};
constexpr std::string_view kErrors[] = {"NoError",
                                        "TooBig",
                                        "NoSuchName",
                                        "BadValue",
                                        "ReadOnly",
                                        "GenErr",
                                        "NoAccess",
                                        "WrongType",
                                        "WrongLength",
                                        "WrongEncoding",
                                        "WrongValue",
                                        "NoCreation",
                                        "InconsistentValue",
                                        "ResourceUnavailable",
                                        "CommitFailed",
                                        "UndoFailed",
                                        "AuthorizationError",
                                        "NotWritable",
                                        "InconsistentName"};
constexpr std::size_t kMostVariables = 1'024, kMostTransactions = 10'000;
constexpr std::uint8_t kInteger = 0x02, kOctets = 0x04, kOid = 0x06, kSequence = 0x30, kIpAddress = 0x40;

// A tag and what it holds (X.690, definite lengths).
struct Element {
  std::uint8_t tag = 0;  // its first byte
  std::uint32_t number = 0;
  Bytes bytes;
};
bool next(Reader& reader, Element& element) {
  element.tag = reader.u8();
  element.number = element.tag & 0x1f;
  if (element.number == 0x1f) {  // the number stands in the bytes behind it
    element.number = 0;
    for (int i = 0;; ++i) {
      const std::uint8_t byte = reader.u8();
      if (i == 4 || !reader.ok()) return false;
      element.number = element.number << 7 | (byte & 0x7f);
      if ((byte & 0x80) == 0) break;
    }
  }
  return ber::content(reader, element.bytes);
}
std::optional<Bytes> next(Reader& reader, std::uint8_t tag) {
  Element element;
  if (!next(reader, element) || element.tag != tag) return std::nullopt;
  return element.bytes;
}
std::optional<std::uint32_t> next_number(Reader& reader) {
  const auto bytes = next(reader, kInteger);
  if (!bytes || bytes->empty() || bytes->size() > 5) return std::nullopt;
  std::uint64_t value = 0;
  for (const std::uint8_t byte : *bytes) value = value << 8 | byte;
  if (value > UINT32_MAX) return std::nullopt;
  return static_cast<std::uint32_t>(value);
}

std::string oid_text(Bytes bytes) {
  std::string text;
  std::uint64_t number = 0;
  for (const std::uint8_t byte : bytes.first(std::min<std::size_t>(bytes.size(), 128))) {
    number = (number & (UINT64_MAX >> 7)) << 7 | (byte & 0x7f);
    if ((byte & 0x80) != 0) continue;
    if (text.empty()) {
      const std::uint64_t first = std::min<std::uint64_t>(number / 40, 2);
      text = fmt::format("{}.{}", first, number - first * 40);
    } else {
      text += fmt::format(".{}", number);
    }
    number = 0;
  }
  return text;
}

struct Message {
  std::uint32_t version = 0;  // 1, 2, 3
  std::optional<std::string> community, user;
  std::optional<std::uint8_t> pdu_type, trap_type;
  std::string trap_oid, trap_address;
  std::uint32_t error = 0;
  std::vector<std::string> variables;
  bool is_encrypted = false, is_model_unknown = false;
};

bool read_variables(Reader& reader, Message& message) {
  const auto list = next(reader, kSequence);
  if (!list) return false;
  Reader variables(*list);
  while (!variables.empty()) {
    const auto pair = next(variables, kSequence);
    if (!pair) return false;
    Reader one(*pair);
    const auto name = next(one, kOid);
    if (!name) return false;
    if (message.variables.size() < kMostVariables) message.variables.push_back(oid_text(*name));
  }
  return true;
}

bool read_pdu(Reader& reader, Message& message) {
  Element pdu;
  if (!next(reader, pdu) || (pdu.tag & 0xe0) != 0xa0) return false;
  if (pdu.number > UINT8_MAX) return false;
  message.pdu_type = static_cast<std::uint8_t>(pdu.number);
  Reader body(pdu.bytes);
  if (*message.pdu_type != 4) {
    const auto id = next(body, kInteger);
    const auto error = next_number(body);
    const auto index = next(body, kInteger);
    if (!id || !error || !index) return false;
    if (*message.pdu_type != 5) message.error = *error;
    return read_variables(body, message);
  }
  const auto enterprise = next(body, kOid);
  const auto address = next(body, kIpAddress);
  const auto generic = next_number(body);
  const auto specific = next(body, kInteger);
  Element time;
  if (!enterprise || !address || address->size() != 4 || !generic || !specific || !next(body, time)) return false;
  message.trap_oid = oid_text(*enterprise);
  message.trap_address = fmt::format("{}.{}.{}.{}", (*address)[0], (*address)[1], (*address)[2], (*address)[3]);
  message.trap_type = static_cast<std::uint8_t>(*generic);
  return read_variables(body, message);
}

// Of version 3: who, and what if it is not encrypted.
bool read_version_3(Reader& reader, Message& message) {
  const auto header = next(reader, kSequence);
  if (!header) return false;
  Reader parts(*header);
  const auto id = next(parts, kInteger);
  const auto size = next(parts, kInteger);
  const auto flags = next(parts, kOctets);
  const auto model = next_number(parts);
  const auto security = next(reader, kOctets);
  if (!id || !size || !flags || flags->size() != 1 || !model || !security) return false;
  if (*model == 3) {
    Reader outer(*security);
    const auto fields = next(outer, kSequence);
    if (!fields) return false;
    Reader user(*fields);
    const bool is_right = next(user, kOctets) && next(user, kInteger) && next(user, kInteger);
    const auto name = next(user, kOctets);
    if (!is_right || !name) return false;
    message.user = text_of(*name);
  } else {
    message.is_model_unknown = true;
  }
  if (((*flags)[0] & 2) != 0) {
    message.is_encrypted = true;
    return next(reader, kOctets).has_value();
  }
  const auto scoped = next(reader, kSequence);
  if (!scoped) return false;
  Reader inner(*scoped);
  return next(inner, kOctets) && next(inner, kOctets) && read_pdu(inner, message);
}

std::optional<Message> read_message(Bytes bytes) {
  Reader outer(bytes);
  const auto all = next(outer, kSequence);
  if (!all) return std::nullopt;
  Reader reader(*all);
  Message message;
  const auto version = next_number(reader);
  if (!version) return std::nullopt;
  if (*version == 3) {
    message.version = 3;
    return read_version_3(reader, message) ? std::optional(std::move(message)) : std::nullopt;
  }
  if (*version > 1) return std::nullopt;
  message.version = *version + 1;
  const auto community = next(reader, kOctets);
  if (!community) return std::nullopt;
  message.community = text_of(*community);
  return read_pdu(reader, message) ? std::optional(std::move(message)) : std::nullopt;
}

// Whether the envelope is that of a message.
bool is_envelope(Bytes bytes) {
  Reader outer(bytes);
  const auto all = next(outer, kSequence);
  if (!all) return false;
  Reader reader(*all);
  const auto version = next_number(reader);
  if (!version) return false;
  int parts = 1;
  for (Element element; !reader.empty(); ++parts) {
    if (!next(reader, element)) return false;
  }
  return *version == 3 ? parts == 4 : *version <= 1 && parts == 3;
}

class SnmpTransaction final : public Transaction {
 public:
  SnmpTransaction(Message message, std::uint32_t of_flow, Side side)
      : message_(std::move(message)), version_(of_flow), side_(side) {
    progress[0] = progress[1] = kComplete;
    is_skipped[static_cast<int>(other(side))] = true;
    if (message_.version != of_flow) events.emplace_back("snmp.version_mismatch");
    if (message_.is_model_unknown) events.emplace_back("snmp.unknown_security_model");
  }

  Value value(int field, Side side, std::size_t index) const override {
    if (side != side_ || index > 0) return absent_value();
    switch (field) {
      case kVersion:
        return whole_number(version_);
      case kCommunity:
        return message_.community ? whole_value(*message_.community) : absent_value();
      case kPduType:
        return message_.pdu_type ? whole_number(*message_.pdu_type) : absent_value();
      case kUser:
        return message_.user ? whole_value(*message_.user) : absent_value();
      case kTrapType:
        return message_.trap_type ? whole_number(*message_.trap_type) : absent_value();
      case kTrapOid:
        return text_value(message_.trap_oid);
      case kTrapAddress:
        return text_value(message_.trap_address);
      default:
        return absent_value();
    }
  }

  std::string eve() const override {
    EveObject out;
    out.open("snmp");
    out.number("version", version_);
    if (message_.is_encrypted) {
      out.text("pdu_type", "encrypted");
    } else {
      if (message_.pdu_type) {
        const std::uint8_t type = *message_.pdu_type;
        out.text("pdu_type",
                 type < std::size(kPduTypes) ? std::string(kPduTypes[type]) : fmt::format("Unknown(0x{:x})", type));
      }
      if (message_.error != 0) {
        out.text("error", message_.error < std::size(kErrors) ? std::string(kErrors[message_.error])
                                                              : fmt::format("ErrorStatus({})", message_.error));
      }
      if (message_.trap_type) {
        const std::uint8_t type = *message_.trap_type;
        out.text("trap_type",
                 type < std::size(kTrapNames) ? std::string(kTrapNames[type]) : fmt::format("TrapType({})", type));
        out.text("trap_oid", message_.trap_oid);
        out.text("trap_address", message_.trap_address);
      }
      if (!message_.variables.empty()) {
        out.open_list("vars");
        for (const std::string& name : message_.variables) out.item(name);
        out.close_list();
      }
      if (message_.community) out.text("community", *message_.community);
      if (message_.user) out.text("usm", *message_.user);
    }
    out.close();
    return out.take();
  }

 private:
  Message message_;
  std::uint32_t version_;
  Side side_;
};

class SnmpParser final : public Parser {
 public:
  bool take(Side side, Bytes bytes, Timestamp time) override {
    auto message = read_message(bytes);
    if (!message) {
      tell_last("snmp.malformed_data");
      return false;
    }
    if (version_ == 0) version_ = message->version;
    keep(std::make_unique<SnmpTransaction>(std::move(*message), version_, side), time, kMostTransactions);
    return true;
  }
  bool skip(Side, std::uint64_t, Timestamp) override { return false; }
  void end(Side, Timestamp) override {}

 private:
  std::uint32_t version_ = 0;
};

class Snmp final : public Protocol {
 public:
  std::string_view name() const override { return "snmp"; }
  int field(std::string_view keyword) const override { return number_in(kFields, keyword); }
  std::optional<std::uint64_t> number_of(int field, std::string_view word) const override {
    const std::span<const std::string_view> words =
        field == kPduType ? std::span<const std::string_view>(kPduTypes) : kTrapTypes;
    for (std::size_t i = 0; i < words.size(); ++i) {
      if (equals_ignoring_case(words[i], word)) return i;
    }
    return std::nullopt;
  }
  Probe probe(bool, Side, Bytes, std::uint16_t) const override { return Probe::kNo; }
  std::string_view ports(bool is_udp) const override { return is_udp ? "161, 162" : ""; }
  Probe recognise_on_port(const Beginning& beginning) const override {
    if (!beginning.is_udp || beginning.bytes.size() < 4) return Probe::kNo;
    return is_envelope(beginning.bytes) ? Probe::kYes : Probe::kNo;
  }
  std::unique_ptr<Parser> parser(const Options&) const override { return std::make_unique<SnmpParser>(); }
};

}  // namespace

const Protocol& snmp_protocol() {
  static const Snmp protocol;
  return protocol;
}

}  // namespace tocsin::protocol
