#include "protocol/body_inflate.h"

#include <zlib.h>

#include <array>

namespace tocsin::protocol {

struct InflateBody::Stream {
  Stream() = default;
  ~Stream() {
    if (is_open) inflateEnd(&zlib);
  }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  void open(int window_bits) { is_open = inflateInit2(&zlib, window_bits) == Z_OK; }
  z_stream zlib{};
  bool is_open = false;
};

InflateBody::InflateBody(bool is_gzip, std::uint64_t bomb_limit)
    : stream_(std::make_unique<Stream>()), is_gzip_(is_gzip), bomb_limit_(bomb_limit) {}

InflateBody::~InflateBody() = default;

InflateBody::Result InflateBody::decode(Bytes bytes, const std::function<void(Bytes)>& give) {
  constexpr std::uint64_t kBombRatio = 2048;
  if (is_over_ || bytes.empty()) return Result::kFine;
  if (!stream_->is_open) {
    // The header of zlib begins with the method, 8, and a window; what else is deflate begins otherwise.
    const bool has_header = (bytes[0] & 0x0f) == 8 && bytes[0] >> 4 <= 7;
    stream_->open(is_gzip_ ? MAX_WBITS + 16 : has_header ? MAX_WBITS : -MAX_WBITS);
    if (!stream_->is_open) {
      is_over_ = true;
      return Result::kBroken;
    }
  }
  in_ += bytes.size();
  z_stream& zlib = stream_->zlib;
  zlib.next_in = const_cast<Bytef*>(bytes.data());
  zlib.avail_in = static_cast<uInt>(bytes.size());
  std::array<std::uint8_t, 8192> room;
  while (true) {
    zlib.next_out = room.data();
    zlib.avail_out = static_cast<uInt>(room.size());
    const int result = inflate(&zlib, Z_SYNC_FLUSH);
    const std::size_t made = room.size() - zlib.avail_out;
    out_ += made;
    if (made != 0) give(Bytes(room).first(made));
    if (out_ > bomb_limit_ && out_ > kBombRatio * in_) {
      is_over_ = true;
      return Result::kBomb;
    }
    if (result == Z_STREAM_END) {
      is_over_ = true;
      return Result::kFine;
    }
    if (result == Z_BUF_ERROR || (result == Z_OK && zlib.avail_in == 0 && zlib.avail_out != 0)) return Result::kFine;
    if (result != Z_OK) {
      is_over_ = true;
      return Result::kBroken;
    }
  }
}

}  // namespace tocsin::protocol
