#include "collect/input.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <lzma.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <functional>

namespace tocsin {
namespace {

constexpr std::size_t kChunk = 256 * 1024;
constexpr std::size_t kMost = 16 * 1024 * 1024;
constexpr std::uint64_t kDecoderMemory = 256ULL << 20;

using Fill = std::function<std::size_t(std::byte* into, std::size_t room)>;

// Gives decompressed bytes: returns how many were put into `into`, 0 at the end. `raw` gives the bytes below.
class Decoder {
 public:
  explicit Decoder(Fill raw) : raw_(std::move(raw)) {}
  virtual ~Decoder() = default;
  virtual std::size_t fill(std::byte* into, std::size_t room) = 0;
  const std::optional<Error>& fault() const { return fault_; }

 protected:
  bool refill() {
    begin_ = 0;
    end_ = raw_(buffer_.data(), buffer_.size());
    return end_ > 0;
  }
  Fill raw_;
  std::vector<std::byte> buffer_ = std::vector<std::byte>(kChunk);
  std::size_t begin_ = 0, end_ = 0;
  std::optional<Error> fault_;
};

class PlainDecoder : public Decoder {
 public:
  using Decoder::Decoder;
  std::size_t fill(std::byte* into, std::size_t room) override { return raw_(into, room); }
};

class GzipDecoder : public Decoder {
 public:
  explicit GzipDecoder(Fill raw) : Decoder(std::move(raw)) { inflateInit2(&stream_, 15 + 32); }
  ~GzipDecoder() override { inflateEnd(&stream_); }
  GzipDecoder(const GzipDecoder&) = delete;
  GzipDecoder& operator=(const GzipDecoder&) = delete;
  std::size_t fill(std::byte* into, std::size_t room) override {
    stream_.next_out = reinterpret_cast<Bytef*>(into);
    stream_.avail_out = static_cast<uInt>(room);
    while (stream_.avail_out == room && !fault_ && !ended_) {
      const bool more = begin_ != end_ || refill();
      if (member_ended_) {
        if (!more || !next_member()) break;
        inflateReset2(&stream_, 15 + 32);
        member_ended_ = false;
      }
      stream_.next_in = reinterpret_cast<Bytef*>(buffer_.data() + begin_);
      stream_.avail_in = static_cast<uInt>(end_ - begin_);
      const int status = inflate(&stream_, Z_NO_FLUSH);
      begin_ = end_ - stream_.avail_in;
      if (status == Z_STREAM_END) {
        member_ended_ = true;
      } else if (status != Z_OK && status != Z_BUF_ERROR) {
        fault_ = Error{"gzip data is damaged"};
      } else if (!more && stream_.avail_out == room) {
        fault_ = Error{"gzip data is cut short"};
      }
    }
    return room - stream_.avail_out;
  }

 private:
  // After a member comes another one, or padding of zeros as tapes and block devices have it.
  bool next_member() {
    while (buffer_[begin_] == std::byte{0}) {
      if (++begin_ == end_ && !refill()) {
        ended_ = true;
        return false;
      }
    }
    if (buffer_[begin_] == std::byte{0x1f}) return true;
    fault_ = Error{"gzip data is followed by something else"};
    return false;
  }

  z_stream stream_{};
  bool member_ended_ = false;
  bool ended_ = false;
};

class XzDecoder : public Decoder {
 public:
  explicit XzDecoder(Fill raw) : Decoder(std::move(raw)) {
    if (lzma_stream_decoder(&stream_, kDecoderMemory, LZMA_CONCATENATED) != LZMA_OK) fault_ = Error{"no memory for xz"};
  }
  ~XzDecoder() override { lzma_end(&stream_); }
  XzDecoder(const XzDecoder&) = delete;
  XzDecoder& operator=(const XzDecoder&) = delete;
  std::size_t fill(std::byte* into, std::size_t room) override {
    stream_.next_out = reinterpret_cast<std::uint8_t*>(into);
    stream_.avail_out = room;
    while (stream_.avail_out == room && !fault_ && !ended_) {
      const bool more = begin_ != end_ || refill();
      stream_.next_in = reinterpret_cast<const std::uint8_t*>(buffer_.data() + begin_);
      stream_.avail_in = end_ - begin_;
      const lzma_ret status = lzma_code(&stream_, more ? LZMA_RUN : LZMA_FINISH);
      begin_ = end_ - stream_.avail_in;
      if (status == LZMA_STREAM_END) {
        ended_ = true;
      } else if (status != LZMA_OK) {
        fault_ = Error{status == LZMA_BUF_ERROR        ? "xz data is cut short"
                       : status == LZMA_MEMLIMIT_ERROR ? "xz data needs more than 256 MiB of memory to decompress"
                                                       : "xz data is damaged"};
      }
    }
    return room - stream_.avail_out;
  }

 private:
  lzma_stream stream_ = LZMA_STREAM_INIT;
  bool ended_ = false;
};

class ZstdDecoder : public Decoder {
 public:
  explicit ZstdDecoder(Fill raw) : Decoder(std::move(raw)), stream_(ZSTD_createDStream()) {
    ZSTD_DCtx_setParameter(stream_, ZSTD_d_windowLogMax, 27);
  }
  ~ZstdDecoder() override { ZSTD_freeDStream(stream_); }
  ZstdDecoder(const ZstdDecoder&) = delete;
  ZstdDecoder& operator=(const ZstdDecoder&) = delete;
  std::size_t fill(std::byte* into, std::size_t room) override {
    ZSTD_outBuffer out{into, room, 0};
    while (out.pos == 0 && !fault_) {
      const bool more = begin_ != end_ || refill();
      if (!more && pending_ == 0) break;
      // Without more input there may still be output that the last piece had no room for.
      ZSTD_inBuffer in{buffer_.data() + begin_, end_ - begin_, 0};
      pending_ = ZSTD_decompressStream(stream_, &out, &in);
      begin_ += in.pos;
      if (ZSTD_isError(pending_) != 0U) {
        fault_ = Error{ZSTD_getErrorCode(pending_) == ZSTD_error_frameParameter_windowTooLarge
                           ? "zstd data needs more than 128 MiB of memory to decompress"
                           : "zstd data is damaged"};
      } else if (!more && out.pos == 0 && pending_ != 0) {
        fault_ = Error{"zstd data is cut short"};
      }
    }
    return out.pos;
  }

 private:
  ZSTD_DStream* stream_;
  std::size_t pending_ = 0;
};

}  // namespace

void Skips::add(std::string_view where, std::string_view what) {
  ++count_;
  ++by_reason_[std::string(what)];
  if (examples_.size() < 20) examples_.push_back(fmt::format("{}: {}", where, what));
}

void Skips::add(const Skips& others) {
  count_ += others.count_;
  for (const auto& [reason, count] : others.by_reason_) by_reason_[reason] += count;
  for (const std::string& example : others.examples_) {
    if (examples_.size() < 20) examples_.push_back(example);
  }
}

struct InputStream::State {
  std::string name;
  int file = -1;
  std::string memory;
  std::size_t memory_at = 0;
  std::string long_line;
  std::vector<std::byte> head;  // raw bytes read to recognise compression, given again first
  std::size_t head_at = 0;
  std::unique_ptr<Decoder> decoder;
  std::vector<std::byte> buffer = std::vector<std::byte>(kChunk);
  std::size_t begin = 0, end = 0;
  std::uint64_t offset = 0;
  std::uint64_t raw_offset = 0;
  std::uint64_t most = std::numeric_limits<std::uint64_t>::max();  // of raw_offset
  std::optional<std::uint64_t> raw_size;
  std::optional<Error> fault;
  bool ended = false;
  bool cut = false;

  State() = default;
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() {
    if (file > STDIN_FILENO) close(file);
  }

  std::size_t read_raw(std::byte* into, std::size_t room) {
    if (head_at < head.size()) {
      const std::size_t size = std::min(room, head.size() - head_at);
      std::memcpy(into, head.data() + head_at, size);
      head_at += size;
      return size;
    }
    return read_below(into, room);
  }

  std::size_t read_below(std::byte* into, std::size_t room) {
    std::size_t size = 0;
    room = static_cast<std::size_t>(std::min<std::uint64_t>(room, most - raw_offset));
    if (file < 0) {
      size = std::min(room, memory.size() - memory_at);
      std::memcpy(into, memory.data() + memory_at, size);
      memory_at += size;
    } else {
      ssize_t got = 0;
      do {
        got = ::read(file, into, room);
      } while (got < 0 && errno == EINTR);
      if (got < 0) {
        fault = Error{fmt::format("{}: {}", name, std::strerror(errno))};
        return 0;
      }
      size = static_cast<std::size_t>(got);
    }
    raw_offset += size;
    return size;
  }

  void start() {
    head.resize(6);
    std::size_t have = 0;
    while (have < head.size()) {
      const std::size_t got = read_below(head.data() + have, head.size() - have);
      if (got == 0) break;
      have += got;
    }
    head.resize(have);
    const std::string_view magic(reinterpret_cast<const char*>(head.data()), have);
    Fill raw = [this](std::byte* into, std::size_t room) { return read_raw(into, room); };
    if (magic.starts_with("\x1f\x8b")) {
      decoder = std::make_unique<GzipDecoder>(std::move(raw));
    } else if (magic.starts_with("\xfd"
                                 "7zXZ")) {
      decoder = std::make_unique<XzDecoder>(std::move(raw));
    } else if (magic.starts_with("\x28\xb5\x2f\xfd")) {
      decoder = std::make_unique<ZstdDecoder>(std::move(raw));
    } else {
      decoder = std::make_unique<PlainDecoder>(std::move(raw));
    }
  }

  // One more piece into the buffer; false at the end.
  bool fill() {
    if (ended) return false;
    if (begin == end) begin = end = 0;
    if (buffer.size() - end < kChunk / 2) {
      if (begin > buffer.size() / 2) {
        std::memmove(buffer.data(), buffer.data() + begin, end - begin);
        end -= begin;
        begin = 0;
      } else {
        buffer.resize(buffer.size() * 2);
      }
    }
    const std::size_t got = decoder->fill(buffer.data() + end, buffer.size() - end);
    end += got;
    if (got > 0) return true;
    ended = true;
    if (decoder->fault() && !fault) fault = Error{fmt::format("{}: {}", name, decoder->fault()->message)};
    return false;
  }
};

InputStream::InputStream(std::unique_ptr<State> state) : state_(std::move(state)) {}
InputStream::~InputStream() = default;

Expected<std::unique_ptr<InputStream>> InputStream::open(const std::string& path, std::uint64_t most) {
  auto state = std::make_unique<State>();
  state->most = most;
  state->name = path == "-" ? "standard input" : path;
  state->file = path == "-" ? STDIN_FILENO : ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (state->file < 0) return failure(fmt::format("{}: {}", path, std::strerror(errno)));
  struct stat status {};
  if (fstat(state->file, &status) == 0) {
    if (S_ISDIR(status.st_mode)) return failure(fmt::format("{}: is a directory", path));
    if (S_ISREG(status.st_mode)) state->raw_size = std::min(most, static_cast<std::uint64_t>(status.st_size));
  }
  state->start();
  return std::unique_ptr<InputStream>(new InputStream(std::move(state)));
}

std::unique_ptr<InputStream> InputStream::of_bytes(std::string bytes, std::string name) {
  auto state = std::make_unique<State>();
  state->name = std::move(name);
  state->raw_size = bytes.size();
  state->memory = std::move(bytes);
  state->start();
  return std::unique_ptr<InputStream>(new InputStream(std::move(state)));
}

std::span<const std::byte> InputStream::peek(std::size_t least) {
  least = std::min(least, kMost);
  while (state_->end - state_->begin < least && state_->fill()) {
  }
  return {state_->buffer.data() + state_->begin, state_->end - state_->begin};
}

void InputStream::consume(std::size_t bytes) {
  bytes = std::min(bytes, state_->end - state_->begin);
  state_->begin += bytes;
  state_->offset += bytes;
}

std::optional<std::string_view> InputStream::line() {
  State& s = *state_;
  s.cut = false;
  std::size_t searched = 0;
  while (true) {
    const auto* from = s.buffer.data() + s.begin;
    const std::size_t have = s.end - s.begin;
    const auto* found = static_cast<const std::byte*>(std::memchr(from + searched, '\n', have - searched));
    std::size_t size = found != nullptr ? static_cast<std::size_t>(found - from) : have;
    if (size > kMost) return long_line();
    if (found == nullptr) {
      searched = have;
      if (s.fill()) continue;
      if (have == 0) return std::nullopt;
      from = s.buffer.data() + s.begin;
    }
    const std::size_t used = found != nullptr ? size + 1 : size;
    if (size > 0 && from[size - 1] == std::byte{'\r'}) --size;
    consume(used);
    return std::string_view(reinterpret_cast<const char*>(from), size);
  }
}

// The first part of a line that is too long, copied aside because what drops the rest moves the buffer on.
std::string_view InputStream::long_line() {
  State& s = *state_;
  s.cut = true;
  s.long_line.assign(reinterpret_cast<const char*>(s.buffer.data() + s.begin), kMost);
  for (auto view = peek(1); !view.empty(); view = peek(1)) {
    const auto* end = static_cast<const std::byte*>(std::memchr(view.data(), '\n', view.size()));
    consume(end != nullptr ? static_cast<std::size_t>(end - view.data()) + 1 : view.size());
    if (end != nullptr) break;
  }
  return s.long_line;
}

bool InputStream::too_long() const { return state_->cut; }
std::uint64_t InputStream::offset() const { return state_->offset; }
std::uint64_t InputStream::raw_offset() const { return state_->raw_offset; }
std::optional<std::uint64_t> InputStream::raw_size() const { return state_->raw_size; }
const std::optional<Error>& InputStream::fault() const { return state_->fault; }
const std::string& InputStream::name() const { return state_->name; }

}  // namespace tocsin
