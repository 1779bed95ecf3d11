// SMB over NetBIOS' session service or TCP itself (RFC 1002, 4.3; [MS-SMB2], 2.1): messages by their lengths.
#include "protocol/protocols.h"
#include "protocol/smb_session.h"
#include "protocol/values.h"

namespace tocsin::protocol {
namespace {

constexpr std::size_t kFrame = 4;
// Longer ones pass without being looked at.
constexpr std::size_t kLongestMessage = 8 * 1'024 * 1'024 + 65'536;

class SmbParser final : public Parser {
 public:
  explicit SmbParser(const Options& options) : connection_(options, transactions) {}

  bool take(Side side, Bytes bytes, Timestamp time) override {
    connection_.now = time;
    Channel& channel = channels_[static_cast<int>(side)];
    std::vector<std::uint8_t> all = std::move(channel.pending);
    channel.pending.clear();
    if (!all.empty()) {
      all.insert(all.end(), bytes.begin(), bytes.end());
      bytes = all;
    }
    while (!bytes.empty()) {
      if (channel.passes > 0) {
        const std::size_t some = std::min(channel.passes, bytes.size());
        channel.passes -= some;
        bytes = bytes.subspan(some);
        continue;
      }
      if (bytes.size() < kFrame) break;
      const std::size_t length = std::size_t{bytes[1]} << 16 | std::size_t{bytes[2]} << 8 | bytes[3];
      if (length > kLongestMessage) {
        channel.passes = kFrame + length;
        continue;
      }
      if (bytes.size() < kFrame + length) break;
      if (bytes[0] == 0 && !message(side, bytes.subspan(kFrame, length))) return false;
      bytes = bytes.subspan(kFrame + length);
    }
    if (all.empty()) {
      channel.pending.assign(bytes.begin(), bytes.end());
    } else {
      all.erase(all.begin(), all.end() - static_cast<std::ptrdiff_t>(bytes.size()));
      channel.pending = std::move(all);
    }
    return true;
  }

  // What is lost may be the rest of a message, or the beginning of many: the next one that begins a piece is taken.
  bool skip(Side side, std::uint64_t bytes, Timestamp) override {
    Channel& channel = channels_[static_cast<int>(side)];
    if (channel.passes < bytes) return false;
    channel.passes -= static_cast<std::size_t>(bytes);
    return true;
  }

  void end(Side side, Timestamp) override {
    channels_[static_cast<int>(side)].is_over = true;
    if (channels_[0].is_over && channels_[1].is_over) connection_.close_all();
  }

 private:
  struct Channel {
    std::vector<std::uint8_t> pending;
    std::size_t passes = 0;
    bool is_over = false;
  };

  bool message(Side side, Bytes bytes) {
    const std::string_view text = text_of(bytes);
    if (text.starts_with("\xffSMB")) return smb::take_message1(connection_, side, bytes);
    if (text.starts_with("\xfeSMB")) return smb::take_message2(connection_, side, bytes);
    return text.empty() || text.starts_with("\xfdSMB") || text.starts_with("\xfcSMB");
  }

  smb::Connection connection_;
  Channel channels_[2];
};

class Smb final : public Protocol {
 public:
  std::string_view name() const override { return "smb"; }
  int field(std::string_view keyword) const override { return smb::field_number(keyword); }
  Probe probe(bool is_udp, Side side, Bytes bytes, std::uint16_t) const override {
    if (is_udp || bytes.empty() || bytes[0] != 0) return Probe::kNo;
    const auto fits = [&](std::size_t i, auto... ok) {
      return i >= bytes.size() || ((bytes[i] == static_cast<std::uint8_t>(ok)) || ...);
    };
    if (!fits(4, 0xff, 0xfe, 0xfd) || !fits(5, 'S') || !fits(6, 'M') || !fits(7, 'B')) return Probe::kNo;
    if (bytes.size() < 8) return Probe::kMore;
    if (bytes[4] == 0xfd) return Probe::kYes;
    // Who answers is the server.
    const std::size_t flags = bytes[4] == 0xff ? 13 : 20;
    if (bytes.size() <= flags) return Probe::kMore;
    const bool is_answer = (bytes[flags] & (bytes[4] == 0xff ? 0x80 : 0x01)) != 0;
    return is_answer == (side == Side::kToClient) ? Probe::kYes : Probe::kNo;
  }
  std::string_view ports(bool is_udp) const override { return is_udp ? "" : "139, 445"; }
  Probe recognise_on_port(const Beginning& beginning) const override {
    // A request for a NetBIOS session, and its answer.
    if (beginning.is_udp) return Probe::kNo;
    if (beginning.bytes.size() < kFrame) return Probe::kMore;
    const std::uint8_t type = beginning.bytes[0];
    const bool is_request = type == 0x81 && beginning.bytes[1] == 0 && beginning.bytes[2] == 0;
    const bool is_answer = type == 0x82 && beginning.bytes[3] == 0;
    return (beginning.side == Side::kToServer ? is_request : is_answer) ? Probe::kYes : Probe::kNo;
  }
  std::unique_ptr<Parser> parser(const Options& options) const override { return std::make_unique<SmbParser>(options); }
};

}  // namespace

const Protocol& smb_protocol() {
  static const Smb protocol;
  return protocol;
}

}  // namespace tocsin::protocol
