#include "collect/fields.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstring>
#include <utility>

#include "base/text.h"

namespace tocsin::collect {
namespace {

struct NamedNumber {
  std::string_view name;
  std::uint16_t number;
};

// Argus also names what runs over UDP; such a flow is one of UDP.
constexpr std::array<NamedNumber, 24> kProtocols{{
    {"tcp", 6},   {"udp", 17},   {"icmp", 1},  {"ipv6-icmp", 58}, {"icmp6", 58}, {"icmpv6", 58},
    {"igmp", 2},  {"rtp", 17},   {"rtcp", 17}, {"udt", 17},       {"gre", 47},   {"esp", 50},
    {"ah", 51},   {"sctp", 132}, {"pim", 103}, {"ospf", 89},      {"ipv6", 41},  {"ipip", 4},
    {"ipnip", 4}, {"vrrp", 112}, {"rsvp", 46}, {"egp", 8},        {"igp", 9},    {"ipv6-no", 59},
}};

// https://www.iana.org/assignments/dns-parameters
constexpr std::array<NamedNumber, 40> kDnsTypes{{
    {"A", 1},    {"NS", 2},     {"CNAME", 5},  {"SOA", 6},   {"NULL", 10},   {"PTR", 12},   {"HINFO", 13}, {"MX", 15},
    {"TXT", 16}, {"RP", 17},    {"AFSDB", 18}, {"SIG", 24},  {"KEY", 25},    {"AAAA", 28},  {"LOC", 29},   {"NXT", 30},
    {"SRV", 33}, {"NAPTR", 35}, {"KX", 36},    {"CERT", 37}, {"A6", 38},     {"DNAME", 39}, {"OPT", 41},   {"APL", 42},
    {"DS", 43},  {"SSHFP", 44}, {"RRSIG", 46}, {"NSEC", 47}, {"DNSKEY", 48}, {"DHCID", 49}, {"NSEC3", 50}, {"TLSA", 52},
    {"CDS", 59}, {"SVCB", 64},  {"HTTPS", 65}, {"SPF", 99},  {"TKEY", 249},  {"TSIG", 250}, {"AXFR", 252}, {"ANY", 255},
}};

constexpr std::array<std::string_view, 11> kResponseCodes{"NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN",
                                                          "NOTIMP",  "REFUSED", "YXDOMAIN", "YXRRSET",
                                                          "NXRRSET", "NOTAUTH", "NOTZONE"};

// More parts than any record has fields: what comes after them is left in one piece, to bound memory.
constexpr std::size_t kMostParts = 16'384;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Exactly `digits` digits at the front of `text`; -1 if they are not there.
int take_digits(std::string_view& text, std::size_t digits) {
  if (text.size() < digits) return -1;
  int value = 0;
  for (std::size_t i = 0; i < digits; ++i) {
    if (!is_digit(text[i])) return -1;
    value = value * 10 + (text[i] - '0');
  }
  text.remove_prefix(digits);
  return value;
}

bool take_any(std::string_view& text, std::string_view of) {
  if (text.empty() || of.find(text.front()) == std::string_view::npos) return false;
  text.remove_prefix(1);
  return true;
}

// The forms that sensors write, without an allocation; everything else is left to parse_time.
std::optional<Timestamp> civil_time_of(std::string_view text) {
  const int year = take_digits(text, 4);
  if (year < 0 || !take_any(text, "-/")) return std::nullopt;
  const int month = take_digits(text, 2);
  if (month < 1 || month > 12 || !take_any(text, "-/")) return std::nullopt;
  const int day = take_digits(text, 2);
  if (day < 1 || day > 28 || !take_any(text, "T ")) return std::nullopt;
  const int hour = take_digits(text, 2);
  if (hour < 0 || hour > 23 || !take_any(text, ":")) return std::nullopt;
  const int minute = take_digits(text, 2);
  if (minute < 0 || minute > 59 || !take_any(text, ":")) return std::nullopt;
  const int second = take_digits(text, 2);
  if (second < 0 || second > 59) return std::nullopt;
  Timestamp time = days_from_civil(year, static_cast<unsigned>(month), static_cast<unsigned>(day)) * kDay +
                   hour * kHour + minute * kMinute + second * kSecond;
  if (take_any(text, ".")) {
    Timestamp unit = kSecond / 10;
    if (text.empty() || !is_digit(text.front())) return std::nullopt;
    while (!text.empty() && is_digit(text.front())) {
      time += (text.front() - '0') * unit;
      unit /= 10;
      text.remove_prefix(1);
    }
  }
  if (text.empty() || text == "Z") return time;
  const bool west = text.front() == '-';
  if (!take_any(text, "+-")) return std::nullopt;
  const int offset_hours = take_digits(text, 2);
  take_any(text, ":");
  const int offset_minutes = take_digits(text, 2);
  if (offset_hours < 0 || offset_hours > 23 || offset_minutes < 0 || offset_minutes > 59 || !text.empty())
    return std::nullopt;
  const Timestamp offset = offset_hours * kHour + offset_minutes * kMinute;
  return west ? time + offset : time - offset;
}

}  // namespace

std::optional<std::uint64_t> unsigned_of(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<std::uint16_t> port_of(std::string_view text) {
  std::uint16_t value = 0;
  int base = 10;
  if (text.size() > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
    base = 16;
    text.remove_prefix(2);
  }
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<Timestamp> time_of(std::string_view text) {
  if (const auto time = civil_time_of(text)) return time;
  const std::size_t digits = std::min(text.find_first_not_of("0123456789", text.starts_with('-') ? 1 : 0), text.size());
  if (digits == text.size() || text[digits] == '.') {
    if (const auto time = parse_epoch(text)) return *time;
    return std::nullopt;
  }
  if (text[digits] == 'e' || text[digits] == 'E') return duration_of(text);
  if (const auto time = parse_time(text); time && digits == 4) return *time;
  return std::nullopt;
}

std::optional<Timestamp> duration_of(std::string_view text) {
  double seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  // 1e12 seconds are some 30,000 years: what is beyond is no duration, and must not overflow a sum.
  if (!(seconds >= 0 && seconds < 1e12)) return std::nullopt;
  return static_cast<Timestamp>(std::llround(seconds * 1e6));
}

std::uint8_t protocol_of(std::string_view name) {
  for (const NamedNumber& protocol : kProtocols) {
    if (equals_ignoring_case(name, protocol.name)) return static_cast<std::uint8_t>(protocol.number);
  }
  const auto number = unsigned_of(name);
  return number && *number < 256 ? static_cast<std::uint8_t>(*number) : std::uint8_t{0};
}

std::uint16_t dns_type_of(std::string_view name) {
  if (name == "*") return 255;
  for (const NamedNumber& type : kDnsTypes) {
    if (equals_ignoring_case(name, type.name)) return type.number;
  }
  if (name.size() > 4 && equals_ignoring_case(name.substr(0, 4), "TYPE")) name.remove_prefix(4);
  const auto number = unsigned_of(name);
  return number && *number < 65536 ? static_cast<std::uint16_t>(*number) : std::uint16_t{0};
}

std::int16_t dns_rcode_of(std::string_view name) {
  const auto* const found =
      std::ranges::find_if(kResponseCodes, [&](std::string_view code) { return equals_ignoring_case(code, name); });
  if (found != kResponseCodes.end()) return static_cast<std::int16_t>(found - kResponseCodes.begin());
  const auto number = unsigned_of(name);
  return number && *number < 4096 ? static_cast<std::int16_t>(*number) : std::int16_t{-1};
}

std::string_view without_final_dot(std::string_view name) {
  if (name.size() > 1 && name.ends_with('.')) name.remove_suffix(1);
  return name;
}

ConnState state_from_flags(std::uint8_t initiator, std::uint8_t responder) {
  const bool initiator_syn = (initiator & kSyn) != 0;
  const bool responder_syn = (responder & kSyn) != 0;
  if (initiator_syn && responder == 0) {
    if ((initiator & kRst) != 0) return ConnState::kRSTOS0;
    return (initiator & kFin) != 0 ? ConnState::kSH : ConnState::kS0;
  }
  if (initiator_syn && responder_syn) {
    const bool initiator_fin = (initiator & kFin) != 0;
    const bool responder_fin = (responder & kFin) != 0;
    if (initiator_fin && responder_fin) return ConnState::kSF;
    if ((initiator & kRst) != 0) return ConnState::kRSTO;
    if ((responder & kRst) != 0) return ConnState::kRSTR;
    if (initiator_fin) return ConnState::kS2;
    return responder_fin ? ConnState::kS3 : ConnState::kS1;
  }
  if (initiator_syn) return (responder & kRst) != 0 ? ConnState::kREJ : ConnState::kOTH;
  if (responder_syn && (responder & kRst) != 0) return ConnState::kRSTRH;
  if (responder_syn && (responder & kFin) != 0) return ConnState::kSHR;
  return ConnState::kOTH;
}

ConnState state_without_flags(std::uint8_t protocol, std::uint64_t responder_packets) {
  if (protocol == kIcmp || protocol == kIcmp6) return ConnState::kOTH;
  return responder_packets > 0 ? ConnState::kSF : ConnState::kS0;
}

std::string_view cve_in(std::string_view text, bool bare, TextArena& arena) {
  const auto digits_at = [text](std::size_t at) {
    std::size_t count = 0;
    while (at + count < text.size() && is_digit(text[at + count])) ++count;
    return count;
  };
  const auto is_link = [text](std::size_t at) {
    return at < text.size() && (text[at] == '-' || text[at] == '_' || text[at] == ' ');
  };
  for (std::size_t at = 0; at < text.size(); ++at) {
    std::size_t year = at;
    if (text.size() - at > 3 && equals_ignoring_case(text.substr(at, 3), "cve")) {
      year = at + 3;
      if (is_link(year) || (year < text.size() && (text[year] == ':' || text[year] == ','))) ++year;
    } else if (!bare || (at > 0 && is_digit(text[at - 1]))) {
      continue;
    }
    if (digits_at(year) != 4 || !is_link(year + 4)) continue;
    const std::size_t number = digits_at(year + 5);
    if (number < 4 || number > 7) continue;
    std::array<char, 20> cve{};
    std::memcpy(cve.data(), "CVE-", 4);
    std::memcpy(cve.data() + 4, text.data() + year, 4);
    cve[8] = '-';
    std::memcpy(cve.data() + 9, text.data() + year + 5, number);
    return arena.keep({cve.data(), 9 + number});
  }
  return {};
}

void split(std::string_view text, std::string_view separator, std::vector<std::string_view>& parts) {
  parts.clear();
  if (separator.size() == 1) {
    // Fields are short: a plain loop is faster than a search for each.
    std::size_t begin = 0;
    for (std::size_t at = 0; at < text.size() && parts.size() < kMostParts; ++at) {
      if (text[at] != separator[0]) continue;
      parts.push_back(text.substr(begin, at - begin));
      begin = at + 1;
    }
    parts.push_back(text.substr(begin));
    return;
  }
  while (true) {
    const bool last = separator.empty() || parts.size() >= kMostParts;
    const std::size_t at = last ? std::string_view::npos : text.find(separator);
    parts.push_back(text.substr(0, at));
    if (at == std::string_view::npos) return;
    text.remove_prefix(at + separator.size());
  }
}

CsvRecord split_csv(std::string_view record, char separator, std::size_t most, std::vector<std::string>& fields) {
  std::size_t used = 0, at = 0;
  while (true) {
    if (used == most) {
      fields.resize(used);
      return CsvRecord::kTooManyFields;
    }
    if (used == fields.size()) fields.emplace_back();
    std::string& field = fields[used++];
    field.clear();
    while (at < record.size() && record[at] == ' ') ++at;
    if (at < record.size() && record[at] == '"') {
      ++at;
      while (true) {
        const std::size_t quote = record.find('"', at);
        if (quote == std::string_view::npos) return CsvRecord::kOpen;
        field += record.substr(at, quote - at);
        at = quote + 1;
        if (at >= record.size() || record[at] != '"') break;
        field += '"';
        ++at;
      }
    }
    const std::size_t end = std::min(record.find(separator, at), record.size());
    field += record.substr(at, end - at);
    const std::string_view trimmed = trim(field);
    if (trimmed.size() != field.size()) field = std::string(trimmed);
    if (end == record.size()) break;
    at = end + 1;
  }
  fields.resize(used);
  return CsvRecord::kWhole;
}

std::string_view next_line(std::string_view& text) {
  const std::size_t end = text.find('\n');
  std::string_view line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

}  // namespace tocsin::collect
