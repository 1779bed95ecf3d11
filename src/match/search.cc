#include "match/search.h"

#include <cstring>

namespace tocsin::match {

Needle::Needle(std::string_view bytes, bool ignore_case) : bytes_(bytes), ignore_case_(ignore_case) {
  if (ignore_case_) {
    for (char& c : bytes_) c = static_cast<char>(lower_of(static_cast<std::uint8_t>(c)));
  }
}

std::size_t Needle::find(Bytes haystack) const {
  if (bytes_.empty()) return 0;
  if (haystack.size() < bytes_.size()) return kNone;
  if (!ignore_case_) {
    const void* found = memmem(haystack.data(), haystack.size(), bytes_.data(), bytes_.size());
    return found == nullptr ? kNone
                            : static_cast<std::size_t>(static_cast<const std::uint8_t*>(found) - haystack.data());
  }
  const std::uint8_t* needle = reinterpret_cast<const std::uint8_t*>(bytes_.data());
  const std::size_t size = bytes_.size(), last = haystack.size() - size;
  for (std::size_t at = 0; at <= last; ++at) {
    if (lower_of(haystack[at]) != needle[0]) continue;
    std::size_t same = 1;
    while (same < size && lower_of(haystack[at + same]) == needle[same]) ++same;
    if (same == size) return at;
  }
  return kNone;
}

}  // namespace tocsin::match
