// FTP's control connection (RFC 959, RFC 2428, RFC 4217): a transaction a command with its replies. The data
// connections that it announces are told to the owner.
#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>

#include "base/text.h"
#include "protocol/eve_object.h"
#include "protocol/protocols.h"
#include "protocol/values.h"

namespace tocsin::protocol {
namespace {

constexpr std::string_view kCommands[] = {
    "PORT", "EPRT", "AUTH TLS", "PASV", "EPSV", "RETR", "STOR", "ABOR", "ACCT",  "ALLO", "APPE", "CDUP", "CHMOD",
    "CWD",  "DELE", "HELP",     "IDLE", "LIST", "MAIL", "MDTM", "MKD",  "MLFL",  "MLSD", "MODE", "MRCP", "MRSQ",
    "MSAM", "MSND", "MSOM",     "NLST", "NOOP", "PASS", "PWD",  "QUIT", "REIN",  "REST", "RMD",  "RNFR", "RNTO",
    "SITE", "SIZE", "SMNT",     "STAT", "STOU", "STRU", "SYST", "TYPE", "UMASK", "USER"};

enum Field : int { kCommand, kCommandData, kReply, kCompletionCode, kMode, kDynamicPort, kReplyReceived, kBounce };
constexpr std::pair<std::string_view, int> kFields[] = {{"ftp.command", kCommand},
                                                        {"ftp.command_data", kCommandData},
                                                        {"ftp.reply", kReply},
                                                        {"ftp.completion_code", kCompletionCode},
                                                        {"ftp.mode", kMode},
                                                        {"ftp.dynamic_port", kDynamicPort},
                                                        {"ftp.reply_received", kReplyReceived},
                                                        {"ftpbounce", kBounce}};

constexpr std::size_t kMostReplies = 4'096, kLongestName = 255;

struct Reply {
  std::string code, text;
};

class FtpTransaction final : public Transaction {
 public:
  FtpTransaction() { progress[0] = kComplete; }

  bool is_done() const { return progress[1] == kComplete; }

  Value value(int field, Side side, std::size_t index) const override {
    const bool may_come = !is_done();
    const Value not_yet = may_come ? Value{} : absent_value();
    switch (field) {
      case kCommand:
        return side == Side::kToServer && index == 0 ? text_value(command) : absent_value();
      case kCommandData:
        return side == Side::kToServer && index == 0 ? text_value(data()) : absent_value();
      case kReply:
        return side == Side::kToClient && index < replies.size() ? whole_value(replies[index].text) : not_yet;
      case kCompletionCode: {
        if (side != Side::kToClient) return absent_value();
        // They are asked for one after another: each goes on where the one before it was.
        if (index == 0 || index != next_code_) next_code_ = code_place_ = 0;
        for (; code_place_ < replies.size(); ++code_place_) {
          if (replies[code_place_].code.empty()) continue;
          if (next_code_++ == index) return whole_value(replies[code_place_++].code);
        }
        next_code_ = 0;
        return not_yet;
      }
      case kMode:
        if (port == 0) return not_yet;
        return whole_value(is_active ? "active" : "passive");
      case kDynamicPort:
        return port == 0 ? not_yet : whole_number(port);
      case kBounce:
        // The address to which the server is to connect; whether that is the client's is for others to say.
        return side == Side::kToServer && index == 0 && !address.empty() ? whole_value(address) : absent_value();
      case kReplyReceived:
        return whole_value(is_done() ? "yes" : "no");
      default:
        return absent_value();
    }
  }

  std::string eve() const override {
    EveObject out;
    out.open("ftp");
    if (!command.empty()) {
      out.text("command", command);
      if (!data().empty()) {
        out.text("command_data", data());
        out.flag("command_truncated", is_request_cut);
      }
    }
    const bool has_codes = std::ranges::any_of(replies, [](const Reply& reply) { return !reply.code.empty(); });
    if (has_codes) {
      out.open_list("completion_code");
      for (const Reply& reply : replies) {
        if (!reply.code.empty()) out.item(reply.code);
      }
      out.close_list();
    }
    if (!replies.empty()) {
      out.open_list("reply");
      for (const Reply& reply : replies) {
        if (!reply.text.empty()) out.item(reply.text);
      }
      out.close_list();
    }
    if (port != 0) out.number("dynamic_port", port);
    if (command == "PORT" || command == "EPRT" || command == "PASV" || command == "EPSV") {
      out.text("mode", is_active ? "active" : "passive");
    }
    out.text("reply_received", is_done() ? "yes" : "no");
    out.flag("reply_truncated", is_reply_cut);
    out.close();
    return out.take();
  }

  std::string command, request, address;  // address: of PORT, four bytes
  std::vector<Reply> replies;
  std::uint16_t port = 0;
  bool is_active = false, is_request_cut = false, is_reply_cut = false;

 private:
  mutable std::size_t next_code_ = 0, code_place_ = 0;
  // What follows the command and a blank.
  std::string_view data() const {
    return request.size() > command.size() + 1 ? std::string_view(request).substr(command.size() + 1)
                                               : std::string_view();
  }
};

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Numbers between commas: four of the address, two of the port; 0: they are none.
std::uint16_t port_of_numbers(std::string_view text) {
  unsigned numbers[6];
  for (int i = 0; i < 6; ++i) {
    text = text.substr(std::min(text.find_first_not_of(" \t"), text.size()));
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), numbers[i]);
    if (error != std::errc{} || (i >= 4 && numbers[i] > 255)) return 0;
    text = text.substr(static_cast<std::size_t>(end - text.data()));
    if (i == 5) break;
    text = text.substr(std::min(text.find_first_not_of(" \t"), text.size()));
    if (!text.starts_with(',')) return 0;
    text = text.substr(1);
  }
  return static_cast<std::uint16_t>(numbers[4] * 256 + numbers[5]);
}

// The four bytes before them; empty: they are none.
std::string address_of_numbers(std::string_view text) {
  std::string address;
  for (int i = 0; i < 4; ++i) {
    text = text.substr(std::min(text.find_first_not_of(" \t"), text.size()));
    unsigned number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || number > 255) return {};
    address += static_cast<char>(number);
    text = text.substr(static_cast<std::size_t>(end - text.data()));
    text = text.substr(std::min(text.find_first_not_of(" \t"), text.size()));
    if (!text.starts_with(',')) return {};
    text = text.substr(1);
  }
  return address;
}

std::uint16_t port_of(std::string_view text, std::string_view after) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc{}) return 0;
  return text.substr(static_cast<std::size_t>(end - text.data())).starts_with(after) ? port : std::uint16_t{0};
}

// "EPRT |1|132.235.1.2|6275|"
std::uint16_t port_of_eprt(std::string_view line) {
  for (int i = 0; i < 3; ++i) {
    const std::size_t bar = line.find('|');
    if (bar == std::string_view::npos) return 0;
    line = line.substr(bar + 1);
  }
  return port_of(line, "|");
}

class FtpParser final : public Parser {
 public:
  explicit FtpParser(const Options& options)
      : longest_line_(options.number("app-layer.protocols.ftp.max-line-length", 4'096)),
        most_(options.number("app-layer.protocols.ftp.max-tx", 1'024)) {}

  bool take(Side side, Bytes bytes, Timestamp time) override {
    now_ = time;
    Channel& channel = channels_[static_cast<int>(side)];
    channel.pending += text_of(bytes);
    const std::string all = std::move(channel.pending);
    channel.pending.clear();
    std::string_view rest = all;
    std::string_view line;
    bool is_cut = false;
    bool is_first = true;
    while (next_line(channel, rest, line, is_cut)) {
      const bool is_right = side == Side::kToServer ? request(line, is_cut) : response(line, is_cut, is_first);
      if (!is_right) return false;
      is_first = false;
      if (!upgrade_to.empty()) {
        upgrade_left = rest.size();
        return true;
      }
    }
    channel.pending = rest;
    return true;
  }

  bool skip(Side, std::uint64_t, Timestamp) override { return false; }
  void end(Side, Timestamp) override {}

 private:
  struct Channel {
    std::string pending;
    bool discards = false;
  };

  bool next_line(Channel& channel, std::string_view& rest, std::string_view& line, bool& is_cut) {
    is_cut = false;
    std::size_t end = rest.find('\n');
    if (channel.discards) {
      channel.discards = end == std::string_view::npos;
      rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
      if (channel.discards) return false;
      end = rest.find('\n');
    }
    if (end == std::string_view::npos) {
      if (rest.size() < longest_line_ || rest.empty()) return false;
      line = rest.substr(0, longest_line_);
      rest = {};
      channel.discards = is_cut = true;
      return true;
    }
    line = rest.substr(0, end);
    rest = rest.substr(end + 1);
    if (line.size() + 1 >= longest_line_) {
      line = line.substr(0, longest_line_);
      is_cut = true;
      return true;
    }
    if (line.ends_with('\r')) line.remove_suffix(1);
    return true;
  }

  FtpTransaction* begin() {
    if (!transactions.empty() && next_ - transactions.front()->id > most_) {
      for (const auto& one : transactions) {
        auto& oldest = static_cast<FtpTransaction&>(*one);
        if (oldest.is_done()) continue;
        oldest.progress[1] = Transaction::kComplete;
        oldest.event("ftp.too_many_transactions");
        break;
      }
      return nullptr;
    }
    auto made = std::make_unique<FtpTransaction>();
    made->id = next_++;
    made->time = now_;
    transactions.push_back(std::move(made));
    return static_cast<FtpTransaction*>(transactions.back().get());
  }

  bool request(std::string_view line, bool is_cut) {
    const auto known = std::ranges::find_if(kCommands, [&](std::string_view command) {
      return line.size() >= command.size() && equals_ignoring_case(line.substr(0, command.size()), command);
    });
    command_ = {};
    if (known == std::end(kCommands)) return true;
    command_ = *known;
    FtpTransaction* transaction = begin();
    if (!transaction) return false;
    transaction->command = command_;
    std::string_view kept = line;
    while (!kept.empty() && std::isspace(static_cast<unsigned char>(kept.back())) != 0) kept.remove_suffix(1);
    transaction->request = kept;
    transaction->is_request_cut = is_cut;
    if (is_cut) transaction->event("ftp.request_command_too_long");
    if (command_ == "PORT" || command_ == "EPRT") {
      port_line_ = line;
      if (command_ == "PORT") transaction->address = address_of_numbers(line.substr(4));
    } else {
      transfer(*transaction, kept);
    }
    return true;
  }

  // A command that a data connection serves.
  void transfer(FtpTransaction& transaction, std::string_view line) {
    const bool needs_name = command_ == "RETR" || command_ == "STOR" || command_ == "APPE";
    const bool is_transfer =
        needs_name || command_ == "STOU" || command_ == "NLST" || command_ == "LIST" || command_ == "MLSD";
    if (!is_transfer) return;
    if (needs_name && line.size() < 6) {
      transaction.event("ftp.file_without_name");
      return;
    }
    if (port_ == 0) {
      transaction.event("ftp.file_before_port");
      return;
    }
    Expected one;
    one.port = port_;
    one.to_server = !is_active_;
    one.command = command_;
    if (needs_name || (command_ == "STOU" && line.size() >= 6)) {
      one.file_name = line.substr(5, kLongestName - 1);
    } else if (command_ == "STOU") {
      one.file_name = "<stou>";
    }
    if (expected.size() < 64) expected.push_back(std::move(one));
    port_ = 0;
    is_active_ = false;
  }

  FtpTransaction* oldest_open() {
    FtpTransaction* last = nullptr;
    for (const auto& one : transactions) {
      last = static_cast<FtpTransaction*>(one.get());
      if (!last->is_done()) break;
    }
    return last;
  }

  bool response(std::string_view line, bool is_cut, bool) {
    FtpTransaction* transaction = oldest_open();
    if (!transaction) {
      transaction = begin();
      if (!transaction) return false;
      transaction->is_skipped[0] = true;
    }
    bool is_right = true;
    if (command_ == "AUTH TLS") {
      if (line.starts_with("234 ")) upgrade_to = "tls";
    } else if (command_ == "PORT") {
      is_right = announce(*transaction,
                          port_line_.size() > 5 ? port_of_numbers(port_line_.substr(4)) : std::uint16_t{0}, true);
    } else if (command_ == "EPRT") {
      is_right = announce(*transaction, port_of_eprt(port_line_), true);
    } else if (command_ == "PASV" && line.starts_with("227 ")) {
      const std::size_t open = line.find('(');
      if (open != std::string_view::npos) announce(*transaction, port_of_numbers(line.substr(open + 1)), false);
    } else if (command_ == "EPSV" && line.starts_with("229 ")) {
      const std::size_t bars = line.find("|||");
      if (bars != std::string_view::npos) announce(*transaction, port_of(line.substr(bars + 3), "|)"), false);
    }
    bool is_preliminary = false;
    if (is_right) {
      add_reply(*transaction, line, is_cut);
      is_preliminary = line.size() >= 4 && line[0] == '1' && is_digit(line[1]) && is_digit(line[2]) && line[3] == ' ';
    }
    if (!is_preliminary) transaction->progress[1] = Transaction::kComplete;
    transaction->changed();
    return true;
  }

  bool announce(FtpTransaction& transaction, std::uint16_t port, bool is_active) {
    if (port == 0) return false;
    port_ = transaction.port = port;
    is_active_ = transaction.is_active = is_active;
    return true;
  }

  void add_reply(FtpTransaction& transaction, std::string_view line, bool is_cut) {
    if (is_cut) {
      transaction.is_reply_cut = true;
      transaction.event("ftp.response_command_too_long");
    }
    while (!line.empty() && std::isspace(static_cast<unsigned char>(line.back())) != 0) line.remove_suffix(1);
    if (line.empty() || transaction.replies.size() >= kMostReplies) return;
    Reply reply;
    if (line.size() >= 4 && line[3] == ' ' && is_digit(line[0]) && is_digit(line[1]) && is_digit(line[2])) {
      reply.code = line.substr(0, 3);
      line = line.substr(4);
    }
    reply.text = line;
    transaction.replies.push_back(std::move(reply));
  }

  std::uint64_t longest_line_, most_, next_ = 0;
  Timestamp now_ = 0;
  Channel channels_[2];
  std::string_view command_;  // the last; empty: not known
  std::string port_line_;
  std::uint16_t port_ = 0;
  bool is_active_ = false;
};

class Ftp final : public Protocol {
 public:
  std::string_view name() const override { return "ftp"; }
  int field(std::string_view keyword) const override { return number_in(kFields, keyword); }

  Probe probe(bool, Side, Bytes, std::uint16_t) const override { return Probe::kNo; }
  Probe recognise(const Beginning& beginning) const override {
    if (beginning.is_udp) return Probe::kNo;
    const std::string_view text = text_of(beginning.bytes);
    const auto compare = [&](std::string_view word, bool exactly) {
      const std::string_view own = text.substr(0, word.size());
      const bool same = exactly ? word.starts_with(own) : equals_ignoring_case(word.substr(0, own.size()), own);
      if (!same) return Probe::kNo;
      return own.size() == word.size() ? Probe::kYes : Probe::kMore;
    };
    if (beginning.side == Side::kToClient) return compare("220 (", false);
    Probe best = Probe::kNo;
    const bool is_mail = beginning.other && beginning.other->name() == "pop3";
    for (const Probe one :
         {compare("FEAT", false), is_mail ? Probe::kNo : compare("USER ", true), compare("PORT ", false)}) {
      best = std::max(best, one);
    }
    return best;
  }

  std::string_view ports(bool is_udp) const override { return is_udp ? "" : "21"; }
  Probe recognise_on_port(const Beginning& beginning) const override {
    if (beginning.is_udp) return Probe::kNo;
    const std::string_view text = text_of(beginning.bytes);
    if (text.size() < 5) return Probe::kMore;
    if (beginning.side == Side::kToServer) return text.starts_with("QUIT") ? Probe::kYes : Probe::kNo;
    if (!text.starts_with("220") || (text[3] != ' ' && text[3] != '-')) return Probe::kNo;
    const bool is_client = beginning.other ? beginning.other == this : beginning.other_bytes > 4;
    return is_client && text.find('\n', 4) != std::string_view::npos ? Probe::kYes : Probe::kMore;
  }
  std::unique_ptr<Parser> parser(const Options& options) const override { return std::make_unique<FtpParser>(options); }
};

}  // namespace

const Protocol& ftp_protocol() {
  static const Ftp protocol;
  return protocol;
}

}  // namespace tocsin::protocol
