// QUIC's long headers and the protection of Initial packets, whose keys anyone can compute (RFC 9000, 17.2; RFC 9001,
// 5; RFC 9369).
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "protocol/reader.h"
#include "protocol/transaction.h"

namespace tocsin::protocol::quic {

enum class Type : std::uint8_t { kInitial, kZeroRtt, kHandshake, kRetry, kVersionNegotiation, kShort };

struct Packet {
  Type type = Type::kShort;
  std::uint32_t version = 0;
  std::string destination;    // connection identifier
  Bytes whole;                // header and what it protects
  std::size_t number_at = 0;  // of the packet's number in `whole`
};

// The packet that a datagram begins with; `bytes` is moved past it. Nothing: it is none.
std::optional<Packet> read_packet(Bytes& bytes);

struct Keys {
  std::string key, iv, header;
};
// Of one side, from the client's first connection identifier. Nothing: of this version none is known.
std::optional<Keys> initial_keys(std::uint32_t version, std::string_view connection, Side side);
// The frames of an Initial packet; nothing: it was not protected by these keys, or, unless is_verified, was too short.
std::optional<std::string> unprotect(const Packet& packet, const Keys& keys, bool is_verified);

std::string version_text(std::uint32_t version);
// A number of one to eight bytes (RFC 9000, 16).
std::uint64_t variable(Reader& reader);

}  // namespace tocsin::protocol::quic
