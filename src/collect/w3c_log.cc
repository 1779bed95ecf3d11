// W3C extended logs, as IIS writes them: "#Fields:" names the columns, blanks separate them, times are UTC, and a
// blank within a value is written as "+".
#include <algorithm>
#include <array>

#include "collect/access_log.h"
#include "collect/fields.h"

namespace tocsin::collect {
namespace {

constexpr std::array<std::string_view, 13> kNames{
    "date",         "time",    "s-ip",           "s-port",      "c-ip",      "cs-method", "cs-uri-stem",
    "cs-uri-query", "cs-host", "cs(User-Agent)", "cs(Referer)", "sc-status", "sc-bytes"};
constexpr std::size_t kMostColumns = 128;

}  // namespace

std::optional<W3cColumns> W3cColumns::of(std::string_view line) {
  if (!line.starts_with("#Fields:")) return std::nullopt;
  line.remove_prefix(8);
  W3cColumns columns;
  std::array<bool, kColumns> has{};
  while (!line.empty() && columns.meaning_.size() < kMostColumns) {
    const std::size_t start = line.find_first_not_of(" \t\r");
    if (start == std::string_view::npos) break;
    line.remove_prefix(start);
    const std::size_t end = std::min(line.find_first_of(" \t\r"), line.size());
    std::string_view name = line.substr(0, end);
    if (name == "cs(Host)") name = kNames[kHost];
    const auto at = static_cast<std::size_t>(std::ranges::find(kNames, name) - kNames.begin());
    columns.meaning_.push_back(static_cast<std::uint8_t>(at));
    if (at < kColumns) has[at] = true;
    line.remove_prefix(end);
  }
  if (!has[kTime] || !has[kDate] || !has[kClientIp] || !has[kStem]) return std::nullopt;
  return columns;
}

std::string_view W3cColumns::text(Column column) const {
  return values_[column] == "-" ? std::string_view() : values_[column];
}

std::string_view W3cColumns::parse(std::string_view line, HttpTransaction& http, TextArena& arena) {
  std::ranges::fill(values_, std::string_view());
  for (const std::uint8_t column : meaning_) {
    if (line.empty()) return "too few columns";
    const std::size_t end = std::min(line.find_first_of(" \t"), line.size());
    if (column < kColumns) values_[column] = line.substr(0, end);
    line.remove_prefix(std::min(end + 1, line.size()));
  }
  scratch_.assign(values_[kDate]).append("T").append(values_[kTime]);
  const auto time = scratch_.size() <= 40 && values_[kDate].size() == 10 ? parse_time(scratch_) : failure("");
  if (!time) return "not a time";
  http.time = *time;
  const auto client = IpAddress::parse(text(kClientIp));
  if (!client) return "client is a name";
  http.client.ip = *client;
  if (const auto server = IpAddress::parse(text(kServerIp))) http.server.ip = *server;
  http.server.port = port_of(text(kServerPort)).value_or(0);
  const auto status = unsigned_of(text(kStatus).empty() ? "0" : text(kStatus));
  if (!status || *status > 999) return "not a status";
  http.status = static_cast<std::uint16_t>(*status);
  http.response_bytes = unsigned_of(text(kBytes)).value_or(0);
  http.method = arena.keep(text(kMethod).substr(0, 32));
  http.host = arena.keep(text(kHost).substr(0, 255));
  scratch_.assign(text(kStem).substr(0, kMostUri));
  if (!text(kQuery).empty()) scratch_.append("?").append(text(kQuery).substr(0, kMostUri - scratch_.size()));
  http.uri = arena.keep(scratch_);
  http.referrer = arena.keep(text(kReferrer).substr(0, kMostHeader));
  scratch_.assign(text(kUserAgent).substr(0, kMostHeader));
  std::ranges::replace(scratch_, '+', ' ');
  http.user_agent = arena.keep(scratch_);
  return {};
}

}  // namespace tocsin::collect
