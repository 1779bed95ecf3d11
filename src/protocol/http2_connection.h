// Frames of HTTP/2 (RFC 9113), each given to the transaction of its stream.
#pragma once

#include <memory>
#include <string>

#include "protocol/http2_headers.h"
#include "protocol/http2_transaction.h"

namespace tocsin::protocol {

class Http2Connection final : public Parser {
 public:
  explicit Http2Connection(std::shared_ptr<const HttpSettings> settings);

  bool take(Side side, Bytes bytes, Timestamp time) override;
  bool skip(Side side, std::uint64_t bytes, Timestamp time) override;
  void end(Side side, Timestamp time) override;

 private:
  struct FrameHead {
    std::uint32_t length = 0;
    std::uint8_t type = 0, flags = 0;
    std::uint32_t stream = 0;
  };
  struct OfSide {
    std::string waiting;     // an incomplete frame
    std::uint64_t skip = 0;  // the rest of one that is too long
    HeaderUnpacker unpacker;
    std::string block;  // of headers that go on
    std::uint32_t block_stream = 0;
    bool block_ends_stream = false;
  };
  OfSide& of(Side side) { return sides_[static_cast<int>(side)]; }

  // How much of the bytes was read; 0: more is needed.
  std::size_t frame(Side side, Bytes bytes);
  bool handle(Side side, const FrameHead& head, Bytes payload);
  bool read_frame(Side side, const FrameHead& head, Bytes payload, Http2Frame& frame, std::uint32_t& stream,
                  HeaderUnpacker::Block& block, std::string_view& event);
  bool read_headers(Side side, const FrameHead& head, Bytes payload, Http2Frame& frame, std::uint32_t& stream,
                    HeaderUnpacker::Block& block, std::string_view& event);
  Http2Transaction* find_or_make(std::uint32_t stream, std::uint8_t type);
  void add_event(std::string_view event);

  std::shared_ptr<const HttpSettings> settings_;
  std::shared_ptr<Http2Transaction::Streams> streams_ = std::make_shared<Http2Transaction::Streams>();
  OfSide sides_[2];
  std::uint64_t next_ = 0;
  Timestamp now_ = 0;
  bool is_greeted_ = false, is_broken_ = false;
};

}  // namespace tocsin::protocol
