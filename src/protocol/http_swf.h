// Flash files, which rules see unpacked (Adobe, SWF file format specification 19, chapter 2).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tocsin::protocol {

struct SwfSettings {
  bool is_enabled = false, zlib = true, lzma = true;
  std::uint64_t packed_most = 100 * 1024, unpacked_most = 100 * 1024;  // 0: all
};

// The file as it would be without packing, as far as its beginning gives it; nothing: it is no packed one.
std::optional<std::string> unpack_swf(std::string_view bytes, const SwfSettings& settings);

}  // namespace tocsin::protocol
