// QUIC up to its hellos (RFC 9000, 9001): every Initial packet is a transaction, and the last of those that a hello
// came in has what the hello says.
#include <algorithm>
#include <atomic>
#include <map>

#include "protocol/eve_object.h"
#include "protocol/protocols.h"
#include "protocol/quic_packet.h"
#include "protocol/tls_hello.h"
#include "protocol/tls_transaction.h"
#include "protocol/values.h"

namespace tocsin::protocol {
namespace {

using namespace quic;

enum Field : int { kVersion, kSni, kUserAgent, kJa3Hash, kJa3, kJa3sHash, kJa3s, kJa4, kCyuHash, kCyu };
constexpr std::pair<std::string_view, int> kFields[] = {
    {"quic.version", kVersion},  {"quic.sni", kSni},       {"quic.ua", kUserAgent}, {"ja3.hash", kJa3Hash},
    {"ja3.string", kJa3},        {"ja3s.hash", kJa3sHash}, {"ja3s.string", kJa3s},  {"ja4.hash", kJa4},
    {"quic.cyu.hash", kCyuHash}, {"quic.cyu.string", kCyu}};
constexpr std::size_t kLongestHello = 65'535, kMostPieces = 64, kMostTransactions = 1'000;

struct Name {
  std::uint16_t type;
  std::string_view name;
};
constexpr Name kExtensions[] = {{0, "server_name"},
                                {5, "status_request"},
                                {10, "supported_groups"},
                                {13, "signature_algorithms"},
                                {16, "alpn"},
                                {18, "signed_certificate_timestamp"},
                                {21, "padding"},
                                {23, "extended_master_secret"},
                                {27, "compress_certificate"},
                                {35, "session_ticket"},
                                {41, "pre_shared_key"},
                                {42, "early_data"},
                                {43, "supported_versions"},
                                {44, "cookie"},
                                {45, "psk_key_exchange_modes"},
                                {51, "key_share"},
                                {57, "quic_transport_parameters"},
                                {65281, "renegotiation_info"}};

class QuicTransaction final : public Transaction {
 public:
  QuicTransaction(std::uint32_t of_packet, Side side) : version_(version_text(of_packet)), side_(side) {
    progress[0] = progress[1] = kComplete;
    is_skipped[static_cast<int>(other(side))] = true;
  }

  Value value(int field, Side side, std::size_t index) const override {
    if (side != side_ || index > 0) return absent_value();
    const bool is_client = side == Side::kToServer;
    switch (field) {
      case kVersion:
        return text_value(version_);
      case kSni:
        return hello ? text_value(hello->sni) : absent_value();
      case kJa3Hash:
        return is_client ? text_value(ja3_hash) : absent_value();
      case kJa3:
        return is_client ? text_value(ja3) : absent_value();
      case kJa3sHash:
        return is_client ? absent_value() : text_value(ja3_hash);
      case kJa3s:
        return is_client ? absent_value() : text_value(ja3);
      case kJa4:
        return text_value(ja4);
      default:
        return absent_value();
    }
  }

  std::string eve() const override {
    EveObject out;
    out.open("quic");
    out.text("version", version_);
    if (hello && !hello->sni.empty()) out.text("sni", hello->sni);
    if (!ja3.empty()) {
      out.open(side_ == Side::kToServer ? "ja3" : "ja3s");
      out.text("hash", ja3_hash);
      out.text("string", ja3);
      out.close();
    }
    if (!ja4.empty()) out.text("ja4", ja4);
    if (hello && !hello->extensions.empty()) {
      out.open_list("extensions");
      for (const std::uint16_t type : hello->extensions) {
        out.open_item();
        const auto known = std::ranges::find(kExtensions, type, &Name::type);
        if (known != std::end(kExtensions)) out.text("name", known->name);
        out.number("type", type);
        if (type == 0 && hello->has_sni) {
          out.open_list("values");
          out.item(hello->sni);
          out.close_list();
        } else if (type == 16 && !hello->alpn.empty()) {
          out.open_list("values");
          for (const std::string& one : hello->alpn) out.item(one);
          out.close_list();
        }
        out.close();
      }
      out.close_list();
    }
    out.close();
    return out.take();
  }

  std::optional<tls::Hello> hello;
  std::string ja3, ja3_hash, ja4;

 private:
  std::string version_;
  Side side_;
};

class QuicParser final : public Parser {
 public:
  explicit QuicParser(const Options& options) {
    const std::string ja3 = options.text("app-layer.protocols.quic.ja3-fingerprints", "auto");
    has_ja3_ = ja3 == "auto" ? tls::is_ja3_asked() : options.flag("app-layer.protocols.quic.ja3-fingerprints", false);
    is_verified_ = options.flag("app-layer.protocols.quic.verify", true);
  }

  bool take(Side side, Bytes bytes, Timestamp time) override {
    Handshake& own = sides_[static_cast<int>(side)];
    while (!bytes.empty()) {
      const auto packet = read_packet(bytes);
      if (!packet) return false;
      if (own.is_done || packet->type == Type::kShort) return true;
      if (connection_.empty() && packet->type == Type::kInitial) {
        connection_ = packet->destination;
        version_ = packet->version;
      } else if (packet->type == Type::kRetry && side == Side::kToClient && !was_retried_) {
        // The client begins again, with the identifier that the server chose.
        was_retried_ = true;
        connection_.clear();
        sides_[0] = {};
      }
      QuicTransaction& made = begin(packet->version, side, time);
      if (packet->type != Type::kInitial) continue;
      const auto keys = initial_keys(version_, connection_, side);
      if (!keys) continue;
      const auto frames = unprotect(*packet, *keys, is_verified_);
      if (!frames) {
        made.events.emplace_back("quic.failed_decrypt");
        return false;
      }
      if (!read_frames(own, bytes_of(*frames))) {
        made.events.emplace_back("quic.error_on_data");
        return false;
      }
      if (own.pieces.size() > kMostPieces) {
        made.events.emplace_back("quic.crypto_frag_too_long");
        own.is_done = true;
        own.pieces.clear();
      }
      find_hello(own, made, side);
    }
    return true;
  }
  bool skip(Side, std::uint64_t, Timestamp) override { return true; }
  void end(Side, Timestamp) override {}

 private:
  struct Handshake {
    std::map<std::uint64_t, std::string> pieces;
    bool is_done = false;
  };

  QuicTransaction& begin(std::uint32_t version, Side side, Timestamp time) {
    keep(std::make_unique<QuicTransaction>(version, side), time, kMostTransactions);
    return static_cast<QuicTransaction&>(*transactions.back());
  }

  static bool read_frames(Handshake& own, Bytes bytes) {
    Reader reader(bytes);
    while (!reader.empty()) {
      const std::uint64_t type = variable(reader);
      if (type <= 1) continue;  // padding, ping
      if (type == 2 || type == 3) {
        variable(reader);
        variable(reader);
        const std::uint64_t ranges = variable(reader);
        variable(reader);
        for (std::uint64_t i = 0; i < 2 * std::min<std::uint64_t>(ranges, UINT32_MAX) && reader.ok(); ++i)
          variable(reader);
        for (int i = 0; type == 3 && i < 3; ++i) variable(reader);
      } else if (type == 6) {
        const std::uint64_t offset = variable(reader);
        const Bytes data = reader.bytes(static_cast<std::size_t>(variable(reader)));
        if (reader.ok() && offset <= kLongestHello && own.pieces.size() <= kMostPieces) {
          std::string& kept = own.pieces[offset];
          if (data.size() > kept.size()) kept = text_of(data);
        }
      } else {
        // What else may come in an Initial packet ends the connection.
        return true;
      }
      if (!reader.ok()) return false;
    }
    return true;
  }

  void find_hello(Handshake& own, QuicTransaction& made, Side side) const {
    // As far as there is no hole, it is put together only once all of it is there.
    std::uint64_t end = 0;
    for (const auto& [offset, piece] : own.pieces) {
      if (offset > end) break;
      end = std::max(end, offset + piece.size());
    }
    const auto front = own.pieces.find(0);
    if (front == own.pieces.end() || end < 4) return;
    if (front->second.size() >= 4) {
      Reader head(bytes_of(front->second));
      head.u8();
      if (end < 4 + std::uint64_t{head.u24()}) return;
    }
    std::string all;
    for (const auto& [offset, piece] : own.pieces) {
      if (offset > all.size()) break;
      if (offset + piece.size() > all.size()) all += piece.substr(all.size() - static_cast<std::size_t>(offset));
    }
    Reader reader(bytes_of(all));
    const std::uint8_t type = reader.u8();
    const Bytes body = reader.counted24();
    const bool is_client = side == Side::kToServer;
    if (!reader.ok() || type != (is_client ? 1 : 2)) return;
    own.is_done = true;
    own.pieces.clear();
    made.hello = tls::read_hello(body, is_client);
    if (has_ja3_) {
      made.ja3 = tls::ja3(*made.hello, is_client);
      made.ja3_hash = tls::md5_text(made.ja3);
    }
    if (is_client) made.ja4 = tls::ja4(*made.hello, true);
    ++made.version[static_cast<int>(side)];
  }

  bool has_ja3_ = false, was_retried_ = false, is_verified_ = true;
  std::string connection_;  // the client's first name for the server
  std::uint32_t version_ = 0;
  Handshake sides_[2];
};

class Quic final : public Protocol {
 public:
  std::string_view name() const override { return "quic"; }
  int field(std::string_view keyword) const override {
    if (keyword.starts_with("ja3")) tls::field_number(keyword);  // it is asked for
    return number_in(kFields, keyword);
  }
  Probe probe(bool, Side, Bytes, std::uint16_t) const override { return Probe::kNo; }
  std::string_view ports(bool is_udp) const override { return is_udp ? "443, 80" : ""; }
  Probe recognise_on_port(const Beginning& beginning) const override {
    if (!beginning.is_udp || beginning.bytes.size() < 10) return Probe::kNo;
    Bytes bytes = beginning.bytes;
    return read_packet(bytes) ? Probe::kYes : Probe::kNo;
  }
  std::unique_ptr<Parser> parser(const Options& options) const override {
    return std::make_unique<QuicParser>(options);
  }
};

}  // namespace

const Protocol& quic_protocol() {
  static const Quic protocol;
  return protocol;
}

}  // namespace tocsin::protocol
