// Log-ins over Telnet (RFC 854): who tried, and whether it was let in. The words of what asks for a name, a password,
// or refuses, are those of the usual systems; a log-in in other words is not seen. Passwords are not kept.
#include <algorithm>
#include <array>

#include "base/text.h"
#include "protocol/eve_object.h"
#include "protocol/protocols.h"
#include "protocol/values.h"

namespace tocsin::protocol {
namespace {

constexpr std::size_t kMostTransactions = 1000, kMostName = 128, kMostScreen = 512;
// Bytes after which no log-in is looked for: what comes is the session.
constexpr std::uint64_t kMostBytes = 64 * 1024;
constexpr std::uint8_t kSubnegotiation = 250, kWill = 251, kDont = 254, kIac = 255, kSubnegotiationEnd = 240;

enum class Outcome : std::uint8_t { kUnknown, kFailed, kSucceeded };

class TelnetTransaction final : public Transaction {
 public:
  explicit TelnetTransaction(std::string user) : user_(std::move(user)) {}
  void finish(Outcome outcome) {
    outcome_ = outcome;
    progress[0] = progress[1] = kComplete;
    changed();
  }
  Value value(int, Side, std::size_t) const override { return absent_value(); }
  std::string eve() const override {
    EveObject out;
    out.open("telnet");
    out.text("user", user_);
    out.text("login", outcome_ == Outcome::kFailed      ? "failed"
                      : outcome_ == Outcome::kSucceeded ? "succeeded"
                                                        : "unknown");
    out.close();
    return out.take();
  }

 private:
  std::string user_;
  Outcome outcome_ = Outcome::kUnknown;
};

// What is left of a side's bytes without options (RFC 854, RFC 855), which may be cut anywhere.
class WithoutOptions {
 public:
  // Whether the byte is text.
  bool take(std::uint8_t byte) {
    switch (state_) {
      case State::kText:
        if (byte != kIac) return true;
        state_ = State::kCommand;
        return false;
      case State::kCommand:
        state_ = byte == kSubnegotiation          ? State::kOption
                 : byte >= kWill && byte <= kDont ? State::kAnswer
                                                  : State::kText;
        return byte == kIac;
      case State::kAnswer:
        state_ = State::kText;
        return false;
      case State::kOption:
        if (byte == kIac) state_ = State::kOptionCommand;
        return false;
      case State::kOptionCommand:
        state_ = byte == kSubnegotiationEnd ? State::kText : State::kOption;
        return false;
    }
    return false;
  }

 private:
  enum class State : std::uint8_t { kText, kCommand, kAnswer, kOption, kOptionCommand } state_ = State::kText;
};

bool ends_in_any(std::string_view text, std::span<const std::string_view> ends) {
  return std::ranges::any_of(ends, [&](std::string_view end) { return text.ends_with(end); });
}

class TelnetParser final : public Parser {
 public:
  bool take(Side side, Bytes bytes, Timestamp time) override {
    taken_ += bytes.size();
    if (taken_ > kMostBytes) return true;
    for (const std::uint8_t byte : bytes) {
      if (!options_[static_cast<int>(side)].take(byte)) continue;
      side == Side::kToServer ? typed(static_cast<char>(byte), time) : shown(static_cast<char>(byte));
    }
    return true;
  }
  bool skip(Side side, std::uint64_t, Timestamp) override {
    (side == Side::kToServer ? line_ : screen_).clear();
    return true;
  }
  void end(Side, Timestamp) override {
    if (login_ != nullptr) settle(Outcome::kUnknown);
  }

 private:
  enum class Waits : std::uint8_t { kForNothing, kForName, kForPassword, kForOutcome };

  void typed(char c, Timestamp time) {
    if (waits_ != Waits::kForName && waits_ != Waits::kForPassword) return;
    if (c == '\b' || c == '\x7f') {
      if (!line_.empty()) line_.pop_back();
    } else if (c != '\r' && c != '\n' && c != '\0') {
      if (line_.size() < kMostName) line_.push_back(c);
    } else if (c == '\r' || c == '\n') {
      if (waits_ == Waits::kForPassword) {
        waits_ = Waits::kForOutcome;
      } else if (!line_.empty()) {
        if (login_ != nullptr) settle(Outcome::kUnknown);
        auto made = std::make_unique<TelnetTransaction>(line_);
        login_ = made.get();
        waits_ = Waits::kForNothing;
        keep(std::move(made), time, kMostTransactions);
      }
      line_.clear();
      screen_.clear();
    }
  }

  void shown(char c) {
    if (c == '\0') return;
    if (screen_.size() >= kMostScreen) screen_.erase(0, kMostScreen / 2);
    screen_.push_back(c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c);
    static constexpr std::string_view kAsksName[] = {
        "login:", "login: ", "username:", "username: ", "user name: ", "user:", "user: "};
    static constexpr std::string_view kAsksPassword[] = {"password:", "password: ", "passwd:", "passwd: "};
    static constexpr std::string_view kRefuses[] = {"incorrect", "failed",  "failure",
                                                    "denied",    "invalid", "bad password"};
    static constexpr std::string_view kPrompts[] = {"$ ", "# ", "> ", "% ", "last login"};
    if (waits_ == Waits::kForOutcome && login_ != nullptr) {
      if (ends_in_any(screen_, kRefuses)) return settle(Outcome::kFailed);
      if (ends_in_any(screen_, kPrompts)) return settle(Outcome::kSucceeded);
    }
    if (!screen_.ends_with(':') && !screen_.ends_with(' ')) return;
    if (ends_in_any(screen_, kAsksPassword)) {
      if (waits_ == Waits::kForOutcome && login_ != nullptr) settle(Outcome::kFailed);
      waits_ = Waits::kForPassword;
    } else if (ends_in_any(screen_, kAsksName)) {
      if (waits_ == Waits::kForOutcome && login_ != nullptr) settle(Outcome::kFailed);
      waits_ = Waits::kForName;
    }
  }

  void settle(Outcome outcome) {
    // It may have been taken away for being too old.
    const auto found = std::ranges::find_if(transactions, [this](const auto& one) { return one.get() == login_; });
    if (found != transactions.end()) login_->finish(outcome);
    login_ = nullptr;
    waits_ = Waits::kForNothing;
    screen_.clear();
  }

  std::array<WithoutOptions, 2> options_;
  std::uint64_t taken_ = 0;
  std::string line_, screen_;  // what is typed; what the server shows since, in lower case
  Waits waits_ = Waits::kForNothing;
  TelnetTransaction* login_ = nullptr;
};

class Telnet final : public Protocol {
 public:
  std::string_view name() const override { return "telnet"; }
  int field(std::string_view) const override { return -1; }
  Probe probe(bool is_udp, Side side, Bytes bytes, std::uint16_t) const override {
    // Offers and wishes of echo, and of the terminal's type.
    static constexpr std::string_view kClient[] = {"\xff\xfb\x01", "\xff\xfd\x01"};
    static constexpr std::string_view kServer[] = {"\xff\xfd\x18", "\xff\xfb\x01", "\xff\xfd\x01"};
    if (is_udp) return Probe::kNo;
    const std::string_view text = text_of(bytes).substr(0, 3);
    const auto fits = [text](std::string_view one) { return one.starts_with(text); };
    const bool is_one =
        side == Side::kToServer ? std::ranges::any_of(kClient, fits) : std::ranges::any_of(kServer, fits);
    return !is_one ? Probe::kNo : text.size() < 3 ? Probe::kMore : Probe::kYes;
  }
  // One side says what the other is.
  Probe recognise_on_port(const Beginning& beginning) const override {
    return beginning.other == this ? Probe::kYes : Probe::kNo;
  }
  std::unique_ptr<Parser> parser(const Options&) const override { return std::make_unique<TelnetParser>(); }
};

}  // namespace

const Protocol& telnet_protocol() {
  static const Telnet protocol;
  return protocol;
}

}  // namespace tocsin::protocol
