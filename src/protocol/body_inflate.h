// A body in gzip or deflate (RFC 1950 to 1952), decoded as it comes.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "protocol/transaction.h"

namespace tocsin::protocol {

class InflateBody {
 public:
  // Beyond so many decoded bytes, a body that was more than 2048 times shorter is a bomb.
  InflateBody(bool is_gzip, std::uint64_t bomb_limit);
  ~InflateBody();

  enum class Result { kFine, kBroken, kBomb };
  // Deflate is taken with and without its header. After an error nothing more comes out.
  Result decode(Bytes bytes, const std::function<void(Bytes)>& give);

 private:
  struct Stream;
  std::unique_ptr<Stream> stream_;
  bool is_gzip_;
  std::uint64_t bomb_limit_, in_ = 0, out_ = 0;
  bool is_over_ = false;
};

}  // namespace tocsin::protocol
