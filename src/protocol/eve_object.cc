#include "protocol/eve_object.h"

#include <fmt/format.h>

#include <iterator>

#include "base/utf8.h"

namespace tocsin::protocol {
void append_json_text(std::string& json, std::string_view value) {
  const bool whole = is_utf8(value);
  json += '"';
  for (const char c : value) {
    const auto byte = static_cast<std::uint8_t>(c);
    if (!whole && (byte < 0x20 || byte > 0x7e)) {
      fmt::format_to(std::back_inserter(json), "\\\\x{:02x}", byte);
      continue;
    }
    switch (c) {
      case '"':
        json += "\\\"";
        break;
      case '\\':
        json += "\\\\";
        break;
      case '\n':
        json += "\\n";
        break;
      case '\r':
        json += "\\r";
        break;
      case '\t':
        json += "\\t";
        break;
      case '\b':
        json += "\\b";
        break;
      case '\f':
        json += "\\f";
        break;
      default:
        if (byte < 0x20 || byte == 0x7f) {
          fmt::format_to(std::back_inserter(json), "\\u{:04x}", byte);
        } else {
          json += c;
        }
    }
  }
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
  fmt::format_to(std::back_inserter(json_), "{}", value);
}

void EveObject::flag(std::string_view member, bool value) {
  name(member);
  json_ += value ? "true" : "false";
}

void EveObject::hex(std::string_view member, std::span<const std::uint8_t> value) {
  name(member);
  json_ += '"';
  for (const std::uint8_t byte : value) fmt::format_to(std::back_inserter(json_), "{:02x}", byte);
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
  fmt::format_to(std::back_inserter(json_), "{}", value);
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
