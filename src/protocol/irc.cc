// IRC (RFC 2812): every message but those that keep a connection alive and most of the server's numbers, for who steers
// whom by which channel.
#include <algorithm>
#include <charconv>

#include "base/text.h"
#include "protocol/eve_object.h"
#include "protocol/lines.h"
#include "protocol/protocols.h"
#include "protocol/values.h"

namespace tocsin::protocol {
namespace {

// A line has 512 bytes at most, with tags (ircv3.net) 8191 more.
constexpr std::size_t kLongestLine = 8191 + 512, kMostTransactions = 1000;

struct Message {
  std::string_view source, command, target, text;
};

std::string_view word(std::string_view& rest) {
  const std::size_t end = std::min(rest.find(' '), rest.size());
  const std::string_view found = rest.substr(0, end);
  rest.remove_prefix(end);
  while (rest.starts_with(' ')) rest.remove_prefix(1);
  return found;
}

Message message_of(std::string_view line) {
  Message message;
  if (line.starts_with('@')) word(line);  // tags
  if (line.starts_with(':')) message.source = word(line).substr(1);
  message.command = word(line);
  if (line.starts_with(':')) {
    message.text = line.substr(1);
    return message;
  }
  message.target = word(line);
  message.text = line.starts_with(':') ? line.substr(1) : line;
  return message;
}

bool is_command(std::string_view text) {
  return text.size() >= 3 && text.size() <= 16 &&
         (std::ranges::all_of(text, [](char c) { return (c | 32) >= 'a' && (c | 32) <= 'z'; }) ||
          (text.size() == 3 && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; })));
}

class IrcTransaction final : public Transaction {
 public:
  explicit IrcTransaction(const Message& said)
      : source_(said.source), command_(said.command), target_(said.target), text_(said.text) {
    progress[0] = progress[1] = kComplete;
  }
  Value value(int, Side, std::size_t) const override { return absent_value(); }
  std::string eve() const override {
    EveObject out;
    out.open("irc");
    out.text("command", command_);
    if (!source_.empty()) out.text("source", source_);
    const bool hides = is_secret();
    if (!target_.empty() && !hides) out.text("target", target_);
    if (!text_.empty() && !hides && !equals_ignoring_case(command_, "JOIN")) out.text("text", text_);
    out.close();
    return out.take();
  }

 private:
  // A password is nobody's to keep: not what logs in, nor what is said to services; of JOIN the text is a key.
  bool is_secret() const {
    for (const std::string_view command : {"PASS", "OPER", "AUTHENTICATE", "NICKSERV", "NS", "CHANSERV", "CS"}) {
      if (equals_ignoring_case(command_, command)) return true;
    }
    const std::string target = lower(target_.substr(0, target_.find('@')));
    return (target.ends_with("serv") || target == "q" || target == "x" || target == "authserv") &&
           equals_ignoring_case(command_, "PRIVMSG");
  }
  std::string source_, command_, target_, text_;
};

class IrcParser final : public Parser {
 public:
  bool take(Side side, Bytes bytes, Timestamp time) override {
    Lines& lines = lines_[static_cast<int>(side)];
    for (std::string_view text = text_of(bytes); lines.next(text);) {
      if (!lines.line().empty() && !say(lines.line(), time)) return false;
    }
    return true;
  }
  bool skip(Side side, std::uint64_t, Timestamp) override {
    lines_[static_cast<int>(side)].forget();
    return true;
  }
  void end(Side, Timestamp) override {}

 private:
  // false: this is no IRC.
  bool say(std::string_view line, Timestamp time) {
    const Message message = message_of(line);
    if (!is_command(message.command)) return ++strange_ < 8;
    const bool is_number = message.command[0] >= '0' && message.command[0] <= '9';
    // Welcome and the channel's topic, which bots take orders from.
    if (is_number && message.command != "001" && message.command != "332") return true;
    if (equals_ignoring_case(message.command, "PING") || equals_ignoring_case(message.command, "PONG")) return true;
    keep(std::make_unique<IrcTransaction>(message), time, kMostTransactions);
    return true;
  }

  Lines lines_[2] = {Lines(kLongestLine), Lines(kLongestLine)};
  int strange_ = 0;
};

class Irc final : public Protocol {
 public:
  std::string_view name() const override { return "irc"; }
  int field(std::string_view) const override { return -1; }
  // A client's first words; its USER has four parameters, unlike that of FTP and POP3.
  Probe probe(bool is_udp, Side side, Bytes bytes, std::uint16_t) const override {
    if (is_udp || side == Side::kToClient) return Probe::kNo;
    const std::string_view text = text_of(bytes);
    for (const std::string_view first : {"NICK ", "USER ", "CAP LS", "CAP REQ", "CAP END", "PASS "}) {
      const std::string_view own = text.substr(0, first.size());
      if (!equals_ignoring_case(own, first.substr(0, own.size()))) continue;
      if (own.size() < first.size()) return Probe::kMore;
      const std::size_t end = text.find('\n');
      if (end == std::string_view::npos) return text.size() < 512 ? Probe::kMore : Probe::kNo;
      // One password, then a name.
      if (first == "PASS ") {
        const Bytes next = bytes.subspan(end + 1);
        return next.empty()                         ? Probe::kMore
               : text_of(next).starts_with("PASS ") ? Probe::kNo
                                                    : probe(false, side, next, 0);
      }
      if (first == "USER ") return std::ranges::count(text.substr(0, end), ' ') >= 4 ? Probe::kYes : Probe::kNo;
      return Probe::kYes;
    }
    return Probe::kNo;
  }
  // One side says what the other is.
  Probe recognise_on_port(const Beginning& beginning) const override {
    return beginning.other == this ? Probe::kYes : Probe::kNo;
  }
  std::unique_ptr<Parser> parser(const Options&) const override { return std::make_unique<IrcParser>(); }
};

}  // namespace

const Protocol& irc_protocol() {
  static const Irc protocol;
  return protocol;
}

}  // namespace tocsin::protocol
