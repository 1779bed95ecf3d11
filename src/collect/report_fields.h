// What the readers of other parties' reports share: kinds in the words of others, addresses of pages, text bounded.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "collect/observation.h"

namespace tocsin::collect {

// Bytes of a report's texts that are kept.
inline constexpr std::size_t kMostName = 253;
inline constexpr std::size_t kMostUrl = 2048;
inline constexpr std::size_t kMostWords = 512;

// Our own name of a kind, a class of the ENISA reference taxonomy ("fraud:phishing", `rsit:fraud="phishing"`) or of
// eCSIRT.net, or a common word for it ("phish", "c2", "ddos"); letter case and separators do not matter.
std::optional<Kind> kind_in_words(std::string_view text);
// A name, or 0 to 100 on the scale of STIX 2.1 (appendix A).
std::optional<Confidence> confidence_in_words(std::string_view text);

// Kinds whose actor is what serves something, so that a report's one host is the actor's; for the others of one host it
// is the site harmed.
bool served_by_actor(Kind kind);
bool harms_a_site(Kind kind);

struct UrlHost {
  std::string host;  // lower case, without final dot and brackets
  std::optional<IpAddress> address;
  std::uint16_t port = 0;  // 0: that of the scheme
};
// Of "http://user@host:port/path" or "host/path", also defanged; nullopt if there is no host.
std::optional<UrlHost> host_of_url(std::string_view url);
// "hxxp://a[.]example" as "http://a.example".
std::string refanged(std::string_view url);
// A domain name as reports have them: trimmed, refanged, lower case, no final dot, at most 253 bytes.
std::string plain_name(std::string_view text);

// The first bytes of a text, at most `most`, without cutting a character of UTF-8 in two.
std::string_view bounded(std::string_view text, std::size_t most);

// Gives the report its URL, and its host to the side that it belongs to (served_by_actor, harms_a_site) where that side
// has no name and no address yet.
void set_url(Report& report, std::string_view url, TextArena& arena);

}  // namespace tocsin::collect
