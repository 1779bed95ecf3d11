#include "protocol/eve_object.h"

#include <array>
#include <charconv>

#include "base/utf8.h"

namespace tocsin::protocol {
namespace {

constexpr std::string_view kDigits = "0123456789abcdef";

// By byte of UTF-8: 0: as it is; 'u': as \u00NN; else the letter behind the backslash.
constexpr auto kEscapes = [] {
  std::array<char, 256> escapes{};
  for (std::size_t i = 0; i < 0x20; ++i) escapes[i] = 'u';
  escapes[0x7f] = 'u';
  escapes['"'] = '"';
  escapes['\\'] = '\\';
  escapes['\n'] = 'n';
  escapes['\r'] = 'r';
  escapes['\t'] = 't';
  escapes['\b'] = 'b';
  escapes['\f'] = 'f';
  return escapes;
}();

void append_hex(std::string& text, std::uint8_t byte) {
  text += kDigits[byte >> 4];
  text += kDigits[byte & 15];
}

void append_number(std::string& text, std::uint64_t value) {
  char digits[20];
  text.append(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
}

}  // namespace

void append_json_text(std::string& json, std::string_view value) {
  const bool whole = is_utf8(value);
  json += '"';
  std::size_t done = 0;
  for (std::size_t at = 0; at < value.size(); ++at) {
    const auto byte = static_cast<std::uint8_t>(value[at]);
    const bool is_strange = !whole && (byte < 0x20 || byte > 0x7e);
    const char escape = kEscapes[byte];
    if (escape == 0 && !is_strange) continue;
    json += value.substr(done, at - done);
    done = at + 1;
    if (is_strange) {
      json += "\\\\x";
      append_hex(json, byte);
    } else if (escape == 'u') {
      json += "\\u00";
      append_hex(json, byte);
    } else {
      json += '\\';
      json += escape;
    }
  }
  json += value.substr(done);
  json += '"';
}

void EveObject::comma() {
  if (!json_.empty() && json_.back() != '{' && json_.back() != '[') json_ += ',';
}

void EveObject::name(std::string_view name) {
  comma();
  json_ += '"';
  json_ += name;
  json_ += "\":";
}

void EveObject::text(std::string_view member, std::string_view value) {
  name(member);
  append_json_text(json_, value);
}

void EveObject::text(std::string_view member, std::span<const std::uint8_t> value) {
  text(member, std::string_view(reinterpret_cast<const char*>(value.data()), value.size()));
}

void EveObject::number(std::string_view member, std::uint64_t value) {
  name(member);
  append_number(json_, value);
}

void EveObject::flag(std::string_view member, bool value) {
  name(member);
  json_ += value ? "true" : "false";
}

void EveObject::hex(std::string_view member, std::span<const std::uint8_t> value) {
  name(member);
  json_ += '"';
  for (const std::uint8_t byte : value) append_hex(json_, byte);
  json_ += '"';
}

void EveObject::raw(std::string_view member, std::string_view json) {
  name(member);
  json_ += json;
}

void EveObject::members(std::string_view json) {
  if (json.empty()) return;
  comma();
  json_ += json;
}

void EveObject::open(std::string_view member) {
  name(member);
  json_ += '{';
}

void EveObject::open_list(std::string_view member) {
  name(member);
  json_ += '[';
}

void EveObject::item(std::string_view value) {
  comma();
  append_json_text(json_, value);
}

void EveObject::item(std::uint64_t value) {
  comma();
  append_number(json_, value);
}

void EveObject::raw_item(std::string_view json) {
  comma();
  json_ += json;
}

void EveObject::open_item() {
  comma();
  json_ += '{';
}

void EveObject::close() { json_ += '}'; }
void EveObject::close_list() { json_ += ']'; }

}  // namespace tocsin::protocol
