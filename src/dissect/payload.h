// What single packets carry of DNS (RFC 1035), HTTP/1 (RFC 9112) and TLS (RFC 8446, RFC 6066). Private to this folder.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip_address.h"

namespace tocsin {

struct DnsMessage {
  std::uint16_t id = 0;
  bool answer = false;
  std::int16_t code = 0;
  std::string query;  // dots inside a label as "\."
  std::uint16_t query_type = 0;
  std::vector<IpAddress> addresses;
  std::vector<std::string> names;
};
// Nothing if it is no DNS message with a question. wrong: set if it claims to be one but is malformed.
std::optional<DnsMessage> parse_dns(std::span<const std::byte> bytes, bool& wrong);

struct HttpRequest {
  std::string_view method, uri, host, user_agent, referrer;
};
// Views into the payload.
std::optional<HttpRequest> parse_http_request(std::string_view payload);
// The status of a response's first line.
std::optional<std::uint16_t> parse_http_status(std::string_view payload);

struct ClientHello {
  std::string_view server_name;  // into the payload
  std::string ja3;               // MD5 in hexadecimal (github.com/salesforce/ja3); empty if the hello was cut
};
std::optional<ClientHello> parse_client_hello(std::span<const std::byte> payload);

}  // namespace tocsin
