// What an application protocol says, as rules and logs see it.
//
// A Parser is fed the bytes of each side in order and makes transactions: a request and its response, a mail, a
// handshake. A transaction tells its fields to rules by number (resolved from the rule's keyword once, when rules are
// loaded), its events by name, and writes itself as the members of an EVE object.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/options.h"
#include "base/time.h"

namespace tocsin::protocol {

using Bytes = std::span<const std::uint8_t>;

enum class Side : std::uint8_t { kToServer = 0, kToClient = 1 };
constexpr Side other(Side side) { return side == Side::kToServer ? Side::kToClient : Side::kToServer; }

// What is known of a field now.
enum class Presence : std::uint8_t {
  kNotYet,   // may still come
  kAbsent,   // will not come
  kGrowing,  // is there, and may get longer (a body)
  kWhole
};
struct Value {
  Presence presence = Presence::kNotYet;
  Bytes bytes;               // of a buffer; lives as long as the transaction is not fed
  std::uint64_t offset = 0;  // of bytes in the whole of a growing buffer whose beginning was let go
  std::uint64_t number = 0;  // of a number
};

// What the matcher keeps beside a flow or transaction; it alone knows what.
struct Memory {
  virtual ~Memory() = default;
};

// A file that is carried. Its bytes are kept up to a limit.
struct File {
  File();
  virtual ~File() = default;
  std::uint64_t serial;  // no other file of this process has it
  std::string name, magic;
  Side side = Side::kToClient;
  std::string bytes;  // from `offset` on
  std::uint64_t offset = 0;
  std::uint64_t size = 0;  // that came
  std::uint64_t transaction = 0;
  enum class State : std::uint8_t { kOpen, kClosed, kTruncated, kError } state = State::kOpen;
  bool has_gaps = false, is_stored = false, is_logged = false;
  std::string md5, sha1, sha256;     // lower hexadecimal, of a closed one
  std::vector<std::uint32_t> rules;  // that asked for it to be stored
  std::uint64_t start = 0, end = 0;  // of a range request
};

class Transaction {
 public:
  virtual ~Transaction() = default;

  std::uint64_t id = 0;  // from 0, in the order of the flow
  Timestamp time = 0;
  // Steps of each side, of the protocol's own counting, for hooks and firewall rules; 255: complete.
  std::uint8_t progress[2] = {0, 0};
  static constexpr std::uint8_t kComplete = 255;
  bool is_complete(Side side) const { return progress[static_cast<int>(side)] == kComplete; }
  bool is_complete() const { return is_complete(Side::kToServer) && is_complete(Side::kToClient); }
  // A side whose packets rules of this transaction are not judged on: a DNS query is of its client alone.
  bool is_skipped[2] = {false, false};
  // Grows with everything that changes what value() says, so that rules are not asked in vain.
  std::uint32_t version[2] = {1, 1};
  void changed() {
    ++version[0];
    ++version[1];
  }

  // Of application layer events, with the protocol's name: "http.missing_host_header".
  std::vector<std::string_view> events;
  void event(std::string_view name) {
    events.push_back(name);
    changed();
  }
  std::vector<std::unique_ptr<File>> files;

  // index: of a field that there may be several times (dns.query, tls.certs, mime headers). kAbsent past the last.
  virtual Value value(int field, Side side, std::size_t index) const = 0;
  // Whether all the words of a rule's keyword hold, of keywords that say more than one value can (dcerpc.iface: the
  // interface, its version, any_frag); nothing: the words are compared with the value.
  virtual std::optional<bool> holds(int field, Side side, std::span<const std::string> words) const {
    (void)field, (void)side, (void)words;
    return std::nullopt;
  }
  // Members for EVE, each as `"http":{...}`, separated by commas; empty: nothing is logged.
  virtual std::string eve() const { return {}; }
  // Whether an event of its own is logged of it now; is_last: nothing more will come. TLS is logged when its handshake
  // is done, and not at all without a certificate; alerts have its members all the same.
  virtual bool may_log(bool is_last) const { return is_last || is_complete(); }

  std::unique_ptr<Memory> memory;
  // Kept by the engine: what of each side rules have seen when it was complete, and how many events were told.
  bool is_inspected[2] = {false, false};
  bool is_logged = false;
  std::uint32_t events_told = 0;
};

class Protocol;

class Parser {
 public:
  virtual ~Parser() = default;
  // The next bytes of a side. Never throws; what is wrong becomes an event. false: this parser gives up on the flow.
  virtual bool take(Side side, Bytes bytes, Timestamp time) = 0;
  // So many bytes were lost. false: gives up.
  virtual bool skip(Side side, std::uint64_t bytes, Timestamp time) = 0;
  // No more will come of a side.
  virtual void end(Side side, Timestamp time) = 0;

  std::deque<std::unique_ptr<Transaction>> transactions;  // the owner removes those that are done with, from any place
  // The protocol that the flow goes on with (STARTTLS, Upgrade), or "any" (CONNECT); empty: none.
  std::string_view upgrade_to;
  std::uint16_t upgrade_port = 0;    // of the other protocol's server, 0: the flow's
  const Protocol* is_now = nullptr;  // what the protocol has turned out to be, read by this parser all the same
  std::size_t upgrade_left = 0;      // bytes at the end of those taken last that are the next protocol's
  // An announced flow (FTP's data): the owner takes these away.
  struct Expected {
    std::uint16_t port = 0;
    bool to_server = false;  // whether the connection goes to the server's address
    std::string command, file_name;
  };
  std::vector<Expected> expected;
  // This flow was announced so.
  virtual void announced(const Expected& by) { (void)by; }

 protected:
  // For protocols whose messages are a transaction each. Of those that wait to be looked at the oldest go at `most`.
  void keep(std::unique_ptr<Transaction> transaction, Timestamp time, std::size_t most) {
    if (transactions.size() >= most) transactions.pop_front();
    transaction->id = kept_++;
    transaction->time = time;
    transactions.push_back(std::move(transaction));
  }
  // Of a message that makes no transaction: the last there is tells it.
  void tell_last(std::string_view event) {
    if (!transactions.empty()) transactions.back()->event(event);
  }

 private:
  std::uint64_t kept_ = 0;
};

enum class Probe : std::uint8_t { kNo, kMore, kYes };

// What is asked of a protocol of which nothing but the beginning of a side is known.
struct Beginning {
  bool is_udp = false;
  Side side = Side::kToServer;
  Bytes bytes;
  std::uint16_t client_port = 0, server_port = 0;
  const Protocol* other = nullptr;  // of the other side, once known
  std::uint64_t other_bytes = 0;    // that came of the other side
};

class Protocol {
 public:
  virtual ~Protocol() = default;
  virtual std::string_view name() const = 0;  // "http", "dns" ... as app_proto has it
  // The number of a buffer or field by its keyword's first name ("http.uri", "dns.opcode"); negative: it has none.
  virtual int field(std::string_view keyword) const = 0;
  // The number behind a word that a rule may have instead ("nxdomain" of dns.rcode), in lower case.
  virtual std::optional<std::uint64_t> number_of(int field, std::string_view word) const {
    (void)field, (void)word;
    return std::nullopt;
  }
  // Names of the steps of a side, in order, as hooks have them: "request_started", "request_line" ...
  virtual std::span<const std::string_view> steps(Side side) const {
    static constexpr std::string_view kRequest[] = {"request_started", "request_complete"};
    static constexpr std::string_view kResponse[] = {"response_started", "response_complete"};
    if (side == Side::kToServer) return kRequest;
    return kResponse;
  }
  // Whether the beginning of a side is of this protocol.
  virtual Probe probe(bool is_udp, Side side, Bytes bytes, std::uint16_t server_port) const = 0;
  // The same where more must be known; it is what is asked.
  virtual Probe recognise(const Beginning& beginning) const {
    return probe(beginning.is_udp, beginning.side, beginning.bytes, beginning.server_port);
  }
  // Of protocols too plain to be looked for everywhere: asked where a port is one of these ("53", "25, 465"; the
  // configuration's detection-ports come first), or the other side is of this protocol.
  virtual std::string_view ports(bool is_udp) const {
    (void)is_udp;
    return {};
  }
  virtual Probe recognise_on_port(const Beginning& beginning) const {
    (void)beginning;
    return Probe::kNo;
  }
  // Whether it has to be heard first; -1: either side may.
  virtual int first_side() const { return -1; }
  // Whether recognise_on_port can tell a client from a server, so that a flow met in the middle is turned around.
  virtual bool tells_sides() const { return false; }
  virtual std::unique_ptr<Parser> parser(const Options& options) const = 0;
  // Of protocols that are otherwise over UDP than over TCP.
  virtual std::unique_ptr<Parser> parser_over(bool is_udp, const Options& options) const {
    (void)is_udp;
    return parser(options);
  }
};

// All there are, in the order in which they are asked.
std::span<const Protocol* const> protocols();
const Protocol* find_protocol(std::string_view name);

}  // namespace tocsin::protocol
