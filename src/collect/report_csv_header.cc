#include <algorithm>
#include <optional>

#include "base/text.h"
#include "collect/fields.h"
#include "collect/report_csv.h"

namespace tocsin::collect {
namespace {

struct ColumnName {
  std::string_view name;
  ReportColumn column;
};
using enum ReportColumn;
constexpr std::array<ColumnName, 85> kNames{{
    {"time", kTime},
    {"timestamp", kTime},
    {"first_seen", kTime},
    {"first_time", kTime},
    {"date", kTime},
    {"datetime", kTime},
    {"reported", kTime},
    {"reported_at", kTime},
    {"submission_time", kTime},
    {"last_seen", kLast},
    {"last_time", kLast},
    {"end_time", kLast},
    {"kind", kKind},
    {"type", kKind},
    {"incident_type", kKind},
    {"actor_ip", kActorIp},
    {"src_ip", kActorIp},
    {"source_ip", kActorIp},
    {"srcip", kActorIp},
    {"attacker_ip", kActorIp},
    {"actor", kActorOrName},
    {"attacker", kActorOrName},
    {"actor_port", kActorPort},
    {"src_port", kActorPort},
    {"source_port", kActorPort},
    {"actor_name", kActorName},
    {"actor_host", kActorName},
    {"target_ip", kTargetIp},
    {"dst_ip", kTargetIp},
    {"dest_ip", kTargetIp},
    {"destination_ip", kTargetIp},
    {"victim_ip", kTargetIp},
    {"target", kTargetOrName},
    {"victim", kTargetOrName},
    {"target_port", kTargetPort},
    {"dst_port", kTargetPort},
    {"dest_port", kTargetPort},
    {"destination_port", kTargetPort},
    {"target_name", kTargetName},
    {"site", kTargetName},
    {"brand", kTargetName},
    {"target_brand", kTargetName},
    {"impersonated", kTargetName},
    {"ip", kSiteIp},
    {"ip_address", kSiteIp},
    {"host_ip", kSiteIp},
    {"port", kSitePort},
    {"host", kSiteName},
    {"hostname", kSiteName},
    {"http_host", kSiteName},
    {"domain", kSiteName},
    {"url", kUrl},
    {"phish_url", kUrl},
    {"phishing_url", kUrl},
    {"uri", kUrl},
    {"cve", kCve},
    {"cve_id", kCve},
    {"vulnerability", kCve},
    {"vulnerability_id", kCve},
    {"family", kFamily},
    {"malware", kFamily},
    {"malware_family", kFamily},
    {"group", kGroup},
    {"threat_actor", kGroup},
    {"defacer", kGroup},
    {"notifier", kGroup},
    {"reporter", kReporter},
    {"source", kReporter},
    {"feed", kReporter},
    {"reported_by", kReporter},
    {"rule", kRule},
    {"name", kRule},
    {"signature", kRule},
    {"event", kRule},
    {"count", kCount},
    {"attempts", kCount},
    {"hits", kCount},
    {"confidence", kConfidence},
    {"tlp", kTlp},
    {"description", kDescription},
    {"comment", kDescription},
    {"note", kDescription},
    {"tag", kTag},
    {"category", kCategory},
    {"infection", kInfection},
}};

// The separator that the line has most of, outside quotes; 0 if there is none.
char separator_of(std::string_view line) {
  std::array<std::size_t, 3> seen{};
  constexpr std::string_view kSeparators = ",;\t";
  bool quoted = false;
  for (const char c : line) {
    if (c == '"') quoted = !quoted;
    const std::size_t which = kSeparators.find(c);
    if (!quoted && which != std::string_view::npos) ++seen[which];
  }
  const auto* const most = std::ranges::max_element(seen);
  return *most == 0 ? '\0' : kSeparators[static_cast<std::size_t>(most - seen.begin())];
}

// "Source IP" and "source-ip" as "source_ip".
std::string column_name(std::string_view text) {
  std::string name = lower(trim(text));
  std::ranges::replace(name, ' ', '_');
  std::ranges::replace(name, '-', '_');
  return name;
}

ShadowserverReport shadowserver_of(const std::vector<std::string>& names, std::string_view file) {
  const auto has = [&](std::string_view name) { return std::ranges::find(names, name) != names.end(); };
  if (!has("timestamp")) return ShadowserverReport::kNone;
  if (const std::size_t slash = file.rfind('/'); slash != std::string_view::npos) file.remove_prefix(slash + 1);
  const auto called = [&](std::string_view part) { return file.find(part) != std::string_view::npos; };
  if (has("infection") && has("src_ip") && has("dst_ip") && has("src_asn") && has("public_source")) {
    if (called("brute_force") || (has("client_version") && has("username"))) return ShadowserverReport::kBruteForce;
    if (called("http_scan") || has("http_request_method")) return ShadowserverReport::kHttpScan;
    if (called("sinkhole") || has("forwarded_by")) return ShadowserverReport::kSinkhole;
    return called("honeypot_darknet") ? ShadowserverReport::kDarknet : ShadowserverReport::kOtherEvent;
  }
  if (has("detected_since") && has("http_host") && has("ip")) return ShadowserverReport::kCompromisedWebsite;
  if (has("url") && has("host") && has("ip") && has("asn") && has("naics") && has("source"))
    return has("sha256") ? ShadowserverReport::kMalwareUrl : ShadowserverReport::kPhishingUrl;
  return ShadowserverReport::kNone;
}

// What lists of indicators have and reports do not.
bool names_an_indicator(std::string_view name) {
  return name == "indicator" || name == "value" || name == "ioc" || name == "valid_from" || name == "valid_until" ||
         name == "expires" || name == "cidr" || name == "prefix" || name == "network";
}

}  // namespace

bool read_report_csv_header(std::string_view line, std::string_view file, ReportCsvHeader& header) {
  if (line.starts_with("\xef\xbb\xbf")) line.remove_prefix(3);
  if (line.size() > 16'384) return false;
  ReportCsvHeader read;
  read.separator = separator_of(line);
  std::vector<std::string> names;
  if (read.separator == '\0' || split_csv(line, read.separator, kMostReportFields, names) != CsvRecord::kWhole)
    return false;
  for (std::string& name : names) name = column_name(name);
  if (std::ranges::any_of(names, names_an_indicator)) return false;
  read.at.fill(-1);
  read.columns = names.size();
  for (std::size_t i = 0; i < names.size(); ++i) {
    const auto* const known = std::ranges::find(kNames, names[i], &ColumnName::name);
    if (known == kNames.end()) continue;
    int& at = read.at[static_cast<std::size_t>(known->column)];
    if (at < 0) at = static_cast<int>(i);
  }
  if (!read.has(kTime)) return false;
  read.shadowserver = shadowserver_of(names, file);
  const bool someone = read.has(kActorIp) || read.has(kActorOrName) || read.has(kActorName) || read.has(kTargetIp) ||
                       read.has(kTargetOrName) || read.has(kTargetName) || read.has(kUrl) || read.has(kSiteName) ||
                       read.has(kSiteIp);
  const bool kind = read.has(kKind) && someone;
  const bool phishing = read.has(kUrl) && (read.has(kTargetName) || read.has(kTargetOrName));
  const bool exploit = read.has(kCve) && (read.has(kActorIp) || read.has(kActorOrName));
  if (read.shadowserver == ShadowserverReport::kNone && !kind && !phishing && !exploit) return false;
  header = read;
  return true;
}

}  // namespace tocsin::collect
