#include "protocol/body_brotli.h"

#include <brotli/decode.h>

#include <array>

namespace tocsin::protocol {

struct BrotliBody::Decoder {
  Decoder() : state(BrotliDecoderCreateInstance(nullptr, nullptr, nullptr)) {}
  ~Decoder() {
    if (state != nullptr) BrotliDecoderDestroyInstance(state);
  }
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;
  BrotliDecoderState* state;
};

BrotliBody::BrotliBody(std::uint64_t bomb_limit)
    : decoder_(std::make_unique<Decoder>()), bomb_limit_(bomb_limit), is_plain_(decoder_->state == nullptr) {}

BrotliBody::~BrotliBody() = default;

BrotliBody::Result BrotliBody::decode(Bytes bytes, const std::function<void(Bytes)>& give) {
  constexpr std::uint64_t kBombRatio = 2048;
  if (is_plain_) {
    give(bytes);
    return Result::kFine;
  }
  if (is_over_) return Result::kFine;
  const std::uint64_t before = in_;
  in_ += bytes.size();
  std::size_t left = bytes.size();
  const std::uint8_t* next = bytes.data();
  std::array<std::uint8_t, 8192> room;
  while (true) {
    std::size_t free = room.size();
    std::uint8_t* at = room.data();
    const BrotliDecoderResult result =
        BrotliDecoderDecompressStream(decoder_->state, &left, &next, &free, &at, nullptr);
    const std::size_t made = room.size() - free;
    out_ += made;
    if (made != 0) give(Bytes(room).first(made));
    if (out_ > bomb_limit_ && out_ > kBombRatio * in_) {
      is_over_ = true;
      return Result::kBomb;
    }
    if (result == BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT) continue;
    if (result == BROTLI_DECODER_RESULT_NEEDS_MORE_INPUT) return Result::kFine;
    if (result == BROTLI_DECODER_RESULT_SUCCESS) {
      is_over_ = true;
      return Result::kFine;
    }
    if (out_ == 0 && before == 0) {
      is_plain_ = true;
      give(bytes);
    }
    is_over_ = true;
    return Result::kBroken;
  }
}

}  // namespace tocsin::protocol
