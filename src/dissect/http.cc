#include "dissect/http.h"

#include <algorithm>
#include <array>

#include "base/index_table.h"
#include "base/text.h"

namespace tocsin::dissect {
namespace {

constexpr std::array<std::string_view, 24> kMethods{"GET",   "POST",  "HEAD",      "PUT",    "DELETE", "OPTIONS",
                                                    "PATCH", "TRACE", "CONNECT",   "COPY",   "MOVE",   "PROPFIND",
                                                    "MKCOL", "LOCK",  "PROPPATCH", "UNLOCK", "SEARCH", "REPORT",
                                                    "DEBUG", "TRACK", "SUBSCRIBE", "NOTIFY", "PURGE",  "RPC_IN_DATA"};
constexpr std::size_t kMostField = 8192;
constexpr std::size_t kMostHeaders = 128;
// Fixed cost of a waiting request, counted with its text.
constexpr std::size_t kOverhead = 256;

std::string_view text_of(Bytes payload) { return {reinterpret_cast<const char*>(payload.data()), payload.size()}; }

// The line that begins `text`, without its end; `text` then begins after it. whole: its end was there.
std::string_view next_line(std::string_view& text, bool& whole) {
  const std::size_t end = text.find('\n');
  whole = end != std::string_view::npos;
  std::string_view line = text.substr(0, end);
  text.remove_prefix(whole ? end + 1 : text.size());
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

// From "http://authority/path"; empty if the target is of another form.
std::string_view authority_of(std::string_view target) {
  const std::size_t scheme = target.find("://");
  if (scheme == std::string_view::npos || scheme > 5) return {};
  target.remove_prefix(scheme + 3);
  target = target.substr(0, target.find_first_of("/?#"));
  const std::size_t user = target.rfind('@');
  return user == std::string_view::npos ? target : target.substr(user + 1);
}

}  // namespace

bool looks_like_http(Bytes payload) {
  if (payload.size() < 5) return false;
  const std::uint8_t first = byte_at(payload, 0);
  const std::uint8_t second = byte_at(payload, 1);
  return first >= 'A' && first <= 'U' && second >= 'A' && second <= 'U';
}

bool parse_request(Bytes payload, HttpRequest& request) {
  std::string_view text = text_of(payload);
  const std::size_t space = text.substr(0, 16).find(' ');
  if (space == std::string_view::npos) return false;
  const std::string_view method = text.substr(0, space);
  if (std::ranges::find(kMethods, method) == kMethods.end()) return false;
  bool whole = false;
  std::string_view line = next_line(text, whole);
  line.remove_prefix(space + 1);
  const std::size_t version = line.rfind(" HTTP/1.");
  if (version != std::string_view::npos) {
    line = line.substr(0, version);
  } else if (whole || !(line.starts_with('/') || line.starts_with("http://"))) {
    return false;
  }
  request = HttpRequest{};
  request.method = method;
  request.uri = trim(line).substr(0, kMostField);
  for (std::size_t i = 0; i < kMostHeaders && whole; ++i) {
    const std::string_view header = next_line(text, whole);
    if (header.empty()) break;
    const std::size_t colon = header.find(':');
    if (colon == std::string_view::npos) continue;
    const std::string_view name = header.substr(0, colon);
    const std::string_view value = trim(header.substr(colon + 1)).substr(0, kMostField);
    if (name.size() == 4 && equals_ignoring_case(name, "host")) {
      if (request.host.empty()) request.host = value;
    } else if (name.size() == 10 && equals_ignoring_case(name, "user-agent")) {
      if (request.user_agent.empty()) request.user_agent = value;
    } else if (name.size() == 7 && equals_ignoring_case(name, "referer")) {
      if (request.referrer.empty()) request.referrer = value;
    }
  }
  if (request.host.empty()) request.host = request.method == "CONNECT" ? request.uri : authority_of(request.uri);
  return true;
}

std::uint16_t parse_status(Bytes payload) {
  const std::string_view text = text_of(payload);
  if (text.size() < 12 || !text.starts_with("HTTP/1.") || text[8] != ' ') return 0;
  std::uint16_t status = 0;
  for (std::size_t i = 9; i < 12; ++i) {
    if (text[i] < '0' || text[i] > '9') return 0;
    status = static_cast<std::uint16_t>(status * 10 + (text[i] - '0'));
  }
  if (text.size() > 12 && text[12] != ' ' && text[12] != '\r' && text[12] != '\n') return 0;
  return status >= 100 ? status : std::uint16_t{0};
}

void HttpMatcher::emit(const Waiting& waiting, std::uint16_t status, Batch& out) const {
  HttpTransaction& transaction = out.http.emplace_back();
  transaction.client = waiting.client;
  transaction.server = waiting.server;
  transaction.time = waiting.time;
  transaction.place = waiting.place;
  transaction.status = status;
  const std::string_view text = out.text.keep(waiting.text);
  std::size_t at = 0;
  std::size_t field = 0;
  for (std::string_view* part :
       {&transaction.method, &transaction.uri, &transaction.host, &transaction.user_agent, &transaction.referrer}) {
    *part = text.substr(at, waiting.sizes[field]);
    at += waiting.sizes[field++];
  }
}

void HttpMatcher::release(std::uint32_t& slot) {
  Waiting& waiting = waiting_[slot];
  bytes_ -= waiting.text.size() + kOverhead;
  // Room for an ordinary request is kept for the next one; that of a huge one is given back.
  if (waiting.text.capacity() > 1024) {
    std::string().swap(waiting.text);
  } else {
    waiting.text.clear();
  }
  free_.push_back(slot);
  slot = kNoIndex;
}

void HttpMatcher::ask(const HttpRequest& request, const Endpoint& client, const Endpoint& server, Timestamp time,
                      const Place& place, std::uint32_t& slot, Batch& out) {
  end(slot, out);
  std::uint32_t index = 0;
  if (free_.empty()) {
    index = static_cast<std::uint32_t>(waiting_.size());
    waiting_.emplace_back();
  } else {
    index = free_.back();
    free_.pop_back();
  }
  Waiting& waiting = waiting_[index];
  waiting.client = client;
  waiting.server = server;
  waiting.time = time;
  waiting.place = place;
  std::size_t field = 0;
  for (const std::string_view part :
       {request.method, request.uri, request.host, request.user_agent, request.referrer}) {
    waiting.text += part;
    waiting.sizes[field++] = static_cast<std::uint32_t>(part.size());
  }
  bytes_ += waiting.text.size() + kOverhead;
  slot = index;
  if (bytes_ > most_bytes_) end(slot, out);
}

void HttpMatcher::answer(std::uint16_t status, const Endpoint& server, std::uint32_t& slot, Batch& out) {
  // 1xx announces the real one, but for the switch to another protocol.
  if (slot == kNoIndex || (status < 200 && status != 101) || waiting_[slot].server != server) return;
  emit(waiting_[slot], status, out);
  release(slot);
}

void HttpMatcher::end(std::uint32_t& slot, Batch& out) {
  if (slot == kNoIndex) return;
  emit(waiting_[slot], 0, out);
  release(slot);
}

}  // namespace tocsin::dissect
