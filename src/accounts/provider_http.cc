#include "accounts/provider_http.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <string_view>

#include "base/ip_address.h"
#include "base/text.h"

namespace tocsin::serve {
namespace {

constexpr std::size_t kMostBody = 1 << 20, kMostHeader = 64 * 1024;
constexpr long kSeconds = 10, kSecondsToConnect = 5;

void ready() {
  static const CURLcode is_ready = curl_global_init(CURL_GLOBAL_DEFAULT);
  (void)is_ready;  // else curl_easy_init fails
}

struct FreeUrl {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};
using Url = std::unique_ptr<CURLU, FreeUrl>;

std::string part_of(CURLU* url, CURLUPart part) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, 0) != CURLUE_OK) return {};
  std::string out(text);
  curl_free(text);
  return out;
}

Url parsed(const std::string& text) {
  Url url(curl_url());
  if (!url || curl_url_set(url.get(), CURLUPART_URL, text.c_str(), CURLU_NON_SUPPORT_SCHEME) != CURLUE_OK)
    return nullptr;
  return url;
}

bool is_loopback(std::string host) {
  if (host == "localhost") return true;
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  const auto address = IpAddress::parse(host);
  return address && scope_of(*address) == AddressScope::kLoopback;
}

struct Receiver {
  std::string body;
  std::size_t header = 0;
};

std::size_t take_body(char* bytes, std::size_t, std::size_t count, void* to) {
  auto& receiver = *static_cast<Receiver*>(to);
  if (receiver.body.size() + count > kMostBody) return 0;  // ends the transfer
  receiver.body.append(bytes, count);
  return count;
}
std::size_t take_header(char*, std::size_t, std::size_t count, void* to) {
  auto& receiver = *static_cast<Receiver*>(to);
  receiver.header += count;
  return receiver.header > kMostHeader ? 0 : count;
}

struct FreeEasy {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
struct FreeList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

}  // namespace

bool is_loopback_http(const std::string& url) {
  const Url parts = parsed(url);
  return parts && part_of(parts.get(), CURLUPART_SCHEME) == "http" && is_loopback(part_of(parts.get(), CURLUPART_HOST));
}

Expected<void> check_provider_url(const std::string& url, bool loopback_http) {
  const auto refuse = [&](const char* why) { return failure(fmt::format("{} {}", printable(url, 200), why)); };
  const bool is_plain = std::ranges::all_of(url, [](char c) { return c > 0x20 && c < 0x7f && c != '\\' && c != '"'; });
  const Url parts = is_plain && url.size() <= 2048 ? parsed(url) : nullptr;
  if (!parts) return refuse("is not a URL");
  if (!part_of(parts.get(), CURLUPART_USER).empty() || !part_of(parts.get(), CURLUPART_PASSWORD).empty() ||
      url.find('#') != std::string::npos) {
    return refuse("has a user or a fragment");
  }
  if (part_of(parts.get(), CURLUPART_SCHEME) == "https") return {};
  if (loopback_http && is_loopback_http(url)) return {};
  return refuse("is not https");
}

Expected<ProviderAnswer> ask_provider(const ProviderRequest& request) {
  if (auto checked = check_provider_url(request.url, request.loopback_http); !checked) {
    return std::unexpected(checked.error());
  }
  ready();
  const std::unique_ptr<CURL, FreeEasy> easy(curl_easy_init());
  if (!easy) return failure("cannot start an HTTP request");
  Receiver receiver;
  const auto set = [&](CURLoption option, auto value) { curl_easy_setopt(easy.get(), option, value); };
  set(CURLOPT_URL, request.url.c_str());
  set(CURLOPT_PROTOCOLS_STR, request.loopback_http ? "http,https" : "https");
  set(CURLOPT_FOLLOWLOCATION, 0L);
  set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  set(CURLOPT_TIMEOUT, kSeconds);
  set(CURLOPT_CONNECTTIMEOUT, kSecondsToConnect);
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_NOPROXY, request.loopback_http ? "*" : "localhost,127.0.0.1,::1");
  set(CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED));
  set(CURLOPT_USERAGENT, "tocsin");
  set(CURLOPT_WRITEFUNCTION, take_body);
  set(CURLOPT_WRITEDATA, &receiver);
  set(CURLOPT_HEADERFUNCTION, take_header);
  set(CURLOPT_HEADERDATA, &receiver);
  if (!request.form.empty()) {
    set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.form.size()));
    set(CURLOPT_POSTFIELDS, request.form.c_str());
  }
  if (!request.user.empty()) {
    set(CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
    set(CURLOPT_USERNAME, request.user.c_str());
    set(CURLOPT_PASSWORD, request.password.c_str());
  }
  std::unique_ptr<curl_slist, FreeList> headers(curl_slist_append(nullptr, "Accept: application/json"));
  if (!request.bearer.empty()) {
    set(CURLOPT_HTTPAUTH, CURLAUTH_BEARER);
    set(CURLOPT_XOAUTH2_BEARER, request.bearer.c_str());
  }
  set(CURLOPT_HTTPHEADER, headers.get());

  const CURLcode done = curl_easy_perform(easy.get());
  if (done == CURLE_WRITE_ERROR) return failure(fmt::format("{} answers with too much", printable(request.url, 200)));
  if (done != CURLE_OK)
    return failure(fmt::format("cannot ask {}: {}", printable(request.url, 200), curl_easy_strerror(done)));
  ProviderAnswer answer{.status = 0, .body = std::move(receiver.body)};
  curl_easy_getinfo(easy.get(), CURLINFO_RESPONSE_CODE, &answer.status);
  return answer;
}

std::string form_encoded(std::string_view text) {
  std::string out;
  for (const char character : text) {
    const bool is_plain = (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z') ||
                          (character >= '0' && character <= '9') ||
                          std::string_view("-._~").find(character) != std::string_view::npos;
    out += is_plain ? std::string(1, character) : fmt::format("%{:02X}", static_cast<unsigned char>(character));
  }
  return out;
}

}  // namespace tocsin::serve
