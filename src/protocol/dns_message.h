// One message of the Domain Name System (RFC 1035, section 4), read with names put together.
//
// What is odd in a name is noted and the message kept: a name longer than 1025 bytes is cut, pointers that go round
// end the name. A record that does not fit makes the message malformed; if it stands among the authorities or
// additionals, these are left out and that is noted.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "protocol/transaction.h"

namespace tocsin::protocol::dns {

struct Name {
  std::string text;
  bool is_truncated = false, has_loop = false, has_too_many_labels = false;
};

struct Question {
  Name name;
  std::uint16_t type = 0, of_class = 0;
};

struct Record {
  Name name;
  std::uint16_t type = 0, of_class = 0;
  std::uint32_t ttl = 0;
  // Of A, AAAA, NULL and SSHFP's fingerprint: bytes; of names: name; of TXT: texts.
  std::string data;
  Name target, second;  // second: of SOA, the mailbox
  std::vector<std::string> texts;
  struct Option {
    std::uint16_t code;
    std::string data;
  };
  std::vector<Option> options;     // of OPT
  std::uint32_t numbers[5] = {0};  // SOA: serial to minimum; SRV: priority, weight, port; SSHFP: algorithm, type
  // The name in the data, of those types that have one there.
  const Name* name_in_data() const;
};

struct Message {
  std::uint16_t id = 0, flags = 0;
  std::vector<Question> questions;
  std::vector<Record> answers, authorities, additionals;
  bool has_invalid_authorities = false, has_invalid_additionals = false;
  bool has_long_name = false, has_loop = false, has_too_many_labels = false;

  bool is_response() const { return (flags & 0x8000) != 0; }
  std::uint8_t opcode() const { return static_cast<std::uint8_t>(flags >> 11 & 0xf); }
  std::uint8_t rcode() const { return static_cast<std::uint8_t>(flags & 0xf); }
};

inline constexpr std::uint16_t kA = 1, kNs = 2, kCname = 5, kSoa = 6, kNull = 10, kPtr = 12, kMx = 15, kTxt = 16,
                               kAaaa = 28, kSrv = 33, kOpt = 41, kSshfp = 44;

// Of those that HTTP/2 carries (RFC 8484): a transaction of its own, of the side that said it, with the fields of
// dns_protocol(); null: it is none.
std::unique_ptr<Transaction> transaction_of(std::span<const std::uint8_t> message, Side side);

// Whether a header may be one: as many records as fit, and a question if it asks.
bool has_plausible_header(std::span<const std::uint8_t> message);
std::optional<Message> parse_message(std::span<const std::uint8_t> message);

// "AAAA", "NXDOMAIN"; the number if it has no name.
std::string type_name(std::uint16_t type);
std::string rcode_name(std::uint8_t rcode);
std::optional<std::uint64_t> type_number(std::string_view name);
std::optional<std::uint64_t> rcode_number(std::string_view name);

}  // namespace tocsin::protocol::dns
