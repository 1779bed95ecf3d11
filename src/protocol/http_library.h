// LibHTP's strings and tables as ours. Only for the sources of HTTP/1: LibHTP's headers are heavy.
#pragma once

#include <htp/htp.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace tocsin::protocol {

inline std::string_view view_of(const bstr* string) {
  if (string == nullptr) return {};
  return {reinterpret_cast<const char*>(bstr_ptr(string)), bstr_len(string)};
}
inline std::string text_of(const bstr* string) { return std::string(view_of(string)); }

inline const htp_header_t* header_of(const htp_table_t* table, const char* name) {
  return table != nullptr ? static_cast<const htp_header_t*>(htp_table_get_c(table, name)) : nullptr;
}

inline bool is_http_space(std::uint8_t c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

}  // namespace tocsin::protocol
