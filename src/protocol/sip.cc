// SIP over UDP and TCP (RFC 3261) with the session that it describes (SDP, RFC 8866). Every message is a transaction.
#include <algorithm>
#include <array>

#include "base/text.h"
#include "protocol/eve_object.h"
#include "protocol/protocols.h"
#include "protocol/values.h"

namespace tocsin::protocol {
namespace {

enum Field : int {
  kMethod,
  kUri,
  kProtocol,
  kCode,
  kReason,
  kRequestLine,
  kResponseLine,
  kFrom,
  kTo,
  kVia,
  kUserAgent,
  kContentType,
  kContentLength,
  kSdp  // and on: see kSdpFields
};
constexpr std::pair<std::string_view, int> kFields[] = {{"sip.method", kMethod},
                                                        {"sip.uri", kUri},
                                                        {"sip.protocol", kProtocol},
                                                        {"sip.stat_code", kCode},
                                                        {"sip.stat_msg", kReason},
                                                        {"sip.request_line", kRequestLine},
                                                        {"sip.response_line", kResponseLine},
                                                        {"sip.from", kFrom},
                                                        {"sip.to", kTo},
                                                        {"sip.via", kVia},
                                                        {"sip.user_agent", kUserAgent},
                                                        {"sip.content_type", kContentType},
                                                        {"sip.content_length", kContentLength}};
// Letters of SDP's lines, of the session (before the first "m=") or of its media.
struct SdpField {
  std::string_view keyword, eve;
  char letter;
  bool of_media;
};
constexpr SdpField kSdpFields[] = {{"sdp.origin", "origin", 'o', false},
                                   {"sdp.session_name", "session_name", 's', false},
                                   {"sdp.session_info", "session_info", 'i', false},
                                   {"sdp.uri", "uri", 'u', false},
                                   {"sdp.email", "email", 'e', false},
                                   {"sdp.phone_number", "phone_number", 'p', false},
                                   {"sdp.connection_data", "connection_data", 'c', false},
                                   {"sdp.bandwidth", "bandwidths", 'b', false},
                                   {"sdp.time", "time", 't', false},
                                   {"sdp.repeat_time", "repeat_time", 'r', false},
                                   {"sdp.timezone", "timezone", 'z', false},
                                   {"sdp.encryption_key", "encryption_key", 'k', false},
                                   {"sdp.attribute", "attributes", 'a', false},
                                   {"sdp.media.media", "media", 'm', true},
                                   {"sdp.media.media_info", "media_info", 'i', true},
                                   {"sdp.media.connection_data", "connection_data", 'c', true},
                                   {"sdp.media.encryption_key", "encryption_key", 'k', true}};

constexpr std::string_view kMethods[] = {"REGISTER", "INVITE", "BYE", "CANCEL", "REFER", "PRACK", "PUBLISH", "MESSAGE"};
// These are also other protocols' words.
constexpr std::string_view kCommonMethods[] = {"ACK", "INFO", "NOTIFY", "SUBSCRIBE", "OPTIONS", "UPDATE"};
constexpr std::pair<std::string_view, std::string_view> kShort[] = {
    {"i", "Call-ID"},      {"m", "Contact"}, {"e", "Content-Encoding"}, {"l", "Content-Length"},
    {"c", "Content-Type"}, {"f", "From"},    {"s", "Subject"},          {"k", "Supported"},
    {"t", "To"},           {"v", "Via"}};
constexpr std::size_t kMostHeaders = 512, kMostLines = 1'024, kMostTransactions = 10'000, kLongestMessage = 65'536;

struct SdpLine {
  char letter;
  bool of_media;
  std::string text;
};

struct Message {
  std::string first_line, method, uri, version, code, reason;
  std::vector<std::pair<std::string, std::string>> headers;
  std::vector<SdpLine> sdp;
};

enum class Read { kBad, kMore, kDone };

bool read_first_line(Message& message, std::string_view line, bool is_request) {
  message.first_line = line;
  const std::size_t first = line.find(' ');
  if (first == std::string_view::npos) return false;
  const std::size_t second = line.find(' ', first + 1);
  if (second == std::string_view::npos) return false;
  const std::string_view words[] = {line.substr(0, first), line.substr(first + 1, second - first - 1),
                                    line.substr(second + 1)};
  if (is_request) {
    message.method = words[0];
    message.uri = words[1];
    message.version = words[2];
  } else {
    message.version = words[0];
    message.code = words[1];
    message.reason = words[2];
    if (message.code.size() != 3) return false;
  }
  return message.version.starts_with("SIP/") && message.version.size() > 4;
}

void read_sdp(Message& message, std::string_view body) {
  bool of_media = false;
  while (!body.empty() && message.sdp.size() < kMostLines) {
    const std::size_t end = body.find('\n');
    std::string_view line = body.substr(0, end);
    body = end == std::string_view::npos ? std::string_view() : body.substr(end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.size() < 2 || line[1] != '=') return;
    if (line[0] == 'm') of_media = true;
    message.sdp.push_back({line[0], of_media, std::string(line.substr(2))});
  }
}

// One message; `text` is moved past it. wanted: how long text must be at least, as far as that is known.
Read read_message(Message& message, std::string_view& text, bool is_request, bool is_stream, std::size_t& wanted) {
  const std::size_t line_end = text.find("\r\n");
  if (line_end == std::string_view::npos) return is_stream && text.size() < kLongestMessage ? Read::kMore : Read::kBad;
  if (!read_first_line(message, text.substr(0, line_end), is_request)) return Read::kBad;
  std::string_view rest = text.substr(line_end + 2);
  while (!rest.starts_with("\r\n")) {
    std::size_t end = rest.find("\r\n");
    // A line that goes on on the next.
    while (end != std::string_view::npos && end + 2 < rest.size() && (rest[end + 2] == ' ' || rest[end + 2] == '\t')) {
      end = rest.find("\r\n", end + 2);
    }
    if (end == std::string_view::npos) return is_stream && text.size() < kLongestMessage ? Read::kMore : Read::kBad;
    const std::string_view line = rest.substr(0, end);
    rest = rest.substr(end + 2);
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) return Read::kBad;
    std::string_view name = trim(line.substr(0, colon));
    for (const auto& [letter, whole] : kShort) {
      if (name == letter) name = whole;
    }
    if (message.headers.size() < kMostHeaders) {
      message.headers.emplace_back(std::string(name), std::string(trim(line.substr(colon + 1))));
    }
  }
  rest = rest.substr(2);
  std::size_t length = rest.size();
  if (is_stream) {
    length = 0;
    for (const auto& [name, value] : message.headers) {
      if (!equals_ignoring_case(name, "Content-Length")) continue;
      for (const char c : value) {
        if (c < '0' || c > '9' || length > kLongestMessage) break;
        length = length * 10 + static_cast<std::size_t>(c - '0');
      }
      break;
    }
    if (length > kLongestMessage) return Read::kBad;
    if (rest.size() < length) {
      wanted = text.size() - rest.size() + length;
      return Read::kMore;
    }
  }
  read_sdp(message, rest.substr(0, length));
  text = rest.substr(length);
  return Read::kDone;
}

class SipTransaction final : public Transaction {
 public:
  SipTransaction(Message message, Side side) : message_(std::move(message)), side_(side) {
    progress[0] = progress[1] = kComplete;
    is_skipped[static_cast<int>(other(side))] = true;
  }

  Value value(int field, Side side, std::size_t index) const override {
    if (side != side_) return absent_value();
    if (field >= kSdp) {
      const auto place = static_cast<std::size_t>(field - kSdp);
      return place < std::size(kSdpFields) ? sdp_value(kSdpFields[place], index) : absent_value();
    }
    switch (field) {
      case kFrom:
        return header("From", index);
      case kTo:
        return header("To", index);
      case kVia:
        return header("Via", index);
      case kUserAgent:
        return header("User-Agent", index);
      case kContentType:
        return header("Content-Type", index);
      case kContentLength:
        return header("Content-Length", index);
      default:
        break;
    }
    if (index > 0) return absent_value();
    switch (field) {
      case kMethod:
        return text_value(message_.method);
      case kUri:
        return text_value(message_.uri);
      case kProtocol:
        return text_value(message_.version);
      case kCode:
        return text_value(message_.code);
      case kReason:
        return text_value(message_.reason);
      case kRequestLine:
        return side_ == Side::kToServer ? text_value(message_.first_line) : absent_value();
      case kResponseLine:
        return side_ == Side::kToClient ? text_value(message_.first_line) : absent_value();
      default:
        return absent_value();
    }
  }

  std::string eve() const override {
    EveObject out;
    out.open("sip");
    if (side_ == Side::kToServer) {
      out.text("method", message_.method);
      out.text("uri", message_.uri);
      out.text("version", message_.version);
    } else {
      out.text("version", message_.version);
      out.text("code", message_.code);
      out.text("reason", message_.reason);
    }
    if (!message_.sdp.empty()) sdp_object(out);
    out.text(side_ == Side::kToServer ? "request_line" : "response_line", message_.first_line);
    out.close();
    return out.take();
  }

 private:
  Value header(std::string_view name, std::size_t index) const {
    for (const auto& [own, value] : message_.headers) {
      if (equals_ignoring_case(own, name) && index-- == 0) return whole_value(value);
    }
    return absent_value();
  }
  Value sdp_value(const SdpField& field, std::size_t index) const {
    for (const SdpLine& line : message_.sdp) {
      if (line.letter == field.letter && line.of_media == field.of_media && index-- == 0) return whole_value(line.text);
    }
    return absent_value();
  }

  static bool is_list(char letter) { return letter == 'b' || letter == 'a'; }
  static void members(EveObject& out, std::span<const SdpLine> lines, bool of_media) {
    for (const SdpField& field : kSdpFields) {
      if (field.of_media != of_media && !is_list(field.letter)) continue;
      bool is_open = false;
      for (const SdpLine& line : lines) {
        if (line.letter != field.letter) continue;
        if (!is_list(field.letter)) {
          out.text(field.eve, line.text);
          break;
        }
        if (!is_open) out.open_list(field.eve);
        is_open = true;
        out.item(line.text);
      }
      if (is_open) out.close_list();
    }
  }
  void sdp_object(EveObject& out) const {
    const auto media = std::ranges::find(message_.sdp, 'm', &SdpLine::letter);
    const std::span<const SdpLine> all(message_.sdp);
    const auto before = static_cast<std::size_t>(media - message_.sdp.begin());
    out.open("sdp");
    for (const SdpLine& line : all.first(before)) {
      if (line.letter == 'v')
        out.raw("version", line.text.find_first_not_of("0123456789") == std::string::npos && !line.text.empty() &&
                                   line.text.size() < 10 && (line.text.size() == 1 || line.text[0] != '0')
                               ? line.text
                               : "0");
    }
    members(out, all.first(before), false);
    if (before < all.size()) {
      out.open_list("media_descriptions");
      for (std::size_t i = before; i < all.size();) {
        std::size_t end = i + 1;
        while (end < all.size() && all[end].letter != 'm') ++end;
        out.open_item();
        members(out, all.subspan(i, end - i), true);
        out.close();
        i = end;
      }
      out.close_list();
    }
    out.close();
  }

  Message message_;
  Side side_;
};

class SipParser final : public Parser {
 public:
  explicit SipParser(bool is_udp) : is_stream_(!is_udp) {}

  bool take(Side side, Bytes bytes, Timestamp time) override {
    if (!is_stream_) return datagram(side, text_of(bytes), time);
    Channel& channel = channels_[static_cast<int>(side)];
    const std::size_t before = channel.pending.size();
    channel.pending += text_of(bytes);
    if (!may_be_whole(channel, before)) return true;
    channel.wanted = 0;
    std::string_view rest = channel.pending;
    while (!rest.empty()) {
      // Empty lines before a message keep the connection alive (RFC 3261, 7.5).
      while (rest.starts_with("\r\n")) rest = rest.substr(2);
      if (rest.empty()) break;
      Message message;
      const Read read = read_message(message, rest, side == Side::kToServer, true, channel.wanted);
      if (read == Read::kMore) break;
      if (read == Read::kBad) {
        tell_last("sip.invalid_data");
        return false;
      }
      keep(std::make_unique<SipTransaction>(std::move(message), side), time, kMostTransactions);
    }
    channel.pending.erase(0, channel.pending.size() - rest.size());
    return true;
  }
  bool skip(Side, std::uint64_t, Timestamp) override { return false; }
  void end(Side, Timestamp) override {}

 private:
  struct Channel {
    std::string pending;
    std::size_t wanted = 0;  // bytes that a message with a body needs
  };

  // Whether it is worth reading: a message in tiny pieces is not read anew with each of them.
  static bool may_be_whole(const Channel& channel, std::size_t before) {
    const std::string_view all = channel.pending;
    if (channel.wanted > 0) return all.size() >= channel.wanted;
    if (all.size() >= kLongestMessage) return true;
    const std::string_view added = all.substr(before - std::min<std::size_t>(before, 3));
    if (added.find("\r\n\r\n") != std::string_view::npos) return true;
    // The first line alone may be wrong.
    const std::size_t line = added.find("\r\n");
    return line != std::string_view::npos && all.find("\r\n") >= all.size() - added.size();
  }

  bool datagram(Side side, std::string_view text, Timestamp time) {
    Message message;
    std::size_t wanted = 0;
    if (read_message(message, text, side == Side::kToServer, false, wanted) != Read::kDone) {
      tell_last("sip.invalid_data");
      return false;
    }
    keep(std::make_unique<SipTransaction>(std::move(message), side), time, kMostTransactions);
    return true;
  }

  bool is_stream_;
  Channel channels_[2];
};

class Sip final : public Protocol {
 public:
  std::string_view name() const override { return "sip"; }
  int field(std::string_view keyword) const override {
    for (std::size_t i = 0; i < std::size(kSdpFields); ++i) {
      if (kSdpFields[i].keyword == keyword) return kSdp + static_cast<int>(i);
    }
    return number_in(kFields, keyword);
  }
  Probe probe(bool is_udp, Side side, Bytes bytes, std::uint16_t) const override {
    const std::string_view text = text_of(bytes);
    Probe answer = Probe::kNo;
    const auto compare = [&](std::string_view word) {
      if (text.size() >= word.size()) return text.starts_with(word);
      if (word.starts_with(text) && !is_udp) answer = Probe::kMore;
      return false;
    };
    if (side == Side::kToClient) return compare("SIP/2.0") ? Probe::kYes : answer;
    for (const std::string_view method : kMethods) {
      if (compare(method)) return Probe::kYes;
    }
    for (const std::string_view method : kCommonMethods) {
      if (!compare(method)) continue;
      const std::string_view line = text.substr(0, text.find('\n'));
      if (line.find(" SIP/") != std::string_view::npos) return Probe::kYes;
      if (line.size() == text.size() && !is_udp && text.size() < 1'024) answer = Probe::kMore;
    }
    return answer;
  }
  std::unique_ptr<Parser> parser(const Options&) const override { return std::make_unique<SipParser>(true); }
  std::unique_ptr<Parser> parser_over(bool is_udp, const Options&) const override {
    return std::make_unique<SipParser>(is_udp);
  }
};

}  // namespace

const Protocol& sip_protocol() {
  static const Sip protocol;
  return protocol;
}

}  // namespace tocsin::protocol
