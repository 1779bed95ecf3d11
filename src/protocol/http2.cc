#include "protocol/http2.h"

#include "protocol/http2_connection.h"
#include "protocol/protocols.h"

namespace tocsin::protocol {
namespace {

class Http2 : public Protocol {
 public:
  std::string_view name() const override { return "http2"; }
  int field(std::string_view keyword) const override { return http2_field(keyword); }
  std::optional<std::uint64_t> number_of(int field, std::string_view word) const override {
    return http2_number_of(field, word);
  }

  std::span<const std::string_view> steps(Side side) const override {
    static constexpr std::string_view kRequest[] = {"request_started", "request_headers", "request_data",
                                                    "request_closed", "request_complete"};
    static constexpr std::string_view kResponse[] = {"response_started", "response_headers", "response_data",
                                                     "response_closed", "response_complete"};
    return side == Side::kToServer ? kRequest : kResponse;
  }

  Probe probe(bool is_udp, Side side, Bytes bytes, std::uint16_t) const override {
    if (is_udp) return Probe::kNo;
    if (side == Side::kToServer) {
      constexpr std::string_view kGreeting = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
      const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
      if (text.starts_with(kGreeting)) return Probe::kYes;
      return kGreeting.starts_with(text) ? Probe::kMore : Probe::kNo;
    }
    // Settings, of the whole connection.
    constexpr std::size_t kHead = 9;
    const bool is_possible = (bytes.empty() || bytes[0] == 0) && (bytes.size() < 2 || bytes[1] <= 0x40) &&
                             (bytes.size() < 4 || bytes[3] == 4) && (bytes.size() < 5 || bytes[4] <= 1);
    if (!is_possible) return Probe::kNo;
    if (bytes.size() < kHead) return Probe::kMore;
    const bool is_whole = (bytes[5] | bytes[6] | bytes[7] | bytes[8]) == 0 && (bytes[1] << 8 | bytes[2]) % 6 == 0;
    return is_whole ? Probe::kYes : Probe::kNo;
  }

  std::unique_ptr<Parser> parser(const Options& options) const override {
    return std::make_unique<Http2Connection>(http_settings(options));
  }
};

class Doh2 final : public Http2 {
 public:
  std::string_view name() const override { return "doh2"; }
  int field(std::string_view keyword) const override {
    if (const int own = http2_field(keyword); own >= 0) return own;
    const int of_dns = dns_protocol().field(keyword);
    return of_dns < 0 ? -1 : Http2Transaction::kFirstDnsField + of_dns;
  }
  std::optional<std::uint64_t> number_of(int field, std::string_view word) const override {
    if (field < Http2Transaction::kFirstDnsField) return http2_number_of(field, word);
    return dns_protocol().number_of(field - Http2Transaction::kFirstDnsField, word);
  }
  // It begins as HTTP/2.
  Probe probe(bool, Side, Bytes, std::uint16_t) const override { return Probe::kNo; }
};

}  // namespace

const Protocol& doh2_protocol() {
  static const Doh2 doh2;
  return doh2;
}

const Protocol& http2_protocol() {
  static const Http2 http2;
  return http2;
}

}  // namespace tocsin::protocol
