#include "protocol/tls_transaction.h"

#include <fmt/format.h>

#include <array>
#include <atomic>
#include <utility>

#include "base/base64.h"
#include "protocol/eve_object.h"
#include "protocol/values.h"

namespace tocsin::protocol::tls {
namespace {

enum Field : int {
  kSni,
  kSubject,
  kIssuer,
  kSerial,
  kFingerprint,
  kCertificates,
  kChainLength,
  kAlpn,
  kRandom,
  kRandomTime,
  kRandomBytes,
  kNames,
  kJa3Hash,
  kJa3,
  kJa3sHash,
  kJa3s,
  kJa4,
  kVersion,
  kSslVersion,
  kState,
  kNotBefore,
  kNotAfter,
  kExpired,
  kValid,
  kStore
};
constexpr std::pair<std::string_view, int> kFields[] = {{"tls.sni", kSni},
                                                        {"tls.cert_subject", kSubject},
                                                        {"tls.subject", kSubject},
                                                        {"tls.cert_issuer", kIssuer},
                                                        {"tls.issuerdn", kIssuer},
                                                        {"tls.cert_serial", kSerial},
                                                        {"tls.cert_fingerprint", kFingerprint},
                                                        {"tls.fingerprint", kFingerprint},
                                                        {"tls.certs", kCertificates},
                                                        {"tls.cert_chain_len", kChainLength},
                                                        {"tls.alpn", kAlpn},
                                                        {"tls.random", kRandom},
                                                        {"tls.random_time", kRandomTime},
                                                        {"tls.random_bytes", kRandomBytes},
                                                        {"tls.subjectaltname", kNames},
                                                        {"ja3.hash", kJa3Hash},
                                                        {"ja3.string", kJa3},
                                                        {"ja3s.hash", kJa3sHash},
                                                        {"ja3s.string", kJa3s},
                                                        {"ja4.hash", kJa4},
                                                        {"tls.version", kVersion},
                                                        {"ssl_version", kSslVersion},
                                                        {"ssl_state", kState},
                                                        {"tls_cert_notbefore", kNotBefore},
                                                        {"tls_cert_notafter", kNotAfter},
                                                        {"tls_cert_expired", kExpired},
                                                        {"tls_cert_valid", kValid},
                                                        {"tls_store", kStore}};
std::atomic<bool> ja3_asked{false};

constexpr Side kClient = Side::kToServer, kServer = Side::kToClient;

std::string_view ssl_word(std::uint16_t version) {
  switch (version) {
    case kSsl2:
      return "sslv2";
    case kSsl3:
      return "sslv3";
    case kTls10:
      return "tls1.0";
    case kTls11:
      return "tls1.1";
    case kTls12:
      return "tls1.2";
    default:
      return version == kTls13 || version >> 8 == 0x7f ? "tls1.3" : "";
  }
}

void certificate_members(EveObject& out, const Certificate& certificate) {
  out.text("subject", certificate.subject);
  out.text("issuerdn", certificate.issuer);
  out.text("fingerprint", certificate.fingerprint);
  out.text("serial", certificate.serial);
  if (certificate.not_before != 0) out.text("notbefore", time_text(certificate.not_before));
  if (certificate.not_after != 0) out.text("notafter", time_text(certificate.not_after));
}

void chain_members(EveObject& out, const Peer& peer, bool first, bool all) {
  if (peer.chain.empty()) return;
  if (first) out.text("certificate", base64(bytes_of(peer.chain.front())));
  if (!all) return;
  out.open_list("chain");
  for (const std::string& one : peer.chain) out.item(base64(bytes_of(one)));
  out.close_list();
}

void alpn_list(EveObject& out, std::string_view name, const Peer& peer) {
  if (!peer.hello || peer.hello->alpn.empty()) return;
  out.open_list(name);
  for (const std::string& one : peer.hello->alpn) out.item(one);
  out.close_list();
}

void handshake(EveObject& out, std::string_view name, const Peer& peer, bool is_client) {
  if (!peer.hello) return;
  const Hello& hello = *peer.hello;
  out.open(name);
  out.text("version", version_text(hello.highest));
  const auto list = [&](std::string_view member, const std::vector<std::uint16_t>& numbers) {
    if (numbers.empty()) return;
    out.open_list(member);
    for (const std::uint16_t number : numbers) out.item(std::uint64_t{number});
    out.close_list();
  };
  if (is_client) {
    list("ciphers", hello.ciphers);
  } else if (!hello.ciphers.empty()) {
    out.number("cipher", hello.ciphers.front());
  }
  list("exts", hello.extensions);
  if (is_client) list("sig_algs", hello.signatures);
  out.close();
}

void ja3_object(EveObject& out, std::string_view name, const Peer& peer) {
  if (peer.ja3_hash.empty()) return;
  out.open(name);
  out.text("hash", peer.ja3_hash);
  out.text("string", peer.ja3);
  out.close();
}

}  // namespace

bool is_ja3_asked() { return ja3_asked.load(std::memory_order_relaxed); }

int field_number(std::string_view keyword) {
  for (const auto& [name, number] : kFields) {
    if (name != keyword) continue;
    if (number >= kJa3Hash && number <= kJa3s) ja3_asked.store(true, std::memory_order_relaxed);
    return number;
  }
  return -1;
}

Fields fields_of(const Options& options) {
  Fields fields;
  const std::string place = "outputs.eve-log.types.tls.";
  const auto only = [&fields] {
    fields = {.version = false,
              .serial = false,
              .fingerprint = false,
              .not_before = false,
              .not_after = false,
              .sni = false,
              .ja3 = false,
              .ja3s = false,
              .ja4 = false,
              .client = false,
              .client_alpn = false,
              .server_alpn = false};
  };
  if (!options.flag(place + "extended", true)) only();
  for (int i = 0; i < 32; ++i) {
    const std::string* name = options.find(fmt::format("{}custom.{}", place, i));
    if (!name) break;
    if (i == 0) {
      only();
      fields.subject = fields.issuer = fields.names = false;
    }
    const std::pair<std::string_view, bool*> all[] = {{"version", &fields.version},
                                                      {"subject", &fields.subject},
                                                      {"issuer", &fields.issuer},
                                                      {"serial", &fields.serial},
                                                      {"fingerprint", &fields.fingerprint},
                                                      {"not_before", &fields.not_before},
                                                      {"not_after", &fields.not_after},
                                                      {"sni", &fields.sni},
                                                      {"certificate", &fields.certificate},
                                                      {"chain", &fields.chain},
                                                      {"ja3", &fields.ja3},
                                                      {"ja3s", &fields.ja3s},
                                                      {"ja4", &fields.ja4},
                                                      {"client", &fields.client},
                                                      {"client_certificate", &fields.client_certificate},
                                                      {"client_chain", &fields.client_chain},
                                                      {"subjectaltname", &fields.names},
                                                      {"client_alpns", &fields.client_alpn},
                                                      {"server_alpns", &fields.server_alpn},
                                                      {"client_handshake", &fields.client_handshake},
                                                      {"server_handshake", &fields.server_handshake}};
    for (const auto& [word, field] : all) {
      if (word == *name) *field = true;
    }
  }
  if (fields.client_certificate || fields.client_chain) fields.client = true;
  fields.resumed = options.flag(place + "session-resumption", true);
  return fields;
}

Value Session::value(int field, Side side, std::size_t index) const {
  const Peer& own = peer(side);
  const bool has_hello = progress[static_cast<int>(side)] >= 1;
  const bool has_certificate = progress[static_cast<int>(side)] > kServerCertificate;
  const Value not_yet = has_hello ? absent_value() : Value{};
  const Value no_certificate = has_certificate ? absent_value() : Value{};
  const bool is_many = field == kCertificates || field == kAlpn || field == kNames;
  if (index > 0 && !is_many) return absent_value();
  switch (field) {
    case kSni:
      return side == kClient && own.hello ? text_value(own.hello->sni) : not_yet;
    case kSubject:
      return own.certificate ? whole_value(own.certificate->subject) : no_certificate;
    case kIssuer:
      return own.certificate ? whole_value(own.certificate->issuer) : no_certificate;
    case kSerial:
      return own.certificate ? whole_value(own.certificate->serial) : no_certificate;
    case kFingerprint:
      return own.certificate ? whole_value(own.certificate->fingerprint) : no_certificate;
    case kCertificates:
      return index < own.chain.size() ? whole_value(own.chain[index])
             : own.chain.empty()      ? no_certificate
                                      : absent_value();
    case kChainLength:
      return own.chain.empty() ? no_certificate : whole_number(own.chain.size());
    case kAlpn:
      return own.hello && index < own.hello->alpn.size() ? whole_value(own.hello->alpn[index]) : not_yet;
    case kRandom:
      return own.hello && own.hello->random.size() == 32 ? whole_value(own.hello->random) : not_yet;
    case kRandomTime:
      return own.hello && own.hello->random.size() == 32 ? whole_value(std::string_view(own.hello->random).substr(0, 4))
                                                         : not_yet;
    case kRandomBytes:
      return own.hello && own.hello->random.size() == 32 ? whole_value(std::string_view(own.hello->random).substr(4))
                                                         : not_yet;
    case kNames:
      if (side != kServer) return absent_value();
      return own.certificate && index < own.certificate->names.size() ? whole_value(own.certificate->names[index])
             : own.certificate                                        ? absent_value()
                                                                      : no_certificate;
    case kJa3Hash:
      return side == kClient ? text_value(own.ja3_hash, !has_hello) : absent_value();
    case kJa3:
      return side == kClient ? text_value(own.ja3, !has_hello) : absent_value();
    case kJa3sHash:
      return side == kServer ? text_value(own.ja3_hash, !has_hello) : absent_value();
    case kJa3s:
      return side == kServer ? text_value(own.ja3, !has_hello) : absent_value();
    case kJa4:
      return side == kClient ? text_value(own.ja4, !has_hello) : absent_value();
    case kVersion:
      return own.version == 0 ? Value{} : whole_value(version_word(own.version));
    case kSslVersion:
      return own.version == 0 ? Value{} : whole_value(ssl_word(own.version));
    case kState:
      return state.empty() ? Value{} : whole_value(state);
    case kNotBefore:
      return own.certificate ? whole_number(static_cast<std::uint64_t>(own.certificate->not_before)) : no_certificate;
    case kNotAfter:
      return own.certificate ? whole_number(static_cast<std::uint64_t>(own.certificate->not_after)) : no_certificate;
    case kExpired:
      return own.certificate ? whole_number(std::uint64_t{own.certificate->not_after < now / kSecond}) : no_certificate;
    case kValid:
      return own.certificate ? whole_number(std::uint64_t{own.certificate->not_before <= now / kSecond &&
                                                          now / kSecond <= own.certificate->not_after})
                             : no_certificate;
    case kStore:
      return whole_number(1);
    default:
      return absent_value();
  }
}

bool Session::may_log(bool is_last) const {
  const Peer& server = peer(kServer);
  if (!server.certificate && !is_logged_without_certificate && !(is_resumed && fields_.resumed)) return false;
  return is_last || (progress[0] >= kClientHandshake && progress[1] >= kServerHandshake);
}

std::string Session::eve() const {
  const Peer& client = peer(kClient);
  const Peer& server = peer(kServer);
  EveObject out;
  out.open("tls");
  if (server.certificate) {
    if (fields_.subject) out.text("subject", server.certificate->subject);
    if (fields_.issuer) out.text("issuerdn", server.certificate->issuer);
    if (fields_.names && !server.certificate->names.empty()) {
      out.open_list("subjectaltname");
      for (const std::string& name : server.certificate->names) out.item(name);
      out.close_list();
    }
  } else if (fields_.resumed && is_resumed && has_server_hello && !is_logged_without_certificate) {
    out.flag("session_resumed", true);
  }
  if (server.certificate) {
    if (fields_.serial) out.text("serial", server.certificate->serial);
    if (fields_.fingerprint) out.text("fingerprint", server.certificate->fingerprint);
  }
  if (fields_.sni && client.hello && client.hello->has_sni) out.text("sni", client.hello->sni);
  if (fields_.version) out.text("version", version_text(server.version != 0 ? server.version : client.version));
  if (server.certificate) {
    if (fields_.not_before && server.certificate->not_before != 0) {
      out.text("notbefore", time_text(server.certificate->not_before));
    }
    if (fields_.not_after && server.certificate->not_after != 0) {
      out.text("notafter", time_text(server.certificate->not_after));
    }
  }
  chain_members(out, server, fields_.certificate, fields_.chain);
  if (fields_.ja3) ja3_object(out, "ja3", client);
  if (fields_.ja3s) ja3_object(out, "ja3s", server);
  if (fields_.ja4 && !client.ja4.empty()) out.text("ja4", client.ja4);
  if (fields_.client_alpn) alpn_list(out, "client_alpns", client);
  if (fields_.server_alpn) alpn_list(out, "server_alpns", server);
  if (fields_.client_handshake) handshake(out, "client_handshake", client, true);
  if (fields_.server_handshake) handshake(out, "server_handshake", server, false);
  if (fields_.client && client.certificate) {
    out.open("client");
    certificate_members(out, *client.certificate);
    chain_members(out, client, fields_.client_certificate, fields_.client_chain);
    out.close();
  }
  out.close();
  return out.take();
}

}  // namespace tocsin::protocol::tls
