#include "accounts/id_token.h"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>

#include "accounts/secrets.h"
#include "base/text.h"

namespace tocsin::serve {
namespace {

using nlohmann::json;

constexpr std::size_t kMostBytes = 64 * 1024;
constexpr double kDrift = 120;    // seconds that clocks may differ
constexpr double kOldest = 3600;  // since it was issued: it comes fresh from the provider
constexpr std::size_t kMostAudiences = 100;

std::unexpected<IdTokenError> refuse(std::string message, bool unknown_key = false) {
  return std::unexpected(IdTokenError{"the ID token " + std::move(message), unknown_key});
}

std::string text_at(const json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

// NumericDate: seconds, perhaps with a fraction.
std::optional<double> time_at(const json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end() || !found->is_number()) return std::nullopt;
  const double value = found->get<double>();
  return std::isfinite(value) ? std::optional(value) : std::nullopt;
}

std::optional<json> object_of(std::string_view bytes) {
  json parsed = json::parse(bytes, nullptr, false);
  if (!parsed.is_object()) return std::nullopt;
  return parsed;
}

// "aud" is a name or a list of them; one that is for others too must say by "azp" that it was made for us.
bool is_for(const json& claims, const std::string& audience) {
  const auto found = claims.find("aud");
  if (found == claims.end()) return false;
  bool is_named = false, has_others = false;
  if (found->is_string()) {
    is_named = found->get<std::string>() == audience;
  } else if (found->is_array() && found->size() <= kMostAudiences) {
    for (const json& one : *found) {
      const bool is_ours = one.is_string() && one.get<std::string>() == audience;
      is_named = is_named || is_ours;
      has_others = has_others || !is_ours;
    }
  }
  if (!is_named) return false;
  return claims.contains("azp") ? text_at(claims, "azp") == audience : !has_others;
}

}  // namespace

std::expected<std::string, IdTokenError> check_id_token(std::string_view token, const JsonWebKeys& keys,
                                                        const IdTokenDemand& demand) {
  if (token.size() > kMostBytes) return refuse("is too long");
  const std::size_t first = token.find('.');
  const std::size_t second = first == std::string_view::npos ? first : token.find('.', first + 1);
  if (second == std::string_view::npos || token.find('.', second + 1) != std::string_view::npos) {
    return refuse("has not three parts");
  }
  const auto header = object_of(from_base64url(token.substr(0, first)).value_or(""));
  const auto signature = from_base64url(token.substr(second + 1));
  if (!header || !signature) return refuse("is not well-formed");
  const std::string algorithm = text_at(*header, "alg");
  if (algorithm != "RS256" && algorithm != "ES256" && algorithm != "EdDSA" && algorithm != "Ed25519") {
    return refuse(fmt::format("is signed by {}, not RS256, ES256 or EdDSA", printable(algorithm, 20)));
  }
  if (header->contains("crit")) return refuse("needs an extension that is not known");
  if (header->contains("kid") && text_at(*header, "kid").empty()) return refuse("does not name its key");
  switch (keys.verify(algorithm, text_at(*header, "kid"), token.substr(0, second), *signature)) {
    case JsonWebKeys::Verdict::kNoSuchKey:
      return refuse("is signed by a key that the provider does not publish", true);
    case JsonWebKeys::Verdict::kWrong:
      return refuse("has a wrong signature", !header->contains("kid"));
    case JsonWebKeys::Verdict::kRight:
      break;
  }

  std::string payload = from_base64url(token.substr(first + 1, second - first - 1)).value_or("");
  const auto claims = object_of(payload);
  if (!claims) return refuse("is not well-formed");
  if (text_at(*claims, "iss") != demand.issuer) return refuse("is of another issuer");
  if (!is_for(*claims, demand.audience)) return refuse("is for another audience");
  const auto now = static_cast<double>(demand.now) / static_cast<double>(kSecond);
  const auto expires = time_at(*claims, "exp"), issued = time_at(*claims, "iat");
  if (!expires || !issued) return refuse("does not say when it was issued and expires");
  if (now >= *expires + kDrift) return refuse("has expired");
  if (*issued > now + kDrift || *issued < now - kOldest)
    return refuse("was issued at another time; are the clocks right?");
  if (claims->contains("nbf") && time_at(*claims, "nbf").value_or(INFINITY) > now + kDrift) {
    return refuse("is not valid yet");
  }
  if (demand.nonce.empty() || !same_secret(text_at(*claims, "nonce"), demand.nonce)) return refuse("has another nonce");
  const std::string subject = text_at(*claims, "sub");
  if (subject.empty() || subject.size() > 255) return refuse("names no subject");
  return payload;
}

}  // namespace tocsin::serve
