#include "protocol/http2_headers.h"

#include <nghttp2/nghttp2.h>

#include <algorithm>

namespace tocsin::protocol {
namespace {

// A table larger than this is not kept.
constexpr std::uint32_t kTableMost = 65'536;

// Changes of the table's size stand before all headers (RFC 7541, section 6.3): 001 and an integer of 5 bits and more.
void read_sizes(Bytes bytes, std::vector<std::uint64_t>& sizes) {
  std::size_t at = 0;
  while (at < bytes.size() && bytes[at] >> 5 == 1 && sizes.size() < 16) {
    std::uint64_t size = bytes[at++] & 0x1f;
    if (size == 0x1f) {
      int shift = 0;
      while (at < bytes.size() && shift < 56) {
        const std::uint8_t byte = bytes[at++];
        size += std::uint64_t{byte & 0x7fu} << shift;
        shift += 7;
        if (byte < 0x80) break;
      }
    }
    sizes.push_back(size);
  }
}

}  // namespace

struct HeaderUnpacker::Library {
  Library() { nghttp2_hd_inflate_new(&inflater); }
  ~Library() {
    if (inflater != nullptr) nghttp2_hd_inflate_del(inflater);
  }
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;
  nghttp2_hd_inflater* inflater = nullptr;
};

HeaderUnpacker::HeaderUnpacker() : library_(std::make_unique<Library>()), is_broken_(library_->inflater == nullptr) {}

HeaderUnpacker::~HeaderUnpacker() = default;

void HeaderUnpacker::allow(std::uint32_t bytes) {
  bytes = std::min(bytes, kTableMost);
  // What is allowed less takes effect when the packing side says so.
  if (bytes <= allowed_ || is_broken_) return;
  allowed_ = bytes;
  is_broken_ = nghttp2_hd_inflate_change_table_size(library_->inflater, bytes) != 0;
}

HeaderUnpacker::Block HeaderUnpacker::unpack(Bytes bytes, std::size_t most) {
  Block block;
  read_sizes(bytes, block.sizes);
  if (is_broken_) {
    block.is_broken = true;
    return block;
  }
  const std::uint8_t* next = bytes.data();
  std::size_t left = bytes.size(), kept = 0;
  while (true) {
    nghttp2_nv pair;
    int flags = 0;
    const auto read = nghttp2_hd_inflate_hd2(library_->inflater, &pair, &flags, next, left, 1);
    if (read < 0) {
      block.is_broken = is_broken_ = true;
      return block;
    }
    next += read;
    left -= static_cast<std::size_t>(read);
    if ((flags & NGHTTP2_HD_INFLATE_EMIT) != 0 && kept + pair.namelen + pair.valuelen <= most) {
      kept += pair.namelen + pair.valuelen + sizeof(Http2Header);
      block.headers.push_back({std::string(reinterpret_cast<const char*>(pair.name), pair.namelen),
                               std::string(reinterpret_cast<const char*>(pair.value), pair.valuelen)});
    }
    if ((flags & NGHTTP2_HD_INFLATE_FINAL) != 0) {
      nghttp2_hd_inflate_end_headers(library_->inflater);
      return block;
    }
    if ((flags & NGHTTP2_HD_INFLATE_EMIT) == 0 && left == 0) {
      // Cut short.
      block.is_broken = is_broken_ = true;
      return block;
    }
  }
}

}  // namespace tocsin::protocol
