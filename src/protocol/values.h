// Short ways to answer what a rule asks.
#pragma once

#include "protocol/reader.h"
#include "protocol/transaction.h"

namespace tocsin::protocol {

inline Value absent_value() {
  Value value;
  value.presence = Presence::kAbsent;
  return value;
}
inline Value whole_value(Bytes bytes) {
  Value value;
  value.presence = Presence::kWhole;
  value.bytes = bytes;
  return value;
}
inline Value whole_value(std::string_view text) { return whole_value(bytes_of(text)); }
inline Value whole_value(const std::string& text) { return whole_value(std::string_view(text)); }
inline Value whole_value(const char* text) { return whole_value(std::string_view(text)); }
inline Value whole_number(std::uint64_t number) {
  Value value;
  value.presence = Presence::kWhole;
  value.number = number;
  return value;
}
// Text that is there once it is not empty.
inline Value text_value(std::string_view text, bool may_come = false) {
  if (!text.empty()) return whole_value(text);
  return may_come ? Value{} : absent_value();
}

// Looks a keyword up in a table of names and numbers; negative: it is not there.
template <typename Table>
int number_in(const Table& table, std::string_view keyword) {
  for (const auto& [name, number] : table) {
    if (name == keyword) return number;
  }
  return -1;
}

}  // namespace tocsin::protocol
