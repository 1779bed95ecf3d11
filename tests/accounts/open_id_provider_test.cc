// Sign-in by oidc-provider, an implementation certified by the OpenID Foundation, with the steps of a browser by curl.
// Skipped if node or tests/packages are missing, but a failure when CI is set.
#include <curl/curl.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>

#include "accounts/open_id.h"

namespace tocsin::serve {
namespace {

using ::testing::HasSubstr;

const std::string kRedirect = "https://tocsin.example/api/v1/session/oidc/callback";
const std::filesystem::path kTests = std::filesystem::path(TOCSIN_SOURCE_DIR) / "tests";

// tests/accounts/oidc_provider.mjs, for as long as this lives.
class NodeProvider {
 public:
  explicit NodeProvider(const std::string& options) {
    int in[2], out[2];
    if (::pipe2(in, O_CLOEXEC) != 0 || ::pipe2(out, O_CLOEXEC) != 0) return;
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in[0], 0);
    posix_spawn_file_actions_adddup2(&actions, out[1], 1);
    posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);  // warns of what only a real one needs
    std::string node = "node", script = kTests / "accounts" / "oidc_provider.mjs", argument = options;
    std::array<char*, 4> arguments{node.data(), script.data(), argument.data(), nullptr};
    if (::posix_spawnp(&process_, "node", &actions, nullptr, arguments.data(), environ) != 0) process_ = 0;
    posix_spawn_file_actions_destroy(&actions);
    ::close(in[0]);
    ::close(out[1]);
    input_ = in[1];
    char byte = 0;
    while (::read(out[0], &byte, 1) == 1 && byte != '\n') issuer_ += byte;
    output_ = out[0];  // open, so that it may say more
  }
  NodeProvider(const NodeProvider&) = delete;
  NodeProvider& operator=(const NodeProvider&) = delete;
  ~NodeProvider() {
    ::close(input_);  // the end of its input
    if (process_ > 0) ::waitpid(process_, nullptr, 0);
    ::close(output_);
  }
  const std::string& issuer() const { return issuer_; }

 private:
  pid_t process_ = 0;
  int input_ = -1, output_ = -1;
  std::string issuer_;
};

// Follows redirects with cookies, as a browser does, to the one that comes back to us; empty if none does.
std::string browse(std::string url) {
  const std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> easy(curl_easy_init(), curl_easy_cleanup);
  curl_easy_setopt(easy.get(), CURLOPT_COOKIEFILE, "");
  curl_easy_setopt(easy.get(), CURLOPT_TIMEOUT, 20L);
  curl_easy_setopt(easy.get(), CURLOPT_NOPROXY, "*");
  curl_easy_setopt(
      easy.get(), CURLOPT_WRITEFUNCTION, +[](char*, std::size_t, std::size_t count, void*) { return count; });
  for (int step = 0; step < 20 && !url.starts_with(kRedirect); ++step) {
    curl_easy_setopt(easy.get(), CURLOPT_URL, url.c_str());
    char* next = nullptr;
    if (curl_easy_perform(easy.get()) != CURLE_OK) return {};
    curl_easy_getinfo(easy.get(), CURLINFO_REDIRECT_URL, &next);
    if (next == nullptr) return {};
    url = next;
  }
  return url;
}

std::string parameter(const std::string& url, const std::string& name) {
  const std::size_t at = std::min(url.find("?" + name + "="), url.find("&" + name + "="));
  if (at == std::string::npos) return {};
  const std::size_t from = at + name.size() + 2;
  return url.substr(from, url.find('&', from) - from);
}

class OpenIdProviderTest : public ::testing::Test {
 protected:
  void start(const std::string& options = "{}") {
    if (std::filesystem::exists(kTests / "packages" / "node_modules" / "oidc-provider")) {
      provider_ = std::make_unique<NodeProvider>(options);
    }
    if (provider_ && !provider_->issuer().empty()) return;
    if (std::getenv("CI") != nullptr) FAIL() << "no oidc-provider: run scripts/setup";
    GTEST_SKIP() << "no oidc-provider: run scripts/setup";
  }
  OpenIdSettings settings(const std::string& algorithm, const std::string& claim = "email") const {
    return {.issuer = provider_->issuer(),
            .client_id = "tocsin " + algorithm,
            .client_secret = "a secret: with +/%& and ~, of 40 bytes....",
            .redirect = kRedirect,
            .claim = claim};
  }
  static std::string sign_in(OpenId& open_id, const std::string& who) {
    const auto begun = open_id.begin();
    if (!begun) return begun.error().message;
    const std::string back = browse(begun->location + "&login_hint=" + who);
    EXPECT_EQ(parameter(back, "state"), begun->state) << back;
    const auto ended = open_id.end(parameter(back, "state"), begun->state, parameter(back, "code"));
    return ended ? *ended : ended.error().message;
  }
  std::string sign_in(const OpenIdSettings& settings, const std::string& who = "alice") {
    OpenId open_id(settings);
    return sign_in(open_id, who);
  }

  std::unique_ptr<NodeProvider> provider_;
};

TEST_F(OpenIdProviderTest, SignsInUnderEachAlgorithm) {
  ASSERT_NO_FATAL_FAILURE(start());
  if (IsSkipped()) return;
  for (const char* algorithm : {"RS256", "ES256", "EdDSA"}) {
    EXPECT_EQ(sign_in(settings(algorithm)), "alice@example.org") << algorithm;
  }
  EXPECT_EQ(sign_in(settings("ES256", "sub")), "alice");
  EXPECT_EQ(sign_in(settings("ES256", "preferred_username")), "alice");
}

TEST_F(OpenIdProviderTest, SignsInWithClaimsInTheTokenAndTheSecretInTheForm) {
  ASSERT_NO_FATAL_FAILURE(start(R"({"conformIdTokenClaims": false, "clientAuthMethods": ["client_secret_post"]})"));
  if (IsSkipped()) return;
  EXPECT_EQ(sign_in(settings("RS256")), "alice@example.org");
}

TEST_F(OpenIdProviderTest, RefusesWhomItShould) {
  ASSERT_NO_FATAL_FAILURE(start());
  if (IsSkipped()) return;
  OpenId open_id(settings("ES256"));
  EXPECT_THAT(sign_in(open_id, "mallory"), HasSubstr("not verified"));
  EXPECT_THAT(sign_in(open_id, "silent"), HasSubstr("does not say"));
  EXPECT_EQ(sign_in(open_id, "alice"), "alice@example.org");
  auto wrong = settings("ES256");
  wrong.client_secret = "another secret";
  EXPECT_THAT(sign_in(wrong), HasSubstr("invalid_client"));
}

TEST_F(OpenIdProviderTest, SpendsACodeOnlyForTheSignInThatBeganIt) {
  ASSERT_NO_FATAL_FAILURE(start());
  if (IsSkipped()) return;
  OpenId open_id(settings("ES256"));
  const auto alice = open_id.begin().value(), attacker = open_id.begin().value();
  const std::string code = parameter(browse(alice.location + "&login_hint=alice"), "code");
  ASSERT_FALSE(code.empty());
  // Put into another sign-in, the verifier of PKCE does not fit.
  const auto injected = open_id.end(attacker.state, attacker.state, code);
  ASSERT_FALSE(injected);
  EXPECT_THAT(injected.error().message, HasSubstr("invalid_grant"));
}

}  // namespace
}  // namespace tocsin::serve
