// WebSocket (RFC 6455) after HTTP's upgrade, with messages that were deflated (RFC 7692): every frame is a transaction;
// the last frame of a message has all of it.
#include <zlib.h>

#include <algorithm>

#include "protocol/eve_object.h"
#include "protocol/protocols.h"
#include "protocol/values.h"

namespace tocsin::protocol {
namespace {

enum Field : int { kPayload, kFlags, kMask, kOpcode };
constexpr std::pair<std::string_view, int> kFields[] = {{"websocket.payload", kPayload},
                                                        {"websocket.flags", kFlags},
                                                        {"websocket.mask", kMask},
                                                        {"websocket.opcode", kOpcode}};
struct Opcode {
  std::uint8_t number;
  std::string_view name;
};
constexpr Opcode kOpcodes[] = {{0, "continuation"},     {1, "text"}, {2, "binary"},
                               {8, "connection_close"}, {9, "ping"}, {10, "pong"}};
constexpr std::uint8_t kFin = 0x80, kCompressed = 0x40, kFirstControl = 8;
constexpr std::size_t kMostTransactions = 1024, kDefaultPayload = 64 * 1024;

class WebSocketTransaction final : public Transaction {
 public:
  WebSocketTransaction(std::uint8_t first, std::optional<std::uint32_t> mask, Side side)
      : first_(first), mask_(mask), side_(side) {
    progress[0] = progress[1] = kComplete;
    is_skipped[static_cast<int>(other(side))] = true;
  }
  Value value(int field, Side side, std::size_t index) const override {
    if (side != side_ || index > 0) return absent_value();
    switch (field) {
      case kPayload:
        return whole_value(payload);
      case kFlags:
        return whole_number(first_ & 0xf0U);
      case kMask:
        return mask_ ? whole_number(*mask_) : absent_value();
      case kOpcode:
        return whole_number(first_ & 0xfU);
      default:
        return absent_value();
    }
  }
  std::string eve() const override {
    EveObject out;
    out.open("websocket");
    out.flag("fin", (first_ & kFin) != 0);
    if (mask_) out.number("mask", *mask_);
    const auto known = std::ranges::find(kOpcodes, first_ & 0xf, &Opcode::number);
    out.text("opcode", known == std::end(kOpcodes) ? std::string("unknown-") + std::to_string(first_ & 0xf)
                                                   : std::string(known->name));
    out.close();
    return out.take();
  }

  std::string payload;

 private:
  std::uint8_t first_;
  std::optional<std::uint32_t> mask_;
  Side side_;
};

// What a side's messages were deflated with goes on from one to the next.
class Inflater {
 public:
  Inflater() : is_ready_(inflateInit2(&stream_, -MAX_WBITS) == Z_OK) {}
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;
  ~Inflater() {
    if (is_ready_) inflateEnd(&stream_);
  }
  // Nothing: it is not deflated, or broken.
  std::optional<std::string> take(std::string message, std::size_t most) {
    if (!is_ready_) return std::nullopt;
    message.append("\0\0\xff\xff", 4);
    std::string out(most, '\0');
    stream_.next_in = reinterpret_cast<Bytef*>(message.data());
    stream_.avail_in = static_cast<uInt>(message.size());
    stream_.next_out = reinterpret_cast<Bytef*>(out.data());
    stream_.avail_out = static_cast<uInt>(out.size());
    const int result = inflate(&stream_, Z_SYNC_FLUSH);
    out.resize(most - stream_.avail_out);
    if (result == Z_OK || result == Z_STREAM_END || result == Z_BUF_ERROR) return out;
    inflateEnd(&stream_);
    is_ready_ = false;
    return std::nullopt;
  }

 private:
  z_stream stream_{};
  bool is_ready_;
};

class WebSocketParser final : public Parser {
 public:
  explicit WebSocketParser(const Options& options)
      : most_(static_cast<std::size_t>(std::min<std::uint64_t>(
            options.number("app-layer.protocols.websocket.max-payload-size", kDefaultPayload), 16 << 20))) {}

  bool take(Side side, Bytes bytes, Timestamp time) override {
    Channel& channel = channels_[static_cast<int>(side)];
    while (!bytes.empty()) {
      if (channel.open == nullptr && channel.passes == 0) {
        bytes = begin(side, channel, bytes, time);
        continue;
      }
      const auto some = static_cast<std::size_t>(std::min<std::uint64_t>(channel.passes, bytes.size()));
      take_payload(channel, bytes.first(some));
      bytes = bytes.subspan(some);
      channel.passes -= some;
      if (channel.passes == 0) finish(side, channel, time);
    }
    return true;
  }
  bool skip(Side, std::uint64_t, Timestamp) override { return false; }
  void end(Side, Timestamp) override {}

 private:
  struct Channel {
    std::string header;
    std::unique_ptr<WebSocketTransaction> open;
    std::uint64_t passes = 0;  // of the frame that is open
    std::uint8_t first = 0;
    std::optional<std::uint32_t> mask;
    std::size_t masked = 0;  // bytes of the frame that came
    bool is_cut = false;
    std::string message;  // of frames of a message that is not over
    bool is_compressed = false;
    std::unique_ptr<Inflater> inflater;
  };

  // The header of a frame, byte by byte until it is whole.
  Bytes begin(Side side, Channel& channel, Bytes bytes, Timestamp time) {
    const auto need = [&] {
      if (channel.header.size() < 2) return std::size_t{2};
      const auto second = static_cast<std::uint8_t>(channel.header[1]);
      const std::size_t length = (second & 0x7f) == 126 ? 2 : (second & 0x7f) == 127 ? 8 : 0;
      return 2 + length + ((second & 0x80) != 0 ? 4 : 0);
    };
    while (!bytes.empty() && channel.header.size() < need()) {
      channel.header += static_cast<char>(bytes.front());
      bytes = bytes.subspan(1);
    }
    if (channel.header.size() < need()) return bytes;
    Reader reader(bytes_of(channel.header));
    channel.first = reader.u8();
    const std::uint8_t second = reader.u8();
    channel.passes = second & 0x7f;
    if (channel.passes == 126) channel.passes = reader.u16();
    if (channel.passes == 127) channel.passes = reader.u64();
    channel.mask.reset();
    if ((second & 0x80) != 0) channel.mask = reader.u32();
    channel.masked = 0;
    channel.is_cut = false;
    channel.open = std::make_unique<WebSocketTransaction>(channel.first, channel.mask, side);
    channel.header.clear();
    if (channel.passes == 0) finish(side, channel, time);
    return bytes;
  }

  void take_payload(Channel& channel, Bytes bytes) {
    std::string& payload = channel.open->payload;
    for (const std::uint8_t byte : bytes) {
      const std::uint32_t key = channel.mask.value_or(0) >> (24 - 8 * (channel.masked++ % 4)) & 0xff;
      if (payload.size() >= most_) {
        channel.is_cut = true;
        return;
      }
      payload += static_cast<char>(byte ^ key);
    }
  }

  void finish(Side, Channel& channel, Timestamp time) {
    auto made = std::move(channel.open);
    if (made == nullptr) return;
    if (channel.is_cut) made->events.emplace_back("websocket.skip_end_of_payload");
    const std::uint8_t opcode = channel.first & 0xf;
    const bool is_last = (channel.first & kFin) != 0;
    if (opcode < kFirstControl) {
      if (opcode != 0) {
        channel.message.clear();
        channel.is_compressed = (channel.first & kCompressed) != 0;
      }
      if (!is_last || opcode == 0) {
        const std::size_t room = most_ - std::min(most_, channel.message.size());
        if (made->payload.size() > room) made->events.emplace_back("websocket.reassembly_limit_reached");
        channel.message += made->payload.substr(0, room);
        if (is_last) made->payload = std::move(channel.message);
      }
      if (is_last) {
        channel.message.clear();
        if (channel.is_compressed) inflate_message(channel, *made);
      }
    }
    keep(std::move(made), time, kMostTransactions);
  }

  void inflate_message(Channel& channel, WebSocketTransaction& of) const {
    if (channel.inflater == nullptr) channel.inflater = std::make_unique<Inflater>();
    if (auto inflated = channel.inflater->take(of.payload, most_)) of.payload = std::move(*inflated);
  }

  std::size_t most_;
  Channel channels_[2];
};

class WebSocket final : public Protocol {
 public:
  std::string_view name() const override { return "websocket"; }
  int field(std::string_view keyword) const override { return number_in(kFields, keyword); }
  std::optional<std::uint64_t> number_of(int field, std::string_view word) const override {
    if (field != kOpcode) return std::nullopt;
    const auto known = std::ranges::find(kOpcodes, word, &Opcode::name);
    return known == std::end(kOpcodes) ? std::nullopt : std::optional<std::uint64_t>(known->number);
  }
  Probe probe(bool, Side, Bytes, std::uint16_t) const override { return Probe::kNo; }
  // Only HTTP tells that it comes.
  Probe recognise_on_port(const Beginning& beginning) const override {
    return beginning.is_udp || beginning.bytes.empty() ? Probe::kNo : Probe::kYes;
  }
  std::unique_ptr<Parser> parser(const Options& options) const override {
    return std::make_unique<WebSocketParser>(options);
  }
};

}  // namespace

const Protocol& websocket_protocol() {
  static const WebSocket protocol;
  return protocol;
}

}  // namespace tocsin::protocol
