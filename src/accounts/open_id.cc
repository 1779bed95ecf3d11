#include "accounts/open_id.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <deque>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>
#include <unordered_set>

#include "accounts/id_token.h"
#include "accounts/json_web_keys.h"
#include "accounts/provider_http.h"
#include "accounts/secrets.h"
#include "base/hash.h"
#include "base/text.h"

namespace tocsin::serve {
namespace {

using nlohmann::json;

constexpr Timestamp kStateLasts = 10 * kMinute;
constexpr std::size_t kMostUsed = 10'000;
constexpr Timestamp kMetadataLasts = kHour, kKeysLast = kHour;
constexpr Timestamp kBetweenKeys = kMinute;        // an unknown key is asked for no more often
constexpr Timestamp kAfterFailure = 10 * kSecond;  // until the provider is asked again
constexpr std::size_t kStampBytes = 8, kRandomBytes = 24, kSumBytes = 32;

std::string text_at(const json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

// What the provider's discovery document says (OpenID Connect Discovery 1.0 section 3).
struct Provider {
  std::string authorization, token, user_info, keys;
  enum class Secret { kBasic, kPost, kNone } secret = Secret::kBasic;
  bool loopback_http = false;
};

Expected<Provider> provider_of(const std::string& text, const OpenIdSettings& settings) {
  const json document = json::parse(text, nullptr, false);
  if (!document.is_object()) return failure("its discovery document is not a JSON object");
  if (text_at(document, "issuer") != settings.issuer) {
    return failure(
        fmt::format("its discovery document names another issuer, {}", printable(text_at(document, "issuer"), 200)));
  }
  Provider provider{.authorization = text_at(document, "authorization_endpoint"),
                    .token = text_at(document, "token_endpoint"),
                    .user_info = text_at(document, "userinfo_endpoint"),
                    .keys = text_at(document, "jwks_uri"),
                    .secret = Provider::Secret::kBasic,
                    .loopback_http = is_loopback_http(settings.issuer)};
  for (const std::string* url : {&provider.authorization, &provider.token, &provider.keys, &provider.user_info}) {
    if (url == &provider.user_info && url->empty()) continue;
    if (const auto checked = check_provider_url(*url, provider.loopback_http); !checked) {
      return failure("its discovery document is unusable: " + checked.error().message);
    }
  }
  const auto methods = document.find("token_endpoint_auth_methods_supported");
  const auto has = [&](const char* method) {
    return methods->is_array() && std::ranges::any_of(*methods, [&](const json& one) { return one == method; });
  };
  if (settings.client_secret.empty()) {
    provider.secret = Provider::Secret::kNone;
  } else if (methods != document.end() && !has("client_secret_basic")) {
    if (!has("client_secret_post")) return failure("it takes neither client_secret_basic nor client_secret_post");
    provider.secret = Provider::Secret::kPost;
  }
  return provider;
}

// The value of the claim if the document has it; an error if it may not be used.
Expected<std::optional<std::string>> claim_of(const json& document, const std::string& claim) {
  const auto found = document.find(claim);
  if (found == document.end()) return std::nullopt;
  if (!found->is_string()) return failure(fmt::format("the claim {} is not a text", printable(claim, 80)));
  const auto value = found->get<std::string>();
  if (value.empty() || value.size() > 255)
    return failure(fmt::format("the claim {} is unusable", printable(claim, 80)));
  if (claim != "email") return value;
  const auto verified = document.find("email_verified");
  if (verified == document.end() || !verified->is_boolean() || !verified->get<bool>()) {
    return failure("the provider has not verified the email address");
  }
  return lower(value);  // accounts have small letters
}

std::string form_of(const std::vector<std::pair<const char*, std::string>>& fields) {
  std::string out;
  for (const auto& [name, value] : fields) {
    out += fmt::format("{}{}={}", out.empty() ? "" : "&", name, form_encoded(value));
  }
  return out;
}

}  // namespace

// What begin() gives away is not remembered: a state carries its time and an authenticator under a key of this process,
// and the nonce and the verifier of PKCE are made from it with the same key. So no flood of begin() pushes out those
// who are at the provider; only states that came back are kept, so that each counts once.
struct OpenId::State {
  OpenIdSettings settings;
  std::function<Timestamp()> now;
  const std::string key = random_bytes(32);

  std::mutex mutex;  // of what follows; not held while the provider is asked
  std::shared_ptr<const Provider> provider;
  std::shared_ptr<const JsonWebKeys> keys;
  Timestamp provider_read = 0, keys_read = 0, failed = 0;
  std::string last_failure;
  std::unordered_set<std::string> used;
  std::deque<std::pair<Timestamp, std::string>> used_in_order;
  std::size_t asking = 0;

  // A slow provider takes half of the threads that answer requests (twice the cores, at least four), not all.
  const std::size_t most_asking = std::max<std::size_t>(2, std::thread::hardware_concurrency());
  class Turn {
   public:
    explicit Turn(State& state) : state_(state) {
      const std::lock_guard lock(state_.mutex);
      has_come_ = state_.asking < state_.most_asking;
      state_.asking += has_come_;
    }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    ~Turn() {
      const std::lock_guard lock(state_.mutex);
      state_.asking -= has_come_;
    }
    bool has_come() const { return has_come_; }

   private:
    State& state_;
    bool has_come_ = false;
  };

  std::unexpected<Error> busy() const { return failure("too many sign-ins are under way; try again"); }
  std::unexpected<Error> provider_error(const std::string& what) const {
    return failure(fmt::format("OpenID Connect provider {}: {}", settings.issuer, what));
  }
  std::string derived(std::string_view purpose, std::string_view state) const {
    return to_base64url(authenticator(key, fmt::format("{} {}", purpose, state)));
  }

  std::shared_ptr<const Provider> known_provider() {
    const std::lock_guard lock(mutex);
    return provider && now() - provider_read < kMetadataLasts ? provider : nullptr;
  }
  // With a turn.
  Expected<std::shared_ptr<const Provider>> read_provider() {
    if (auto known = known_provider()) return known;
    {
      const std::lock_guard lock(mutex);
      if (failed != 0 && now() - failed < kAfterFailure && now() >= failed) return provider_error(last_failure);
    }
    auto read = fetch_provider();
    const std::lock_guard lock(mutex);
    if (!read) {
      failed = now();
      last_failure = read.error().message;
      return provider_error(last_failure);
    }
    failed = 0;
    provider = std::make_shared<const Provider>(std::move(*read));
    provider_read = now();
    return provider;
  }
  Expected<Provider> fetch_provider() const {
    if (auto checked = check_provider_url(settings.issuer, true); !checked) return std::unexpected(checked.error());
    std::string url = settings.issuer;
    if (url.ends_with('/')) url.pop_back();
    const auto answer = ask_provider({.url = url + "/.well-known/openid-configuration",
                                      .form = {},
                                      .user = {},
                                      .password = {},
                                      .bearer = {},
                                      .loopback_http = is_loopback_http(settings.issuer)});
    if (!answer) return std::unexpected(answer.error());
    if (answer->status != 200) return failure(fmt::format("its discovery document: status {}", answer->status));
    return provider_of(answer->body, settings);
  }
  Expected<std::shared_ptr<const JsonWebKeys>> read_keys(const Provider& from, bool again) {
    {
      const std::lock_guard lock(mutex);
      const Timestamp age = now() - keys_read;
      if (keys && age >= 0 && age < (again ? kBetweenKeys : kKeysLast)) return keys;
    }
    const auto answer = ask_provider(
        {.url = from.keys, .form = {}, .user = {}, .password = {}, .bearer = {}, .loopback_http = from.loopback_http});
    if (!answer) return provider_error(answer.error().message);
    auto parsed = answer->status == 200 ? JsonWebKeys::parse(answer->body)
                                        : Expected<JsonWebKeys>(failure(fmt::format("status {}", answer->status)));
    if (!parsed) return provider_error("its keys: " + parsed.error().message);
    const std::lock_guard lock(mutex);
    keys = std::make_shared<const JsonWebKeys>(std::move(*parsed));
    keys_read = now();
    return keys;
  }

  std::string new_state() const {
    std::string payload;
    const auto stamp = static_cast<std::uint64_t>(now());
    for (unsigned i = 0; i < kStampBytes; ++i) payload += static_cast<char>(stamp >> (8 * i));
    payload += random_bytes(kRandomBytes);
    return to_base64url(payload + authenticator(key, payload));
  }
  Expected<void> use(std::string_view state, std::string_view cookie_state) {
    if (state.size() > 200 || !same_secret(state, cookie_state)) {
      return failure("this sign-in was begun in another browser");
    }
    const auto bytes = from_base64url(state);
    const std::size_t size = kStampBytes + kRandomBytes;
    if (!bytes || bytes->size() != size + kSumBytes ||
        !same_secret(std::string_view(*bytes).substr(size),
                     authenticator(key, std::string_view(*bytes).substr(0, size)))) {
      return failure("this sign-in was not begun here");
    }
    std::uint64_t stamp = 0;
    for (unsigned i = 0; i < kStampBytes; ++i) {
      stamp |= static_cast<std::uint64_t>(static_cast<unsigned char>((*bytes)[i])) << (8 * i);
    }
    const Timestamp age = now() - static_cast<Timestamp>(stamp);
    if (age < 0 || age >= kStateLasts) return failure("this sign-in took too long; begin again");
    const std::lock_guard lock(mutex);
    // The oldest go when there are too many: their codes count once at the provider, too.
    while (!used_in_order.empty() && (used.size() >= kMostUsed || now() - used_in_order.front().first >= kStateLasts)) {
      used.erase(used_in_order.front().second);
      used_in_order.pop_front();
    }
    if (!used.emplace(state).second) return failure("this sign-in was ended already; begin again");
    used_in_order.emplace_back(now(), state);
    return {};
  }

  // The code for tokens (RFC 6749 section 4.1.3).
  Expected<json> exchange(const Provider& from, std::string_view state, std::string_view code) const {
    std::vector<std::pair<const char*, std::string>> fields{{"grant_type", "authorization_code"},
                                                            {"code", std::string(code)},
                                                            {"redirect_uri", settings.redirect},
                                                            {"code_verifier", derived("verifier", state)}};
    ProviderRequest request{
        .url = from.token, .form = {}, .user = {}, .password = {}, .bearer = {}, .loopback_http = from.loopback_http};
    if (from.secret == Provider::Secret::kBasic) {
      request.user = form_encoded(settings.client_id);
      request.password = form_encoded(settings.client_secret);
    } else {
      fields.emplace_back("client_id", settings.client_id);
      if (from.secret == Provider::Secret::kPost) fields.emplace_back("client_secret", settings.client_secret);
    }
    request.form = form_of(fields);
    const auto answer = ask_provider(request);
    if (!answer) return provider_error(answer.error().message);
    json tokens = json::parse(answer->body, nullptr, false);
    if (answer->status != 200 || !tokens.is_object()) {
      const std::string reason = tokens.is_object() ? printable(text_at(tokens, "error"), 80) : "no JSON object";
      return provider_error(fmt::format("it gives no tokens for the code: status {}, {}", answer->status, reason));
    }
    return tokens;
  }

  // Claims that the scope asked for come in the ID token or, as the specification has it, in the answer of UserInfo.
  Expected<std::string> name_of(const Provider& from, const json& tokens, const json& claims) const {
    auto found = claim_of(claims, settings.claim);
    if (!found) return provider_error(found.error().message);
    const std::string bearer = text_at(tokens, "access_token");
    const bool is_sendable = std::ranges::all_of(bearer, [](char c) { return c > 0x20 && c < 0x7f; });
    if (!*found && !from.user_info.empty() && !bearer.empty() && is_sendable) {
      const auto answer = ask_provider({.url = from.user_info,
                                        .form = {},
                                        .user = {},
                                        .password = {},
                                        .bearer = bearer,
                                        .loopback_http = from.loopback_http});
      if (!answer) return provider_error(answer.error().message);
      const json about = json::parse(answer->body, nullptr, false);
      if (answer->status != 200 || !about.is_object() || text_at(about, "sub") != text_at(claims, "sub")) {
        return provider_error(fmt::format("its answer about the user is unusable (status {})", answer->status));
      }
      found = claim_of(about, settings.claim);
      if (!found) return provider_error(found.error().message);
    }
    if (!*found) return provider_error(fmt::format("it does not say the claim {}", printable(settings.claim, 80)));
    return **found;
  }
};

OpenId::OpenId(OpenIdSettings settings, std::function<Timestamp()> now) : state_(new State) {
  state_->settings = std::move(settings);
  state_->now = now ? std::move(now) : tocsin::now;
}
OpenId::~OpenId() = default;

Expected<OpenId::Begin> OpenId::begin() {
  auto provider = state_->known_provider();
  if (!provider) {
    const State::Turn turn(*state_);
    if (!turn.has_come()) return state_->busy();
    auto read = state_->read_provider();
    if (!read) return std::unexpected(read.error());
    provider = std::move(*read);
  }
  const std::string state = state_->new_state();
  const Digest challenge = sha256(state_->derived("verifier", state));
  const std::string query =
      form_of({{"response_type", "code"},
               {"client_id", state_->settings.client_id},
               {"redirect_uri", state_->settings.redirect},
               {"scope", state_->settings.claim == "email" ? "openid email" : "openid email profile"},
               {"state", state},
               {"nonce", state_->derived("nonce", state)},
               {"code_challenge", to_base64url({reinterpret_cast<const char*>(challenge.data()), challenge.size()})},
               {"code_challenge_method", "S256"}});
  const char separator = provider->authorization.find('?') == std::string::npos ? '?' : '&';
  return Begin{.location = provider->authorization + separator + query, .state = state};
}

Expected<std::string> OpenId::end(std::string_view state, std::string_view cookie_state, std::string_view code) {
  const State::Turn turn(*state_);
  if (!turn.has_come()) return state_->busy();
  if (auto used = state_->use(state, cookie_state); !used) return std::unexpected(used.error());
  if (code.empty() || code.size() > 4096) return failure("the provider gave no code");
  const auto provider = state_->read_provider();
  if (!provider) return std::unexpected(provider.error());
  const auto tokens = state_->exchange(**provider, state, code);
  if (!tokens) return std::unexpected(tokens.error());

  const IdTokenDemand demand{.issuer = state_->settings.issuer,
                             .audience = state_->settings.client_id,
                             .nonce = state_->derived("nonce", state),
                             .now = state_->now()};
  const std::string id_token = text_at(*tokens, "id_token");
  auto keys = state_->read_keys(**provider, false);
  if (!keys) return std::unexpected(keys.error());
  auto claims = check_id_token(id_token, **keys, demand);
  if (!claims && claims.error().unknown_key) {
    keys = state_->read_keys(**provider, true);
    if (!keys) return std::unexpected(keys.error());
    claims = check_id_token(id_token, **keys, demand);
  }
  if (!claims) return state_->provider_error(claims.error().message);
  return state_->name_of(**provider, *tokens, json::parse(*claims, nullptr, false));
}

}  // namespace tocsin::serve
