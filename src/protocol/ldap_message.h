// One message of LDAP (RFC 4511, section 4).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "protocol/ber.h"

namespace tocsin::protocol {
class EveObject;
}

namespace tocsin::protocol::ldap {

inline constexpr std::uint8_t kBind = 0, kBindResponse = 1, kUnbind = 2, kSearch = 3, kSearchEntry = 4, kSearchDone = 5,
                              kModify = 6, kAdd = 8, kDelete = 10, kRename = 12, kCompare = 14, kAbandon = 16,
                              kSearchReference = 19, kExtended = 23, kExtendedResponse = 24, kIntermediate = 25;

struct Attribute {
  std::string type;
  std::vector<std::string> values;
  std::uint8_t change = 0;  // of modify: what is done
};

struct Message {
  std::uint64_t id = 0;
  std::uint8_t operation = 0;
  std::string name;  // distinguished: of whom or of what
  std::vector<Attribute> attributes;
  std::optional<std::uint64_t> result;
  std::string text;                  // what the server says to it
  std::string extended, value;       // of extended operations and intermediate answers
  std::string new_name, new_parent;  // of rename
  bool deletes_old = false, has_parent = false, has_value = false, is_sasl = false;
  std::uint64_t version = 0, scope = 0, aliases = 0, size_limit = 0, time_limit = 0, abandoned = 0;
  bool types_only = false;
  std::vector<std::string> referrals;
};

std::optional<Message> read_message(Bytes bytes);
bool is_request(std::uint8_t operation);
bool is_final(std::uint8_t operation);  // nothing more answers the request
std::optional<std::uint64_t> operation_of(std::string_view name);
std::optional<std::uint64_t> result_of(std::string_view name);
void write(EveObject& out, const Message& message);

}  // namespace tocsin::protocol::ldap
