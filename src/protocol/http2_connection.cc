#include "protocol/http2_connection.h"

#include <algorithm>

#include "protocol/http2.h"

namespace tocsin::protocol {
namespace {

constexpr std::string_view kGreeting = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
constexpr std::size_t kHeadSize = 9;
// A longer frame is not waited for: its beginning is looked at, the rest is passed over.
constexpr std::size_t kFrameMost = 65'536, kFrameBeginning = 256;
constexpr std::size_t kBlockMost = 102'400, kStreamsMost = 4'096, kHeadersMost = 256 * 1024;

enum Type : std::uint8_t {
  kData,
  kHeaders,
  kPriority,
  kReset,
  kSettings,
  kPushPromise,
  kPing,
  kGoAway,
  kWindowUpdate,
  kContinuation
};
constexpr std::uint8_t kEndStream = 0x01, kEndHeaders = 0x04, kPadded = 0x08, kHasPriority = 0x20;

std::uint32_t number(Bytes bytes, std::size_t at, std::size_t size) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < size; ++i) value = value << 8 | bytes[at + i];
  return value;
}

// Without the padding, which must not be all there is.
bool unpad(Bytes& payload) {
  if (payload.empty() || payload[0] >= payload.size()) return false;
  payload = payload.subspan(1, payload.size() - 1 - payload[0]);
  return true;
}

}  // namespace

Http2Connection::Http2Connection(std::shared_ptr<const HttpSettings> settings) : settings_(std::move(settings)) {}

void Http2Connection::add_event(std::string_view event) {
  if (!transactions.empty()) static_cast<Http2Transaction&>(*transactions.back()).add_event(event);
}

Http2Transaction* Http2Connection::find_or_make(std::uint32_t stream, std::uint8_t type) {
  if (stream != 0) {
    if (const auto found = streams_->find(stream); found != streams_->end()) {
      // For a while these may come.
      if (found->second->is_complete() && type != kReset && type != kWindowUpdate && type != kPriority)
        add_event("http2.stream_id_reuse");
      return found->second;
    }
  }
  if (transactions.size() >= kStreamsMost) {
    for (const auto& transaction : transactions) {
      static_cast<Http2Transaction&>(*transaction).add_event("http2.too_many_streams");
      static_cast<Http2Transaction&>(*transaction).complete();
    }
    return nullptr;
  }
  auto made = std::make_unique<Http2Transaction>(settings_, next_++, now_, stream, streams_);
  Http2Transaction* transaction = made.get();
  transactions.push_back(std::move(made));
  if (stream == 0) transaction->complete();
  return transaction;
}

bool Http2Connection::read_headers(Side side, const FrameHead& head, Bytes payload, Http2Frame& frame,
                                   std::uint32_t& stream, HeaderUnpacker::Block& block, std::string_view& event) {
  OfSide& own = of(side);
  if (head.type == kContinuation) {
    const bool is_known = own.block_stream == head.stream && head.stream != 0;
    if (is_known) {
      const std::size_t room = kBlockMost - std::min(kBlockMost, own.block.size());
      if (payload.size() > room) event = "http2.reassembly_limit_reached";
      own.block.append(reinterpret_cast<const char*>(payload.data()), std::min(room, payload.size()));
      if ((head.flags & kEndHeaders) == 0) return true;
      block = own.unpacker.unpack({reinterpret_cast<const std::uint8_t*>(own.block.data()), own.block.size()},
                                  kHeadersMost);
      own.block.clear();
      own.block_stream = 0;
    } else {
      block = own.unpacker.unpack(payload, kHeadersMost);
    }
    return true;
  }
  if ((head.flags & kPadded) != 0 && !unpad(payload)) return false;
  if (head.type == kHeaders && (head.flags & kHasPriority) != 0) {
    if (payload.size() < 5) return false;
    frame.priority = payload[4];
    payload = payload.subspan(5);
  }
  if (head.type == kPushPromise) {
    if (payload.size() < 4) return false;
    stream = number(payload, 0, 4) & 0x7fffffff;
    payload = payload.subspan(4);
  }
  if ((head.flags & kEndHeaders) == 0) {
    own.block.assign(reinterpret_cast<const char*>(payload.data()), std::min(kBlockMost, payload.size()));
    own.block_stream = head.stream;
    return true;
  }
  block = own.unpacker.unpack(payload, kHeadersMost);
  return true;
}

// false: the frame is not what it says; the event tells why.
bool Http2Connection::read_frame(Side side, const FrameHead& head, Bytes payload, Http2Frame& frame,
                                 std::uint32_t& stream, HeaderUnpacker::Block& block, std::string_view& event) {
  event = "http2.invalid_frame_length";
  switch (head.type) {
    case kGoAway:
      if (payload.size() < 8) return false;
      frame.error = number(payload, 4, 4);
      break;
    case kReset:
      if (payload.size() != 4) return false;
      frame.error = number(payload, 0, 4);
      break;
    case kPriority:
      if (payload.size() != 5) return false;
      frame.priority = payload[4];
      break;
    case kWindowUpdate:
      if (payload.size() != 4) return false;
      frame.window = number(payload, 0, 4) & 0x7fffffff;
      break;
    case kSettings:
      for (; payload.size() >= 6 && frame.settings.size() < 64; payload = payload.subspan(6)) {
        const auto id = static_cast<std::uint16_t>(number(payload, 0, 2));
        const std::uint32_t value = number(payload, 2, 4);
        frame.settings.emplace_back(id, value);
        // What one side allows is for what the other packs.
        if (id == 1) of(other(side)).unpacker.allow(value);
      }
      if (!payload.empty() && frame.settings.empty()) {
        event = "http2.invalid_frame_data";
        return false;
      }
      break;
    case kHeaders:
    case kPushPromise:
    case kContinuation:
      event = {};
      if (!read_headers(side, head, payload, frame, stream, block, event)) {
        event = "http2.invalid_frame_data";
        return false;
      }
      return true;
    default:
      break;
  }
  event = {};
  return true;
}

bool Http2Connection::handle(Side side, const FrameHead& head, Bytes payload) {
  if (head.length == 0 && head.type == kSettings) return true;
  Http2Frame frame;
  frame.type = head.type;
  std::uint32_t stream = head.stream;
  HeaderUnpacker::Block block;
  std::string_view event;
  const bool is_sound = read_frame(side, head, payload, frame, stream, block, event);
  if (!is_sound) add_event(event);
  if (!is_sound) frame = Http2Frame{.type = head.type, .error = {}, .window = {}, .priority = {}, .settings = {}};
  Http2Transaction* transaction = find_or_make(stream, head.type);
  if (transaction == nullptr) return false;
  if (head.stream == 0 && head.type != kSettings && head.type != kWindowUpdate && head.type != kPing &&
      head.type != kGoAway) {
    transaction->add_event(head.type == kData ? "http2.data_stream_zero" : "http2.invalid_frame_header");
    return true;
  }
  if (is_sound && !event.empty()) transaction->add_event(event);
  const bool is_last = (head.flags & kEndStream) != 0;
  const bool is_headers = head.type == kHeaders || head.type == kPushPromise || head.type == kContinuation;
  if (is_headers && is_sound) transaction->add_headers(side, std::move(block));
  transaction->add_frame(side, std::move(frame));
  if (head.type == kData && stream != 0) {
    Bytes data = payload;
    if ((head.flags & kPadded) != 0 && !unpad(data)) data = payload;
    transaction->add_data(side, data, is_last);
  }
  if (stream == 0) return true;
  if (transaction->has_dns()) is_now = &doh2_protocol();
  // Headers that go on are there with the last of them.
  OfSide& own = of(side);
  if (head.type == kHeaders && (head.flags & kEndHeaders) == 0) {
    own.block_ends_stream = is_last;
    return true;
  }
  const bool is_end = head.type == kContinuation ? (head.flags & kEndHeaders) != 0 && own.block_ends_stream : is_last;
  if (head.type == kContinuation && (head.flags & kEndHeaders) == 0) return true;
  if (head.type == kHeaders || head.type == kData || head.type == kContinuation) {
    transaction->advance(side, is_end               ? Http2Step::kClosed
                               : head.type == kData ? Http2Step::kData
                                                    : Http2Step::kHeaders);
  } else if (head.type == kPushPromise && side == Side::kToClient) {
    transaction->advance(side, Http2Step::kHeaders);
  }
  return true;
}

std::size_t Http2Connection::frame(Side side, Bytes bytes) {
  if (bytes.size() < kHeadSize) return 0;
  FrameHead head;
  head.length = number(bytes, 0, 3);
  head.type = bytes[3];
  head.flags = bytes[4];
  head.stream = number(bytes, 5, 4) & 0x7fffffff;
  std::size_t size = head.length;
  const std::size_t there = bytes.size() - kHeadSize;
  if (there < size) {
    if (size < kFrameMost || there < kFrameBeginning) return 0;
    add_event("http2.long_frame_data");
    of(side).skip = size - there;
    size = there;
  }
  is_broken_ = !handle(side, head, bytes.subspan(kHeadSize, size));
  return kHeadSize + size;
}

bool Http2Connection::take(Side side, Bytes bytes, Timestamp time) {
  if (is_broken_) return false;
  now_ = time;
  OfSide& own = of(side);
  const std::uint64_t passed = std::min<std::uint64_t>(own.skip, bytes.size());
  own.skip -= passed;
  bytes = bytes.subspan(passed);
  std::string joined;
  if (!own.waiting.empty()) {
    own.waiting.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    joined.swap(own.waiting);
    bytes = {reinterpret_cast<const std::uint8_t*>(joined.data()), joined.size()};
  }
  if (side == Side::kToServer && !is_greeted_ && !bytes.empty()) {
    if (bytes.size() < kGreeting.size()) {
      own.waiting.assign(reinterpret_cast<const char*>(bytes.data()), bytes.size());
      return true;
    }
    is_greeted_ = true;
    if (std::equal(kGreeting.begin(), kGreeting.end(), bytes.begin())) {
      bytes = bytes.subspan(kGreeting.size());
    } else {
      add_event("http2.invalid_client_magic");
    }
  }
  while (!bytes.empty() && !is_broken_) {
    const std::size_t size = frame(side, bytes);
    if (size == 0) {
      own.waiting.assign(reinterpret_cast<const char*>(bytes.data()), bytes.size());
      break;
    }
    bytes = bytes.subspan(size);
  }
  return !is_broken_;
}

bool Http2Connection::skip(Side, std::uint64_t, Timestamp) {
  // Where the next frame begins is not known any more.
  is_broken_ = true;
  return false;
}

void Http2Connection::end(Side side, Timestamp) {
  for (const auto& transaction : transactions) {
    for (const auto& file : transaction->files) {
      if (file->side == side) static_cast<GrowingFile&>(*file).close(File::State::kTruncated);
    }
  }
}

}  // namespace tocsin::protocol
