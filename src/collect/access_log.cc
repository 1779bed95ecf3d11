// Access logs of web servers. The lines of Apache and nginx are all of one make: who, when, "the request line", the
// status and the size, and in the combined format "the referrer" and "the user agent". Apache writes quotes,
// backslashes and control characters in quotes with a backslash, nginx as \xHH; both are undone. A request line that
// is none (a TLS hello, a probe in another protocol) is kept whole as the URI.
//
// A log seldom says whose it is: where no virtual host stands in the line, the site is the one of the log's name.
#include "collect/access_log.h"

#include <algorithm>

#include "base/text.h"
#include "collect/fields.h"
#include "collect/readers.h"

namespace tocsin::collect {
namespace {

int hex_digit(char letter) {
  if (letter >= '0' && letter <= '9') return letter - '0';
  if (letter >= 'a' && letter <= 'f') return letter - 'a' + 10;
  if (letter >= 'A' && letter <= 'F') return letter - 'A' + 10;
  return -1;
}

void unescape(std::string_view text, std::string& plain) {
  plain.clear();
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      plain += text[i];
      continue;
    }
    const char letter = text[++i];
    if (letter == 'x' && i + 2 < text.size() && hex_digit(text[i + 1]) >= 0 && hex_digit(text[i + 2]) >= 0) {
      plain += static_cast<char>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2]));
      i += 2;
      continue;
    }
    static constexpr std::string_view kLetters = "\"\\nrtbfv", kMeant = "\"\\\n\r\t\b\f\v";
    const std::size_t at = kLetters.find(letter);
    if (at == std::string_view::npos) plain += '\\';
    plain += at == std::string_view::npos ? letter : kMeant[at];
  }
}

bool is_method(std::string_view word) {
  return !word.empty() && word.size() <= 32 &&
         std::ranges::all_of(word, [](char c) { return (c >= 'A' && c <= 'Z') || c == '-' || c == '_'; });
}

bool is_protocol(std::string_view word) { return word.starts_with("HTTP/") && word.size() <= 10; }

class AccessLogReader final : public LineReader {
 public:
  AccessLogReader(InputStream& input, std::uint32_t source)
      : LineReader(input, source), site_(site_of_log(input.name())) {}

 protected:
  Outcome take(std::string_view line, const Place& place, Batch& batch) override {
    if (line.starts_with("\xef\xbb\xbf")) line.remove_prefix(3);
    if (line.starts_with('#')) {
      if (auto columns = W3cColumns::of(line)) w3c_ = std::move(columns);
      return Outcome::kNoRecord;
    }
    const std::string_view wrong = parse_access_line(line, parsed_);
    if (wrong.empty()) return take_line(place, batch);
    if (w3c_) return take_w3c(line, place, batch);
    return line.find_first_not_of(" \t") == std::string_view::npos ? Outcome::kNoRecord : bad(wrong);
  }

 private:
  Outcome take_line(const Place& place, Batch& batch) {
    if (parsed_.client_ip.is_unspecified()) return bad("client is a name");
    HttpTransaction& http = batch.http.emplace_back();
    http.logged = true;
    http.client.ip = parsed_.client_ip;
    http.time = parsed_.time;
    http.place = place;
    http.status = parsed_.status;
    http.response_bytes = parsed_.response_bytes;
    take_host(http, batch.text);
    take_request(http, plain(parsed_.request, kMostUri, batch.text));
    http.referrer = plain(parsed_.referrer, kMostHeader, batch.text);
    http.user_agent = plain(parsed_.user_agent, kMostHeader, batch.text);
    return Outcome::kTaken;
  }

  Outcome take_w3c(std::string_view line, const Place& place, Batch& batch) {
    HttpTransaction http;
    const std::string_view wrong = w3c_->parse(line, http, batch.text);
    if (!wrong.empty()) return bad(wrong);
    if (http.host.empty() && !site_.empty()) http.host = batch.text.keep(site_);
    http.logged = true;
    http.place = place;
    batch.http.push_back(http);
    return Outcome::kTaken;
  }

  void take_host(HttpTransaction& http, TextArena& text) const {
    std::string_view host = parsed_.virtual_host;
    if (host.empty()) {
      if (!site_.empty()) http.host = text.keep(site_);
      return;
    }
    const std::size_t colon = host.rfind(':');
    if (colon != std::string_view::npos && host.find(']', colon) == std::string_view::npos) {
      if (const auto port = port_of(host.substr(colon + 1))) {
        http.server.port = *port;
        host = host.substr(0, colon);
      }
    }
    http.host = text.keep(host.substr(0, 255));
  }

  static void take_request(HttpTransaction& http, std::string_view request) {
    const std::size_t first = request.find(' ');
    if (first == std::string_view::npos || !is_method(request.substr(0, first))) {
      http.uri = request;
      return;
    }
    http.method = request.substr(0, first);
    request.remove_prefix(first + 1);
    const std::size_t last = request.rfind(' ');
    if (last != std::string_view::npos && is_protocol(request.substr(last + 1))) request = request.substr(0, last);
    http.uri = request;
  }

  std::string_view plain(std::string_view text, std::size_t most, TextArena& arena) {
    if (text.empty() || text == "-") return {};
    text = text.substr(0, most);
    if (text.find('\\') == std::string_view::npos) return arena.keep(text);
    unescape(text, scratch_);
    return arena.keep(scratch_);
  }

  std::string site_;
  std::optional<W3cColumns> w3c_;
  AccessLine parsed_;
  std::string scratch_;
};

bool take_off_end(std::string_view& text, std::string_view end) {
  if (!text.ends_with(end)) return false;
  text.remove_suffix(end.size());
  return true;
}

// "www.example.org": labels of letters, digits and hyphens, the last with a letter.
bool is_domain(std::string_view name) {
  const std::size_t dot = name.rfind('.');
  if (name.size() > 253 || dot == std::string_view::npos || dot == 0 || dot + 2 >= name.size()) return false;
  const std::string_view last = name.substr(dot + 1);
  return name.find("..") == std::string_view::npos && name.front() != '.' &&
         std::ranges::any_of(last, [](char c) { return c >= 'a' && c <= 'z'; }) &&
         std::ranges::all_of(
             name, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.'; });
}

}  // namespace

std::string site_of_log(std::string_view file_name) {
  file_name.remove_prefix(std::min(file_name.rfind('/') + 1, file_name.size()));
  const std::string whole = lower(file_name);
  std::string_view name = whole;
  for (const std::string_view packed : {".gz", ".xz", ".zst"}) take_off_end(name, packed);
  // Rotation: ".1", "-20240131", ".2024-01-31".
  const std::size_t rotated = name.find_last_not_of("0123456789-");
  if (rotated != std::string_view::npos && rotated + 1 < name.size()) {
    name = name.substr(0, rotated + (name[rotated] == '.' ? 0 : 1));
  }
  if (!take_off_end(name, ".log")) take_off_end(name, "_log");
  const auto separator = [](char c) { return c == '-' || c == '_' || c == '.'; };
  bool access = false;
  if (name.size() > 7 && name.starts_with("access") && separator(name[6])) {
    name.remove_prefix(7);
    access = true;
  } else if (take_off_end(name, "access") && !name.empty() && separator(name.back())) {
    name.remove_suffix(1);
    access = true;
  }
  for (const std::string_view secure : {"-ssl", "_ssl", ".ssl"}) take_off_end(name, secure);
  return access && is_domain(name) ? std::string(name) : std::string();
}

std::unique_ptr<ObservationReader> make_access_log_reader(InputStream& input, std::uint32_t source) {
  return std::make_unique<AccessLogReader>(input, source);
}

}  // namespace tocsin::collect
