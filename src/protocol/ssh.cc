// SSH up to its first keys (RFC 4253): banners, and the lists of algorithms of which HASSH is made
// (https://github.com/salesforce/hassh).
#include <algorithm>
#include <atomic>

#include "base/text.h"
#include "protocol/eve_object.h"
#include "protocol/protocols.h"
#include "protocol/tls_hello.h"
#include "protocol/values.h"

namespace tocsin::protocol {
namespace {

enum Field : int { kProto, kSoftware, kHassh, kHasshString, kHasshServer, kHasshServerString };
constexpr std::pair<std::string_view, int> kFields[] = {{"ssh.proto", kProto},
                                                        {"ssh.protoversion", kProto},
                                                        {"ssh.software", kSoftware},
                                                        {"ssh.softwareversion", kSoftware},
                                                        {"ssh.hassh", kHassh},
                                                        {"ssh.hassh.string", kHasshString},
                                                        {"ssh.hassh.server", kHasshServer},
                                                        {"ssh.hassh.server.string", kHasshServerString}};
// Set once a rule asks for HASSH.
std::atomic<bool> hassh_asked{false};

constexpr std::uint8_t kBannerWait = 1, kBannerDone = 2;
constexpr std::size_t kLongestBanner = 256, kLongestKeyExchange = 65'535;
constexpr std::uint8_t kKexInit = 20, kNewKeys = 21;

struct Peer {
  std::string proto, software, hassh, hassh_string;
};

class SshTransaction final : public Transaction {
 public:
  explicit SshTransaction(bool has_hassh) : has_hassh_(has_hassh) {}

  Peer& peer(Side side) { return peers_[static_cast<int>(side)]; }

  Value value(int field, Side side, std::size_t index) const override {
    if (index > 0) return absent_value();
    const Peer& own = peers_[static_cast<int>(side)];
    const bool may_have_banner = progress[static_cast<int>(side)] < kBannerDone;
    const bool may_have_keys = has_hassh_ && !is_complete(side);
    switch (field) {
      case kProto:
        return text_value(own.proto, may_have_banner);
      case kSoftware:
        return text_value(own.software, may_have_banner);
      case kHassh:
        return side == Side::kToServer ? text_value(own.hassh, may_have_keys) : absent_value();
      case kHasshString:
        return side == Side::kToServer ? text_value(own.hassh_string, may_have_keys) : absent_value();
      case kHasshServer:
        return side == Side::kToClient ? text_value(own.hassh, may_have_keys) : absent_value();
      case kHasshServerString:
        return side == Side::kToClient ? text_value(own.hassh_string, may_have_keys) : absent_value();
      default:
        return absent_value();
    }
  }

  bool may_log(bool is_last) const override {
    if (peers_[0].proto.empty() && peers_[1].proto.empty()) return false;
    const std::uint8_t wanted = has_hassh_ ? kComplete : kBannerDone;
    return is_last || (progress[0] >= wanted && progress[1] >= wanted);
  }

  std::string eve() const override {
    EveObject out;
    out.open("ssh");
    for (const Side side : {Side::kToServer, Side::kToClient}) {
      const Peer& one = peers_[static_cast<int>(side)];
      if (one.proto.empty()) continue;
      out.open(side == Side::kToServer ? "client" : "server");
      out.text("proto_version", one.proto.substr(0, kLongestBanner));
      if (!one.software.empty()) out.text("software_version", one.software.substr(0, kLongestBanner));
      if (!one.hassh.empty()) {
        out.open("hassh");
        out.text("hash", one.hassh);
        out.text("string", one.hassh_string);
        out.close();
      }
      out.close();
    }
    out.close();
    return out.take();
  }

 private:
  bool has_hassh_;
  Peer peers_[2];
};

class SshParser final : public Parser {
 public:
  explicit SshParser(const Options& options) {
    const std::string hassh = options.text("app-layer.protocols.ssh.hassh", "auto");
    has_hassh_ = hassh == "auto" ? hassh_asked.load(std::memory_order_relaxed)
                                 : options.flag("app-layer.protocols.ssh.hassh", false);
    auto made = std::make_unique<SshTransaction>(has_hassh_);
    transaction_ = made.get();
    transactions.push_back(std::move(made));
  }

  bool take(Side side, Bytes bytes, Timestamp time) override {
    if (transactions.empty()) return true;
    if (transaction_->time == 0) transaction_->time = time;
    Channel& channel = channels_[static_cast<int>(side)];
    std::vector<std::uint8_t> all;
    if (!channel.pending.empty()) {
      all = std::move(channel.pending);
      channel.pending.clear();
      all.insert(all.end(), bytes.begin(), bytes.end());
      bytes = all;
    }
    const bool is_right = read(side, channel, bytes);
    if (is_right) channel.pending = std::vector<std::uint8_t>(bytes.begin(), bytes.end());
    transaction_->changed();
    return is_right;
  }

  bool skip(Side, std::uint64_t, Timestamp) override { return false; }
  void end(Side, Timestamp) override {}

 private:
  struct Channel {
    std::vector<std::uint8_t> pending;
    std::size_t passes = 0;  // bytes of a record that are not looked at
  };

  // What is not taken stays in bytes.
  bool read(Side side, Channel& channel, Bytes& bytes) {
    std::uint8_t& step = transaction_->progress[static_cast<int>(side)];
    if (step < kBannerDone && !banner(side, bytes)) return false;
    if (step < kBannerDone) return true;
    while (!bytes.empty()) {
      if (channel.passes > 0) {
        const std::size_t some = std::min(channel.passes, bytes.size());
        channel.passes -= some;
        bytes = bytes.subspan(some);
        continue;
      }
      if (step == Transaction::kComplete) {
        // All that follows is encrypted.
        bytes = {};
        break;
      }
      if (bytes.size() < 6) break;
      Reader reader(bytes);
      const std::size_t length = reader.u32();
      reader.u8();
      const std::uint8_t type = reader.u8();
      if (length < 2) {
        transaction_->event("ssh.invalid_record");
        return false;
      }
      if (type == kNewKeys) step = Transaction::kComplete;
      if (type == kKexInit && has_hassh_ && transaction_->peer(side).hassh.empty()) {
        if (length > kLongestKeyExchange) {
          transaction_->event("ssh.long_kex_record");
        } else if (bytes.size() < length + 4) {
          break;
        } else {
          fingerprint(side, bytes.subspan(6, length - 2));
        }
      }
      bytes = bytes.subspan(6);
      channel.passes = length - 2;
    }
    return true;
  }

  bool banner(Side side, Bytes& bytes) {
    std::uint8_t& step = transaction_->progress[static_cast<int>(side)];
    const std::string_view text = text_of(bytes);
    const std::size_t end = text.find_first_of("\r\n");
    const bool is_whole = end != std::string_view::npos && (text[end] == '\n' || end + 1 < text.size());
    const std::string_view line = text.substr(0, end);
    if (!is_whole && line.size() < kLongestBanner) return true;
    if (step != kBannerWait) {
      const std::size_t dash = line.find('-', 4);
      if (!line.starts_with("SSH-") || dash == std::string_view::npos || dash == 4) {
        transaction_->event("ssh.invalid_banner");
        return false;
      }
      Peer& peer = transaction_->peer(side);
      peer.proto = line.substr(4, dash - 4);
      peer.software = line.substr(dash + 1);
      peer.software.resize(std::min(peer.software.find(' '), peer.software.size()));
      if (line.size() >= kLongestBanner) transaction_->event("ssh.long_banner");
    }
    if (!is_whole) {
      step = kBannerWait;
      bytes = {};
      return true;
    }
    const bool has_both = text[end] == '\r' && text[end + 1] == '\n';
    bytes = bytes.subspan(end + (has_both ? 2 : 1));
    step = kBannerDone;
    return true;
  }

  void fingerprint(Side side, Bytes bytes) {
    Reader reader(bytes);
    reader.skip(16);
    Bytes lists[10];
    for (Bytes& list : lists) list = reader.bytes(reader.u32());
    reader.skip(5);
    if (!reader.ok()) return;
    // Of what this side sends: ciphers, MACs and compression from the client stand before those to it.
    const std::size_t from = side == Side::kToServer ? 2 : 3;
    Peer& peer = transaction_->peer(side);
    peer.hassh_string = text_of(lists[0]);
    for (std::size_t i = from; i <= from + 4; i += 2) {
      peer.hassh_string += ';';
      peer.hassh_string += text_of(lists[i]);
    }
    peer.hassh = tls::md5_text(peer.hassh_string);
  }

  SshTransaction* transaction_;
  bool has_hassh_;
  Channel channels_[2];
};

class Ssh final : public Protocol {
 public:
  std::string_view name() const override { return "ssh"; }
  int field(std::string_view keyword) const override {
    if (keyword.starts_with("ssh.hassh")) hassh_asked.store(true, std::memory_order_relaxed);
    return number_in(kFields, keyword);
  }
  std::span<const std::string_view> steps(Side side) const override {
    static constexpr std::string_view kRequest[] = {"request_in_progress", "request_banner_wait_eol",
                                                    "request_banner_done", "request_finished"};
    static constexpr std::string_view kResponse[] = {"response_in_progress", "response_banner_wait_eol",
                                                     "response_banner_done", "response_finished"};
    if (side == Side::kToServer) return kRequest;
    return kResponse;
  }
  Probe probe(bool is_udp, Side, Bytes bytes, std::uint16_t) const override {
    if (is_udp) return Probe::kNo;
    const std::string_view text = text_of(bytes).substr(0, 4);
    if (!equals_ignoring_case(text, std::string_view("SSH-").substr(0, text.size()))) return Probe::kNo;
    return text.size() == 4 ? Probe::kYes : Probe::kMore;
  }
  std::unique_ptr<Parser> parser(const Options& options) const override { return std::make_unique<SshParser>(options); }
};

}  // namespace

const Protocol& ssh_protocol() {
  static const Ssh protocol;
  return protocol;
}

}  // namespace tocsin::protocol
