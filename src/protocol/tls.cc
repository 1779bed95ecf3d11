// TLS 1.0 to 1.3 and SSL 2 and 3 (RFC 8446, 5246, 6101; Hickman, "The SSL Protocol", 1995; heartbeats: RFC 6520).
//
// A record is read when all of it is there, but for what is encrypted, which passes uncollected. Handshake messages are
// put together of several records. After keys have changed nothing of the handshake can be read, save that TLS 1.3
// sends the message only to please middleboxes.
#include <algorithm>
#include <utility>

#include "protocol/protocols.h"
#include "protocol/reader.h"
#include "protocol/tls_transaction.h"

namespace tocsin::protocol {
namespace {

using namespace tls;

constexpr std::uint8_t kChangeCipher = 20, kAlert = 21, kHandshake = 22, kApplication = 23, kHeartbeat = 24;
constexpr std::uint8_t kClientHelloType = 1, kServerHelloType = 2, kCertificateType = 11, kServerKeyExchange = 12,
                       kCertificateRequest = 13, kServerHelloDoneType = 14, kClientKeyExchange = 16;
constexpr std::size_t kHeader = 5, kLongestRecord = 16'384 + 1'024;
constexpr std::size_t kMostCertificates = 256, kLongestMessage = 1'048'576;

bool is_known_message(std::uint8_t type) {
  return type <= 2 || type == 4 || (type >= 11 && type <= 16) || (type >= 20 && type <= 22);
}

class TlsParser final : public Parser {
 public:
  explicit TlsParser(const Options& options) {
    const std::string ja3 = options.text("app-layer.protocols.tls.ja3-fingerprints", "auto");
    const bool has_ja3 =
        ja3 == "auto" ? is_ja3_asked() : options.flag("app-layer.protocols.tls.ja3-fingerprints", false);
    auto session = std::make_unique<Session>(fields_of(options), has_ja3);
    session_ = session.get();
    transactions.push_back(std::move(session));
  }

  bool take(Side side, Bytes bytes, Timestamp time) override {
    if (transactions.empty()) return true;  // it is over and was let go
    session_->now = time;
    if (session_->time == 0) session_->time = time;
    Channel& channel = channels_[static_cast<int>(side)];
    if (channel.pending.empty()) {
      const std::size_t taken = records(side, bytes);
      if (taken == kFailed) return false;
      channel.pending.assign(bytes.begin() + static_cast<std::ptrdiff_t>(taken), bytes.end());
    } else {
      channel.pending.insert(channel.pending.end(), bytes.begin(), bytes.end());
      std::vector<std::uint8_t> all = std::move(channel.pending);
      channel.pending.clear();
      const std::size_t taken = records(side, all);
      if (taken == kFailed) return false;
      all.erase(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(taken));
      channel.pending = std::move(all);
    }
    note_handshake();
    if (std::exchange(has_news_, false)) session_->changed();
    return true;
  }

  bool skip(Side, std::uint64_t, Timestamp) override { return false; }

  void end(Side side, Timestamp) override {
    if (transactions.empty()) return;
    channels_[static_cast<int>(side)].is_over = true;
    session_->reach(side, Transaction::kComplete);
    session_->changed();
  }

 private:
  static constexpr std::size_t kFailed = SIZE_MAX;
  struct Channel {
    std::vector<std::uint8_t> pending;  // a record cut short
    std::size_t encrypted = 0;          // bytes of a record that pass
    std::vector<std::uint8_t> message;  // of the handshake, cut short, from its type on
    bool has_changed_cipher = false, is_over = false;
  };

  std::size_t records(Side side, Bytes bytes) {
    Channel& channel = channels_[static_cast<int>(side)];
    const std::size_t most = std::max<std::size_t>(bytes.size() / 6, 1);
    std::size_t at = 0, count = 0;
    while (at < bytes.size()) {
      if (channel.encrypted > 0) {
        const std::size_t some = std::min(channel.encrypted, bytes.size() - at);
        channel.encrypted -= some;
        at += some;
        continue;
      }
      if (count++ > most) {
        session_->event("tls.too_many_records_in_packet");
        return kFailed;
      }
      const Bytes rest = bytes.subspan(at);
      const std::size_t taken = (rest[0] & 0xc0) != 0 ? old_record(side, rest) : record(side, rest);
      if (taken == kFailed) return kFailed;
      if (taken == 0) break;
      at += taken;
    }
    return at;
  }

  bool has_hello(Side side) const {
    return side == Side::kToServer ? session_->has_client_hello : session_->has_server_hello;
  }

  // 0: more is needed.
  std::size_t record(Side side, Bytes bytes) {
    if (bytes.size() < kHeader) return 0;
    Channel& channel = channels_[static_cast<int>(side)];
    Peer& peer = session_->peer(side);
    const std::uint8_t type = bytes[0];
    const auto version = static_cast<std::uint16_t>(bytes[1] << 8 | bytes[2]);
    const std::size_t length = std::size_t{bytes[3]} << 8 | bytes[4];
    const std::uint16_t before = peer.version == kSsl2 ? std::uint16_t{0} : peer.version;
    peer.version = before;
    if (!has_hello(side) || before == 0) peer.version = version;
    has_news_ = has_news_ || type != kApplication || peer.version != before;
    if (type < kChangeCipher || type > kHeartbeat) {
      session_->event("tls.invalid_record_type");
      if (before != kTls10 && before != kTls11) return kFailed;
      peer.version = before;
      return bytes.size();
    }
    if (length == 0 || length > kLongestRecord) {
      session_->event("tls.invalid_record_length");
      return kFailed;
    }
    if (!is_version(peer.version)) {
      session_->event("tls.invalid_record_version");
      return kFailed;
    }
    if (type == kApplication) {
      session_->reach(side, side == Side::kToServer ? kClientHandshake : kServerHandshake);
      channel.encrypted = length;
      return kHeader;
    }
    if (bytes.size() < kHeader + length) return 0;
    const Bytes content = bytes.subspan(kHeader, length);
    bool is_right = true;
    if (type == kChangeCipher) {
      has_changed_cipher_ = channel.has_changed_cipher = true;
    } else if (type == kAlert) {
      is_right = alert(content);
    } else if (type == kHandshake) {
      is_right = handshake(side, content);
    } else {
      is_right = heartbeat(side, content);
    }
    return is_right ? kHeader + length : kFailed;
  }

  bool alert(Bytes content) {
    if (content.size() < 2) {
      session_->event("tls.invalid_alert_message");
      return false;
    }
    if (content.size() == 2 && content[0] == 2) {
      session_->reach(Side::kToServer, Transaction::kComplete);
      session_->reach(Side::kToClient, Transaction::kComplete);
    }
    return true;
  }

  bool handshake(Side side, Bytes content) {
    if (has_changed_cipher_) {
      const bool is_middlebox =
          session_->has_client_hello && !session_->has_server_hello && session_->peer(Side::kToServer).version > kTls12;
      if (!is_middlebox) return true;
    }
    if (content.size() < 4) {
      session_->event("tls.invalid_ssl_record");
      return false;
    }
    Channel& channel = channels_[static_cast<int>(side)];
    while (!content.empty()) {
      if (!channel.message.empty()) {
        const std::size_t wanted =
            4 + (std::size_t{channel.message[1]} << 16 | std::size_t{channel.message[2]} << 8 | channel.message[3]);
        const std::size_t some = std::min(wanted - channel.message.size(), content.size());
        channel.message.insert(channel.message.end(), content.begin(),
                               content.begin() + static_cast<std::ptrdiff_t>(some));
        content = content.subspan(some);
        if (channel.message.size() < wanted) return true;
        const std::vector<std::uint8_t> whole = std::move(channel.message);
        channel.message.clear();
        message(side, whole[0], Bytes(whole).subspan(4));
        continue;
      }
      if (content.size() < 4) {
        session_->event("tls.invalid_ssl_record");
        session_->event("tls.invalid_handshake_message");
        return false;
      }
      const std::uint8_t type = content[0];
      const std::size_t length = std::size_t{content[1]} << 16 | std::size_t{content[2]} << 8 | content[3];
      if (!is_known_message(type)) {
        if (!channel.has_changed_cipher) session_->event("tls.invalid_handshake_message");
        content = content.subspan(std::min(4 + length, content.size()));
        continue;
      }
      if (length > kLongestMessage) {
        session_->event("tls.invalid_handshake_message");
        return false;
      }
      if (4 + length > content.size()) {
        channel.message.assign(content.begin(), content.end());
        return true;
      }
      message(side, type, content.subspan(4, length));
      content = content.subspan(4 + length);
    }
    return true;
  }

  void message(Side side, std::uint8_t type, Bytes bytes) {
    switch (type) {
      case kClientHelloType:
        session_->state = "client_hello";
        hello(side, bytes, true);
        session_->has_client_hello = true;
        break;
      case kServerHelloType:
        session_->state = "server_hello";
        hello(side, bytes, false);
        session_->has_server_hello = true;
        break;
      case kCertificateType:
        certificates(side, bytes);
        session_->reach(side, side == Side::kToServer ? kClientCertificate : kServerCertificate);
        break;
      case kServerKeyExchange:
        session_->state = "server_keyx";
        break;
      case kClientKeyExchange:
        session_->state = "client_keyx";
        break;
      case kCertificateRequest:
        if (side == Side::kToClient) wants_client_certificate_ = true;
        break;
      case kServerHelloDoneType:
        if (side == Side::kToClient) session_->reach(side, kServerHelloDone);
        break;
      default:
        break;
    }
  }

  void hello(Side side, Bytes bytes, bool is_client) {
    Peer& peer = session_->peer(side);
    Hello read = read_hello(bytes, is_client);
    for (const std::string_view event : read.events) session_->event(event);
    if (read.version != 0) peer.version = read.version;
    if (is_client) {
      client_named_versions_ = client_named_versions_ || read.has_versions;
      if (read.has_ticket) session_->is_resumed = true;
    } else {
      if (read.legacy_version == kTls13 || read.legacy_version >> 8 == 0x7f ||
          (read.has_versions && client_named_versions_ && read.version > kTls12)) {
        session_->is_logged_without_certificate = true;
      }
      const auto& client = session_->peer(Side::kToServer).hello;
      if (client && !read.session.empty() && client->session == read.session) session_->is_resumed = true;
    }
    if (read.is_whole) {
      if (session_->has_ja3() && peer.ja3_hash.empty()) {
        peer.ja3 = ja3(read, is_client);
        peer.ja3_hash = md5_text(peer.ja3);
      }
      session_->reach(side, 1);
    }
    if (is_client && peer.ja4.empty()) peer.ja4 = ja4(read, false);
    if (!peer.hello) {
      peer.hello = std::move(read);
      return;
    }
    // A second hello does not hide what the first said.
    if (read.has_sni) {
      if (peer.hello->has_sni) {
        session_->event("tls.multiple_sni_extensions");
      } else {
        peer.hello->sni = std::move(read.sni);
        peer.hello->has_sni = true;
      }
    }
    peer.hello->random = std::move(read.random);
    peer.hello->alpn.insert(peer.hello->alpn.end(), read.alpn.begin(), read.alpn.end());
    if (peer.hello->alpn.size() > 512) peer.hello->alpn.resize(512);
  }

  void certificates(Side side, Bytes bytes) {
    Peer& peer = session_->peer(side);
    Reader reader(bytes);
    Reader chain(reader.counted24());
    if (!reader.ok() || !peer.chain.empty()) return;
    while (!chain.empty() && peer.chain.size() < kMostCertificates) {
      const Bytes one = chain.counted24();
      if (!chain.ok()) {
        session_->event("tls.invalid_certificate");
        return;
      }
      if (peer.chain.empty() && !peer.certificate) {
        peer.certificate = read_certificate(one);
        if (!peer.certificate) {
          session_->event(certificate_fault(one));
          continue;
        }
      }
      peer.chain.emplace_back(text_of(one));
    }
  }

  bool heartbeat(Side side, Bytes content) {
    if (content.size() < 3) return true;
    const auto bad = [this](std::string_view event) {
      session_->event(event);
      return false;
    };
    if (!has_changed_cipher_ && content[0] != 1 && content[0] != 2) return bad("tls.invalid_heartbeat_message");
    if (!beat_from_) {
      beat_from_ = side;
      if (has_changed_cipher_) {
        beat_length_ = content.size();
        return true;
      }
      const std::size_t payload = std::size_t{content[1]} << 8 | content[2];
      if (payload + 3 > content.size()) return bad("tls.overflow_heartbeat_message");
      if (content.size() - payload - 3 < 16) return bad("tls.invalid_heartbeat_message");
      return true;
    }
    if (*beat_from_ == side) return bad("tls.invalid_heartbeat_message");
    beat_from_.reset();
    const std::size_t asked = beat_length_;
    beat_length_ = 0;
    if (has_changed_cipher_ && asked > 0 && asked < content.size()) return bad("tls.dataleak_heartbeat_mismatch");
    return true;
  }

  // SSL 2: a length of two or three bytes, then the kind of message.
  std::size_t old_record(Side side, Bytes bytes) {
    const std::size_t header = (bytes[0] & 0x80) != 0 ? 2 : 3;
    if (bytes.size() < header + 1) return 0;
    const std::size_t length =
        std::size_t{static_cast<std::uint8_t>(bytes[0] & (header == 2 ? 0x7f : 0x3f))} << 8 | bytes[1];
    if (length == 0) {
      session_->event("tls.invalid_sslv2_header");
      session_->event("tls.invalid_ssl_record");
      return kFailed;
    }
    Peer& peer = session_->peer(side);
    peer.version = kSsl2;
    if (bytes.size() < header + length) return 0;
    const Bytes content = bytes.subspan(header, length);
    has_news_ = true;
    switch (content[0]) {
      case 0:
        session_->event("tls.error_message_encountered");
        break;
      case 1:
        if (content.size() < 7) {
          session_->event("tls.invalid_ssl_record");
          return kFailed;
        }
        session_->state = "client_hello";
        session_->has_client_hello = true;
        session_->reach(Side::kToServer, kClientHello);
        peer.version = static_cast<std::uint16_t>(content[1] << 8 | content[2]);
        break;
      case 4:
        session_->state = "server_hello";
        session_->has_server_hello = true;
        session_->reach(Side::kToClient, kServerHello);
        break;
      case 8:
        if (side == Side::kToServer) session_->state = "client_keyx";
        session_->reach(Side::kToClient, kServerCertificate);
        break;
      default:
        break;
    }
    return header + length;
  }

  void note_handshake() {
    const Peer& asked = session_->peer(wants_client_certificate_ ? Side::kToServer : Side::kToClient);
    if (asked.certificate) {
      session_->reach(Side::kToServer, kClientHandshake);
      session_->reach(Side::kToClient, kServerHandshake);
    }
  }

  Session* session_;
  Channel channels_[2];
  bool has_news_ = false;  // something that rules could see; what is encrypted is nothing new
  bool has_changed_cipher_ = false, wants_client_certificate_ = false, client_named_versions_ = false;
  std::optional<Side> beat_from_;
  std::size_t beat_length_ = 0;
};

class Tls final : public Protocol {
 public:
  std::string_view name() const override { return "tls"; }
  int field(std::string_view keyword) const override { return field_number(keyword); }
  std::span<const std::string_view> steps(Side side) const override {
    static constexpr std::string_view kClient[] = {"client_in_progress", "client_hello_done", "client_cert_done",
                                                   "client_handshake_done", "client_finished"};
    static constexpr std::string_view kServer[] = {"server_in_progress", "server_hello",          "server_cert_done",
                                                   "server_hello_done",  "server_handshake_done", "server_finished"};
    if (side == Side::kToServer) return kClient;
    return kServer;
  }

  Probe probe(bool is_udp, Side side, Bytes bytes, std::uint16_t) const override {
    if (is_udp || bytes.empty()) return Probe::kNo;
    const auto at = [&](std::size_t i) { return i < bytes.size() ? bytes[i] : -1; };
    const auto is = [&](std::size_t i, int low, int high) { return at(i) < 0 || (at(i) >= low && at(i) <= high); };
    bool may_be = false;
    // A record of the right version.
    const bool is_first = side == Side::kToServer ? at(0) == 0x16 || at(0) == 0x01 : at(0) >= 0x15 && at(0) <= 0x17;
    if (is_first && is(1, 3, 3) && is(2, 0, 3)) may_be = true;
    if (may_be && bytes.size() >= 3) return Probe::kYes;
    // A hello of SSL 2.
    if (side == Side::kToServer) {
      if ((at(0) & 0x80) != 0 && is(2, 1, 1) && ((is(3, 3, 3) && is(4, 0, 0)) || (is(3, 0, 0) && is(4, 2, 2)))) {
        if (bytes.size() >= 5) return Probe::kYes;
        may_be = true;
      }
    } else if (is(5, 0, 0) && is(6, 2, 2) && (at(0) & 0x80) != 0) {
      if (bytes.size() >= 7) return Probe::kYes;
      may_be = true;
    }
    return may_be ? Probe::kMore : Probe::kNo;
  }

  std::string_view ports(bool is_udp) const override { return is_udp ? "" : "443"; }
  Probe recognise_on_port(const Beginning& beginning) const override {
    if (beginning.is_udp || beginning.side != Side::kToServer) return Probe::kNo;
    if (beginning.bytes.size() < 3) return Probe::kMore;
    return (beginning.bytes[0] & 0x80) != 0 && beginning.bytes[2] == 1 ? Probe::kYes : Probe::kNo;
  }
  int first_side() const override { return static_cast<int>(Side::kToServer); }
  std::unique_ptr<Parser> parser(const Options& options) const override { return std::make_unique<TlsParser>(options); }
};

}  // namespace

const Protocol& tls_protocol() {
  static const Tls protocol;
  return protocol;
}

}  // namespace tocsin::protocol
