// Numbers in buffers, as bytes or as digits.
#pragma once

#include <cstdint>
#include <optional>

#include "match/search.h"
#include "rules/match.h"

namespace tocsin::match {

struct ReadNumber {
  std::uint64_t value = 0;
  std::size_t begin = 0, taken = 0;  // where it stood and how long it was
};

// count bytes at offset, seen from base if the source is relative. Nothing: they reach out of the buffer, or there is
// no digit.
std::optional<ReadNumber> read_number(Bytes buffer, const rules::ByteSource& source, std::int64_t count,
                                      std::int64_t offset, std::size_t base, bool dce_is_little);
// The bits of the mask, moved down by as many as the mask has zeros at its end.
std::uint64_t masked(std::uint64_t value, std::uint32_t mask);

// By RFC 4648: ends at what is no letter of it, a last group may lack its padding. By RFC 2045 (lenient): others are
// left out, a last group that is not whole too. Padding in the wrong place: nothing.
std::string decode_base64(Bytes bytes, bool lenient);

}  // namespace tocsin::match
