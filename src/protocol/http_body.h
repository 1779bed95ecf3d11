// The bytes of a body, decoded: a window of them that never grows beyond a bound.
#pragma once

#include <cstdint>
#include <string>

#include "protocol/http_settings.h"

namespace tocsin::protocol {

class HttpBody {
 public:
  // How many of so many bytes are still within the limit.
  static std::uint64_t within(const BodyLimits& limits, std::uint64_t so_far, std::uint64_t bytes) {
    if (limits.limit == 0) return bytes;
    if (so_far >= limits.limit) return 0;
    return std::min(bytes, limits.limit - so_far);
  }

  void append(const BodyLimits& limits, Bytes added);
  void skip(std::uint64_t missing);
  std::uint64_t size() const { return offset_ + bytes_.size(); }
  // What a rule may see of it: all that is kept, once there is enough of it.
  Value value(const BodyLimits& limits, bool is_done, bool is_inline) const;

 private:
  std::string bytes_;
  std::uint64_t offset_ = 0;
};

// The same rule for a body and for the file made of it.
Value value_of_growing(const BodyLimits& limits, std::string_view bytes, std::uint64_t offset, bool is_done,
                       bool is_inline);

}  // namespace tocsin::protocol
