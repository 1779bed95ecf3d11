#include <algorithm>
#include <array>

#include "collect/access_log.h"

namespace tocsin::collect {
namespace {

constexpr std::size_t kTimeLength = 28;  // "[10/Oct/2000:13:55:36 -0700]"

// Two or four digits; negative if they are none.
int digits(const char* at, int count) {
  int value = 0;
  for (int i = 0; i < count; ++i) {
    const int digit = at[i] - '0';
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value;
}

int month_of(const char* at) {
  static constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";
  for (unsigned i = 0; i < 36; i += 3) {
    if (kMonths[i] == at[0] && kMonths[i + 1] == at[1] && kMonths[i + 2] == at[2]) return static_cast<int>(i / 3 + 1);
  }
  return -1;
}

bool parse_log_time(std::string_view text, Timestamp& time) {
  if (text.size() < kTimeLength) return false;
  const char* at = text.data();
  if (at[3] != '/' || at[7] != '/' || at[12] != ':' || at[15] != ':' || at[18] != ':' || at[21] != ' ' ||
      (at[22] != '+' && at[22] != '-') || at[27] != ']')
    return false;
  const int day = digits(at + 1, 2), month = month_of(at + 4), year = digits(at + 8, 4), hour = digits(at + 13, 2),
            minute = digits(at + 16, 2), second = digits(at + 19, 2), zone_hours = digits(at + 23, 2),
            zone_minutes = digits(at + 25, 2);
  static constexpr std::array<int, 13> kDays{0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  if (month < 1 || day < 1 || day > kDays[static_cast<std::size_t>(month)] || year < 1970 || hour < 0 || hour > 23 ||
      minute < 0 || minute > 59 || second < 0 || second > 60 || zone_hours < 0 || zone_hours > 15 || zone_minutes < 0 ||
      zone_minutes > 59)
    return false;
  const std::int64_t offset = (zone_hours * 60 + zone_minutes) * (at[22] == '-' ? 60 : -60);
  const std::int64_t days = days_from_civil(year, static_cast<unsigned>(month), static_cast<unsigned>(day));
  time = (days * 86'400 + hour * 3600 + minute * 60 + second + offset) * kSecond;
  return true;
}

// Takes a quoted text off the front; false if it has no end. A quote after a backslash does not end it.
bool take_quoted(std::string_view& rest, std::string_view& text) {
  for (std::size_t at = 1;;) {
    at = rest.find('"', at);
    if (at == std::string_view::npos) return false;
    std::size_t slashes = 0;
    while (rest[at - 1 - slashes] == '\\') ++slashes;
    if (slashes % 2 == 0) {
      text = rest.substr(1, at - 1);
      rest.remove_prefix(at + 1);
      return true;
    }
    ++at;
  }
}

std::string_view take_word(std::string_view& rest) {
  const std::size_t end = std::min(rest.find(' '), rest.size());
  const std::string_view word = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return word;
}

// "-" is no number at all, which is fine.
bool number(std::string_view word, std::uint64_t& value) {
  if (word == "-") return true;
  if (word.empty() || word.size() > 18) return false;
  for (const char letter : word) {
    if (letter < '0' || letter > '9') return false;
    value = value * 10 + static_cast<std::uint64_t>(letter - '0');
  }
  return true;
}

std::string_view unbracketed(std::string_view address) {
  if (address.size() > 2 && address.front() == '[' && address.back() == ']')
    return address.substr(1, address.size() - 2);
  return address;
}

bool take_address(std::string_view word, IpAddress& address) {
  if (word.empty() || !((word[0] >= '0' && word[0] <= '9') || word.find(':') != std::string_view::npos)) return false;
  const auto parsed = IpAddress::parse(unbracketed(word));
  if (parsed) address = *parsed;
  return parsed.has_value();
}

// What stands before the time: the client, perhaps after the virtual host, and two more.
bool take_front(std::string_view front, AccessLine& parsed) {
  const std::string_view first = take_word(front);
  if (first.empty()) return false;
  const std::string_view second = take_word(front);
  if (second.empty()) return false;
  const bool four = front.find(' ') != std::string_view::npos && front.find(' ') + 1 < front.size();
  IpAddress other;
  const bool first_is = take_address(first, parsed.client_ip);
  if (first_is && !(four && second != "-" && take_address(second, other))) {
    parsed.client = first;
    return !front.empty();
  }
  if (take_address(second, other)) {
    if (!four) return false;
    parsed.virtual_host = first == "-" ? std::string_view() : first;
    parsed.client = second;
    parsed.client_ip = other;
    return true;
  }
  // Names: of the client if three words stand here, else of the host and of the client.
  parsed.client_ip = {};
  parsed.client = four && second != "-" ? second : first;
  return !front.empty() && parsed.client != "-";
}

}  // namespace

std::string_view parse_access_line(std::string_view line, AccessLine& parsed) {
  parsed = {};
  // Names of users may hold brackets: the first that opens a time counts.
  std::size_t bracket = line.find(" [");
  for (int tries = 0; bracket != std::string_view::npos; bracket = line.find(" [", bracket + 1)) {
    if (parse_log_time(line.substr(bracket + 1), parsed.time)) break;
    if (++tries == 8) return "no time";
  }
  if (bracket == std::string_view::npos) return "no time";
  if (!take_front(line.substr(0, bracket + 1), parsed)) return "no client before the time";
  std::string_view rest = line.substr(bracket + 1 + kTimeLength);
  if (!rest.starts_with(" \"")) return "no request after the time";
  rest.remove_prefix(1);
  if (!take_quoted(rest, parsed.request)) return "the request is cut short";
  if (!rest.starts_with(' ')) return "no status after the request";
  rest.remove_prefix(1);
  std::uint64_t status = 0;
  const std::string_view status_word = take_word(rest);
  if (status_word.size() > 3 || !number(status_word, status)) return "not a status";
  parsed.status = static_cast<std::uint16_t>(status);
  if (!number(take_word(rest), parsed.response_bytes)) return "not a number of bytes";
  if (rest.starts_with('"')) {
    if (!take_quoted(rest, parsed.referrer)) return "the referrer is cut short";
    if (rest.starts_with(" \"")) {
      rest.remove_prefix(1);
      if (!take_quoted(rest, parsed.user_agent)) return "the user agent is cut short";
    }
  }
  return {};
}

}  // namespace tocsin::collect
