#include "protocol/http_swf.h"

#include <lzma.h>
#include <zlib.h>

#include <algorithm>

namespace tocsin::protocol {
namespace {

constexpr std::size_t kZlibAt = 8, kLzmaAt = 17, kHeader = 8;
constexpr std::uint8_t kZlibVersion = 6, kLzmaVersion = 13;
// Whatever the file claims.
constexpr std::uint64_t kMost = 4 * 1024 * 1024;

// false: nothing came out.
bool inflate_into(std::string_view packed, std::string& out) {
  z_stream stream{};
  if (inflateInit(&stream) != Z_OK) return false;
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data() + kHeader);
  stream.avail_out = static_cast<uInt>(out.size() - kHeader);
  inflate(&stream, Z_SYNC_FLUSH);
  const auto made = stream.total_out;
  inflateEnd(&stream);
  return made != 0;
}

bool unlzma_into(std::string_view bytes, std::string_view packed, std::string& out) {
  // The properties, an unknown size, and the rest: the older container of LZMA.
  std::string alone(bytes.substr(12, 5));
  alone.append(8, '\xff').append(packed);
  lzma_stream stream = LZMA_STREAM_INIT;
  constexpr std::uint64_t kMemoryMost = 64 * 1024 * 1024;
  if (lzma_alone_decoder(&stream, kMemoryMost) != LZMA_OK) return false;
  stream.next_in = reinterpret_cast<const std::uint8_t*>(alone.data());
  stream.avail_in = alone.size();
  stream.next_out = reinterpret_cast<std::uint8_t*>(out.data() + kHeader);
  stream.avail_out = out.size() - kHeader;
  while (lzma_code(&stream, LZMA_RUN) == LZMA_OK && stream.avail_in != 0 && stream.avail_out != 0) {
  }
  const auto made = stream.total_out;
  lzma_end(&stream);
  return made != 0;
}

}  // namespace

std::optional<std::string> unpack_swf(std::string_view bytes, const SwfSettings& settings) {
  const bool is_zlib = bytes.starts_with("CWS"), is_lzma = bytes.starts_with("ZWS");
  if (!(is_zlib && settings.zlib) && !(is_lzma && settings.lzma)) return std::nullopt;
  const std::size_t at = is_zlib ? kZlibAt : kLzmaAt;
  if (bytes.size() <= at) return std::nullopt;
  const auto version = static_cast<std::uint8_t>(bytes[3]);
  if (version < (is_zlib ? kZlibVersion : kLzmaVersion)) return std::nullopt;
  std::uint64_t size = 0;
  for (int i = 3; i >= 0; --i) size = size << 8 | static_cast<std::uint8_t>(bytes[4 + static_cast<std::size_t>(i)]);
  if (settings.unpacked_most != 0) size = std::min(size, settings.unpacked_most);
  std::string_view packed = bytes.substr(at);
  if (settings.packed_most != 0) packed = packed.substr(0, settings.packed_most);
  std::string out(kHeader + std::min(std::max<std::uint64_t>(size, 8), kMost), '\0');
  out.replace(0, 3, "FWS");
  out.replace(3, 5, bytes.substr(3, 5));
  const bool is_unpacked = is_zlib ? inflate_into(packed, out) : unlzma_into(bytes, packed, out);
  return is_unpacked ? std::optional(std::move(out)) : std::nullopt;
}

}  // namespace tocsin::protocol
