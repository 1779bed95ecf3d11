#include "protocol/modbus_rule.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/text.h"
#include "protocol/reader.h"

namespace tocsin::protocol::modbus {
namespace {

constexpr std::uint8_t kException = 0x80;

struct Access {
  std::uint8_t function;
  bool reads, writes, is_single, is_multiple;
  Table table;
};
constexpr Access kAccess[] = {
    {1, true, false, false, false, Table::kCoils},   {2, true, false, false, false, Table::kDiscretes},
    {3, true, false, false, false, Table::kHolding}, {4, true, false, false, false, Table::kInput},
    {5, false, true, true, false, Table::kCoils},    {6, false, true, true, false, Table::kHolding},
    {15, false, true, false, true, Table::kCoils},   {16, false, true, false, true, Table::kHolding},
    {20, true, false, false, false, Table::kNone},   {21, false, true, false, false, Table::kNone},
    {22, false, true, true, false, Table::kHolding}, {23, true, true, false, true, Table::kHolding},
    {24, true, false, false, false, Table::kHolding}};

void wrong(Message& message, std::string_view what) {
  message.error += fmt::format("{}{}", message.error.empty() ? "" : " | ", what);
}

std::optional<std::uint32_t> number_of(std::string_view text) {
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// "100", ">100", "<100", "100<>200".
bool compares(std::string_view text, std::uint32_t value) {
  text = trim(text);
  if (const std::size_t between = text.find("<>"); between != std::string_view::npos) {
    const auto low = number_of(trim(text.substr(0, between))), high = number_of(trim(text.substr(between + 2)));
    return low && high && value > *low && value < *high;
  }
  const bool is_more = text.starts_with('>'), is_less = text.starts_with('<');
  if (is_more || is_less) text = trim(text.substr(1));
  const auto number = number_of(text);
  if (!number) return false;
  return is_more ? value > *number : is_less ? value < *number : value == *number;
}

bool holds_function(std::string_view text, const Message& request) {
  text = trim(text);
  const bool negated = text.starts_with('!');
  if (negated) text = trim(text.substr(1));
  if (const auto number = number_of(text)) return (request.function == *number) != negated;
  const Category category = category_of(request.function);
  bool met = text == "all";
  if (text == "assigned") met = category == Category::kAssigned;
  if (text == "unassigned") met = category == Category::kUnassigned;
  if (text == "public") met = category == Category::kAssigned || category == Category::kUnassigned;
  if (text == "user") met = category == Category::kUser;
  if (text == "reserved") met = category == Category::kReserved;
  return met != negated;
}

bool holds_access(std::string_view text, const Message& request) {
  text = trim(text);
  const bool is_read = text.starts_with("read");
  if (!(is_read ? request.reads : request.writes)) return false;
  text = trim(text.substr(std::min<std::size_t>(text.size(), is_read ? 4 : 5)));
  if (text.empty()) return true;
  constexpr std::pair<std::string_view, Table> kTables[] = {{"discretes", Table::kDiscretes},
                                                            {"coils", Table::kCoils},
                                                            {"input", Table::kInput},
                                                            {"holding", Table::kHolding}};
  const auto found = std::ranges::find(kTables, text, &std::pair<std::string_view, Table>::first);
  return found != std::end(kTables) && request.table == found->second;
}

// Addresses of rules begin at 1.
std::vector<std::size_t> places(std::string_view address, const Message& request, bool is_read) {
  std::vector<std::size_t> found;
  const auto& range = is_read ? request.read : request.write;
  if (!range) return found;
  const std::size_t count = is_read ? range->second : request.values.empty() ? 1 : request.values.size();
  for (std::size_t i = 0; i < count; ++i) {
    if (compares(address, static_cast<std::uint32_t>(range->first + i + 1))) found.push_back(i);
  }
  return found;
}

void read_access(Reader& reader, bool is_request, Message& message) {
  const std::uint8_t function = message.function;
  const auto known = std::ranges::find(kAccess, function, &Access::function);
  if (known == std::end(kAccess)) {
    message.data = std::string(text_of(reader.rest()));
    return;
  }
  message.reads = known->reads;
  message.writes = known->writes;
  message.is_single = known->is_single;
  message.is_multiple = known->is_multiple;
  message.table = known->table;
  const auto pair = [&] {
    const std::uint16_t first = reader.u16();
    return std::pair(first, reader.u16());
  };
  if (function == 20 || function == 21 || function == 24) {
    message.data = std::string(text_of(reader.rest()));
    return;
  }
  if (!is_request && message.reads) {
    const std::size_t count = reader.u8();
    if (count != reader.left()) wrong(message, "DATA_LENGTH");
    message.has_read_data = true;
    message.data = std::string(text_of(reader.rest()));
    return;
  }
  if (function == 23) {
    message.read = pair();
    message.write = pair();
  } else if (message.reads) {
    message.read = pair();
  } else {
    message.write = pair();
    if (function == 5 || function == 6 || function == 22) message.values.push_back(message.write->second);
  }
  if (!reader.ok()) {
    wrong(message, "DATA_LENGTH");
    message.read = message.write = std::nullopt;
    return;
  }
  if (message.read && (message.read->second == 0 || message.read->second > (function <= 2 ? 2000 : 125)))
    wrong(message, "DATA_VALUE");
  if (function == 5 && message.values[0] != 0 && message.values[0] != 0xff00) wrong(message, "DATA_VALUE");
  if (!message.is_multiple || !is_request) return;
  const std::size_t count = reader.u8();
  if (!reader.ok() || count != reader.left()) return wrong(message, "DATA_LENGTH");
  const std::uint16_t quantity = message.write->second;
  if (function == 15) {
    const Bytes bits = reader.rest();
    if (quantity == 0 || quantity > 1968 || (quantity + 7U) / 8 != count) return wrong(message, "DATA_VALUE");
    for (std::size_t i = 0; i < quantity; ++i) message.values.push_back(bits[i / 8] >> (i % 8) & 1);
    return;
  }
  if (quantity == 0 || quantity > 123 || quantity * 2U != count) return wrong(message, "DATA_VALUE");
  for (std::size_t i = 0; i < quantity; ++i) message.values.push_back(reader.u16());
}

}  // namespace

Category category_of(std::uint8_t function) {
  constexpr std::uint8_t kAssigned[] = {1, 2, 3, 4, 5, 6, 7, 8, 11, 12, 15, 16, 17, 20, 21, 22, 23, 24, 43};
  constexpr std::uint8_t kReserved[] = {9, 10, 13, 14, 41, 42, 90, 91, 125, 126, 127};
  if (std::ranges::find(kAssigned, function) != std::end(kAssigned)) return Category::kAssigned;
  if (std::ranges::find(kReserved, function) != std::end(kReserved)) return Category::kReserved;
  if ((function >= 65 && function <= 72) || (function >= 100 && function <= 110)) return Category::kUser;
  return Category::kUnassigned;
}

void read_body(Bytes body, bool is_request, Message& message) {
  Reader reader(body);
  message.unit = reader.u8();
  const std::uint8_t code = reader.u8();
  message.function = code & static_cast<std::uint8_t>(~kException);
  if (message.protocol != 0) wrong(message, "PROTO_ID");
  if (message.function == 0) wrong(message, "FUNC_CODE");
  if ((code & kException) != 0) {
    if (is_request) return wrong(message, "FUNC_CODE");
    message.exception = reader.u8();
    if (!reader.ok() || *message.exception == 0 || *message.exception > 11) wrong(message, "EXC_CODE");
    return;
  }
  if (message.function == 8 || message.function == 43) {
    message.subfunction = message.function == 8 ? reader.u16() : reader.u8();
    if (!reader.ok()) return wrong(message, "DATA_LENGTH");
    message.data = std::string(text_of(reader.rest()));
    return;
  }
  read_access(reader, is_request, message);
}

bool fits(const Message& request, const Message& response) {
  if (response.exception) return true;
  if (request.write && response.write) return *request.write == *response.write;
  if (request.read && response.has_read_data) {
    const std::size_t size = request.function <= 2 ? (request.read->second + 7U) / 8 : request.read->second * 2U;
    return size == response.data.size();
  }
  return true;
}

bool holds(std::span<const std::string> words, const Message& request) {
  bool is_read = true;
  std::vector<std::size_t> at;
  for (const std::string& one : words) {
    const std::string word = lower(trim(std::string_view(one)));
    const std::size_t blank = std::min(word.find(' '), word.size());
    const std::string_view name = std::string_view(word).substr(0, blank);
    const std::string_view value = trim(std::string_view(word).substr(blank));
    bool met = false;
    if (name == "unit") {
      met = compares(value, request.unit);
    } else if (name == "function") {
      met = holds_function(value, request);
    } else if (name == "subfunction") {
      met = request.subfunction && compares(value, *request.subfunction);
    } else if (name == "access") {
      is_read = value.starts_with("read");
      met = holds_access(value, request);
    } else if (name == "address") {
      at = places(value, request, is_read);
      met = !at.empty();
    } else if (name == "value") {
      met = std::ranges::any_of(
          at, [&](std::size_t i) { return i < request.values.size() && compares(value, request.values[i]); });
    }
    if (!met) return false;
  }
  return true;
}

std::string printable_of(std::string_view bytes) {
  std::string text;
  for (const char c : bytes.substr(0, 512)) {
    if (c >= ' ' && c <= '~')
      text += c;
    else
      text += fmt::format("\\x{:02x}", static_cast<std::uint8_t>(c));
  }
  return text;
}

}  // namespace tocsin::protocol::modbus
