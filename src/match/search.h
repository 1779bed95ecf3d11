// One content in one buffer.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace tocsin::match {

using Bytes = std::span<const std::uint8_t>;

inline std::string_view text_of(Bytes bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }
inline Bytes bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
inline std::uint8_t lower_of(std::uint8_t byte) {
  return byte >= 'A' && byte <= 'Z' ? static_cast<std::uint8_t>(byte + 32) : byte;
}

class Needle {
 public:
  Needle() = default;
  Needle(std::string_view bytes, bool ignore_case);
  static constexpr std::size_t kNone = SIZE_MAX;
  // Where it begins in the haystack at first; kNone: nowhere.
  std::size_t find(Bytes haystack) const;
  std::size_t size() const { return bytes_.size(); }

 private:
  std::string bytes_;  // lowercase if the case is ignored
  bool ignore_case_ = false;
};

}  // namespace tocsin::match
