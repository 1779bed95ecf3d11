#include "locate/intervals.h"

namespace tocsin {

IpAddress address_of(AddressKey key) {
  std::array<std::uint8_t, 16> bytes{};
  for (std::size_t i = 16; i-- > 0; key >>= 8) bytes[i] = static_cast<std::uint8_t>(key);
  return IpAddress(bytes);
}

std::vector<std::uint32_t> v4_index_of(std::span<const std::uint32_t> starts) {
  std::vector<std::uint32_t> index(IntervalSearch::kV4IndexSize);
  std::size_t at = 0;
  for (std::size_t slot = 0; slot + 1 < index.size(); ++slot) {
    const auto address = static_cast<std::uint32_t>(slot << 16);
    while (at + 1 < starts.size() && starts[at + 1] <= address) ++at;
    index[slot] = static_cast<std::uint32_t>(at);
  }
  index.back() = static_cast<std::uint32_t>(starts.size() - 1);
  return index;
}

std::vector<std::uint32_t> v6_index_of(std::span<const V6Start> starts) {
  std::vector<std::uint32_t> index(IntervalSearch::kV6IndexSize);
  std::size_t at = 0;
  for (std::size_t slot = 0; slot < index.size(); ++slot) {
    const V6Start address{(std::uint64_t{1} << 61) + (static_cast<std::uint64_t>(slot) << 44), 0};
    while (at + 1 < starts.size() && starts[at + 1] <= address) ++at;
    index[slot] = static_cast<std::uint32_t>(at);
  }
  return index;
}

bool IntervalSearch::sound() const {
  if (v4_starts.empty() || v6_starts.empty() || v4_starts[0] != 0 || v6_starts[0] != V6Start{}) return false;
  auto indexes = [](std::span<const std::uint32_t> index, std::size_t size, std::size_t count) {
    if (index.empty()) return true;
    return index.size() == size && std::ranges::is_sorted(index) && index.back() < count;
  };
  return indexes(v4_index, kV4IndexSize, v4_starts.size()) && indexes(v6_index, kV6IndexSize, v6_starts.size());
}

}  // namespace tocsin
