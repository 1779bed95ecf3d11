#include "collect/report_fields.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "collect/fields.h"

namespace tocsin::collect {
namespace {

struct KindWord {
  std::string_view word;  // lower case, with '-' for every separator but ':'
  Kind kind;
};

// The words of the ENISA reference taxonomy and of eCSIRT.net's classification (the machine tags `rsit:` and `ecsirt:`
// of MISP's taxonomies), then those of lists and ticket systems. A class that could be several kinds is not here.
constexpr std::array<KindWord, 54> kWords{{
    {"malicious-code:c2-server", Kind::kBotnetControl},
    {"malicious-code:c-c", Kind::kBotnetControl},
    {"malicious-code:botnet-drone", Kind::kBotnetControl},
    {"malicious-code:infected-system", Kind::kBotnetControl},
    {"malicious-code:malware-distribution", Kind::kMalwareDistribution},
    {"intrusions:system-compromise", Kind::kBackdoor},
    {"intrusions:backdoor", Kind::kBackdoor},
    {"intrusions:application-compromise", Kind::kIntrusion},
    {"intrusions:privileged-account-compromise", Kind::kIntrusion},
    {"intrusions:unprivileged-account-compromise", Kind::kIntrusion},
    {"intrusions:compromised", Kind::kIntrusion},
    {"intrusions:defacement", Kind::kDefacement},
    {"information-content-security:unauthorised-information-modification", Kind::kDefacement},
    {"fraud:phishing", Kind::kPhishing},
    {"intrusion-attempts:exploit", Kind::kExploit},
    {"intrusion-attempts:ids-alert", Kind::kExploit},
    {"intrusion-attempts:brute-force", Kind::kBruteForce},
    {"intrusion-attempts:login-attempts", Kind::kBruteForce},
    {"information-gathering:scanner", Kind::kScan},
    {"information-gathering:scanning", Kind::kScan},
    {"availability:ddos", Kind::kDenialOfService},
    {"availability:dos", Kind::kDenialOfService},
    {"phish", Kind::kPhishing},
    {"phishing-site", Kind::kPhishing},
    {"phishing-url", Kind::kPhishing},
    {"c2", Kind::kBotnetControl},
    {"c-c", Kind::kBotnetControl},
    {"c2-server", Kind::kBotnetControl},
    {"cnc", Kind::kBotnetControl},
    {"botnet", Kind::kBotnetControl},
    {"botnet-drone", Kind::kBotnetControl},
    {"infected-system", Kind::kBotnetControl},
    {"deface", Kind::kDefacement},
    {"defaced", Kind::kDefacement},
    {"hacked", Kind::kIntrusion},
    {"compromised", Kind::kIntrusion},
    {"application-compromise", Kind::kIntrusion},
    {"system-compromise", Kind::kBackdoor},
    {"webshell", Kind::kBackdoor},
    {"web-shell", Kind::kBackdoor},
    {"web-application-attack", Kind::kWebAttack},
    {"webattack", Kind::kWebAttack},
    {"exploit-attempt", Kind::kExploit},
    {"exploitation", Kind::kExploit},
    {"scanner", Kind::kScan},
    {"scanning", Kind::kScan},
    {"port-scan", Kind::kScan},
    {"portscan", Kind::kScan},
    {"bruteforce", Kind::kBruteForce},
    {"ssh-brute-force", Kind::kBruteForce},
    {"ddos", Kind::kDenialOfService},
    {"dos", Kind::kDenialOfService},
    {"malware-url", Kind::kMalwareDistribution},
    {"malware-hosting", Kind::kMalwareDistribution},
}};

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
}

}  // namespace

std::optional<Kind> kind_in_words(std::string_view text) {
  text = trim(text);
  if (text.empty() || text.size() > 128) return std::nullopt;
  std::string word;
  for (const char c : lower(text)) {
    if (c == '"') continue;
    word += c == '=' ? ':' : c == ' ' || c == '_' || c == '/' || c == '&' ? '-' : c;
  }
  for (const std::string_view space : {"rsit:", "ecsirt:", "tocsin:kind:"}) {
    if (word.starts_with(space)) word.erase(0, space.size());
  }
  if (const auto kind = kind_of(word)) return *kind;
  const auto* const found = std::ranges::find(kWords, word, &KindWord::word);
  return found == kWords.end() ? std::nullopt : std::optional(found->kind);
}

std::optional<Confidence> confidence_in_words(std::string_view text) {
  if (const auto named = confidence_of(lower(trim(text)))) return *named;
  const auto number = unsigned_of(trim(text));
  if (!number || *number > 100) return std::nullopt;
  return *number < 30 ? Confidence::kSuspected : *number < 70 ? Confidence::kProbable : Confidence::kConfirmed;
}

bool served_by_actor(Kind kind) {
  return kind == Kind::kPhishing || kind == Kind::kMalwareDistribution || kind == Kind::kBotnetControl;
}

bool harms_a_site(Kind kind) {
  return kind == Kind::kDefacement || kind == Kind::kIntrusion || kind == Kind::kBackdoor || kind == Kind::kWebAttack ||
         kind == Kind::kDenialOfService;
}

std::string refanged(std::string_view url) {
  std::string text(trim(url));
  if (text.size() > 4 && equals_ignoring_case(std::string_view(text).substr(0, 4), "hxxp")) text.replace(1, 2, "tt");
  for (const std::string_view dot : {"[.]", "(.)", "[dot]", "(dot)"}) replace_all(text, dot, ".");
  replace_all(text, "[:]", ":");
  return text;
}

std::optional<UrlHost> host_of_url(std::string_view url) {
  std::string text = refanged(url.substr(0, 4 * kMostUrl));
  std::string_view rest = text;
  if (const std::size_t scheme = rest.find("://"); scheme != std::string_view::npos && scheme < 16)
    rest.remove_prefix(scheme + 3);
  rest = rest.substr(0, rest.find_first_of("/?#\\"));
  if (const std::size_t at = rest.rfind('@'); at != std::string_view::npos) rest.remove_prefix(at + 1);
  UrlHost found;
  std::string_view port;
  if (rest.starts_with('[')) {
    const std::size_t end = rest.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    port = rest.substr(end + 1);
    rest = rest.substr(1, end - 1);
    found.address = IpAddress::parse(rest);
    if (!found.address) return std::nullopt;
  } else if (const std::size_t colon = rest.find(':'); colon != std::string_view::npos) {
    port = rest.substr(colon);
    rest = rest.substr(0, colon);
  }
  if (port.starts_with(':')) found.port = port_of(port.substr(1)).value_or(0);
  found.host = plain_name(rest);
  if (found.host.empty() || found.host.find_first_of(" \t\"'<>,;|{}") != std::string::npos) return std::nullopt;
  if (!found.address) found.address = IpAddress::parse(found.host);
  return found;
}

std::string plain_name(std::string_view text) {
  std::string name = lower(refanged(text.substr(0, 4 * kMostName)));
  name.resize(bounded(name, kMostName).size());
  if (name.size() > 1 && name.ends_with('.')) name.pop_back();
  return name;
}

std::string_view bounded(std::string_view text, std::size_t most) {
  if (text.size() <= most) return text;
  while (most > 0 && (static_cast<unsigned char>(text[most]) & 0xc0) == 0x80) --most;
  return text.substr(0, most);
}

void set_url(Report& report, std::string_view url, TextArena& arena) {
  if (trim(url).empty()) return;
  const std::string plain = refanged(bounded(url, 2 * kMostUrl));
  report.url = arena.keep(bounded(plain, kMostUrl));
  const bool actors = served_by_actor(report.kind);
  if (!actors && !harms_a_site(report.kind)) return;
  const auto host = host_of_url(plain);
  if (!host) return;
  Endpoint& side = actors ? report.actor : report.target;
  std::string_view& name = actors ? report.actor_name : report.target_name;
  if (host->address) {
    if (side.ip.is_unspecified()) side.ip = *host->address;
    if (side.ip != *host->address) return;
  } else if (name.empty()) {
    name = arena.keep(host->host);
  }
  if (side.port == 0) side.port = host->port;
}

}  // namespace tocsin::collect
