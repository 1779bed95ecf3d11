// OpenSSL as a server of HTTP should have it.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <string>

#include "base/expected.h"

namespace tocsin::serve {

struct TlsContextFree {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
using TlsContext = std::unique_ptr<SSL_CTX, TlsContextFree>;

// TLS 1.2 with forward secrecy and authenticated encryption, and TLS 1.3; ALPN http/1.1. Files are PEM; the
// certificate's may hold the chain.
Expected<TlsContext> make_tls_context(const std::string& certificate, const std::string& key);

}  // namespace tocsin::serve
