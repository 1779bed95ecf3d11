#include "protocol/http.h"

#include <array>

#include "base/text.h"
#include "protocol/http_parser.h"
#include "protocol/http_settings.h"

namespace tocsin::protocol {
namespace {

constexpr std::string_view kMethods[] = {"GET",
                                         "PUT",
                                         "POST",
                                         "HEAD",
                                         "TRACE",
                                         "OPTIONS",
                                         "CONNECT",
                                         "DELETE",
                                         "PATCH",
                                         "PROPFIND",
                                         "PROPPATCH",
                                         "MKCOL",
                                         "COPY",
                                         "MOVE",
                                         "LOCK",
                                         "UNLOCK",
                                         "CHECKOUT",
                                         "UNCHECKOUT",
                                         "CHECKIN",
                                         "UPDATE",
                                         "LABEL",
                                         "REPORT",
                                         "MKWORKSPACE",
                                         "MKACTIVITY",
                                         "MERGE",
                                         "INVALID",
                                         "VERSION-CONTROL",
                                         "BASELINE-CONTROL"};
constexpr std::string_view kVersions[] = {"HTTP/0.9", "HTTP/1.0", "HTTP/1.1"};

class Http final : public Protocol {
 public:
  std::string_view name() const override { return "http"; }
  int field(std::string_view keyword) const override { return http_field(keyword); }

  std::span<const std::string_view> steps(Side side) const override {
    static constexpr std::string_view kRequest[] = {"request_started", "request_line",    "request_headers",
                                                    "request_body",    "request_trailer", "request_complete"};
    static constexpr std::string_view kResponse[] = {"response_started", "response_line",    "response_headers",
                                                     "response_body",    "response_trailer", "response_complete"};
    return side == Side::kToServer ? kRequest : kResponse;
  }

  Probe probe(bool is_udp, Side side, Bytes bytes, std::uint16_t) const override {
    if (is_udp) return Probe::kNo;
    const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    Probe answer = Probe::kNo;
    const auto compare = [&](std::string_view word, bool has_blank) {
      const std::size_t size = std::min(word.size(), text.size());
      if (!equals_ignoring_case(text.substr(0, size), word.substr(0, size))) return false;
      if (text.size() < word.size() + has_blank) {
        answer = Probe::kMore;
        return false;
      }
      return !has_blank || text[word.size()] == ' ' || text[word.size()] == '\t';
    };
    if (side == Side::kToServer) {
      for (const std::string_view method : kMethods) {
        if (compare(method, true)) return Probe::kYes;
      }
    } else {
      for (const std::string_view version : kVersions) {
        if (compare(version, false)) return Probe::kYes;
      }
    }
    return answer;
  }

  std::unique_ptr<Parser> parser(const Options& options) const override {
    return std::make_unique<HttpParser>(http_settings(options));
  }
};

}  // namespace

const Protocol& http_protocol() {
  static const Http http;
  return http;
}

}  // namespace tocsin::protocol
