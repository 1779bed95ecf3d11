// A body in Brotli (RFC 7932), decoded as it comes.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "protocol/transaction.h"

namespace tocsin::protocol {

class BrotliBody {
 public:
  // Beyond so many decoded bytes, a body that was more than 2048 times shorter is a bomb.
  explicit BrotliBody(std::uint64_t bomb_limit);
  ~BrotliBody();

  enum class Result { kFine, kBroken, kBomb };
  // Gives out what there is. What is not Brotli from its first byte on comes out as it is; after an error in the middle
  // nothing does.
  Result decode(Bytes bytes, const std::function<void(Bytes)>& give);

 private:
  struct Decoder;
  std::unique_ptr<Decoder> decoder_;
  std::uint64_t bomb_limit_, in_ = 0, out_ = 0;
  bool is_plain_ = false, is_over_ = false;
};

}  // namespace tocsin::protocol
