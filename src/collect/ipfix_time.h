// The times of IPFIX (RFC 7011 section 6.1.7 to 6.1.10) as microseconds since 1970.
#pragma once

#include <cstdint>

#include "base/time.h"

namespace tocsin::collect {

// The end of the year 9999: what claims to be later is damage.
inline constexpr std::uint64_t kMostMilliseconds = 253'402'300'799'999;

// Seconds since 1900 and a fraction of 2^-32. From 2036 on the seconds begin again at 0: those below 2^31 are of then.
inline Timestamp time_of_ntp(std::uint64_t ntp) {
  constexpr std::int64_t k1900To1970 = 2'208'988'800;
  const auto seconds = static_cast<std::int64_t>(ntp >> 32);
  const std::int64_t era = seconds < (std::int64_t{1} << 31) ? std::int64_t{1} << 32 : 0;
  // Rounded: exporters cut what they write, and a second cut would lose a microsecond.
  const std::uint64_t micros = ((ntp & 0xffffffff) * 1'000'000 + (1ULL << 31)) >> 32;
  return (seconds + era - k1900To1970) * kSecond + static_cast<Timestamp>(micros);
}

}  // namespace tocsin::collect
