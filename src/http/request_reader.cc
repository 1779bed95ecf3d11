#include "http/request_reader.h"

#include <algorithm>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <optional>

#include "base/text.h"
#include "http/target.h"

namespace tocsin::serve {

namespace beast = boost::beast;
namespace http = boost::beast::http;

namespace {

std::string_view text_of(beast::string_view text) { return {text.data(), text.size()}; }

// A chunk's size line, or the trailer, must end within this much.
constexpr std::size_t kMostFraming = 16384;

}  // namespace

struct RequestReader::State {
  std::size_t header_limit = 0, body_limit = 0, small_body = 0;
  std::string bytes;  // not parsed yet
  std::optional<http::request_parser<http::string_body>> parser;
  Stage stage = Stage::kEmpty;
  Request request;
  bool skipped = false, expects = false;
  bool keep_alive = false, http_1_0 = false, is_head = false;
  std::size_t allowed = 0;  // of this body
  unsigned refusal = 0;
  std::string detail;

  void begin() {
    parser.emplace();
    parser->header_limit(static_cast<std::uint32_t>(header_limit));
    parser->body_limit(body_limit);
    allowed = body_limit;
    request = {};
    skipped = expects = keep_alive = http_1_0 = is_head = false;
    stage = Stage::kEmpty;
  }

  void refuse(unsigned status, std::string why) {
    stage = Stage::kRefused;
    refusal = status;
    detail = std::move(why);
    keep_alive = false;
    bytes.clear();
  }

  void refuse_body(std::size_t limit) { refuse(413, fmt_limit("the body is longer than ", limit)); }

  void refuse(beast::error_code error) {
    if (error == http::error::header_limit) {
      refuse(431, fmt_limit("the header is longer than ", header_limit));
    } else if (error == http::error::body_limit) {
      refuse_body(allowed);
    } else if (error == http::error::bad_version) {
      refuse(400, "the version is not HTTP/1.1 or HTTP/1.0");
    } else {
      refuse(400, "the request is not well formed: " + error.message());
    }
  }

  static std::string fmt_limit(const char* text, std::size_t limit) { return text + std::to_string(limit) + " bytes"; }

  void go_on() {
    // RFC 9112 section 2.2: an empty line before a request is skipped; one, however it comes.
    if (stage == Stage::kEmpty && !skipped) {
      if (bytes == "\r") return;
      if (bytes.starts_with("\r\n")) {
        bytes.erase(0, 2);
        skipped = true;
      }
    }
    while (!bytes.empty() && stage < Stage::kComplete && stage != Stage::kLongBody) {
      if (stage == Stage::kEmpty) stage = Stage::kHeader;
      beast::error_code error;
      const std::size_t taken = parser->put(boost::asio::buffer(bytes.data(), bytes.size()), error);
      bytes.erase(0, taken);
      if (error == http::error::need_more) {
        if (bytes.size() > std::max(header_limit, kMostFraming)) {
          refuse(stage == Stage::kHeader ? 431 : 400, "a line is too long");
        }
        return;
      }
      if (error) return refuse(error);
      if (stage == Stage::kHeader && parser->is_header_done()) header_done();
      if (stage == Stage::kBody && parser->is_done()) {
        request.body = std::move(parser->get().body());
        stage = Stage::kComplete;
      }
    }
  }

  void header_done() {
    const auto& message = parser->get();
    http_1_0 = message.version() < 11;
    keep_alive = message.keep_alive();
    request.method = text_of(message.method_string());
    is_head = request.method == "HEAD";
    std::size_t hosts = 0, lengths = 0, codings = 0;
    std::string_view host;
    for (const auto& field : message) {
      std::string name = lower(text_of(field.name_string()));
      const std::string_view value = text_of(field.value());
      if (!std::ranges::all_of(value, [](char c) { return static_cast<unsigned char>(c) >= 0x20 || c == '\t'; })) {
        return refuse(400, "a header field has a control character");
      }
      if (name == "host") {
        ++hosts;
        host = value;
      } else if (name == "content-length") {
        ++lengths;
        if (!std::ranges::all_of(value, [](char c) { return c >= '0' && c <= '9'; })) {
          return refuse(400, "Content-Length is not one number");
        }
      } else if (name == "transfer-encoding") {
        ++codings;
        if (!equals_ignoring_case(value, "chunked")) return refuse(501, "the only transfer coding taken is chunked");
      } else if (name == "expect") {
        if (!equals_ignoring_case(value, "100-continue"))
          return refuse(417, "the only expectation met is 100-continue");
        expects = !http_1_0;
      }
      request.headers.emplace_back(std::move(name), value);
    }
    if (lengths > 1) return refuse(400, "Content-Length is given more than once");
    if (codings > 1) return refuse(400, "Transfer-Encoding is given more than once");
    if (lengths + codings > 1) return refuse(400, "both Content-Length and Transfer-Encoding are given");
    if (codings > 0 && http_1_0) return refuse(400, "HTTP/1.0 has no transfer codings");
    if (hosts > 1) return refuse(400, "Host is given more than once");
    if (hosts == 0 && !http_1_0) return refuse(400, "Host is missing");
    if (hosts == 1 && !is_host(host)) return refuse(400, "Host is not a name or address, with or without a port");
    Expected<Target> target = parse_target(text_of(message.target()), host);
    if (!target) return refuse(400, target.error().message);
    request.path = std::move(target->path);
    request.query = std::move(target->query);
    // Fields of a trailer go to the parser's message, not to the request: nothing of them was checked.
    parser->eager(true);
    // A chunked body does not say how long it becomes.
    const auto length = parser->content_length();
    const bool is_long = parser->chunked() || (length && *length > small_body);
    stage = is_long && small_body < body_limit ? Stage::kLongBody : Stage::kBody;
  }

  void allow(bool long_body) {
    if (stage != Stage::kLongBody) return;
    stage = Stage::kBody;
    if (!long_body) {
      allowed = small_body;
      if (parser->content_length()) return refuse_body(small_body);
      parser->body_limit(small_body);
    }
    go_on();
  }
};

RequestReader::RequestReader(std::size_t header_limit, std::size_t body_limit, std::size_t small_body)
    : state_(std::make_unique<State>()) {
  state_->header_limit = header_limit;
  state_->small_body = small_body;
  state_->body_limit = body_limit;
  state_->begin();
}

RequestReader::~RequestReader() = default;

void RequestReader::take(std::string_view bytes) {
  if (state_->stage == Stage::kRefused) return;
  state_->bytes += bytes;
  state_->go_on();
}

RequestReader::Stage RequestReader::stage() const { return state_->stage; }
bool RequestReader::wants_continue() const {
  return state_->stage == Stage::kBody && state_->expects && state_->bytes.empty();
}
unsigned RequestReader::refusal() const { return state_->refusal; }
const std::string& RequestReader::detail() const { return state_->detail; }
bool RequestReader::keep_alive() const { return state_->keep_alive; }
bool RequestReader::http_1_0() const { return state_->http_1_0; }
bool RequestReader::is_head() const { return state_->is_head; }

const Request& RequestReader::header() const { return state_->request; }
void RequestReader::allow(bool long_body) { state_->allow(long_body); }
Request RequestReader::request() { return std::move(state_->request); }

void RequestReader::next() {
  state_->begin();
  state_->go_on();
}

}  // namespace tocsin::serve
