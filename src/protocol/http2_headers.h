// Headers as HTTP/2 packs them (RFC 7541), unpacked in the order in which they came.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "protocol/transaction.h"

namespace tocsin::protocol {

struct Http2Header {
  std::string name, value;
};

class HeaderUnpacker {
 public:
  HeaderUnpacker();
  ~HeaderUnpacker();
  // The other side allows a table of so many bytes.
  void allow(std::uint32_t bytes);
  struct Block {
    std::vector<Http2Header> headers;
    std::vector<std::uint64_t> sizes;  // that the table was set to
    bool is_broken = false;            // and nothing that follows can be read
  };
  // A whole block. What is beyond `most` bytes of names and values is read, but not kept.
  Block unpack(Bytes bytes, std::size_t most);

 private:
  struct Library;
  std::unique_ptr<Library> library_;
  std::uint32_t allowed_ = 4096;
  bool is_broken_ = false;
};

}  // namespace tocsin::protocol
