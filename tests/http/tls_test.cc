// TLS with a certificate made here.
#include <gmock/gmock.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>

#include "client.h"

namespace tocsin::serve {
namespace {

using testing::HasSubstr;

template <auto free>
struct Free {
  template <typename T>
  void operator()(T* it) const {
    free(it);
  }
};
using File = std::unique_ptr<std::FILE, Free<std::fclose>>;
using Key = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>>;

void make_certificate(const std::string& certificate, const std::string& key_file) {
  const Key key(EVP_EC_gen("P-256"));
  const std::unique_ptr<X509, Free<X509_free>> made(X509_new());
  X509_set_version(made.get(), 2);
  ASN1_INTEGER_set(X509_get_serialNumber(made.get()), 1);
  X509_gmtime_adj(X509_getm_notBefore(made.get()), -3600);
  X509_gmtime_adj(X509_getm_notAfter(made.get()), 3600);
  X509_set_pubkey(made.get(), key.get());
  X509_NAME* const name = X509_get_subject_name(made.get());
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("localhost"), -1, -1, 0);
  X509_set_issuer_name(made.get(), name);
  ASSERT_GT(X509_sign(made.get(), key.get(), EVP_sha256()), 0);
  PEM_write_X509(File(std::fopen(certificate.c_str(), "w")).get(), made.get());
  PEM_write_PrivateKey(File(std::fopen(key_file.c_str(), "w")).get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr);
}

class Tls : public testing::Test {
 protected:
  void SetUp() override {
    directory_ = std::filesystem::temp_directory_path() / ("tocsin-tls-" + std::to_string(::getpid()));
    std::filesystem::create_directories(directory_);
    options_.certificate = directory_ / "certificate.pem";
    options_.key = directory_ / "key.pem";
    make_certificate(options_.certificate, options_.key);
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  std::filesystem::path directory_;
  ServerOptions options_;
};

class TlsClient {
 public:
  explicit TlsClient(std::uint16_t port, int newest = TLS1_3_VERSION, const std::string& protocol = "http/1.1")
      : plain_(port), context_(SSL_CTX_new(TLS_client_method())) {
    SSL_CTX_set_security_level(context_.get(), 0);
    SSL_CTX_set_min_proto_version(context_.get(), TLS1_VERSION);
    SSL_CTX_set_max_proto_version(context_.get(), newest);
    ssl_.reset(SSL_new(context_.get()));
    const std::string offered = static_cast<char>(protocol.size()) + protocol;
    SSL_set_alpn_protos(ssl_.get(), reinterpret_cast<const unsigned char*>(offered.data()),
                        static_cast<unsigned>(offered.size()));
    SSL_set_fd(ssl_.get(), plain_.number());
    connected_ = SSL_connect(ssl_.get()) == 1;
    ERR_clear_error();
  }

  bool connected() const { return connected_; }
  std::string version() const { return SSL_get_version(ssl_.get()); }
  Client& plain() { return plain_; }

  // The answer's header and as much of its body, as it comes.
  std::string get(const std::string& request, std::size_t body) {
    SSL_write(ssl_.get(), request.data(), static_cast<int>(request.size()));
    std::string answer;
    std::size_t end = std::string::npos;
    while ((end == std::string::npos || answer.size() < end + 4 + body) && read(answer)) {
      end = answer.find("\r\n\r\n");
    }
    return answer;
  }

  bool read(std::string& to) {
    std::string bytes(65536, '\0');
    const int got = SSL_read(ssl_.get(), bytes.data(), static_cast<int>(bytes.size()));
    if (got > 0) to.append(bytes, 0, static_cast<std::size_t>(got));
    return got > 0;
  }

 private:
  Client plain_;
  std::unique_ptr<SSL_CTX, Free<SSL_CTX_free>> context_;
  std::unique_ptr<SSL, Free<SSL_free>> ssl_;
  bool connected_ = false;
};

const std::string kGet = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";

TEST_F(Tls, AnswersSeveralRequestsAndLongOnes) {
  const auto body = std::make_shared<const std::string>(8 << 20, 'x');
  Running server(
      [&](const Request& request) {
        Response response;
        response.headers = {{"X-Secure", request.secure ? "yes" : "no"}};
        response.shared = body;
        return response;
      },
      options_);
  for (const int newest : {TLS1_3_VERSION, TLS1_2_VERSION}) {
    TlsClient client(server.port(), newest);
    ASSERT_TRUE(client.connected());
    EXPECT_EQ(client.version(), newest == TLS1_3_VERSION ? "TLSv1.3" : "TLSv1.2");
    for (int i = 0; i < 2; ++i) {
      const std::string answer = client.get(kGet, body->size());
      EXPECT_THAT(answer.substr(0, 2000), HasSubstr("\r\nStrict-Transport-Security: max-age="));
      EXPECT_THAT(answer.substr(0, 2000), HasSubstr("\r\nX-Secure: yes\r\n"));
      EXPECT_TRUE(answer.ends_with("\r\n\r\n" + *body));
    }
  }
  EXPECT_EQ(server->counts().requests, 4U);
}

TEST_F(Tls, StreamsAndSendsEvents) {
  Running server(
      [&](const Request& request) {
        Response response;
        if (request.path == "/events") {
          response.events = true;
        } else {
          response.stream = [](BodyWriter& writer) { writer.write(std::string(1000, 'x')); };
        }
        return response;
      },
      options_);
  TlsClient client(server.port());
  EXPECT_TRUE(client.get(kGet, 1000 + 5 + 2 + 5).ends_with("x\r\n0\r\n\r\n"));
  client.get("GET /events HTTP/1.1\r\nHost: a\r\n\r\n", 8);
  ASSERT_TRUE(soon([&] { return server->counts().subscribers == 1; }));
  server->broadcast("counts", "{}");
  std::string event;
  while (event.find("\n\n") == std::string::npos && client.read(event)) {
  }
  EXPECT_THAT(event, HasSubstr("event: counts\ndata: {}\n\n"));
}

TEST_F(Tls, RefusesOldVersionsAndOtherProtocols) {
  Running server([](const Request&) { return json("{}"); }, options_);
  EXPECT_FALSE(TlsClient(server.port(), TLS1_1_VERSION).connected());
  EXPECT_FALSE(TlsClient(server.port(), TLS1_3_VERSION, "h2").connected());
  Client plain(server.port());
  plain.send(kGet);
  EXPECT_TRUE(plain.closed());
  TlsClient client(server.port());
  EXPECT_THAT(client.get(kGet, 2), HasSubstr("200 OK"));
}

TEST_F(Tls, ClosesOnASlowHandshake) {
  options_.header_time = std::chrono::seconds(1);
  Running server([](const Request&) { return json("{}"); }, options_);
  Client plain(server.port());
  plain.send("\x16\x03\x01");
  EXPECT_TRUE(plain.closed());
  EXPECT_TRUE(soon([&] { return server->counts().timed_out == 1; }));
}

TEST_F(Tls, ListensInTheOpen) {
  options_.address = "0.0.0.0";
  options_.port = 0;
  EXPECT_TRUE(Server::listen(options_, [](const Request&) { return json("{}"); }));
}

TEST_F(Tls, SaysWhatIsWrongWithItsFiles) {
  const auto message = [](const ServerOptions& options) {
    const auto server = Server::listen(options, [](const Request&) { return json("{}"); });
    return server ? std::string() : server.error().message;
  };
  ServerOptions options = options_;
  options.key.clear();
  EXPECT_THAT(message(options), HasSubstr("both"));
  options.key = directory_ / "other-key.pem";
  EXPECT_THAT(message(options), HasSubstr("other-key.pem"));
  make_certificate(directory_ / "other.pem", options.key);
  EXPECT_THAT(message(options), HasSubstr("cannot be used with the certificate"));
  options = options_;
  options.certificate = directory_ / "missing.pem";
  EXPECT_THAT(message(options), HasSubstr("missing.pem"));
  std::ofstream(options.certificate) << "nonsense";
  EXPECT_THAT(message(options), HasSubstr("missing.pem"));
}

}  // namespace
}  // namespace tocsin::serve
