// IPFIX and NetFlow 9 by hand, after RFC 7011 and RFC 3954.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "read_all.h"

namespace tocsin::testing {

inline constexpr std::uint32_t kSent = 1'700'000'000;

inline std::string n8(unsigned value) { return word(static_cast<std::uint8_t>(value), true); }
inline std::string n16(unsigned value) { return word(static_cast<std::uint16_t>(value), true); }
inline std::string n32(std::uint64_t value) { return word(static_cast<std::uint32_t>(value), true); }
inline std::string n64(std::uint64_t value) { return word(value, true); }

inline std::string ipfix_message(const std::string& sets, std::uint32_t domain = 1, std::uint32_t sent = kSent) {
  return n16(10) + n16(static_cast<unsigned>(16 + sets.size())) + n32(sent) + n32(0) + n32(domain) + sets;
}
inline std::string set_of(unsigned id, const std::string& body) {
  return n16(id) + n16(static_cast<unsigned>(4 + body.size())) + body;
}

struct FieldOf {
  unsigned id, length;
  std::uint32_t enterprise = 0;
};
inline std::string fields_of(const std::vector<FieldOf>& fields) {
  std::string bytes;
  for (const FieldOf& field : fields) {
    bytes += n16(field.id | (field.enterprise != 0 ? 0x8000U : 0U)) + n16(field.length);
    if (field.enterprise != 0) bytes += n32(field.enterprise);
  }
  return bytes;
}
inline std::string template_of(unsigned id, const std::vector<FieldOf>& fields) {
  return n16(id) + n16(static_cast<unsigned>(fields.size())) + fields_of(fields);
}
inline std::string options_template_of(unsigned id, unsigned scopes, const std::vector<FieldOf>& fields) {
  return n16(id) + n16(static_cast<unsigned>(fields.size())) + n16(scopes) + fields_of(fields);
}

// Addresses, ports, protocol, flags, times in milliseconds, counts: what most exporters send.
inline const std::vector<FieldOf> kPlain{{8, 4}, {12, 4},  {7, 2},   {11, 2}, {4, 1},
                                         {6, 1}, {152, 8}, {153, 8}, {1, 8},  {2, 8}};

inline std::string plain_record(std::uint32_t from, std::uint32_t to, unsigned from_port, unsigned to_port,
                                unsigned protocol, unsigned flags, std::uint64_t bytes = 1000,
                                std::uint64_t packets = 10) {
  return n32(from) + n32(to) + n16(from_port) + n16(to_port) + n8(protocol) + n8(flags) + n64(kSent * 1000ULL - 5000) +
         n64(kSent * 1000ULL - 250) + n64(bytes) + n64(packets);
}

// A message of one template and its records.
inline std::string ipfix_of(const std::vector<FieldOf>& fields, const std::string& records, unsigned id = 256) {
  return ipfix_message(set_of(2, template_of(id, fields)) + set_of(id, records));
}

}  // namespace tocsin::testing
