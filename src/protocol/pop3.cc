// POP3 (RFC 1939, RFC 2449): a command and what was answered is a transaction; so is what the server says first.
#include <algorithm>

#include "base/text.h"
#include "protocol/eve_object.h"
#include "protocol/lines.h"
#include "protocol/protocols.h"
#include "protocol/values.h"

namespace tocsin::protocol {
namespace {

constexpr std::size_t kMostTransactions = 256, kMostArguments = 16, kMostLines = 64, kLongestLine = 1024;

class Pop3Transaction final : public Transaction {
 public:
  Value value(int, Side, std::size_t) const override { return absent_value(); }
  std::string eve() const override {
    EveObject out;
    out.open("pop3");
    if (!command.empty()) {
      out.open("request");
      out.text("command", command);
      out.open_list("args");
      for (const std::string& one : arguments) out.item(one);
      out.close_list();
      out.close();
    }
    if (!status.empty()) {
      out.open("response");
      out.flag("success", status == "OK");
      out.text("status", status);
      out.text("header", header);
      out.open_list("data");
      for (const std::string& line : lines) out.item(line);
      out.close_list();
      out.close();
    }
    out.close();
    return out.take();
  }
  // Lines follow the first one of the answer, up to one with a full stop alone.
  bool has_more() const {
    if (command == "LIST" || command == "UIDL") return arguments.empty();
    return command == "RETR" || command == "TOP" || command == "CAPA" || (command == "AUTH" && arguments.empty());
  }
  void finish() {
    progress[0] = progress[1] = kComplete;
    changed();
  }

  std::string command, status, header;
  std::vector<std::string> arguments, lines;
};

class Pop3Parser final : public Parser {
 public:
  bool take(Side side, Bytes bytes, Timestamp time) override {
    Lines& lines = lines_[static_cast<int>(side)];
    for (std::string_view text = text_of(bytes); lines.next(text);) {
      side == Side::kToServer ? said(lines.line(), time) : answered(lines.line(), time);
      if (upgrade_to.empty()) continue;
      upgrade_left = text.size();
      return true;
    }
    return true;
  }
  bool skip(Side side, std::uint64_t, Timestamp) override {
    lines_[static_cast<int>(side)].forget();
    return true;
  }
  void end(Side side, Timestamp) override {
    if (side != Side::kToClient) return;
    for (const auto& one : transactions) {
      if (!one->is_complete()) static_cast<Pop3Transaction&>(*one).finish();
    }
  }

 private:
  Pop3Transaction& begin(Timestamp time) {
    if (transactions.size() >= kMostTransactions) tell_last("pop3.too_many_transactions");
    keep(std::make_unique<Pop3Transaction>(), time, kMostTransactions);
    return static_cast<Pop3Transaction&>(*transactions.back());
  }

  Pop3Transaction* oldest_open() {
    const auto found = std::ranges::find_if(transactions, [](const auto& one) { return !one->is_complete(); });
    return found == transactions.end() ? nullptr : static_cast<Pop3Transaction*>(found->get());
  }

  void said(std::string_view line, Timestamp time) {
    if (is_asked_for_more_) {  // an answer to what the server asked of AUTH
      is_asked_for_more_ = false;
      return;
    }
    Pop3Transaction& made = begin(time);
    for (bool is_first = true; !line.empty(); is_first = false) {
      const std::size_t end = std::min(line.find(' '), line.size());
      const std::string_view word = line.substr(0, end);
      line.remove_prefix(std::min(line.size(), end + 1));
      if (is_first) {
        made.command = word;
        for (char& c : made.command) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
      } else if (!word.empty() && made.arguments.size() < kMostArguments) {
        made.arguments.emplace_back(word);
      }
    }
    made.changed();
  }

  void answered(std::string_view line, Timestamp time) {
    if (is_in_lines_) {
      Pop3Transaction* open = oldest_open();
      const bool is_over = line == ".";
      if (open != nullptr && is_over) open->finish();
      if (open != nullptr && !is_over && open->lines.size() < kMostLines) {
        open->lines.emplace_back(line.starts_with("..") ? line.substr(1) : line);
      }
      is_in_lines_ = open != nullptr && !is_over;
      return;
    }
    if (line == "+" || line.starts_with("+ ")) {
      is_asked_for_more_ = true;
      return;
    }
    const bool is_right = line.starts_with("+OK"), is_wrong = line.starts_with("-ERR");
    if (!is_right && !is_wrong) return;
    Pop3Transaction* open = oldest_open();
    Pop3Transaction& of = open != nullptr ? *open : begin(time);
    of.status = is_right ? "OK" : "ERR";
    line.remove_prefix(is_right ? 3 : 4);
    of.header = trim(line);
    if (is_right && of.has_more()) {
      is_in_lines_ = true;
      of.changed();
      return;
    }
    of.finish();
    if (is_right && of.command == "STLS") upgrade_to = "tls";
  }

  Lines lines_[2] = {Lines(kLongestLine), Lines(kLongestLine)};
  bool is_in_lines_ = false, is_asked_for_more_ = false;
};

class Pop3 final : public Protocol {
 public:
  std::string_view name() const override { return "pop3"; }
  int field(std::string_view) const override { return -1; }
  Probe probe(bool is_udp, Side side, Bytes bytes, std::uint16_t) const override {
    if (is_udp || side == Side::kToServer) return Probe::kNo;
    const std::string_view text = text_of(bytes);
    for (const std::string_view begins : {std::string_view("+OK "), std::string_view("-ERR ")}) {
      const std::size_t size = std::min(begins.size(), text.size());
      if (equals_ignoring_case(text.substr(0, size), begins.substr(0, size)))
        return size == begins.size() ? Probe::kYes : Probe::kMore;
    }
    return Probe::kNo;
  }
  // One side says what the other is.
  Probe recognise_on_port(const Beginning& beginning) const override {
    return beginning.other == this ? Probe::kYes : Probe::kNo;
  }
  std::unique_ptr<Parser> parser(const Options&) const override { return std::make_unique<Pop3Parser>(); }
};

}  // namespace

const Protocol& pop3_protocol() {
  static const Pop3 protocol;
  return protocol;
}

}  // namespace tocsin::protocol
