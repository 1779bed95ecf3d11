// IKE versions 1 and 2 (RFC 2408, RFC 2409, RFC 7296) over UDP: every message is a transaction. What both sides said of
// keys, and which proposal the responder chose, is remembered for the flow's later messages.
#include <fmt/format.h>

#include <algorithm>

#include "base/hash.h"
#include "base/text.h"
#include "protocol/eve_object.h"
#include "protocol/ike_names.h"
#include "protocol/protocols.h"
#include "protocol/values.h"

namespace tocsin::protocol {
namespace {

using namespace ike;

enum Field : int {
  kInitSpi,
  kRespSpi,
  kExchangeType,
  kVendor,
  kChosenAttribute,
  kKeyExchange,
  kKeyExchangeLength,
  kNonce,
  kNonceLength
};
constexpr std::pair<std::string_view, int> kFields[] = {{"ike.init_spi", kInitSpi},
                                                        {"ike.resp_spi", kRespSpi},
                                                        {"ike.exchtype", kExchangeType},
                                                        {"ike.vendor", kVendor},
                                                        {"ike.chosen_sa_attribute", kChosenAttribute},
                                                        {"ike.key_exchange_payload", kKeyExchange},
                                                        {"ike.key_exchange_payload_length", kKeyExchangeLength},
                                                        {"ike.nonce_payload", kNonce},
                                                        {"ike.nonce_payload_length", kNonceLength}};

constexpr std::size_t kHeader = 28, kMostTransactions = 1000, kMostPayloads = 64, kMostAttributes = 64,
                      kMostVendors = 32, kMostProposals = 16;

// What a side said once.
struct Half {
  std::string key_exchange, nonce;  // in hexadecimal
  std::vector<std::vector<Attribute>> proposals;
};
struct Known {
  Half sides[2];
  std::vector<std::string> vendors;
  std::optional<std::uint32_t> domain;
};

std::string hex_of(Bytes bytes) {
  std::string text;
  for (const std::uint8_t byte : bytes) text += fmt::format("{:02x}", byte);
  return text;
}

struct Message {
  std::string init_spi, resp_spi;
  std::uint8_t version = 0, exchange = 0, flags = 0;
  std::uint32_t id = 0;
  bool is_encrypted = false;
  std::vector<std::uint8_t> payloads;
  std::vector<std::string> vendors;
  std::vector<std::uint16_t> notices;
  std::string key_exchange, nonce;
  std::vector<std::vector<Attribute>> proposals;
  std::vector<std::string_view> events;
  std::optional<std::uint32_t> domain;
  bool is_1() const { return version >> 4 == 1; }
};

// RFC 2408, section 3.3: attributes of two bytes, or of a length.
std::vector<Attribute> read_attributes(Reader reader) {
  std::vector<Attribute> all;
  while (reader.left() >= 4 && all.size() < kMostAttributes) {
    const std::uint16_t type = reader.u16();
    Attribute one;
    one.type = type & 0x7fff;
    if ((type & 0x8000) != 0) {
      one.value = reader.u16();
    } else {
      const Bytes bytes = reader.counted16();
      if (!reader.ok()) break;
      one.is_long = bytes.size() > 8;
      if (one.is_long) one.text = hex_of(bytes.first(std::min<std::size_t>(bytes.size(), 64)));
      for (const std::uint8_t byte : bytes.first(std::min<std::size_t>(bytes.size(), 8)))
        one.value = one.value << 8 | byte;
    }
    all.push_back(std::move(one));
  }
  return all;
}

void read_proposals_1(Reader reader, Message& message) {
  message.domain = reader.u32();
  reader.u32();  // situation
  for (std::uint8_t next = 2; reader.ok() && reader.left() >= 8 && next == 2;) {
    next = reader.u8();
    reader.u8();
    const std::size_t length = reader.u16();
    if (length < 8) return;
    Reader body(reader.bytes(length - 4));
    if (!reader.ok()) return;
    message.payloads.push_back(2);
    body.u16();
    const std::size_t spi = body.u8();
    const std::uint8_t transforms = body.u8();
    body.skip(spi);
    for (int i = 0; i < transforms && body.ok() && body.left() >= 8; ++i) {
      body.u16();
      const std::size_t size = body.u16();
      if (size < 8) return;
      Reader transform(body.bytes(size - 4));
      if (!body.ok()) return;
      transform.skip(4);
      if (message.payloads.size() < kMostPayloads) message.payloads.push_back(3);
      if (message.proposals.size() < kMostProposals) message.proposals.push_back(read_attributes(transform));
    }
  }
}

void read_proposals_2(Reader reader, Message& message) {
  bool is_last = false;
  while (!is_last && reader.left() >= 8) {
    is_last = reader.u8() == 0;
    reader.u8();
    const std::size_t length = reader.u16();
    if (length < 8) return;
    Reader body(reader.bytes(length - 4));
    if (!reader.ok()) return;
    body.u16();
    const std::size_t spi = body.u8();
    const std::uint8_t transforms = body.u8();
    body.skip(spi);
    std::vector<Attribute> made;
    for (int i = 0; i < transforms && body.ok() && body.left() >= 8; ++i) {
      body.u16();
      const std::size_t size = body.u16();
      if (size < 8) return;
      Reader transform(body.bytes(size - 4));
      if (!body.ok()) return;
      Attribute one;
      one.type = transform.u8();
      transform.u8();
      one.value = transform.u16();
      if (made.size() < kMostAttributes) made.push_back(std::move(one));
    }
    if (message.proposals.size() < kMostProposals) message.proposals.push_back(std::move(made));
  }
}

void read_payload(std::uint8_t type, Bytes body, Message& message) {
  Reader reader(body);
  if (type == 1) {
    read_proposals_1(reader, message);
  } else if (type == 33) {
    read_proposals_2(reader, message);
  } else if (type == 4 || type == 34) {
    if (type == 34) reader.skip(4);
    message.key_exchange = hex_of(reader.rest());
  } else if (type == 10 || type == 40) {
    message.nonce = hex_of(body);
  } else if (type == 13 || type == 43) {
    if (message.vendors.size() < kMostVendors)
      message.vendors.push_back(hex_of(body.first(std::min<std::size_t>(body.size(), 128))));
  } else if (type == 41) {
    reader.u16();
    message.notices.push_back(reader.u16());
  }
}

bool read_message(Bytes bytes, Message& message) {
  Reader reader(bytes);
  message.init_spi = hex_of(reader.bytes(8));
  message.resp_spi = hex_of(reader.bytes(8));
  std::uint8_t next = reader.u8();
  message.version = reader.u8();
  message.exchange = reader.u8();
  message.flags = reader.u8();
  message.id = reader.u32();
  const std::size_t length = reader.u32();
  const int major = message.version >> 4;
  if (!reader.ok() || (major != 1 && major != 2) || length < kHeader || length > bytes.size()) return false;
  message.is_encrypted = major == 1 && (message.flags & 1) != 0;
  if (message.is_encrypted) return true;
  Reader body(reader.bytes(length - kHeader));
  while (next != 0 && body.left() >= 4 && message.payloads.size() < kMostPayloads) {
    const std::uint8_t type = next;
    next = body.u8();
    body.u8();
    const std::size_t size = body.u16();
    if (size < 4 || size - 4 > body.left()) {
      message.events.push_back(major == 1 ? "ike.malformed_data" : "ike.malformed_data");
      break;
    }
    message.payloads.push_back(type);
    const Bytes part = body.bytes(size - 4);
    if (type == 46 || type == 53) break;  // the rest is encrypted
    read_payload(type, part, message);
  }
  return true;
}

// RFC 8247 and RFC 7296: what nobody should choose any more.
void judge_choice(const std::vector<Attribute>& chosen, Message& message) {
  bool has_dh = false, has_auth = false;
  for (const Attribute& one : chosen) {
    if (one.type == 1 && (one.value <= 3 || one.value == 11)) message.events.push_back("ike.weak_crypto_enc");
    if (one.type == 2 && one.value == 1) message.events.push_back("ike.weak_crypto_prf");
    if (one.type == 3) {
      if (one.value == 1) message.events.push_back("ike.weak_crypto_auth");
      has_auth = has_auth || one.value != 0;
    }
    if (one.type == 4) {
      has_dh = has_dh || one.value != 0;
      if (one.value >= 1 && one.value <= 5 && one.value != 3 && one.value != 4)
        message.events.push_back("ike.weak_crypto_dh");
    }
  }
  if (!has_dh) message.events.push_back("ike.weak_crypto_no_dh");
  if (!has_auth) message.events.push_back("ike.weak_crypto_no_auth");
}

class IkeTransaction final : public Transaction {
 public:
  IkeTransaction(Message message, Known known, std::vector<Attribute> chosen, Side side, bool is_extended)
      : message_(std::move(message)),
        known_(std::move(known)),
        chosen_(std::move(chosen)),
        side_(side),
        is_extended_(is_extended) {
    progress[0] = progress[1] = kComplete;
    is_skipped[static_cast<int>(other(side))] = true;
    events = message_.events;
  }

  Value value(int field, Side side, std::size_t index) const override {
    if (side != side_) return absent_value();
    if (field == kVendor)
      return index < message_.vendors.size() ? whole_value(message_.vendors[index]) : absent_value();
    if (index > 0) return absent_value();
    switch (field) {
      case kInitSpi:
        return whole_value(message_.init_spi);
      case kRespSpi:
        return whole_value(message_.resp_spi);
      case kExchangeType:
        return whole_number(message_.exchange);
      case kChosenAttribute:
        return chosen_.empty() ? absent_value() : whole_number(1);
      case kKeyExchange:
        return text_value(message_.key_exchange);
      case kNonce:
        return text_value(message_.nonce);
      case kKeyExchangeLength:
        return message_.key_exchange.empty() ? absent_value() : whole_number(message_.key_exchange.size() / 2);
      case kNonceLength:
        return message_.nonce.empty() ? absent_value() : whole_number(message_.nonce.size() / 2);
      default:
        return absent_value();
    }
  }

  // ike.chosen_sa_attribute: "alg_hash=2", "sa_key_length>=128".
  std::optional<bool> holds(int field, Side, std::span<const std::string> words) const override {
    if (field != kChosenAttribute) return std::nullopt;
    return std::ranges::all_of(words, [this](const std::string& word) { return holds_attribute(word); });
  }

  std::string eve() const override {
    EveObject out;
    out.open("ike");
    out.number("_v", 2);
    out.number("version_major", message_.version >> 4);
    out.number("version_minor", message_.version & 0xf);
    out.text("init_spi", message_.init_spi);
    out.text("resp_spi", message_.resp_spi);
    out.number("message_id", message_.id);
    if (message_.is_1()) {
      out.number("exchange_type", message_.exchange);
      if (is_extended_) {
        if (const auto name = exchange_name(message_.exchange)) out.text("exchange_type_verbose", *name);
      }
    }
    if (!chosen_.empty()) {
      out.open_list("attributes");
      write_attributes(out, chosen_);
      out.close_list();
    }
    if (message_.is_1()) {
      write_1(out);
    } else {
      out.number("exchange_type", message_.exchange);
      out.text("role", (message_.flags & 8) != 0 ? "initiator" : "responder");
      write_payloads(out);
      out.open("ikev2");
      out.number("errors", events.size());
      out.open_list("notify");
      for (const std::uint16_t notice : message_.notices) out.item(notice_name(notice));
      out.close_list();
      out.close();
    }
    out.close();
    return out.take();
  }

 private:
  bool holds_attribute(std::string_view word) const {
    const std::size_t end = std::min(word.find_first_of("=<>! "), word.size());
    const std::string_view name = trim(word.substr(0, end));
    std::string_view rest = trim(word.substr(end));
    for (const Attribute& one : chosen_) {
      if (attribute_name(message_.is_1(), one.type) != name) continue;
      const auto number = [](std::string_view text) {
        std::uint64_t value = 0;
        for (const char c : trim(text))
          value = c >= '0' && c <= '9' ? value * 10 + static_cast<std::uint64_t>(c - '0') : value;
        return value;
      };
      if (rest.starts_with(">=")) return one.value >= number(rest.substr(2));
      if (rest.starts_with("<=")) return one.value <= number(rest.substr(2));
      if (rest.starts_with("!=")) return one.value != number(rest.substr(2));
      if (rest.starts_with(">")) return one.value > number(rest.substr(1));
      if (rest.starts_with("<")) return one.value < number(rest.substr(1));
      if (rest.starts_with("=")) rest = trim(rest.substr(1));
      if (const std::size_t dash = rest.find('-'); dash != std::string_view::npos)
        return one.value > number(rest.substr(0, dash)) && one.value < number(rest.substr(dash + 1));
      return one.value == number(rest);
    }
    return false;
  }

  void write_attributes(EveObject& out, const std::vector<Attribute>& all) const {
    for (const Attribute& one : all) {
      const std::string_view name = attribute_name(message_.is_1(), one.type);
      if (name.empty()) continue;
      out.open_item();
      out.text("key", name);
      out.text("value", value_name(message_.is_1(), one));
      one.is_long ? out.text("raw", one.text) : out.number("raw", one.value);
      out.close();
    }
  }

  void write_payloads(EveObject& out) const {
    if (message_.payloads.empty()) return;
    std::vector<std::string> names;
    for (const std::uint8_t type : message_.payloads) {
      std::string name = payload_name(message_.is_1(), type);
      if (std::ranges::find(names, name) == names.end()) names.push_back(std::move(name));
    }
    out.open_list("payload");
    for (const std::string& name : names) out.item(name);
    out.close_list();
  }

  void write_1(EveObject& out) const {
    write_payloads(out);
    out.open("ikev1");
    out.flag("encrypted_payloads", message_.is_encrypted);
    if (known_.domain) out.number("doi", *known_.domain);
    if (!message_.is_encrypted) {
      for (const Side side : {Side::kToServer, Side::kToClient}) {
        const Half& half = known_.sides[static_cast<int>(side)];
        const bool has_proposals = side == Side::kToServer && !half.proposals.empty();
        if (half.key_exchange.empty() && half.nonce.empty() && !has_proposals) continue;
        out.open(side == Side::kToServer ? "client" : "server");
        if (!half.key_exchange.empty()) {
          out.text("key_exchange_payload", half.key_exchange);
          out.number("key_exchange_payload_length", half.key_exchange.size() / 2);
        }
        if (!half.nonce.empty()) {
          out.text("nonce_payload", half.nonce);
          out.number("nonce_payload_length", half.nonce.size() / 2);
        }
        if (has_proposals) {
          out.open_list("proposals");
          for (const auto& proposal : half.proposals) write_attributes(out, proposal);
          out.close_list();
        }
        out.close();
      }
      if (!known_.vendors.empty()) {
        out.open_list("vendor_ids");
        for (const std::string& vendor : known_.vendors) out.item(vendor);
        out.close_list();
      }
    }
    out.close();
  }

  Message message_;
  Known known_;
  std::vector<Attribute> chosen_;
  Side side_;
  bool is_extended_;
};

class IkeParser final : public Parser {
 public:
  explicit IkeParser(const Options& options)
      : is_extended_(options.flag("outputs.eve-log.types.ike.extended", false)) {}

  bool take(Side side, Bytes bytes, Timestamp time) override {
    // On port 4500 four bytes of nought stand before it (RFC 3948).
    if (bytes.size() > 4 && std::ranges::all_of(bytes.first(4), [](std::uint8_t byte) { return byte == 0; }))
      bytes = bytes.subspan(4);
    Message message;
    if (!read_message(bytes, message)) {
      tell_last("ike.malformed_data");
      return false;
    }
    Half& half = known_.sides[static_cast<int>(side)];
    if (message.domain) known_.domain = message.domain;
    if (!message.key_exchange.empty()) half.key_exchange = message.key_exchange;
    if (!message.nonce.empty()) half.nonce = message.nonce;
    for (const std::string& vendor : message.vendors) {
      const bool is_new = std::ranges::find(known_.vendors, vendor) == known_.vendors.end();
      if (is_new && known_.vendors.size() < kMostVendors) known_.vendors.push_back(vendor);
    }
    if (!message.proposals.empty()) {
      if (side == Side::kToServer) {
        half.proposals = message.proposals;
      } else {
        chosen_ = message.proposals.front();
        if (message.proposals.size() > 1) message.events.push_back("ike.multiple_server_proposal");
        if (!message.is_1()) judge_choice(chosen_, message);
      }
    }
    keep(std::make_unique<IkeTransaction>(std::move(message), known_, chosen_, side, is_extended_), time,
         kMostTransactions);
    return true;
  }
  bool skip(Side, std::uint64_t, Timestamp) override { return true; }
  void end(Side, Timestamp) override {}

 private:
  bool is_extended_;
  Known known_;
  std::vector<Attribute> chosen_;
};

class Ike final : public Protocol {
 public:
  std::string_view name() const override { return "ike"; }
  int field(std::string_view keyword) const override { return number_in(kFields, keyword); }
  Probe probe(bool, Side, Bytes, std::uint16_t) const override { return Probe::kNo; }
  std::string_view ports(bool is_udp) const override { return is_udp ? "500, 4500" : ""; }
  Probe recognise_on_port(const Beginning& beginning) const override {
    Bytes bytes = beginning.bytes;
    if (!beginning.is_udp) return Probe::kNo;
    if (bytes.size() > 4 && std::ranges::all_of(bytes.first(4), [](std::uint8_t byte) { return byte == 0; }))
      bytes = bytes.subspan(4);
    Message message;
    return bytes.size() >= kHeader && read_message(bytes, message) ? Probe::kYes : Probe::kNo;
  }
  std::unique_ptr<Parser> parser(const Options& options) const override { return std::make_unique<IkeParser>(options); }
};

}  // namespace

const Protocol& ike_protocol() {
  static const Ike protocol;
  return protocol;
}

}  // namespace tocsin::protocol
