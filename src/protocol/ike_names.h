// Names of IKE's numbers, as Suricata's logs have them (IANA: "Internet Key Exchange" versions 1 and 2).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tocsin::protocol::ike {

struct Attribute {
  std::uint16_t type = 0;
  std::uint64_t value = 0;
  bool is_long = false;  // more than eight bytes: text is its value
  std::string text;
};

// "alg_enc"; of version 2 of a transform's type. Empty: it has no name.
std::string_view attribute_name(bool is_1, std::uint16_t type);
std::string value_name(bool is_1, const Attribute& attribute);
std::string payload_name(bool is_1, std::uint8_t type);
std::optional<std::string_view> exchange_name(std::uint8_t type);  // of version 1
std::string notice_name(std::uint16_t type);                       // of version 2

}  // namespace tocsin::protocol::ike
