#include "http/tls_context.h"

#include <openssl/err.h>

#include <array>
#include <string_view>

#include "base/text.h"

namespace tocsin::serve {
namespace {

std::string last_error() {
  std::array<char, 256> text{};
  const unsigned long error = ERR_get_error();
  ERR_clear_error();
  if (error == 0) return "unknown error";
  ERR_error_string_n(error, text.data(), text.size());
  return text.data();
}

int choose_protocol(SSL*, const unsigned char** out, unsigned char* out_size, const unsigned char* offered,
                    unsigned int offered_size, void*) {
  static constexpr std::array<unsigned char, 9> kHttp{8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
  unsigned char* chosen = nullptr;
  if (SSL_select_next_proto(&chosen, out_size, kHttp.data(), kHttp.size(), offered, offered_size) !=
      OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  }
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

}  // namespace

Expected<TlsContext> make_tls_context(const std::string& certificate, const std::string& key) {
  ERR_clear_error();
  TlsContext context(SSL_CTX_new(TLS_server_method()));
  if (!context) return failure("TLS cannot be set up: " + last_error());
  SSL_CTX* const it = context.get();
  SSL_CTX_set_min_proto_version(it, TLS1_2_VERSION);
  SSL_CTX_set_options(it, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE |
                              SSL_OP_PRIORITIZE_CHACHA | SSL_OP_IGNORE_UNEXPECTED_EOF);
  // A connection that waits for its next request should cost little.
  SSL_CTX_set_mode(it, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_cipher_list(it, "ECDHE+AESGCM:ECDHE+CHACHA20");
  SSL_CTX_set_alpn_select_cb(it, choose_protocol, nullptr);
  if (SSL_CTX_use_certificate_chain_file(it, certificate.c_str()) != 1) {
    return failure("the certificate '" + printable(certificate) + "' cannot be used: " + last_error());
  }
  if (SSL_CTX_use_PrivateKey_file(it, key.c_str(), SSL_FILETYPE_PEM) != 1 || SSL_CTX_check_private_key(it) != 1) {
    return failure("the key '" + printable(key) + "' cannot be used with the certificate: " + last_error());
  }
  return context;
}

}  // namespace tocsin::serve
