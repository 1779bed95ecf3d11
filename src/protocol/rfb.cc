// RFB, the protocol of VNC (RFC 6143), up to the server's first message: versions, how the client proved who it is, and
// what the desktop is called. All of it is one transaction.
#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "protocol/eve_object.h"
#include "protocol/protocols.h"
#include "protocol/values.h"

namespace tocsin::protocol {
namespace {

enum Field : int { kName, kSecurityType, kSecurityResult };
constexpr std::pair<std::string_view, int> kFields[] = {
    {"rfb.name", kName}, {"rfb.sectype", kSecurityType}, {"rfb.secresult", kSecurityResult}};
constexpr std::string_view kResults[] = {"ok", "fail", "toomany"};
constexpr std::size_t kLongestText = 4096, kVersionSize = 12, kChallengeSize = 16;
constexpr std::uint8_t kNone = 1, kVnc = 2;

struct PixelFormat {
  std::uint8_t bits = 0, depth = 0, is_big_endian = 0, is_true_colour = 0;
  std::uint16_t red_most = 0, green_most = 0, blue_most = 0;
  std::uint8_t red_shift = 0, green_shift = 0, blue_shift = 0;
};

class RfbTransaction final : public Transaction {
 public:
  Value value(int field, Side, std::size_t index) const override {
    const Value none = is_complete() ? absent_value() : Value{};
    if (index > 0) return absent_value();
    switch (field) {
      case kName:
        return has_init ? whole_value(name) : none;
      case kSecurityType:
        return security ? whole_number(*security) : none;
      case kSecurityResult:
        return result ? whole_number(*result) : none;
      default:
        return absent_value();
    }
  }

  std::string eve() const override {
    EveObject out;
    out.open("rfb");
    for (const auto& [member, text] : {std::pair("server_protocol_version", &server_version),
                                       std::pair("client_protocol_version", &client_version)}) {
      if (text->empty()) continue;
      out.open(member);
      out.text("major", std::string_view(*text).substr(4, 3));
      out.text("minor", std::string_view(*text).substr(8, 3));
      out.close();
    }
    if (security) {
      out.open("authentication");
      out.number("security_type", *security);
      if (!challenge.empty() || !response.empty()) {
        out.open("vnc");
        if (!challenge.empty()) out.hex("challenge", bytes_of(challenge));
        if (!response.empty()) out.hex("response", bytes_of(response));
        out.close();
      }
      if (result) {
        constexpr std::string_view kNames[] = {"OK", "FAIL", "TOOMANY"};
        out.text("security_result",
                 *result < std::size(kNames) ? std::string(kNames[*result]) : fmt::format("UNKNOWN ({})", *result));
      }
      out.close();
    }
    if (!reason.empty()) out.text("server_security_failure_reason", reason);
    if (is_shared) out.flag("screen_shared", *is_shared);
    if (has_init) {
      out.open("framebuffer");
      out.number("width", width);
      out.number("height", height);
      out.text("name", name);
      out.open("pixel_format");
      out.number("bits_per_pixel", pixels.bits);
      out.number("depth", pixels.depth);
      out.flag("big_endian", pixels.is_big_endian != 0);
      out.flag("true_color", pixels.is_true_colour != 0);
      out.number("red_max", pixels.red_most);
      out.number("green_max", pixels.green_most);
      out.number("blue_max", pixels.blue_most);
      out.number("red_shift", pixels.red_shift);
      out.number("green_shift", pixels.green_shift);
      out.number("blue_shift", pixels.blue_shift);
      out.close();
      out.close();
    }
    out.close();
    return out.take();
  }

  std::string server_version, client_version, challenge, response, reason, name;
  std::optional<std::uint32_t> security, result;
  std::optional<bool> is_shared;
  bool has_init = false;
  std::uint16_t width = 0, height = 0;
  PixelFormat pixels;
};

class RfbParser final : public Parser {
 public:
  RfbParser() {
    auto made = std::make_unique<RfbTransaction>();
    session_ = made.get();
    transactions.push_back(std::move(made));
  }

  bool take(Side side, Bytes bytes, Timestamp time) override {
    if (step_ == Step::kDone) return true;
    if (session_->time == 0) session_->time = time;
    std::string& pending = pending_[static_cast<int>(side)];
    if (pending.size() + bytes.size() > 2 * kLongestText) return give_up("rfb.malformed_message");
    pending.append(text_of(bytes));
    // What one side says may let what the other has said be read.
    for (bool goes_on = true; goes_on && step_ != Step::kDone;) {
      std::string& own = pending_[static_cast<int>(speaker())];
      Reader reader(bytes_of(own));
      const Step before = step_;
      if (!read(reader)) return false;
      goes_on = step_ != before;
      if (goes_on) own.erase(0, std::min(reader.at(), own.size()));
    }
    if (session_ != nullptr) session_->changed();
    return true;
  }
  bool skip(Side, std::uint64_t, Timestamp) override {
    finish();
    return false;
  }
  void end(Side, Timestamp) override { finish(); }

 private:
  enum class Step : std::uint8_t {
    kServerVersion,
    kClientVersion,
    kOldSecurity,  // of version 3.3, where the server chooses
    kOffers,
    kNoOffer,
    kChoice,
    kChallenge,
    kResponse,
    kResult,
    kReason,
    kClientInit,
    kServerInit,
    kDone
  };

  Side speaker() const {
    const bool is_client = step_ == Step::kClientVersion || step_ == Step::kChoice || step_ == Step::kResponse ||
                           step_ == Step::kClientInit;
    return is_client ? Side::kToServer : Side::kToClient;
  }

  void finish() {
    if (session_ == nullptr) return;
    step_ = Step::kDone;
    for (std::string& pending : pending_) std::string().swap(pending);
    const auto found = std::ranges::find_if(transactions, [this](const auto& one) { return one.get() == session_; });
    if (found != transactions.end()) {
      session_->progress[0] = session_->progress[1] = Transaction::kComplete;
      session_->changed();
    }
    session_ = nullptr;
  }
  bool give_up(std::string_view event) {
    session_->event(event);
    finish();
    return false;
  }

  // One step, if all of it is there; false: this is not as it must be.
  bool read(Reader& reader) {
    switch (step_) {
      case Step::kServerVersion:
      case Step::kClientVersion:
        return version(reader);
      case Step::kOldSecurity: {
        const std::uint32_t kind = reader.u32();
        if (!reader.ok()) return true;
        session_->security = kind;
        return kind == 0 ? step(Step::kNoOffer) : chosen(kind);
      }
      case Step::kOffers: {
        const std::uint8_t count = reader.u8();
        reader.bytes(count);
        if (!reader.ok()) return true;
        return step(count == 0 ? Step::kNoOffer : Step::kChoice);
      }
      case Step::kChoice: {
        const std::uint8_t kind = reader.u8();
        if (!reader.ok()) return true;
        session_->security = kind;
        return chosen(kind);
      }
      case Step::kChallenge:
      case Step::kResponse: {
        const Bytes bytes = reader.bytes(kChallengeSize);
        if (!reader.ok()) return true;
        (step_ == Step::kChallenge ? session_->challenge : session_->response) = text_of(bytes);
        return step(step_ == Step::kChallenge ? Step::kResponse : Step::kResult);
      }
      case Step::kResult: {
        const std::uint32_t result = reader.u32();
        if (!reader.ok()) return true;
        session_->result = result;
        if (result >= std::size(kResults)) session_->event("rfb.unknown_security_result");
        if (result == 0) return step(Step::kClientInit);
        if (is_3_8_) return step(Step::kReason);
        finish();
        return true;
      }
      case Step::kNoOffer:
      case Step::kReason: {
        const std::uint32_t length = reader.u32();
        if (!reader.ok()) return true;
        if (length > kLongestText) return give_up("rfb.malformed_message");
        const Bytes reason = reader.bytes(length);
        if (!reader.ok()) return true;
        session_->reason = text_of(reason);
        session_->changed();
        finish();
        return true;
      }
      case Step::kClientInit: {
        const std::uint8_t shares = reader.u8();
        if (!reader.ok()) return true;
        session_->is_shared = shares != 0;
        return step(Step::kServerInit);
      }
      case Step::kServerInit:
        return server_init(reader);
      case Step::kDone:
        break;
    }
    return true;
  }

  bool version(Reader& reader) {
    const Bytes bytes = reader.bytes(kVersionSize);
    if (!reader.ok()) return true;
    const std::string_view text = text_of(bytes);
    if (!text.starts_with("RFB ") || text[7] != '.' || text[11] != '\n') return give_up("rfb.malformed_message");
    if (step_ == Step::kServerVersion) {
      session_->server_version = text;
      return step(Step::kClientVersion);
    }
    session_->client_version = text;
    is_3_8_ = text >= "RFB 003.008";
    return step(text < "RFB 003.007" ? Step::kOldSecurity : Step::kOffers);
  }

  bool chosen(std::uint32_t kind) {
    if (kind == kVnc) return step(Step::kChallenge);
    if (kind == kNone) return step(is_3_8_ ? Step::kResult : Step::kClientInit);
    // What others say to each other is not known.
    session_->event("rfb.unimplemented_security_type");
    finish();
    return true;
  }

  bool server_init(Reader& reader) {
    RfbTransaction& to = *session_;
    const std::uint16_t width = reader.u16(), height = reader.u16();
    PixelFormat pixels;
    pixels.bits = reader.u8();
    pixels.depth = reader.u8();
    pixels.is_big_endian = reader.u8();
    pixels.is_true_colour = reader.u8();
    pixels.red_most = reader.u16();
    pixels.green_most = reader.u16();
    pixels.blue_most = reader.u16();
    pixels.red_shift = reader.u8();
    pixels.green_shift = reader.u8();
    pixels.blue_shift = reader.u8();
    reader.skip(3);
    const std::uint32_t length = reader.u32();
    if (!reader.ok()) return true;
    if (length > kLongestText) return give_up("rfb.malformed_message");
    const Bytes name = reader.bytes(length);
    if (!reader.ok()) return true;
    to.width = width;
    to.height = height;
    to.pixels = pixels;
    to.name = text_of(name);
    to.has_init = true;
    to.changed();
    finish();
    return true;
  }

  bool step(Step next) {
    step_ = next;
    return true;
  }

  RfbTransaction* session_;
  Step step_ = Step::kServerVersion;
  bool is_3_8_ = false;
  std::string pending_[2];
};

class Rfb final : public Protocol {
 public:
  std::string_view name() const override { return "rfb"; }
  int field(std::string_view keyword) const override { return number_in(kFields, keyword); }
  std::optional<std::uint64_t> number_of(int field, std::string_view word) const override {
    if (field != kSecurityResult) return std::nullopt;
    if (word == "unknown") return std::size(kResults);
    const auto found = std::ranges::find(kResults, word);
    return found == std::end(kResults) ? std::nullopt : std::optional<std::uint64_t>(found - std::begin(kResults));
  }
  Probe probe(bool is_udp, Side, Bytes bytes, std::uint16_t) const override {
    constexpr std::string_view kBegins = "RFB ";
    if (is_udp) return Probe::kNo;
    const std::string_view text = text_of(bytes).substr(0, kBegins.size());
    if (text != kBegins.substr(0, text.size())) return Probe::kNo;
    return text.size() < kBegins.size() ? Probe::kMore : Probe::kYes;
  }
  std::unique_ptr<Parser> parser(const Options&) const override { return std::make_unique<RfbParser>(); }
};

}  // namespace

const Protocol& rfb_protocol() {
  static const Rfb protocol;
  return protocol;
}

}  // namespace tocsin::protocol
