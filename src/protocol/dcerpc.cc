#include "protocol/dcerpc.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/text.h"
#include "protocol/eve_object.h"
#include "protocol/protocols.h"
#include "protocol/values.h"

namespace tocsin::protocol {
namespace dcerpc {
namespace {

constexpr std::size_t kMostInterfaces = 64;

std::uint16_t u16(Reader& reader, bool is_little) { return is_little ? reader.le16() : reader.u16(); }
std::uint32_t u32(Reader& reader, bool is_little) { return is_little ? reader.le32() : reader.u32(); }

std::string uuid_text(Reader& reader, bool is_little) {
  const std::uint32_t low = u32(reader, is_little);
  const std::uint16_t middle = u16(reader, is_little), high = u16(reader, is_little);
  std::string text = fmt::format("{:08x}-{:04x}-{:04x}-", low, middle, high);
  const Bytes rest = reader.bytes(8);
  for (std::size_t i = 0; i < rest.size(); ++i) text += fmt::format("{}{:02x}", i == 2 ? "-" : "", rest[i]);
  return text;
}

// "=1", ">1", "<=3", "!2", "1-3" or "1" against a number.
bool compares(std::string_view word, std::uint64_t value) {
  const std::size_t begin = word.find_first_of("0123456789");
  if (begin == std::string_view::npos) return false;
  const std::string_view op = trim(word.substr(0, begin));
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(word.data() + begin, word.data() + word.size(), number);
  if (error != std::errc{}) return false;
  std::string_view rest = trim(std::string_view(end, static_cast<std::size_t>(word.data() + word.size() - end)));
  if (rest.starts_with('-') || rest.starts_with("<>")) {
    rest = rest.substr(rest[0] == '-' ? 1 : 2);
    std::uint64_t most = 0;
    std::from_chars(rest.data(), rest.data() + rest.size(), most);
    return value > number && value < most;
  }
  if (op == ">") return value > number;
  if (op == "<") return value < number;
  if (op == ">=") return value >= number;
  if (op == "<=") return value <= number;
  if (op == "!" || op == "!=") return value != number;
  return value == number;
}

}  // namespace

bool read_header(Bytes bytes, Header& header) {
  if (bytes.size() < kHeader || bytes[0] != 5 || bytes[1] > 1) return false;
  header.minor = bytes[1];
  header.type = bytes[2];
  header.flags = bytes[3];
  header.is_little = (bytes[4] & 0x10) != 0;
  Reader reader(bytes);
  reader.skip(8);
  header.length = u16(reader, header.is_little);
  reader.skip(2);
  header.call = u32(reader, header.is_little);
  return true;
}

bool read_bind(Bytes body, const Header& header, Interfaces& interfaces) {
  Reader reader(body);
  reader.skip(8);
  const std::uint8_t count = reader.u8();
  reader.skip(3);
  for (std::uint16_t i = 0; i < count; ++i) {
    Interface one;
    one.context = u16(reader, header.is_little);
    const std::uint8_t syntaxes = reader.u8();
    reader.skip(1);
    one.uuid = uuid_text(reader, header.is_little);
    one.version = u16(reader, header.is_little);
    one.minor = u16(reader, header.is_little);
    reader.skip(std::size_t{20} * std::max<std::uint8_t>(syntaxes, 1));
    if (!reader.ok()) return false;
    one.place = i;
    one.call = header.call;
    one.is_first_fragment = (header.flags & kFirstFragment) != 0;
    const auto same = std::ranges::find(interfaces, one.context, &Interface::context);
    if (same != interfaces.end()) {
      *same = std::move(one);
    } else if (interfaces.size() < kMostInterfaces) {
      interfaces.push_back(std::move(one));
    }
  }
  return reader.ok();
}

bool read_bind_answer(Bytes body, const Header& header, Interfaces& interfaces) {
  Reader reader(body);
  reader.skip(8);
  const std::uint16_t address = u16(reader, header.is_little);
  reader.skip(address);
  reader.skip((4 - (std::size_t{address} + 2) % 4) % 4);
  const std::uint8_t count = reader.u8();
  reader.skip(3);
  for (std::uint16_t i = 0; i < count && reader.ok(); ++i) {
    const std::uint16_t result = u16(reader, header.is_little);
    reader.skip(22);
    if (!reader.ok()) return false;
    for (Interface& one : interfaces) {
      if (one.place != i || one.call != header.call) continue;
      one.result = result;
      one.is_answered = true;
    }
  }
  return reader.ok();
}

std::string_view type_name(std::uint8_t type) {
  constexpr std::string_view kNames[] = {
      "REQUEST",   "PING",     "RESPONSE",   "FAULT",   "WORKING", "NOCALL",  "REJECT",        "ACK",
      "CL_CANCEL", "FACK",     "CANCEL_ACK", "BIND",    "BINDACK", "BINDNAK", "ALTER_CONTEXT", "ALTER_CONTEXT_RESP",
      "AUTH3",     "SHUTDOWN", "CO_CANCEL",  "ORPHANED"};
  return type < std::size(kNames) ? kNames[type] : "UNKNOWN";
}

int field_number(std::string_view keyword) {
  constexpr std::pair<std::string_view, int> kFields[] = {
      {"dcerpc.iface", kInterface}, {"dcerpc.opnum", kOperation}, {"dcerpc.stub_data", kStub}};
  return number_in(kFields, keyword);
}

bool holds_interface(const Interfaces& interfaces, std::uint16_t context, std::span<const std::string> words) {
  if (words.empty()) return false;
  const bool any_fragment = std::ranges::find(words, "any_frag") != words.end();
  return std::ranges::any_of(interfaces, [&](const Interface& one) {
    if (!any_fragment && !one.is_first_fragment) return false;
    if (!one.is_answered || one.result != 0 || one.context != context) return false;
    if (!equals_ignoring_case(one.uuid, words[0])) return false;
    for (const std::string& word : words.subspan(1)) {
      if (word != "any_frag" && !compares(word, one.version)) return false;
    }
    return true;
  });
}

std::string interface_object(const Interface& one, std::optional<std::uint16_t> operation) {
  EveObject out;
  out.text("uuid", one.uuid);
  out.text("version", fmt::format("{}.{}", one.version, one.minor));
  if (one.is_answered) out.number("ack_result", one.result);
  if (const std::string_view service = service_name(one.uuid); !service.empty()) {
    out.text("service", service);
    const std::string_view procedure = operation ? procedure_name(service, *operation) : std::string_view();
    if (!procedure.empty()) out.text("procedure", procedure);
  }
  return "{" + out.take() + "}";
}

}  // namespace dcerpc

namespace {

using namespace dcerpc;

class Call final : public Transaction {
 public:
  explicit Call(std::shared_ptr<const Interfaces> interfaces) : interfaces_(std::move(interfaces)) {}

  Value value(int field, Side side, std::size_t index) const override {
    if (index > 0) return absent_value();
    if (field == kStub) {
      const std::string& own = stub[static_cast<int>(side)];
      if (own.empty()) return is_complete(side) ? absent_value() : Value{};
      Value value = whole_value(own);
      if (!is_complete(side)) value.presence = Presence::kGrowing;
      return value;
    }
    if (!has_request) return is_complete(Side::kToServer) ? absent_value() : Value{};
    if (field == kOperation) return whole_number(operation);
    for (const Interface& one : *interfaces_) {
      if (one.context == context) return whole_value(one.uuid);
    }
    return absent_value();
  }

  std::optional<bool> holds(int field, Side, std::span<const std::string> words) const override {
    if (field != kInterface) return std::nullopt;
    return has_request && holds_interface(*interfaces_, context, words);
  }

  std::string eve() const override {
    EveObject out;
    out.open("dcerpc");
    if (is_complete(Side::kToServer) && !is_request_lost) {
      out.text("request", type_name(request));
      if (request == kRequest) {
        out.open("req");
        out.number("opnum", operation);
        out.number("frag_cnt", fragments[0]);
        out.number("stub_data_size", stub[0].size());
        out.close();
      }
      std::string list;
      const auto asked = request == kRequest ? std::optional(operation) : std::nullopt;
      for (const Interface& one : *interfaces_) {
        const bool is_own = request == kRequest ? one.context == context : request == kBind && one.call == call;
        if (is_own) list += (list.empty() ? "" : ",") + interface_object(one, asked);
      }
      if (!list.empty()) out.raw("interfaces", "[" + list + "]");
    } else {
      out.text("request", "REQUEST_LOST");
    }
    if (is_complete(Side::kToClient)) {
      out.text("response", type_name(response));
      if (response == kResponse) {
        out.open("res");
        out.number("frag_cnt", fragments[1]);
        out.number("stub_data_size", stub[1].size());
        out.close();
      }
    } else {
      out.text("response", "UNREPLIED");
    }
    out.number("call_id", call);
    out.text("rpc_version", fmt::format("5.{}", minor));
    out.close();
    return out.take();
  }

  std::uint32_t call = 0;
  std::uint8_t minor = 0, request = kRequest, response = kResponse;
  std::uint16_t context = 0, operation = 0;
  std::uint64_t fragments[2] = {0, 0};
  std::string stub[2];
  bool has_request = false, is_request_lost = false;

 private:
  std::shared_ptr<const Interfaces> interfaces_;
};

class DcerpcParser final : public Parser {
 public:
  explicit DcerpcParser(const Options& options)
      : interfaces_(std::make_shared<Interfaces>()),
        most_stub_(options.number("app-layer.protocols.dcerpc.max-stub-size", 1'048'576)),
        most_(options.number("app-layer.protocols.dcerpc.max-tx", 1'024)) {}

  bool take(Side side, Bytes bytes, Timestamp time) override {
    now_ = time;
    std::vector<std::uint8_t>& pending = pending_[static_cast<int>(side)];
    std::vector<std::uint8_t> all = std::move(pending);
    pending.clear();
    all.insert(all.end(), bytes.begin(), bytes.end());
    Bytes rest = all;
    while (rest.size() >= kHeader) {
      Header header;
      if (!read_header(rest, header) || header.length < kHeader) return false;
      if (rest.size() < header.length) break;
      if (!message(side, header, rest.subspan(kHeader, header.length - kHeader))) return false;
      rest = rest.subspan(header.length);
    }
    pending.assign(rest.begin(), rest.end());
    return true;
  }

  bool skip(Side, std::uint64_t, Timestamp) override { return false; }
  void end(Side, Timestamp) override {}

 private:
  bool message(Side side, const Header& header, Bytes body) {
    if (body.empty()) return true;
    switch (header.type) {
      case kBind:
      case kAlterContext: {
        if (!read_bind(body, header, *interfaces_)) return false;
        Call& call = begin(header);
        call.request = header.type;
        call.response = header.type == kBind ? kBindAck : kAlterContextResponse;
        call.fragments[0] = 1;
        finish(call, Side::kToServer);
        return true;
      }
      case kBindAck:
      case kAlterContextResponse: {
        if (!read_bind_answer(body, header, *interfaces_)) return false;
        Call& call = find(header, side, header.type == kBindAck ? kBind : kAlterContext);
        call.response = header.type;
        call.fragments[1] = 1;
        finish(call, Side::kToClient);
        return true;
      }
      case kRequest: {
        Call& call = find(header, side, kRequest);
        Reader reader(body);
        reader.skip(4);
        call.context = header.is_little ? reader.le16() : reader.u16();
        call.operation = header.is_little ? reader.le16() : reader.u16();
        call.has_request = reader.ok();
        if (!reader.ok()) return false;
        stub(call, Side::kToServer, header, reader.rest());
        return true;
      }
      case kResponse: {
        Call& call = find(header, side, kRequest);
        call.response = kResponse;
        stub(call, Side::kToClient, header, body);
        return true;
      }
      default:
        return true;
    }
  }

  void stub(Call& call, Side side, const Header& header, Bytes bytes) {
    std::string& kept = call.stub[static_cast<int>(side)];
    if (kept.size() < most_stub_)
      kept += text_of(bytes.first(std::min<std::size_t>(bytes.size(), most_stub_ - kept.size())));
    ++call.fragments[static_cast<int>(side)];
    const std::uint8_t part = header.flags & (kFirstFragment | kLastFragment);
    if (part == 0 || (part & kLastFragment) != 0) finish(call, side);
    call.changed();
  }

  void finish(Call& call, Side side) {
    call.progress[static_cast<int>(side)] = Transaction::kComplete;
    call.changed();
  }

  // The call of this number that waits for this side; made if there is none.
  Call& find(const Header& header, Side side, std::uint8_t request) {
    for (const auto& one : transactions) {
      auto& call = static_cast<Call&>(*one);
      if (call.call == header.call && !call.is_complete(side) && call.request == request) return call;
    }
    Call& call = begin(header);
    call.request = request;
    return call;
  }

  Call& begin(const Header& header) {
    if (transactions.size() > most_) {
      for (const auto& one : transactions) {
        if (one->is_complete()) continue;
        auto& oldest = static_cast<Call&>(*one);
        finish(oldest, Side::kToServer);
        finish(oldest, Side::kToClient);
        break;
      }
      // They are not taken away by the owner as fast as they come.
      if (transactions.size() > 2 * most_) transactions.pop_front();
    }
    auto made = std::make_unique<Call>(interfaces_);
    made->id = next_++;
    made->time = now_;
    made->call = header.call;
    made->minor = header.minor;
    transactions.push_back(std::move(made));
    return static_cast<Call&>(*transactions.back());
  }

  std::shared_ptr<Interfaces> interfaces_;
  std::uint64_t most_stub_, most_, next_ = 0;
  Timestamp now_ = 0;
  std::vector<std::uint8_t> pending_[2];
};

class Dcerpc final : public Protocol {
 public:
  std::string_view name() const override { return "dcerpc"; }
  int field(std::string_view keyword) const override { return field_number(keyword); }
  Probe probe(bool is_udp, Side side, Bytes bytes, std::uint16_t) const override {
    if (is_udp || bytes.empty() || bytes[0] != 5) return Probe::kNo;
    if (bytes.size() > 1 && bytes[1] > 1) return Probe::kNo;
    if (bytes.size() < 2 || bytes[1] == 1) return bytes.size() < 2 ? Probe::kMore : Probe::kNo;
    if (bytes.size() < kHeader) return Probe::kMore;
    Header header;
    if (!read_header(bytes, header) || header.length < kHeader || header.type > 19) return Probe::kNo;
    if ((bytes[4] & 0xee) != 0 || bytes[5] > 3 || bytes[6] != 0) return Probe::kNo;
    const bool is_answer = header.type == kResponse || header.type == kFault || header.type == kBindAck ||
                           header.type == kBindNak || header.type == kAlterContextResponse;
    return is_answer == (side == Side::kToClient) ? Probe::kYes : Probe::kNo;
  }
  std::unique_ptr<Parser> parser(const Options& options) const override {
    return std::make_unique<DcerpcParser>(options);
  }
};

}  // namespace

const Protocol& dcerpc_protocol() {
  static const Dcerpc protocol;
  return protocol;
}

}  // namespace tocsin::protocol
