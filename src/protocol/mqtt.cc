// MQTT 3.1, 3.1.1 and 5 (OASIS). What belongs together is one transaction: a connection and its answer, what was
// published and how it was acknowledged, what was subscribed to and what was granted.
#include <fmt/format.h>

#include <algorithm>

#include "protocol/eve_object.h"
#include "protocol/protocols.h"
#include "protocol/values.h"

namespace tocsin::protocol {
namespace {

enum Field : int {
  kType,
  kFlags,
  kQos,
  kReasonCode,
  kSessionPresent,
  kVersion,
  kConnectFlags,
  kClientId,
  kUserName,
  kPassword,
  kWillTopic,
  kWillMessage,
  kProtocolString,
  kPublishTopic,
  kPublishMessage,
  kSubscribeTopic,
  kUnsubscribeTopic
};
constexpr std::pair<std::string_view, int> kFields[] = {{"mqtt.type", kType},
                                                        {"mqtt.flags", kFlags},
                                                        {"mqtt.qos", kQos},
                                                        {"mqtt.reason_code", kReasonCode},
                                                        {"mqtt.connack.session_present", kSessionPresent},
                                                        {"mqtt.protocol_version", kVersion},
                                                        {"mqtt.connect.flags", kConnectFlags},
                                                        {"mqtt.connect.clientid", kClientId},
                                                        {"mqtt.connect.username", kUserName},
                                                        {"mqtt.connect.password", kPassword},
                                                        {"mqtt.connect.willtopic", kWillTopic},
                                                        {"mqtt.connect.willmessage", kWillMessage},
                                                        {"mqtt.connect.protocol_string", kProtocolString},
                                                        {"mqtt.publish.topic", kPublishTopic},
                                                        {"mqtt.publish.message", kPublishMessage},
                                                        {"mqtt.subscribe.topic", kSubscribeTopic},
                                                        {"mqtt.unsubscribe.topic", kUnsubscribeTopic}};

enum Type : std::uint8_t {
  kUnassigned,
  kConnect,
  kConnack,
  kPublish,
  kPuback,
  kPubrec,
  kPubrel,
  kPubcomp,
  kSubscribe,
  kSuback,
  kUnsubscribe,
  kUnsuback,
  kPingreq,
  kPingresp,
  kDisconnect,
  kAuth
};
constexpr std::string_view kTypes[] = {"unassigned", "connect",  "connack",    "publish", "puback",      "pubrec",
                                       "pubrel",     "pubcomp",  "subscribe",  "suback",  "unsubscribe", "unsuback",
                                       "pingreq",    "pingresp", "disconnect", "auth"};

constexpr std::size_t kMostTransactions = 1024, kMostTopics = 1024, kMostLogged = 1024, kMostProperties = 64;
constexpr std::size_t kLongestMessage = 1 << 20;  // app-layer.protocols.mqtt.max-msg-length

// Names of properties and what each is: a number of so many bytes, text, or both a name and a value.
enum class Kind : std::uint8_t { kByte, kShort, kInteger, kVariable, kText, kBinary, kPair };
struct Property {
  std::uint8_t id;
  Kind kind;
  std::string_view name;
};
constexpr Property kProperties[] = {{0x01, Kind::kByte, "payload_format_indicator"},
                                    {0x02, Kind::kInteger, "message_expiry_interval"},
                                    {0x03, Kind::kText, "content_type"},
                                    {0x08, Kind::kText, "response_topic"},
                                    {0x09, Kind::kBinary, "correlation_data"},
                                    {0x0b, Kind::kVariable, "subscription_identifier"},
                                    {0x11, Kind::kInteger, "session_expiry_interval"},
                                    {0x12, Kind::kText, "assigned_client_identifier"},
                                    {0x13, Kind::kShort, "server_keep_alive"},
                                    {0x15, Kind::kText, "authentication_method"},
                                    {0x16, Kind::kBinary, "authentication_data"},
                                    {0x17, Kind::kByte, "request_problem_info"},
                                    {0x18, Kind::kInteger, "will_delay_interval"},
                                    {0x19, Kind::kByte, "request_response_info"},
                                    {0x1a, Kind::kText, "response_info"},
                                    {0x1c, Kind::kText, "server_reference"},
                                    {0x1f, Kind::kText, "reason_string"},
                                    {0x21, Kind::kShort, "receive_maximum"},
                                    {0x22, Kind::kShort, "topic_alias_maximum"},
                                    {0x23, Kind::kShort, "topic_alias"},
                                    {0x24, Kind::kByte, "maximum_qos"},
                                    {0x25, Kind::kByte, "retain_available"},
                                    {0x26, Kind::kPair, "userprop"},
                                    {0x27, Kind::kInteger, "maximum_packet_size"},
                                    {0x28, Kind::kByte, "wildcard_subscription_available"},
                                    {0x29, Kind::kByte, "subscription_identifiers_available"},
                                    {0x2a, Kind::kByte, "shared_subscription_available"}};

// The length of what follows, in seven bits a byte; nothing if it is longer than four bytes. ok() tells whether it is
// whole.
std::optional<std::uint32_t> variable(Reader& reader) {
  std::uint32_t value = 0;
  for (int shift = 0; shift < 28; shift += 7) {
    const std::uint8_t byte = reader.u8();
    value |= std::uint32_t{byte & 0x7fU} << shift;
    if ((byte & 0x80) == 0) return value;
  }
  return std::nullopt;
}

struct Topic {
  std::string name;
  std::uint8_t qos = 0;
};

struct Message {
  std::uint8_t first = 0;  // the first byte, with type and flags
  std::string protocol, client_id, will_topic, will_message, user, password, topic, text;
  std::uint8_t version = 0, connect_flags = 0;
  std::optional<std::uint16_t> id;
  std::optional<std::uint8_t> reason;
  bool session_present = false, is_cut = false;
  std::uint32_t skipped = 0;  // of a message that is too long, what was not kept
  std::vector<Topic> topics;
  std::vector<std::uint8_t> codes;          // granted, or why not
  std::string properties, will_properties;  // members of JSON

  Type type() const { return static_cast<Type>(first >> 4); }
  std::uint8_t qos() const { return first >> 1 & 3; }
  bool is_dup() const { return (first & 8) != 0; }
  bool is_retain() const { return (first & 1) != 0; }
};

bool read_properties(Reader& outer, std::string& json) {
  const auto length = variable(outer);
  if (!length) return false;
  Reader reader(outer.bytes(*length));
  if (!outer.ok()) return false;
  EveObject out;
  for (std::size_t count = 0; !reader.empty() && count < kMostProperties; ++count) {
    const auto id = variable(reader);
    const auto known = std::ranges::find(kProperties, id.value_or(0), &Property::id);
    if (known == std::end(kProperties)) return false;
    switch (known->kind) {
      case Kind::kByte:
        out.number(known->name, reader.u8());
        break;
      case Kind::kShort:
        out.number(known->name, reader.u16());
        break;
      case Kind::kInteger:
        out.number(known->name, reader.u32());
        break;
      case Kind::kVariable:
        out.number(known->name, variable(reader).value_or(0));
        break;
      case Kind::kText:
        out.text(known->name, text_of(reader.counted16()).substr(0, kMostLogged));
        break;
      case Kind::kBinary: {
        const Bytes bytes = reader.counted16();
        out.hex(known->name, bytes.first(std::min(bytes.size(), kMostLogged)));
        break;
      }
      case Kind::kPair: {
        std::string name, value;
        append_json_text(name, text_of(reader.counted16()).substr(0, kMostLogged));
        append_json_text(value, text_of(reader.counted16()).substr(0, kMostLogged));
        out.members(name + ":" + value);
        break;
      }
    }
    if (!reader.ok()) return false;
  }
  json = out.take();
  return true;
}

bool read_connect(Reader& reader, Message& message) {
  message.protocol = text_of(reader.counted16());
  message.version = reader.u8();
  message.connect_flags = reader.u8();
  reader.u16();
  if (!reader.ok()) return false;
  if (message.version == 5 && !read_properties(reader, message.properties)) return false;
  message.client_id = text_of(reader.counted16());
  const std::uint8_t flags = message.connect_flags;
  if ((flags & 4) != 0) {
    if (message.version == 5 && !read_properties(reader, message.will_properties)) return false;
    message.will_topic = text_of(reader.counted16());
    message.will_message = text_of(reader.counted16());
  }
  if ((flags & 0x80) != 0) message.user = text_of(reader.counted16());
  if ((flags & 0x40) != 0) message.password = text_of(reader.counted16());
  return reader.ok();
}

// The body of a message; of version 5 more may follow than of others. false: it is not as it must be.
bool read_body(Bytes body, std::uint8_t version, Message& message) {
  Reader reader(body);
  const bool is_5 = version == 5;
  switch (message.type()) {
    case kConnect:
      return read_connect(reader, message);
    case kConnack:
      message.session_present = (reader.u8() & 1) != 0;
      message.reason = reader.u8();
      return reader.ok() && (!is_5 || reader.empty() || read_properties(reader, message.properties));
    case kPublish:
      message.topic = text_of(reader.counted16());
      if (message.qos() > 0) message.id = reader.u16();
      if (!reader.ok() || (is_5 && !read_properties(reader, message.properties))) return false;
      message.text = text_of(reader.rest());
      return true;
    case kPuback:
    case kPubrec:
    case kPubrel:
    case kPubcomp:
      message.id = reader.u16();
      if (!is_5 || reader.empty()) return reader.ok();
      message.reason = reader.u8();
      return reader.ok() && (reader.empty() || read_properties(reader, message.properties));
    case kSubscribe:
    case kUnsubscribe:
      message.id = reader.u16();
      if (is_5 && !read_properties(reader, message.properties)) return false;
      while (reader.ok() && !reader.empty()) {
        Topic topic{std::string(text_of(reader.counted16())), 0};
        if (message.type() == kSubscribe) topic.qos = reader.u8() & 3;
        if (reader.ok() && message.topics.size() < kMostTopics) message.topics.push_back(std::move(topic));
      }
      return reader.ok();
    case kSuback:
    case kUnsuback:
      message.id = reader.u16();
      if (is_5 && !read_properties(reader, message.properties)) return false;
      for (const std::uint8_t code : reader.rest()) {
        if (message.codes.size() < kMostTopics) message.codes.push_back(code);
      }
      return reader.ok();
    case kDisconnect:
    case kAuth:
      if (!is_5 || reader.empty()) return true;
      message.reason = reader.u8();
      return reader.empty() || read_properties(reader, message.properties);
    default:
      return true;
  }
}

std::string cut(std::string_view text) {
  if (text.size() <= kMostLogged) return std::string(text);
  return fmt::format("{}[truncated {} additional bytes]", text.substr(0, kMostLogged), text.size() - kMostLogged);
}

class MqttTransaction final : public Transaction {
 public:
  MqttTransaction(std::uint8_t version_of_flow, bool logs_passwords)
      : version_(version_of_flow), logs_passwords_(logs_passwords) {}

  Value value(int field, Side, std::size_t index) const override {
    const Value none = is_complete() ? absent_value() : Value{};
    std::size_t at = 0;
    for (const Message& message : messages) {
      const auto take = [&](auto made) -> std::optional<Value> {
        return at++ == index ? std::optional<Value>(made) : std::nullopt;
      };
      std::optional<Value> found;
      switch (field) {
        case kType:
          found = take(whole_number(message.type()));
          break;
        case kFlags:
          found = take(whole_number(message.first & 0xfU));
          break;
        case kQos:
          found = take(whole_number(message.qos()));
          break;
        case kReasonCode:
          if (message.reason) found = take(whole_number(*message.reason));
          if (message.type() != kUnsuback) break;
          for (const std::uint8_t code : message.codes) {
            if (!found) found = take(whole_number(code));
          }
          break;
        case kVersion:
          found = take(whole_number(version_));
          break;
        default:
          found = value_of(field, message, index, at);
      }
      if (found) return *found;
    }
    return none;
  }

  std::string eve() const override {
    EveObject out;
    out.open("mqtt");
    for (const Message& message : messages) write(out, message);
    out.close();
    return out.take();
  }

  void finish() {
    progress[0] = progress[1] = kComplete;
    changed();
  }

  std::vector<Message> messages;

 private:
  std::optional<Value> value_of(int field, const Message& message, std::size_t index, std::size_t& at) const {
    const Type type = message.type();
    const auto once = [&](Type of, const std::string& text) -> std::optional<Value> {
      return type == of && !text.empty() && at++ == index ? std::optional(whole_value(text)) : std::nullopt;
    };
    switch (field) {
      case kSessionPresent:
        return type == kConnack && at++ == index ? std::optional(whole_number(message.session_present)) : std::nullopt;
      case kConnectFlags:
        return type == kConnect && at++ == index ? std::optional(whole_number(message.connect_flags)) : std::nullopt;
      case kClientId:
        return once(kConnect, message.client_id);
      case kUserName:
        return once(kConnect, message.user);
      case kPassword:
        return once(kConnect, message.password);
      case kWillTopic:
        return once(kConnect, message.will_topic);
      case kWillMessage:
        return once(kConnect, message.will_message);
      case kProtocolString:
        return once(kConnect, message.protocol);
      case kPublishTopic:
        return once(kPublish, message.topic);
      case kPublishMessage:
        return once(kPublish, message.text);
      case kSubscribeTopic:
      case kUnsubscribeTopic:
        if (type != (field == kSubscribeTopic ? kSubscribe : kUnsubscribe)) return std::nullopt;
        if (index - at < message.topics.size()) return whole_value(message.topics[index - at].name);
        at += message.topics.size();
        return std::nullopt;
      default:
        return std::nullopt;
    }
  }

  void write_connect(EveObject& out, const Message& message) const {
    out.text("protocol_string", message.protocol);
    out.number("protocol_version", message.version);
    out.open("flags");
    out.flag("username", (message.connect_flags & 0x80) != 0);
    out.flag("password", (message.connect_flags & 0x40) != 0);
    out.flag("will_retain", (message.connect_flags & 0x20) != 0);
    out.flag("will", (message.connect_flags & 4) != 0);
    out.flag("clean_session", (message.connect_flags & 2) != 0);
    out.close();
    out.text("client_id", cut(message.client_id));
    if ((message.connect_flags & 4) != 0) {
      out.open("will");
      out.text("topic", cut(message.will_topic));
      out.text("message", cut(message.will_message));
      write_properties(out, message.will_properties);
      out.close();
    }
    if ((message.connect_flags & 0x80) != 0) out.text("username", cut(message.user));
    if ((message.connect_flags & 0x40) != 0 && logs_passwords_) out.text("password", cut(message.password));
  }

  static void write_properties(EveObject& out, const std::string& properties) {
    if (!properties.empty()) out.raw("properties", "{" + properties + "}");
  }

  void write(EveObject& out, const Message& message) const {
    const Type type = message.type();
    out.open(kTypes[type]);
    out.number("qos", message.qos());
    out.flag("retain", message.is_retain());
    out.flag("dup", message.is_dup());
    if (message.is_cut) {
      out.flag("truncated", true);
      out.number("skipped_length", message.skipped);
    } else {
      if (type == kConnect) write_connect(out, message);
      if (type == kConnack) {
        out.flag("session_present", message.session_present);
        out.number("return_code", message.reason.value_or(0));
      }
      if (type == kPublish) out.text("topic", cut(message.topic));
      if (message.id) out.number("message_id", *message.id);
      if (message.reason && type != kConnack) out.number("reason_code", *message.reason);
      if (type == kPublish) out.text("message", cut(message.text));
      if (type == kSubscribe || type == kUnsubscribe) {
        out.open_list("topics");
        for (const Topic& topic : message.topics) {
          if (type == kUnsubscribe) {
            out.item(std::string_view(cut(topic.name)));
            continue;
          }
          out.open_item();
          out.text("topic", cut(topic.name));
          out.number("qos", topic.qos);
          out.close();
        }
        out.close_list();
      }
      if (type == kSuback || (type == kUnsuback && !message.codes.empty())) {
        out.open_list(type == kSuback ? "qos_granted" : "reason_codes");
        for (const std::uint8_t code : message.codes) out.item(std::uint64_t{code});
        out.close_list();
      }
      write_properties(out, message.properties);
    }
    out.close();
  }

  std::uint8_t version_;
  bool logs_passwords_;
};

class MqttParser final : public Parser {
 public:
  explicit MqttParser(const Options& options)
      : logs_passwords_(options.flag("app-layer.protocols.mqtt.passwords", false)) {}

  bool take(Side side, Bytes bytes, Timestamp time) override {
    Channel& channel = channels_[static_cast<int>(side)];
    if (channel.passes > 0) {
      const auto some = static_cast<std::size_t>(std::min<std::uint64_t>(channel.passes, bytes.size()));
      channel.passes -= some;
      bytes = bytes.subspan(some);
    }
    channel.pending.append(text_of(bytes));
    std::size_t done = 0;
    while (done < channel.pending.size()) {
      const Bytes rest = bytes_of(std::string_view(channel.pending).substr(done));
      Reader reader(rest);
      Message message;
      message.first = reader.u8();
      const auto length = variable(reader);
      if (!reader.ok()) break;
      if (!length) {
        begin(time).event("mqtt.malformed_traffic");
        return false;
      }
      if (*length > kLongestMessage) {
        message.is_cut = true;
        message.skipped = *length;
        const std::size_t here = std::min<std::size_t>(*length, reader.left());
        channel.passes = *length - here;
        done += reader.at() + here;
        take_message(std::move(message), time);
        continue;
      }
      if (reader.left() < *length) break;
      const Bytes body = reader.bytes(*length);
      done += reader.at();
      const bool is_right = read_body(body, message.type() == kConnect ? 0 : version_, message);
      if (!is_right) {
        begin(time).event("mqtt.malformed_traffic");
        transactions_done();
        return false;
      }
      take_message(std::move(message), time);
    }
    channel.pending.erase(0, done);
    return true;
  }
  bool skip(Side, std::uint64_t, Timestamp) override { return false; }
  void end(Side, Timestamp) override { transactions_done(); }

 private:
  struct Channel {
    std::string pending;
    std::uint64_t passes = 0;
  };

  MqttTransaction& begin(Timestamp time) {
    if (transactions.size() >= kMostTransactions) {
      auto& oldest = static_cast<MqttTransaction&>(*transactions.front());
      oldest.event("mqtt.too_many_transactions");
    }
    keep(std::make_unique<MqttTransaction>(version_, logs_passwords_), time, kMostTransactions);
    return static_cast<MqttTransaction&>(*transactions.back());
  }

  // Nothing more is to come of those that wait.
  void transactions_done() {
    for (const auto& one : transactions) {
      if (!one->is_complete()) static_cast<MqttTransaction&>(*one).finish();
    }
  }

  // One that waits for an answer of this kind with this identifier.
  MqttTransaction* waiting(Type first, std::optional<std::uint16_t> id) {
    for (const auto& one : transactions) {
      auto& made = static_cast<MqttTransaction&>(*one);
      if (made.is_complete() || made.messages.empty()) continue;
      if (made.messages.front().type() == first && made.messages.front().id == id) return &made;
    }
    return nullptr;
  }

  void single(Message message, Timestamp time, std::string_view event = {}) {
    MqttTransaction& made = begin(time);
    made.messages.push_back(std::move(message));
    if (!event.empty()) made.event(event);
    made.finish();
  }

  void answer(Type first, std::string_view missing, bool is_last, Message message, Timestamp time) {
    MqttTransaction* asked = waiting(first, message.id);
    if (asked == nullptr) return single(std::move(message), time, missing);
    asked->messages.push_back(std::move(message));
    if (asked->messages.size() > 8) is_last = true;
    is_last ? asked->finish() : asked->changed();
  }

  void take_message(Message message, Timestamp time) {
    const Type type = message.type();
    if (type == kUnassigned) return single(std::move(message), time, "mqtt.unassigned_msg_type");
    if (!is_connected_ && type != kConnect && type != kConnack && type != kAuth) {
      return single(std::move(message), time, "mqtt.unintroduced_message");
    }
    if (message.is_cut) return single(std::move(message), time);
    switch (type) {
      case kConnect: {
        version_ = message.version;
        MqttTransaction& made = begin(time);
        made.messages.push_back(std::move(message));
        if (is_connected_) made.event("mqtt.double_connect");
        is_connected_ = true;
        made.changed();
        return;
      }
      case kConnack:
        return answer(kConnect, "mqtt.missing_connect", true, std::move(message), time);
      case kPublish: {
        if (message.qos() == 0) return single(std::move(message), time);
        if (message.qos() == 3) return single(std::move(message), time, "mqtt.invalid_qos_level");
        MqttTransaction& made = begin(time);
        made.messages.push_back(std::move(message));
        made.changed();
        return;
      }
      case kPuback:
      case kPubcomp:
        return answer(kPublish, "mqtt.missing_publish", true, std::move(message), time);
      case kPubrec:
      case kPubrel:
        return answer(kPublish, "mqtt.missing_publish", false, std::move(message), time);
      case kSubscribe:
      case kUnsubscribe: {
        MqttTransaction& made = begin(time);
        made.messages.push_back(std::move(message));
        made.changed();
        return;
      }
      case kSuback:
        return answer(kSubscribe, "mqtt.missing_subscribe", true, std::move(message), time);
      case kUnsuback:
        return answer(kUnsubscribe, "mqtt.missing_unsubscribe", true, std::move(message), time);
      default:
        return single(std::move(message), time);
    }
  }

  bool logs_passwords_, is_connected_ = false;
  std::uint8_t version_ = 0;
  Channel channels_[2];
};

class Mqtt final : public Protocol {
 public:
  std::string_view name() const override { return "mqtt"; }
  int field(std::string_view keyword) const override { return number_in(kFields, keyword); }
  std::optional<std::uint64_t> number_of(int, std::string_view word) const override {
    const auto found = std::ranges::find(kTypes, word);
    return found == std::end(kTypes) ? std::nullopt : std::optional<std::uint64_t>(found - std::begin(kTypes));
  }
  // A client that introduces itself.
  Probe probe(bool is_udp, Side side, Bytes bytes, std::uint16_t) const override {
    if (is_udp || side == Side::kToClient || bytes.empty() || bytes[0] != 0x10) return Probe::kNo;
    Reader reader(bytes.subspan(1));
    const auto length = variable(reader);
    if (!length) return Probe::kNo;
    if (!reader.ok()) return Probe::kMore;
    const std::string_view text = text_of(reader.rest());
    for (const std::string_view name : {std::string_view("\0\4MQTT", 6), std::string_view("\0\6MQIsdp", 8)}) {
      const std::size_t size = std::min(name.size(), text.size());
      if (text.substr(0, size) == name.substr(0, size)) return size == name.size() ? Probe::kYes : Probe::kMore;
    }
    return Probe::kNo;
  }
  std::string_view ports(bool is_udp) const override { return is_udp ? "" : "1883"; }
  Probe recognise_on_port(const Beginning& beginning) const override {
    if (beginning.is_udp) return Probe::kNo;
    if (beginning.other == this) return Probe::kYes;
    Reader reader(beginning.bytes);
    const std::uint8_t first = reader.u8();
    const auto length = variable(reader);
    if (!length || first >> 4 == 0) return Probe::kNo;
    return reader.ok() ? Probe::kYes : Probe::kMore;
  }
  std::unique_ptr<Parser> parser(const Options& options) const override {
    return std::make_unique<MqttParser>(options);
  }
};

}  // namespace

const Protocol& mqtt_protocol() {
  static const Mqtt protocol;
  return protocol;
}

}  // namespace tocsin::protocol
