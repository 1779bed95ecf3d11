// DCE/RPC, connection oriented (The Open Group, C706, chapter 12): interfaces that are bound, calls and what they
// carry. Over TCP it is a protocol of its own; over the pipes of SMB the same is fed by SMB's parser.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/transaction.h"

namespace tocsin::protocol::dcerpc {

struct Interface {
  std::string uuid;  // "afa8bd80-7d8a-11c9-bef4-08002b102989"
  std::uint16_t context = 0, place = 0, result = 0, version = 0, minor = 0;
  std::uint32_t call = 0;
  bool is_first_fragment = false, is_answered = false;
};
using Interfaces = std::vector<Interface>;

struct Header {
  std::uint8_t minor = 0, type = 0, flags = 0;
  bool is_little = true;
  std::uint16_t length = 0;
  std::uint32_t call = 0;
};
inline constexpr std::size_t kHeader = 16;
inline constexpr std::uint8_t kRequest = 0, kResponse = 2, kFault = 3, kBind = 11, kBindAck = 12, kBindNak = 13,
                              kAlterContext = 14, kAlterContextResponse = 15;
inline constexpr std::uint8_t kFirstFragment = 1, kLastFragment = 2;

// False: it is none.
bool read_header(Bytes bytes, Header& header);
// What a bind asks for is added to the interfaces, and what its answer says is noted there. False: malformed.
bool read_bind(Bytes body, const Header& header, Interfaces& interfaces);
bool read_bind_answer(Bytes body, const Header& header, Interfaces& interfaces);
std::string_view type_name(std::uint8_t type);

int field_number(std::string_view keyword);
enum Field : int { kInterface = 1000, kOperation, kStub };

// Whether the words of a rule's dcerpc.iface (the interface; its version, compared; any_frag) hold for one that was
// accepted in this context.
bool holds_interface(const Interfaces& interfaces, std::uint16_t context, std::span<const std::string> words);
// A member of EVE's list of interfaces.
std::string interface_object(const Interface& one, std::optional<std::uint16_t> operation = std::nullopt);
// "winreg", "BaseRegOpenKey"; empty: not known.
std::string_view service_name(std::string_view uuid);
std::string_view procedure_name(std::string_view service, std::uint16_t operation);

}  // namespace tocsin::protocol::dcerpc
