// DHCP (RFC 2131, RFC 2132). Every message is a transaction.
#include <fmt/format.h>

#include "protocol/eve_object.h"
#include "protocol/protocols.h"
#include "protocol/values.h"

namespace tocsin::protocol {
namespace {

enum Field : int { kLease, kRebinding, kRenewal };
constexpr std::pair<std::string_view, int> kFields[] = {
    {"dhcp.leasetime", kLease}, {"dhcp.rebinding_time", kRebinding}, {"dhcp.renewal_time", kRenewal}};
constexpr std::string_view kTypes[] = {"unknown", "discover", "offer",   "request", "decline",
                                       "ack",     "nak",      "release", "inform"};
constexpr std::size_t kMostOptions = 256, kMostTransactions = 10'000;
constexpr std::uint8_t kAck = 5;
enum Option : std::uint8_t {
  kSubnetMask = 1,
  kRouters = 3,
  kDnsServers = 6,
  kHostName = 12,
  kRequestedIp = 50,
  kLeaseTime = 51,
  kType = 53,
  kParameters = 55,
  kRenewalTime = 58,
  kRebindingTime = 59,
  kVendorClass = 60,
  kClientId = 61
};

std::string address(std::string_view bytes) {
  if (bytes.size() < 4) return {};
  const auto at = [&](std::size_t i) { return static_cast<std::uint8_t>(bytes[i]); };
  return fmt::format("{}.{}.{}.{}", at(0), at(1), at(2), at(3));
}
std::string with_colons(std::string_view bytes) {
  std::string text;
  for (const char c : bytes) text += fmt::format("{}{:02x}", text.empty() ? "" : ":", static_cast<std::uint8_t>(c));
  return text;
}

struct Message {
  std::uint8_t operation = 0;
  std::uint32_t id = 0;
  std::string client, assigned, next_server, relay, hardware;
  std::vector<std::pair<std::uint8_t, std::string>> options;
  bool is_malformed = false;

  const std::string* option(std::uint8_t code) const {
    for (const auto& [own, value] : options) {
      if (own == code) return &value;
    }
    return nullptr;
  }
  std::optional<std::uint32_t> seconds(std::uint8_t code) const {
    const std::string* value = option(code);
    if (!value || value->size() < 4) return std::nullopt;
    Reader reader(bytes_of(*value));
    return reader.u32();
  }
};

std::optional<Message> read_message(Bytes bytes) {
  Reader reader(bytes);
  Message message;
  message.operation = reader.u8();
  reader.u8();
  const std::uint8_t length = reader.u8();
  reader.u8();
  message.id = reader.u32();
  reader.skip(4);
  message.client = text_of(reader.bytes(4));
  message.assigned = text_of(reader.bytes(4));
  message.next_server = text_of(reader.bytes(4));
  message.relay = text_of(reader.bytes(4));
  message.hardware = text_of(reader.bytes(16).first(reader.ok() ? std::min<std::size_t>(length, 16) : 0));
  reader.skip(64 + 128);
  if (reader.u32() != 0x6382'5363 || !reader.ok()) return std::nullopt;
  while (!reader.empty() && message.options.size() < kMostOptions) {
    const std::uint8_t code = reader.u8();
    if (code == 0) continue;
    if (code == 255) return message;
    const Bytes value = reader.counted8();
    if (!reader.ok()) {
      message.is_malformed = true;
      return message;
    }
    message.options.emplace_back(code, std::string(text_of(value)));
  }
  return message;
}

class DhcpTransaction final : public Transaction {
 public:
  DhcpTransaction(Message message, Side side, bool is_extended)
      : message_(std::move(message)), side_(side), is_extended_(is_extended) {
    progress[0] = progress[1] = kComplete;
    is_skipped[static_cast<int>(other(side))] = true;
    if (message_.is_malformed) events.emplace_back("dhcp.truncated_options");
  }

  Value value(int field, Side side, std::size_t index) const override {
    if (side != side_ || index > 0) return absent_value();
    const std::uint8_t code = field == kLease ? kLeaseTime : field == kRebinding ? kRebindingTime : kRenewalTime;
    const auto seconds = message_.seconds(code);
    return seconds ? whole_number(*seconds) : absent_value();
  }

  bool may_log(bool is_last) const override {
    if (!is_extended_) {
      const std::string* type = message_.option(kType);
      if (!type || type->empty() || static_cast<std::uint8_t>((*type)[0]) != kAck) return false;
    }
    return Transaction::may_log(is_last);
  }

  std::string eve() const override {
    EveObject out;
    out.open("dhcp");
    out.text("type", message_.operation == 1 ? "request" : message_.operation == 2 ? "reply" : "<unknown>");
    out.number("id", message_.id);
    out.text("client_mac", with_colons(message_.hardware));
    out.text("assigned_ip", address(message_.assigned));
    out.text("client_ip", address(message_.client));
    if (message_.operation == 2) {
      out.text("relay_ip", address(message_.relay));
      out.text("next_server_ip", address(message_.next_server));
    }
    for (const auto& [code, value] : message_.options) option(out, code, value);
    out.close();
    return out.take();
  }

 private:
  void option(EveObject& out, std::uint8_t code, const std::string& value) const {
    const auto seconds = [&](std::string_view name) {
      if (const auto number = message_.seconds(code)) out.number(name, *number);
    };
    const auto addresses = [&](std::string_view name) {
      out.open_list(name);
      for (std::size_t i = 0; i + 4 <= value.size(); i += 4) out.item(address(std::string_view(value).substr(i, 4)));
      out.close_list();
    };
    switch (code) {
      case kClientId:
        // What kind of address it is stands first.
        out.text("client_id", with_colons(std::string_view(value).substr(std::min<std::size_t>(1, value.size()))));
        break;
      case kLeaseTime:
        seconds("lease_time");
        break;
      case kRebindingTime:
        seconds("rebinding_time");
        break;
      case kRenewalTime:
        seconds("renewal_time");
        break;
      case kSubnetMask:
        out.text("subnet_mask", address(value));
        break;
      case kHostName:
        if (!value.empty()) out.text("hostname", value);
        break;
      case kType: {
        const std::size_t type = value.empty() ? 0 : static_cast<std::uint8_t>(value[0]);
        if (!value.empty()) out.text("dhcp_type", type < std::size(kTypes) ? kTypes[type] : "unknown");
        break;
      }
      case kRequestedIp:
        out.text("requested_ip", address(value));
        break;
      case kParameters: {
        constexpr std::pair<std::uint8_t, std::string_view> kNames[] = {
            {1, "subnet_mask"},  {3, "router"},      {6, "dns_server"},        {15, "domain"},
            {35, "arp_timeout"}, {42, "ntp_server"}, {66, "tftp_server_name"}, {150, "tftp_server_ip"}};
        out.open_list("params");
        for (const char c : value) {
          for (const auto& [number, name] : kNames) {
            if (number == static_cast<std::uint8_t>(c)) out.item(name);
          }
        }
        out.close_list();
        break;
      }
      case kDnsServers:
        addresses("dns_servers");
        break;
      case kRouters:
        addresses("routers");
        break;
      case kVendorClass:
        if (!value.empty()) out.text("vendor_class_identifier", value);
        break;
      default:
        break;
    }
  }

  Message message_;
  Side side_;
  bool is_extended_;
};

class DhcpParser final : public Parser {
 public:
  explicit DhcpParser(const Options& options)
      : is_extended_(options.flag("outputs.eve-log.types.dhcp.extended", false)) {}
  bool take(Side side, Bytes bytes, Timestamp time) override {
    auto message = read_message(bytes);
    if (!message) return false;
    keep(std::make_unique<DhcpTransaction>(std::move(*message), side, is_extended_), time, kMostTransactions);
    return true;
  }
  bool skip(Side, std::uint64_t, Timestamp) override { return true; }
  void end(Side, Timestamp) override {}

 private:
  bool is_extended_;
};

class Dhcp final : public Protocol {
 public:
  std::string_view name() const override { return "dhcp"; }
  int field(std::string_view keyword) const override { return number_in(kFields, keyword); }
  Probe probe(bool, Side, Bytes, std::uint16_t) const override { return Probe::kNo; }
  std::string_view ports(bool is_udp) const override { return is_udp ? "67, 68" : ""; }
  Probe recognise_on_port(const Beginning& beginning) const override {
    return beginning.is_udp && read_message(beginning.bytes) ? Probe::kYes : Probe::kNo;
  }
  std::unique_ptr<Parser> parser(const Options& options) const override {
    return std::make_unique<DhcpParser>(options);
  }
};

}  // namespace

const Protocol& dhcp_protocol() {
  static const Dhcp protocol;
  return protocol;
}

}  // namespace tocsin::protocol
