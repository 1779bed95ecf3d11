#include "protocol/http_body.h"

#include <algorithm>

namespace tocsin::protocol {

void HttpBody::append(const BodyLimits& limits, Bytes added) {
  // The bound is wide, since what is acknowledged at once is looked at at once, however much it is.
  const std::uint64_t most = std::max({std::uint64_t{256} * 1024, 4 * limits.least, 4 * limits.window});
  if (bytes_.size() > most) {
    const std::size_t gone = bytes_.size() - most / 2;
    bytes_.erase(0, gone);
    offset_ += gone;
  }
  bytes_.append(reinterpret_cast<const char*>(added.data()), added.size());
}

void HttpBody::skip(std::uint64_t missing) {
  offset_ = size() + missing;
  bytes_.clear();
}

Value HttpBody::value(const BodyLimits& limits, bool is_done, bool is_inline) const {
  return value_of_growing(limits, bytes_, offset_, is_done, is_inline);
}

Value value_of_growing(const BodyLimits& limits, std::string_view bytes, std::uint64_t offset, bool is_done,
                       bool is_inline) {
  const std::uint64_t size = offset + bytes.size();
  Value value;
  if (size == 0) {
    if (is_done) value.presence = Presence::kAbsent;
    return value;
  }
  const bool is_full = limits.limit != 0 && size >= limits.limit;
  if (!is_done && !is_inline && !is_full && size < limits.least) return value;
  value.presence = is_done ? Presence::kWhole : Presence::kGrowing;
  value.bytes = {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()};
  value.offset = offset;
  return value;
}

}  // namespace tocsin::protocol
