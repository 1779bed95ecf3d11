// A TLS session: one transaction, from the first hello to the end of the flow.
#pragma once

#include <optional>

#include "protocol/tls_certificate.h"
#include "protocol/tls_hello.h"
#include "protocol/transaction.h"

namespace tocsin::protocol::tls {

// Which members EVE has, from the configuration's eve-log types.
struct Fields {
  bool subject = true, issuer = true, names = true, version = true, serial = true, fingerprint = true,
       not_before = true, not_after = true, sni = true, certificate = false, chain = false, resumed = true, ja3 = true,
       ja3s = true, ja4 = true, client = true, client_certificate = false, client_chain = false, client_alpn = true,
       server_alpn = true, client_handshake = false, server_handshake = false;
};
Fields fields_of(const Options& options);

int field_number(std::string_view keyword);
// Set once a rule asks for JA3, which is computed and logged only then ("auto"), or if the configuration says so.
bool is_ja3_asked();

// Steps of a client and a server, as the rule language names them; finished is Transaction::kComplete.
inline constexpr std::uint8_t kClientHello = 1, kClientCertificate = 2, kClientHandshake = 3;
inline constexpr std::uint8_t kServerHello = 1, kServerCertificate = 2, kServerHelloDone = 3, kServerHandshake = 4;

struct Peer {
  std::uint16_t version = 0;
  std::optional<Hello> hello;
  std::optional<Certificate> certificate;
  std::vector<std::string> chain;  // DER
  std::string ja3, ja3_hash, ja4;
};

class Session final : public Transaction {
 public:
  explicit Session(const Fields& fields, bool has_ja3) : fields_(fields), has_ja3_(has_ja3) {}

  Value value(int field, Side side, std::size_t index) const override;
  std::string eve() const override;
  bool may_log(bool is_last) const override;

  Peer& peer(Side side) { return peers_[static_cast<int>(side)]; }
  const Peer& peer(Side side) const { return peers_[static_cast<int>(side)]; }
  void reach(Side side, std::uint8_t step) {
    std::uint8_t& reached = progress[static_cast<int>(side)];
    if (step > reached) reached = step;
  }
  bool has_ja3() const { return has_ja3_; }

  bool is_resumed = false, is_logged_without_certificate = false;
  bool has_client_hello = false, has_server_hello = false;
  std::string_view state;  // the last that ssl_state has a word for
  Timestamp now = 0;

 private:
  Fields fields_;
  bool has_ja3_;
  Peer peers_[2];
};

}  // namespace tocsin::protocol::tls
