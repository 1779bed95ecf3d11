// A message of Modbus, and what the keyword modbus asks of one.
// https://docs.suricata.io/en/latest/rules/modbus-keyword.html
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "protocol/transaction.h"

namespace tocsin::protocol::modbus {

enum class Table : std::uint8_t { kNone, kDiscretes, kCoils, kInput, kHolding };
enum class Category : std::uint8_t { kAssigned, kUnassigned, kUser, kReserved };

struct Message {
  std::uint16_t id = 0, protocol = 0;
  std::uint8_t unit = 0, function = 0;  // without the bit that tells of an exception
  std::optional<std::uint8_t> exception;
  std::optional<std::uint16_t> subfunction;
  bool reads = false, writes = false, is_single = false, is_multiple = false, has_read_data = false;
  Table table = Table::kNone;
  std::optional<std::pair<std::uint16_t, std::uint16_t>> read;   // address from 0, how many
  std::optional<std::pair<std::uint16_t, std::uint16_t>> write;  // address from 0; the value, or how many
  std::vector<std::uint16_t> values;                             // that are written, one after another
  std::string data, error;
};

Category category_of(std::uint8_t function);
// body: from the unit on.
void read_body(Bytes body, bool is_request, Message& message);
// Whether an answer is one to the request.
bool fits(const Message& request, const Message& response);
// Words as "unit 10", "function !reserved", "access write holding", "address 100<>200", "value >20".
bool holds(std::span<const std::string> words, const Message& request);
// Bytes as text, what is not printable as \xNN.
std::string printable_of(std::string_view bytes);

}  // namespace tocsin::protocol::modbus
