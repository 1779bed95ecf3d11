// SMTP (RFC 5321) with pipelining (RFC 2920), chunks (RFC 3030) and STARTTLS (RFC 3207).
//
// Each command waits in a list for its reply, for only the reply says what it meant: whether a mail follows, or TLS.
// Content by DATA is read as a mail; content by BDAT is counted, no more.
#include <algorithm>
#include <charconv>
#include <deque>
#include <utility>

#include "base/text.h"
#include "protocol/protocols.h"
#include "protocol/reader.h"
#include "protocol/smtp_transaction.h"

namespace tocsin::protocol {
namespace {

using smtp::Settings;
using smtp::SmtpTransaction;

constexpr std::size_t kLongestLine = 4'096;
constexpr std::size_t kMostCommands = 65'535;
constexpr std::size_t kMostRecipients = 4'096;
// What is held of a body's line that may turn out to be a boundary.
constexpr std::size_t kLongestHeld = 4'096;
constexpr std::uint8_t kDataStep = 1;
constexpr std::uint64_t kNone = UINT64_MAX;

enum class Command : std::uint8_t { kOther, kStartTls, kData, kBdat, kBdatLast, kContent, kReset, kQuit };

bool begins(std::string_view line, std::string_view word) {
  return line.size() >= word.size() && equals_ignoring_case(line.substr(0, word.size()), word);
}

// Of the first character that ends a line of a body. Short pieces, so that neither character is looked for in vain
// beyond the other again and again.
std::size_t find_line_end(std::string_view text) {
  constexpr std::size_t kPiece = 128;
  for (std::size_t at = 0; at < text.size(); at += kPiece) {
    const std::string_view piece = text.substr(at, kPiece);
    const std::size_t newline = piece.find('\n');
    const std::size_t found = std::min(newline, piece.substr(0, newline).find('\r'));
    if (found != std::string_view::npos) return at + found;
  }
  return std::string_view::npos;
}

bool is_reply_code(std::string_view code) {
  constexpr std::string_view kCodes[] = {"211", "214", "220", "221", "235", "250", "251", "252", "334", "354",
                                         "401", "402", "421", "435", "450", "451", "452", "454", "455", "500",
                                         "501", "502", "503", "504", "511", "521", "522", "525", "530", "534",
                                         "535", "541", "543", "550", "551", "552", "553", "554", "555"};
  return std::ranges::find(kCodes, code) != std::end(kCodes);
}

class SmtpParser final : public Parser {
 public:
  explicit SmtpParser(const Options& options)
      : settings_(std::make_shared<Settings>(Settings::of(options))), helo_(std::make_shared<std::string>()) {}

  bool take(Side side, Bytes bytes, Timestamp time) override {
    now_ = time;
    Channel& channel = channels_[static_cast<int>(side)];
    std::string joined = std::exchange(channel.pending, {});
    if (!joined.empty()) joined += text_of(bytes);
    std::string_view rest = joined.empty() ? text_of(bytes) : joined;
    const bool is_right = side == Side::kToServer ? client(rest) : server(rest);
    if (is_right) channel.pending = rest;
    if (SmtpTransaction* transaction = current()) transaction->changed();
    return is_right;
  }

  bool skip(Side, std::uint64_t, Timestamp) override { return false; }

  void end(Side side, Timestamp) override {
    if (side != Side::kToServer) return;
    if (SmtpTransaction* transaction = current(); transaction && transaction->open_file) {
      transaction->open_file->close(File::State::kTruncated);
      transaction->open_file = nullptr;
    }
  }

 private:
  struct Channel {
    std::string pending;
    bool discards = false;  // the rest of a line that was too long
  };
  struct Waiting {
    Command command;
    std::uint64_t transaction;
  };

  SmtpTransaction* find(std::uint64_t id) {
    for (auto one = transactions.rbegin(); one != transactions.rend(); ++one) {
      if ((*one)->id == id) return static_cast<SmtpTransaction*>(one->get());
    }
    return nullptr;
  }
  SmtpTransaction* current() { return current_ == kNone ? nullptr : find(current_); }
  void event(std::string_view name) {
    SmtpTransaction* transaction = current();
    if (transaction && std::ranges::find(transaction->events, name) == transaction->events.end()) {
      transaction->event(name);
    }
  }

  // A line up to its end; nothing: it is not whole. is_cut: it is longer than what is looked at.
  bool next_line(Channel& channel, std::string_view& rest, std::string_view& line, std::string_view& line_end,
                 bool& is_cut) {
    is_cut = false;
    const std::size_t end = rest.find('\n');
    if (end == std::string_view::npos) {
      if (channel.discards) {
        rest = {};
        return false;
      }
      if (rest.size() < kLongestLine) return false;
      line = rest.substr(0, kLongestLine);
      line_end = {};
      rest = {};
      channel.discards = is_cut = true;
      return true;
    }
    line = rest.substr(0, end);
    rest = rest.substr(end + 1);
    if (channel.discards) {
      channel.discards = false;
      line = line_end = {};
      return true;
    }
    if (line.size() + 1 >= kLongestLine) {
      line = line.substr(0, kLongestLine);
      line_end = {};
      is_cut = true;
      return true;
    }
    line_end = "\n";
    if (line.ends_with('\r')) {
      line.remove_suffix(1);
      line_end = "\r\n";
    }
    return true;
  }

  bool client(std::string_view& rest) {
    while (!rest.empty()) {
      if (is_data_mode_ && (command_ == Command::kBdat || command_ == Command::kBdatLast)) {
        if (!chunk(rest)) return false;
        continue;
      }
      if (is_data_mode_ && command_ == Command::kData) {
        SmtpTransaction* transaction = current();
        if (transaction && transaction->mail && transaction->mail->is_in_body()) {
          if (!body(*transaction, rest)) return true;
          continue;
        }
      }
      std::string_view line, line_end;
      bool is_cut = false;
      if (!next_line(channels_[0], rest, line, line_end, is_cut)) return true;
      if (!line.empty() || !line_end.empty()) {
        if (!request(line, line_end)) return false;
      }
      if (is_cut) event("smtp.truncated_line");
    }
    return true;
  }

  // Content of a chunk, by count.
  bool chunk(std::string_view& rest) {
    if (chunk_left_ == 0) {
      is_data_mode_ = false;
      return true;
    }
    const std::size_t some = static_cast<std::size_t>(std::min<std::uint64_t>(chunk_left_, rest.size()));
    rest = rest.substr(some);
    chunk_left_ -= some;
    if (chunk_left_ > 0) return true;
    is_data_mode_ = false;
    SmtpTransaction* transaction = current();
    if (transaction && command_ == Command::kBdatLast) transaction->reach(Side::kToServer, Transaction::kComplete);
    return true;
  }

  // Lines of a mail's body, in pieces where they are long. false: more is needed.
  bool body(SmtpTransaction& transaction, std::string_view& rest) {
    const std::size_t end = find_line_end(rest);
    std::string_view line = rest.substr(0, end), line_end;
    if (end == std::string_view::npos || (rest[end] == '\r' && end + 1 == rest.size())) {
      // What may be a boundary, the end of the mail or of the line is waited for.
      const bool may_be = line.starts_with('-') || line == "." || line.empty();
      if (may_be && line.size() < kLongestHeld) return false;
      if (end == 0) return false;
      rest = rest.substr(line.size());
      transaction.mail->line(line, {});
      return true;
    }
    line_end = rest.substr(end, rest[end] == '\r' && rest[end + 1] == '\n' ? 2 : 1);
    rest = rest.substr(end + line_end.size());
    content(transaction, line, line_end);
    return true;
  }

  void content(SmtpTransaction& transaction, std::string_view line, std::string_view line_end) {
    if (line == ".") {
      is_data_mode_ = false;
      wait_for(Command::kContent, transaction.id);
      transaction.end_content();
      transaction.reach(Side::kToServer, Transaction::kComplete);
      return;
    }
    if (transaction.mail) {
      transaction.mail->line(line, line_end);
    } else if (transaction.open_file) {
      transaction.open_file->append(bytes_of(line));
      transaction.open_file->append(bytes_of(line_end));
    }
  }

  bool wait_for(Command command, std::uint64_t transaction) {
    if (!waiting_.empty() &&
        (waiting_.back().command == Command::kStartTls || waiting_.back().command == Command::kData)) {
      event("smtp.invalid_pipelined_sequence");
    }
    if (waiting_.size() >= kMostCommands) return false;
    waiting_.push_back({command, transaction});
    return true;
  }

  SmtpTransaction* begin() {
    if (next_ > settings_->most_transactions) return nullptr;
    auto made = std::make_unique<SmtpTransaction>(settings_, helo_);
    made->id = current_ = next_++;
    made->time = now_;
    transactions.push_back(std::move(made));
    return current();
  }

  bool request(std::string_view line, std::string_view line_end) {
    const bool is_last = !is_data_mode_ && (begins(line, "rset") || begins(line, "quit"));
    SmtpTransaction* transaction = current();
    if ((!transaction && (next_ == 0 || !is_last)) ||
        (transaction && transaction->is_complete(Side::kToServer) && !is_last)) {
      transaction = begin();
      if (!transaction) return false;
    }
    if (!has_first_reply_) event("smtp.no_server_welcome_message");
    if (is_data_mode_) {
      if (command_ == Command::kData && transaction) content(*transaction, line, line_end);
      return true;
    }
    if (!transaction) {
      command_ = begins(line, "rset") ? Command::kReset : Command::kQuit;
      return wait_for(command_, kNone);
    }
    command_ = Command::kOther;
    if (begins(line, "starttls")) {
      command_ = Command::kStartTls;
    } else if (begins(line, "data")) {
      command_ = Command::kData;
      transaction->reach(Side::kToServer, kDataStep);
      if (transaction->has_data) {
        event("smtp.unparsable_content");
        return true;
      }
      transaction->has_data = true;
      transaction->begin_content();
      if (does_pipeline_) is_data_mode_ = true;
    } else if (begins(line, "bdat")) {
      bdat(*transaction, line);
    } else if (begins(line, "helo") || begins(line, "ehlo")) {
      if (!helo_->empty()) {
        event("smtp.duplicate_fields");
      } else {
        *helo_ = parameter(line, 4);
      }
      if (transaction->mail_from || !transaction->recipients.empty() || transaction->progress[0] != 0) {
        command_ = Command::kReset;
      }
    } else if (begins(line, "mail from")) {
      if (transaction->mail_from) {
        event("smtp.duplicate_fields");
      } else {
        transaction->mail_from = parameter(line, 9);
      }
    } else if (begins(line, "rcpt to")) {
      if (transaction->recipients.size() < kMostRecipients) transaction->recipients.push_back(parameter(line, 7));
    } else if (begins(line, "rset")) {
      command_ = Command::kReset;
    } else if (begins(line, "quit")) {
      command_ = Command::kQuit;
    }
    return wait_for(command_, transaction->id);
  }

  // The word after a command and one more letter.
  static std::string parameter(std::string_view line, std::size_t size) {
    if (line.size() <= size + 1) return {};
    line = line.substr(size + 1);
    line = line.substr(std::min(line.find_first_not_of(' '), line.size()));
    return std::string(line.substr(0, line.find(' ')));
  }

  void bdat(SmtpTransaction& transaction, std::string_view line) {
    line = line.substr(4);
    const std::size_t begin = line.find_first_not_of(' ');
    std::uint32_t size = 0;
    if (begin == 0 || begin == std::string_view::npos) return event("smtp.invalid_bdat");
    line = line.substr(begin);
    const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), size);
    if (error != std::errc{}) return event("smtp.invalid_bdat");
    std::string_view after = line.substr(static_cast<std::size_t>(end - line.data()));
    if (!after.empty() && after[0] != ' ') return event("smtp.invalid_bdat");
    after = after.substr(std::min(after.find_first_not_of(' '), after.size()));
    const bool is_last = equals_ignoring_case(after, "last");
    if (!is_last && !after.empty()) return event("smtp.invalid_bdat");
    command_ = is_last ? Command::kBdatLast : Command::kBdat;
    chunk_left_ = size;
    transaction.reach(Side::kToServer, kDataStep);
    if (size > 0) {
      is_data_mode_ = true;
    } else if (is_last) {
      transaction.reach(Side::kToServer, Transaction::kComplete);
    }
  }

  bool server(std::string_view& rest) {
    while (!rest.empty()) {
      std::string_view line, line_end;
      bool is_cut = false;
      if (!next_line(channels_[1], rest, line, line_end, is_cut)) return true;
      if (line.empty() && line_end != "\r\n") continue;
      if (!reply(line)) return false;
      if (is_cut) event("smtp.truncated_line");
      if (!upgrade_to.empty()) {
        upgrade_left = rest.size();
        rest = {};
        return true;
      }
    }
    return true;
  }

  bool reply(std::string_view line) {
    if (line.size() < 3) {
      event("smtp.invalid_reply");
      return false;
    }
    goes_on_ = line.size() >= 4 && line[3] == '-';
    const std::string_view code = line.substr(0, 3);
    if (!is_reply_code(code)) {
      event("smtp.invalid_reply");
      return false;
    }
    if (waiting_.empty()) {
      if (!has_first_reply_) {
        if (!goes_on_) has_first_reply_ = true;
        if (code != "220") event("smtp.invalid_reply");
      }
      return true;
    }
    const Waiting answered = waiting_.front();
    SmtpTransaction* transaction = answered.transaction == kNone ? nullptr : find(answered.transaction);
    answer(answered.command, code, transaction);
    if (!goes_on_) {
      waiting_.pop_front();
    } else if (has_first_reply_ && code == "250" && line.size() == 14 &&
               equals_ignoring_case(line.substr(4), "pipelining")) {
      does_pipeline_ = true;
    }
    return true;
  }

  void answer(Command command, std::string_view code, SmtpTransaction* transaction) {
    const auto complete = [&](bool both) {
      if (!transaction) return;
      if (both) transaction->reach(Side::kToServer, Transaction::kComplete);
      transaction->reach(Side::kToClient, Transaction::kComplete);
    };
    switch (command) {
      case Command::kStartTls:
        if (code != "220") {
          event("smtp.tls_rejected");
          break;
        }
        is_data_mode_ = true;
        complete(true);
        upgrade_to = "tls";
        break;
      case Command::kData:
        if (code == "354") {
          if (transaction) transaction->reach(Side::kToClient, kDataStep);
          is_data_mode_ = true;
          break;
        }
        if (does_pipeline_) is_data_mode_ = false;
        event("smtp.data_command_rejected");
        break;
      case Command::kBdat:
        if (transaction) transaction->reach(Side::kToClient, kDataStep);
        break;
      case Command::kBdatLast:
      case Command::kContent:
        if (!goes_on_) complete(false);
        break;
      case Command::kReset:
        if (code == "250" && !goes_on_) complete(true);
        break;
      case Command::kQuit:
        if (code == "221" && !goes_on_) complete(true);
        break;
      case Command::kOther:
        break;
    }
  }

  std::shared_ptr<const Settings> settings_;
  std::shared_ptr<std::string> helo_;
  Channel channels_[2];
  std::deque<Waiting> waiting_;
  Command command_ = Command::kOther;
  std::uint64_t current_ = kNone, next_ = 0, chunk_left_ = 0;
  Timestamp now_ = 0;
  bool is_data_mode_ = false, has_first_reply_ = false, goes_on_ = false, does_pipeline_ = false;
};

// A domain name at the beginning, as a greeting has it; its length.
std::size_t domain_length(std::string_view text) {
  std::size_t i = 0, label = 0;
  bool has_dot = false;
  for (; i < text.size() && i < 255; ++i) {
    const char c = text[i];
    const bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
    if (c == '.') {
      if (label == 0) return 0;
      label = 0;
      has_dot = true;
    } else if (is_letter || (c == '-' && label > 0)) {
      if (++label > 63) return 0;
    } else {
      break;
    }
  }
  return has_dot ? i : 0;
}

class Smtp final : public Protocol {
 public:
  std::string_view name() const override { return "smtp"; }
  int field(std::string_view keyword) const override { return smtp::field_number(keyword); }
  std::span<const std::string_view> steps(Side side) const override {
    static constexpr std::string_view kRequest[] = {"request_started", "request_data", "request_complete"};
    static constexpr std::string_view kResponse[] = {"response_started", "response_data", "response_complete"};
    if (side == Side::kToServer) return kRequest;
    return kResponse;
  }

  Probe probe(bool is_udp, Side side, Bytes bytes, std::uint16_t server_port) const override {
    if (is_udp || side != Side::kToServer) return Probe::kNo;
    const std::string_view text = text_of(bytes).substr(0, 4);
    if (text.size() < 4) {
      const bool may_be = begins("EHLO", text) || begins("HELO", text) || begins("QUIT", text);
      return may_be ? Probe::kMore : Probe::kNo;
    }
    if (begins(text, "EHLO") || begins(text, "HELO")) return Probe::kYes;
    return begins(text, "QUIT") && server_port != 21 ? Probe::kYes : Probe::kNo;
  }

  std::string_view ports(bool is_udp) const override { return is_udp ? "" : "25, 465"; }
  Probe recognise_on_port(const Beginning& beginning) const override {
    if (beginning.side != Side::kToClient) return Probe::kNo;
    const std::string_view text = text_of(beginning.bytes);
    if (text.size() < 5) return Probe::kMore;
    if (!text.starts_with("220") || (text[3] != ' ' && text[3] != '-')) return Probe::kNo;
    const bool has_line = text.find('\n', 4) != std::string_view::npos;
    if (beginning.other && beginning.other->name() == "smtp") return has_line ? Probe::kYes : Probe::kMore;
    if (domain_length(text.substr(4)) == 0) return Probe::kNo;
    const bool may_be = beginning.other_bytes > 4 && (!beginning.other || beginning.other->name() == "tls");
    return may_be && has_line ? Probe::kYes : Probe::kMore;
  }
  std::unique_ptr<Parser> parser(const Options& options) const override {
    return std::make_unique<SmtpParser>(options);
  }
};

}  // namespace

const Protocol& smtp_protocol() {
  static const Smtp protocol;
  return protocol;
}

}  // namespace tocsin::protocol
