// RDP up to the session: who asks to log in from which machine, and what the server chooses (MS-RDPBCGR 1.3.1.1, over
// TPKT, RFC 1006, and X.224). A negotiation that turns to TLS ends with the serials of the server's certificates.
#include <array>

#include "base/text.h"
#include "protocol/eve_object.h"
#include "protocol/protocols.h"
#include "protocol/rdp_client.h"
#include "protocol/tls_certificate.h"
#include "protocol/values.h"

namespace tocsin::protocol {
namespace {

constexpr std::size_t kMostPending = 64 * 1024, kMostTransactions = 64;
constexpr std::uint8_t kConnectionRequest = 0xe0, kConnectionConfirm = 0xd0, kData = 0xf0;

// What the bits of a set are called, least significant first; empty: not used.
template <std::size_t N>
void list_bits(EveObject& out, std::string_view name, unsigned bits, const std::array<std::string_view, N>& names) {
  bool is_open = false;
  for (std::size_t i = 0; i < N; ++i) {
    if ((bits >> i & 1) == 0 || names[i].empty()) continue;
    if (!is_open) out.open_list(name);
    is_open = true;
    out.item(names[i]);
  }
  if (is_open) out.close_list();
}

std::string_view name_of_protocol(std::uint32_t number) {
  switch (number) {
    case 0:
      return "rdp";
    case 1:
      return "ssl";
    case 2:
      return "hybrid";
    case 4:
      return "rds_tls";
    case 8:
      return "hybrid_ex";
    default:
      return "unknown";
  }
}

std::string_view reason_of(std::uint32_t code) {
  constexpr std::array<std::string_view, 7> kReasons{"",
                                                     "ssl required by server",
                                                     "ssl not allowed by server",
                                                     "ssl cert not on server",
                                                     "inconsistent flags",
                                                     "hybrid required by server",
                                                     "ssl with user auth required by server"};
  return code < kReasons.size() ? kReasons[code] : std::string_view();
}

class RdpTransaction final : public Transaction {
 public:
  // members: of the event, after tx_id.
  explicit RdpTransaction(std::string members) : members_(std::move(members)) { progress[0] = progress[1] = kComplete; }
  Value value(int, Side, std::size_t) const override { return absent_value(); }
  std::string eve() const override {
    EveObject out;
    out.open("rdp");
    out.number("tx_id", id);
    out.members(members_);
    out.close();
    return out.take();
  }

 private:
  std::string members_;
};

class RdpParser final : public Parser {
 public:
  bool take(Side side, Bytes bytes, Timestamp time) override {
    std::vector<std::uint8_t>& pending = pending_[static_cast<int>(side)];
    if (is_done_) return true;
    if (pending.size() + bytes.size() > kMostPending) return false;
    pending.insert(pending.end(), bytes.begin(), bytes.end());
    std::size_t used = 0;
    for (std::size_t size = 1; size > 0 && !is_done_;) {
      const Bytes left = Bytes(pending).subspan(used);
      size = is_tls(left) ? take_record(side, left, time) : take_packet(side, left, time);
      if (size == kBad) return false;
      used += size;
    }
    pending.erase(pending.begin(), pending.begin() + static_cast<std::ptrdiff_t>(used));
    return true;
  }
  bool skip(Side, std::uint64_t, Timestamp) override { return is_done_; }
  void end(Side, Timestamp) override {}

 private:
  static constexpr std::size_t kBad = SIZE_MAX;

  static bool is_tls(Bytes bytes) { return bytes.size() >= 2 && bytes[0] >= 20 && bytes[0] <= 23 && bytes[1] == 3; }

  void tell(EveObject& event, Timestamp time) {
    keep(std::make_unique<RdpTransaction>(event.take()), time, kMostTransactions);
  }

  // Gives how many bytes a whole packet took, 0 if there is none yet.
  std::size_t take_packet(Side side, Bytes bytes, Timestamp time) {
    if (bytes.size() < 4) return !bytes.empty() && bytes[0] != 3 ? kBad : 0;
    const std::size_t size = std::size_t{bytes[2]} << 8 | bytes[3];
    if (bytes[0] != 3 || size < 7) return kBad;
    if (bytes.size() < size) return 0;
    Reader in(bytes.first(size).subspan(4));
    const std::size_t length = in.u8();
    const std::uint8_t code = in.u8() & 0xf0;
    if (code == kData) {
      in.skip(1);
      take_data(side, in.rest(), time);
    } else if (length >= 6) {
      in.skip(5);
      const Bytes rest = in.rest().first(std::min(in.left(), length - 6));
      if (code == kConnectionRequest && side == Side::kToServer) take_request(rest, time);
      if (code == kConnectionConfirm && side == Side::kToClient) take_confirm(rest, time);
    }
    return size;
  }

  void take_request(Bytes bytes, Timestamp time) {
    EveObject event;
    event.text("event_type", "initial_request");
    const std::string_view text = text_of(bytes);
    constexpr std::string_view kCookie = "Cookie: mstshash=";
    if (text.starts_with(kCookie)) {
      const std::size_t end = text.find("\r\n");
      if (end != std::string_view::npos) {
        event.text("cookie", text.substr(kCookie.size(), end - kCookie.size()));
        bytes = bytes.subspan(end + 2);
      }
    } else if (text.starts_with("Cookie:") || text.starts_with("tsv:")) {  // of a load balancer
      const std::size_t end = text.find("\r\n");
      if (end != std::string_view::npos) bytes = bytes.subspan(end + 2);
    }
    if (bytes.size() >= 8 && bytes[0] == 1) {
      list_bits(
          event, "flags", bytes[1],
          std::array<std::string_view, 4>{"restricted_admin_mode_required", "redirected_authentication_mode_required",
                                          "", "correlation_info_present"});
    }
    tell(event, time);
  }

  void take_confirm(Bytes bytes, Timestamp time) {
    EveObject event;
    event.text("event_type", "initial_response");
    Reader in(bytes);
    const std::uint8_t type = in.u8(), flags = in.u8();
    in.skip(2);
    const std::uint32_t value = in.le32();
    if (in.ok() && type == 2) {
      list_bits(event, "server_supports", flags,
                std::array<std::string_view, 5>{"extended_client_data", "dynvc_gfx", "", "restricted_admin",
                                                "redirected_authentication"});
      event.text("protocol", name_of_protocol(value));
    } else if (in.ok() && type == 3) {
      event.number("error_code", value);
      if (const std::string_view reason = reason_of(value); !reason.empty()) event.text("reason", reason);
    }
    tell(event, time);
  }

  // MCS Connect-Initial and Connect-Response (T.125): the tags 101 and 102 of the application.
  void take_data(Side side, Bytes bytes, Timestamp time) {
    if (bytes.size() < 2 || bytes[0] != 0x7f) return;
    EveObject event;
    if (bytes[1] == 0x65 && side == Side::kToServer) {
      event.text("event_type", "connect_request");
      rdp::add_client(event, bytes);
    } else if (bytes[1] == 0x66 && side == Side::kToClient) {
      event.text("event_type", "connect_response");
      is_done_ = true;
    } else {
      return;
    }
    tell(event, time);
  }

  // A record of TLS; the handshake ends with the server's certificates, as far as they are not encrypted.
  std::size_t take_record(Side side, Bytes bytes, Timestamp time) {
    if (bytes.size() < 5) return 0;
    const std::size_t size = 5 + (std::size_t{bytes[3]} << 8 | bytes[4]);
    if (bytes.size() < size) return 0;
    if (side != Side::kToClient || bytes[0] != 22) return size;
    handshake_.insert(handshake_.end(), bytes.begin() + 5, bytes.begin() + static_cast<std::ptrdiff_t>(size));
    if (handshake_.size() > kMostPending) return kBad;
    Reader in(handshake_);
    while (in.left() >= 4 && !is_done_) {
      const std::uint8_t type = in.u8();
      const Bytes message = in.counted24();
      if (!in.ok()) break;
      if (type == 11) tell_certificates(message, time);
    }
    return size;
  }

  void tell_certificates(Bytes message, Timestamp time) {
    EveObject event;
    event.text("event_type", "tls_handshake");
    event.open_list("x509_serials");
    Reader list(message);
    for (Reader in(list.counted24()); in.ok() && !in.empty();) {
      const auto certificate = tls::read_certificate(in.counted24());
      if (!in.ok() || !certificate) break;
      std::string serial = lower(certificate->serial);
      std::erase(serial, ':');
      event.item(serial);
    }
    event.close_list();
    tell(event, time);
    is_done_ = true;
  }

  std::vector<std::uint8_t> pending_[2], handshake_;
  bool is_done_ = false;  // what follows is the session
};

class Rdp final : public Protocol {
 public:
  std::string_view name() const override { return "rdp"; }
  int field(std::string_view) const override { return -1; }
  // A TPKT that holds a connection's request, or its confirmation.
  Probe probe(bool is_udp, Side side, Bytes bytes, std::uint16_t) const override {
    const std::uint8_t code = side == Side::kToServer ? kConnectionRequest : kConnectionConfirm;
    constexpr std::array<int, 3> kBegin{3, 0, 0};
    for (std::size_t i = 0; i < std::min(bytes.size(), kBegin.size()); ++i) {
      if (is_udp || bytes[i] != kBegin[i]) return Probe::kNo;
    }
    if (is_udp) return Probe::kNo;
    if (bytes.size() < 6) return Probe::kMore;
    if (bytes[3] < 11 || bytes[4] != bytes[3] - 5 || (bytes[5] & 0xf0) != code) return Probe::kNo;
    // TPKT and X.224 also carry S7 and others, whose requests have parameters here.
    if (side == Side::kToServer && bytes[3] > 11) {
      if (bytes.size() < 12) return Probe::kMore;
      return bytes[11] == 1 || bytes[11] == 'C' || bytes[11] == 't' ? Probe::kYes : Probe::kNo;
    }
    if (side == Side::kToClient && bytes[3] > 11) {
      if (bytes.size() < 12) return Probe::kMore;
      return bytes[11] == 2 || bytes[11] == 3 ? Probe::kYes : Probe::kNo;
    }
    return Probe::kYes;
  }
  std::unique_ptr<Parser> parser(const Options&) const override { return std::make_unique<RdpParser>(); }
};

}  // namespace

const Protocol& rdp_protocol() {
  static const Rdp protocol;
  return protocol;
}

}  // namespace tocsin::protocol
