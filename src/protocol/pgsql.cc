// PostgreSQL's protocol, version 3 (its documentation, "Frontend/Backend Protocol"): a request and all that answers it
// are a transaction.
#include <algorithm>

#include "base/text.h"
#include "protocol/eve_object.h"
#include "protocol/protocols.h"
#include "protocol/values.h"

namespace tocsin::protocol {
namespace {

constexpr std::size_t kMostTransactions = 1024, kMostParameters = 64, kLargestMessage = 1 << 20, kMostLogged = 8192;
constexpr std::uint32_t kSslRequest = 80'877'103, kCancelRequest = 80'877'102, kVersion3 = 3 << 16;

std::string_view until_nul(Reader& reader) {
  const std::string_view rest = text_of(reader.rest());
  const std::string_view text = rest.substr(0, rest.find('\0'));
  reader.skip(std::min(text.size() + 1, reader.left()));
  return text;
}

struct Request {
  std::string message, query, user, mechanism, sasl, response, password;
  std::uint32_t version = 0, process = 0, key = 0;
  std::vector<std::pair<std::string, std::string>> parameters;
  bool is_startup = false, has_password = false;
  std::uint64_t copied = 0, copy_messages = 0;
};

struct Response {
  std::string message, severity, severity_fixed, code, text, file, line, routine, completed, sasl_final;
  std::string salt;
  std::vector<std::pair<std::string, std::string>> parameters;
  std::optional<bool> accepts_ssl;
  std::optional<std::uint32_t> process, key;
  std::optional<std::uint16_t> fields, copy_in, copy_out;
  std::uint64_t rows = 0, size = 0, copied = 0, copy_rows = 0;
  bool is_there = false;
};

class PgsqlTransaction final : public Transaction {
 public:
  explicit PgsqlTransaction(bool logs_passwords) : logs_passwords_(logs_passwords) {}
  Value value(int, Side side, std::size_t index) const override {
    if (side == Side::kToClient || index > 0 || !request) return absent_value();
    return text_value(request->query);
  }
  std::string eve() const override {
    EveObject out;
    out.open("pgsql");
    out.number("tx_id", id + 1);
    if (request) write(out, *request);
    if (response.is_there) write(out, response);
    out.close();
    return out.take();
  }
  void finish() {
    progress[0] = progress[1] = kComplete;
    changed();
  }

  std::optional<Request> request;
  Response response;

 private:
  static std::string_view cut(std::string_view text) { return text.substr(0, kMostLogged); }
  static void pairs(EveObject& out, const char* name, const std::vector<std::pair<std::string, std::string>>& all) {
    if (all.empty()) return;
    out.open_list(name);
    for (const auto& [key, value] : all) {
      std::string member, text;
      append_json_text(member, key);
      append_json_text(text, value);
      out.raw_item("{" + member + ":" + text + "}");
    }
    out.close_list();
  }

  void write(EveObject& out, const Request& from) const {
    out.open("request");
    if (from.is_startup) {
      out.text("protocol_version", std::to_string(from.version >> 16) + "." + std::to_string(from.version & 0xffff));
      out.open("startup_parameters");
      out.text("user", from.user);
      pairs(out, "optional_parameters", from.parameters);
      out.close();
    }
    if (!from.message.empty()) out.text("message", from.message);
    if (from.message == "cancel_request") {
      out.number("process_id", from.process);
      out.number("secret_key", from.key);
    }
    if (!from.query.empty()) out.text("simple_query", cut(from.query));
    if (!from.mechanism.empty()) {
      out.text("sasl_authentication_mechanism", from.mechanism);
      out.text("sasl_param", cut(from.sasl));
    }
    if (!from.response.empty()) out.text("sasl_response", cut(from.response));
    if (from.has_password) {
      logs_passwords_ ? out.text("password", from.password) : out.flag("password_redacted", true);
    }
    if (from.copy_messages > 0) {
      out.open("copy_data_in");
      out.number("msg_count", from.copy_messages);
      out.number("data_size", from.copied);
      out.close();
    }
    out.close();
  }

  static void write(EveObject& out, const Response& from) {
    out.open("response");
    if (from.accepts_ssl) out.flag("ssl_accepted", *from.accepts_ssl);
    if (!from.message.empty()) out.text("message", from.message);
    if (!from.salt.empty()) out.text("authentication_md5_password", from.salt);
    if (!from.sasl_final.empty()) out.text("authentication_sasl_final", cut(from.sasl_final));
    if (!from.code.empty()) {
      out.text("severity_localizable", from.severity);
      if (!from.severity_fixed.empty()) out.text("severity_non_localizable", from.severity_fixed);
      out.text("code", from.code);
      out.text("message", cut(from.text));
      if (!from.file.empty()) out.text("file", from.file);
      if (!from.line.empty()) out.text("line", from.line);
      if (!from.routine.empty()) out.text("routine", from.routine);
    }
    pairs(out, "parameter_status", from.parameters);
    if (from.process) {
      out.number("process_id", *from.process);
      out.number("secret_key", from.key.value_or(0));
    }
    if (from.fields) out.number("field_count", *from.fields);
    if (from.rows > 0) {
      out.number("data_rows", from.rows);
      out.number("data_size", from.size);
    }
    for (const auto& [name, columns] :
         {std::pair("copy_in_response", from.copy_in), std::pair("copy_out_response", from.copy_out)}) {
      if (!columns) continue;
      out.open(name);
      out.number("columns", *columns);
      out.close();
    }
    if (from.copy_rows > 0) {
      out.open("copy_data_out");
      out.number("row_count", from.copy_rows);
      out.number("data_size", from.copied);
      out.close();
    }
    if (!from.completed.empty()) out.text("command_completed", from.completed);
    out.close();
  }

  bool logs_passwords_;
};

class PgsqlParser final : public Parser {
 public:
  explicit PgsqlParser(const Options& options)
      : logs_passwords_(options.flag("outputs.eve-log.types.pgsql.passwords", false)) {}

  bool take(Side side, Bytes bytes, Timestamp time) override {
    Channel& channel = channels_[static_cast<int>(side)];
    const auto passed = static_cast<std::size_t>(std::min<std::uint64_t>(channel.passes, bytes.size()));
    channel.passes -= passed;
    channel.pending.append(text_of(bytes.subspan(passed)));
    std::size_t done = 0;
    while (done < channel.pending.size()) {
      const Bytes rest = bytes_of(std::string_view(channel.pending).substr(done));
      if (side == Side::kToClient && waits_for_ssl_) {
        done += 1;
        answer_ssl(rest[0] == 'S', time);
        if (upgrade_to.empty()) continue;
        upgrade_left = channel.pending.size() - done;
        return true;
      }
      const bool has_type = side == Side::kToClient || is_started_;
      Reader reader(rest);
      const char type = has_type ? static_cast<char>(reader.u8()) : '\0';
      const std::size_t length = reader.u32();
      if (!reader.ok()) break;
      if (length < 4) {
        tell_last("pgsql.malformed_data");
        return false;
      }
      if (length > kLargestMessage) {
        const std::size_t here = std::min(length - 4, reader.left());
        channel.passes = length - 4 - here;
        done += reader.at() + here;
        continue;
      }
      if (reader.left() < length - 4) break;
      const Bytes body = reader.bytes(length - 4);
      done += reader.at();
      if (side == Side::kToClient)
        answer(type, body, time);
      else if (has_type)
        ask(type, body, time);
      else if (!start(body, time))
        return false;
    }
    channel.pending.erase(0, done);
    return true;
  }
  bool skip(Side, std::uint64_t, Timestamp) override { return false; }
  void end(Side side, Timestamp) override {
    if (side != Side::kToClient) return;
    for (const auto& one : transactions) {
      if (!one->is_complete()) static_cast<PgsqlTransaction&>(*one).finish();
    }
  }

 private:
  struct Channel {
    std::string pending;
    std::uint64_t passes = 0;
  };

  PgsqlTransaction& begin(Timestamp time) {
    if (transactions.size() >= kMostTransactions) tell_last("pgsql.too_many_transactions");
    keep(std::make_unique<PgsqlTransaction>(logs_passwords_), time, kMostTransactions);
    return static_cast<PgsqlTransaction&>(*transactions.back());
  }
  PgsqlTransaction* open() {
    const auto found = std::ranges::find_if(transactions, [](const auto& one) { return !one->is_complete(); });
    return found == transactions.end() ? nullptr : static_cast<PgsqlTransaction*>(found->get());
  }

  // What comes first has no type.
  bool start(Bytes body, Timestamp time) {
    Reader reader(body);
    Request request;
    const std::uint32_t code = reader.u32();
    if (code == kSslRequest) {
      request.message = "SSL Request";
      waits_for_ssl_ = true;
    } else if (code == kCancelRequest) {
      request.message = "cancel_request";
      request.process = reader.u32();
      request.key = reader.u32();
    } else if (code >> 16 == kVersion3 >> 16) {
      request.is_startup = is_started_ = true;
      request.version = code;
      while (!reader.empty() && request.parameters.size() < kMostParameters) {
        const std::string name(until_nul(reader));
        if (name.empty()) break;
        const std::string value(until_nul(reader));
        if (name == "user")
          request.user = value;
        else
          request.parameters.emplace_back(lower(name), value);
      }
    } else {
      begin(time).event("pgsql.malformed_data");
      return false;
    }
    const bool has_no_answer = request.message == "cancel_request";
    PgsqlTransaction& made = begin(time);
    made.request = std::move(request);
    has_no_answer ? made.finish() : made.changed();
    return true;
  }

  void answer_ssl(bool accepts, Timestamp time) {
    waits_for_ssl_ = false;
    PgsqlTransaction* of = open();
    PgsqlTransaction& to = of != nullptr ? *of : begin(time);
    to.response.is_there = true;
    to.response.accepts_ssl = accepts;
    to.finish();
    if (accepts) upgrade_to = "tls";
  }

  void ask(char type, Bytes body, Timestamp time) {
    Reader reader(body);
    if (type == 'd' || type == 'c' || type == 'f') {  // copied to the server, of the query before
      PgsqlTransaction* of = open();
      if (of == nullptr || !of->request) return;
      if (type == 'd') {
        ++of->request->copy_messages;
        of->request->copied += body.size();
      }
      return;
    }
    if (type == 'X') {
      PgsqlTransaction& made = begin(time);
      made.request.emplace().message = "terminate";
      return made.finish();
    }
    if (type != 'Q' && type != 'p') return;  // the extended protocol is not told
    Request request;
    if (type == 'Q') {
      request.query = until_nul(reader);
    } else if (asks_ == Asks::kSasl) {
      request.mechanism = until_nul(reader);
      request.sasl = text_of(reader.bytes(std::min<std::size_t>(reader.u32(), reader.left())));
    } else if (asks_ == Asks::kSaslContinue) {
      request.response = text_of(reader.rest());
    } else {
      request.has_password = true;
      request.password = until_nul(reader);
    }
    PgsqlTransaction& made = begin(time);
    made.request = std::move(request);
    made.changed();
  }

  void answer(char type, Bytes body, Timestamp time) {
    PgsqlTransaction* of = open();
    if (of == nullptr) of = &begin(time);
    Response& to = of->response;
    to.is_there = true;
    Reader reader(body);
    switch (type) {
      case 'R':
        return authentication(reader, *of);
      case 'S':
        if (to.parameters.size() < kMostParameters) {
          std::string name = snake(until_nul(reader));
          to.parameters.emplace_back(std::move(name), until_nul(reader));
        }
        break;
      case 'K':
        to.process = reader.u32();
        to.key = reader.u32();
        break;
      case 'T':
        to.fields = reader.u16();
        break;
      case 'D':
        ++to.rows;
        to.size += body.size() < 2 ? 0 : data_size(reader);
        break;
      case 'C':
        to.completed = until_nul(reader);
        break;
      case 'G':
        reader.u8();
        to.copy_in = reader.u16();
        break;
      case 'H':
        reader.u8();
        to.copy_out = reader.u16();
        break;
      case 'd':
        ++to.copy_rows;
        to.copied += body.size();
        break;
      case 'E':
      case 'N':
        return error(reader, *of, type == 'E');
      case 'Z':
        return of->finish();
      case 'I':
        to.message = "empty_query_response";
        break;
      default:
        break;
    }
    of->changed();
  }

  void authentication(Reader& reader, PgsqlTransaction& of) {
    const std::uint32_t kind = reader.u32();
    asks_ = kind == 10 ? Asks::kSasl : kind == 11 ? Asks::kSaslContinue : Asks::kPassword;
    if (kind == 0) {
      of.response.message = "authentication_ok";  // more follows, up to where it is ready
      return of.changed();
    }
    if (kind == 5) of.response.salt = text_of(reader.bytes(4));
    if (kind == 3) of.response.message = "authentication_cleartext_password";
    if (kind == 10) of.response.message = "authentication_sasl";
    if (kind == 11) of.response.message = "authentication_sasl_continue";
    if (kind == 12) {
      of.response.sasl_final = text_of(reader.rest());
      return of.changed();
    }
    of.finish();
  }

  // Fields, each a letter and text.
  void error(Reader& reader, PgsqlTransaction& of, bool is_error) {
    Response& to = of.response;
    while (!reader.empty()) {
      const char field = static_cast<char>(reader.u8());
      if (field == '\0') break;
      const std::string text(until_nul(reader));
      std::string* place = field == 'S'   ? &to.severity
                           : field == 'V' ? &to.severity_fixed
                           : field == 'C' ? &to.code
                           : field == 'M' ? &to.text
                           : field == 'F' ? &to.file
                           : field == 'L' ? &to.line
                           : field == 'R' ? &to.routine
                                          : nullptr;
      if (place != nullptr) *place = text;
    }
    // Before the server is ready for queries an error ends the connection.
    is_error&& asks_ != Asks::kNothing&& to.fields == std::nullopt&& of.request&& of.request->query.empty()
        ? of.finish()
        : of.changed();
  }

  static std::uint64_t data_size(Reader& reader) {
    std::uint64_t size = 0;
    for (int columns = reader.u16(); columns > 0 && reader.ok(); --columns) {
      const std::uint32_t length = reader.u32();
      if (length == UINT32_MAX) continue;  // NULL
      size += reader.bytes(length).size();
    }
    return size;
  }

  // "DateStyle" as "date_style".
  static std::string snake(std::string_view name) {
    std::string text;
    for (std::size_t i = 0; i < name.size(); ++i) {
      const bool is_large = name[i] >= 'A' && name[i] <= 'Z';
      if (is_large && i > 0 && name[i - 1] >= 'a' && name[i - 1] <= 'z') text += '_';
      text += is_large ? static_cast<char>(name[i] + 32) : name[i];
    }
    return text == "time_zone" || text == "timezone" ? "time_zone" : text;
  }

  enum class Asks : std::uint8_t { kNothing, kPassword, kSasl, kSaslContinue } asks_ = Asks::kNothing;
  bool logs_passwords_, is_started_ = false, waits_for_ssl_ = false;
  Channel channels_[2];
};

class Pgsql final : public Protocol {
 public:
  std::string_view name() const override { return "pgsql"; }
  int field(std::string_view keyword) const override { return keyword == "pgsql.query" ? 0 : -1; }
  Probe probe(bool, Side, Bytes, std::uint16_t) const override { return Probe::kNo; }
  std::string_view ports(bool is_udp) const override { return is_udp ? "" : "5432"; }
  Probe recognise_on_port(const Beginning& beginning) const override {
    if (beginning.is_udp) return Probe::kNo;
    const Bytes bytes = beginning.bytes;
    if (beginning.side == Side::kToClient) {
      if (beginning.other == this) return Probe::kYes;
      constexpr std::string_view kAnswers = "RSKZTDCENGHdI";
      if (bytes.size() == 1) return bytes[0] == 'S' || bytes[0] == 'N' ? Probe::kYes : Probe::kNo;
      Reader reader(bytes);
      const char type = static_cast<char>(reader.u8());
      const std::uint32_t length = reader.u32();
      if (!reader.ok()) return Probe::kMore;
      const bool is_one = kAnswers.find(type) != std::string_view::npos && length >= 4 && length < kLargestMessage;
      return is_one ? Probe::kYes : Probe::kNo;
    }
    Reader reader(bytes);
    const std::uint32_t length = reader.u32(), code = reader.u32();
    if (!reader.ok()) return Probe::kMore;
    const bool is_start = code == kSslRequest || code == kCancelRequest || code >> 16 == kVersion3 >> 16;
    return is_start && length >= 8 && length <= 10'000 ? Probe::kYes : Probe::kNo;
  }
  std::unique_ptr<Parser> parser(const Options& options) const override {
    return std::make_unique<PgsqlParser>(options);
  }
};

}  // namespace

const Protocol& pgsql_protocol() {
  static const Pgsql protocol;
  return protocol;
}

}  // namespace tocsin::protocol
