// The settings of HTTP, from options below "app-layer.protocols.http.libhtp.default-config." or
// "libhtp.default-config.", with the values of Suricata's own configuration where nothing is said.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "protocol/file.h"
#include "protocol/http_swf.h"

struct htp_cfg_t;

namespace tocsin::protocol {

struct BodyLimits {
  std::uint64_t limit = 100 * 1024;  // 0: none
  std::uint64_t least = 32 * 1024;   // looked at from this size on, or when it is whole
  std::uint64_t window = 4 * 1024;   // kept of what was looked at
};

struct HttpSettings {
  HttpSettings() = default;
  explicit HttpSettings(const Options& options);

  BodyLimits request, response = {100 * 1024, 40 * 1024, 16 * 1024};
  bool double_decode_path = false, double_decode_query = false;
  bool whole_uri = false;  // the scheme, the user and the host are part of the decoded URI
  bool is_inline = false;  // bodies are looked at as they come
  std::uint64_t most_transactions = 512;
  std::uint64_t bomb_limit = 1 << 20;
  SwfSettings swf;
  bool has_request_headers = false, has_response_headers = false;  // in EVE
  std::vector<std::string> logged_headers;                         // beside what is always there, in lower case
  FileSettings files;
  std::shared_ptr<htp_cfg_t> library;  // with the hooks of HttpParser

 private:
  void read_output(std::string_view name, const std::string& value);
};

// The same settings are made once.
std::shared_ptr<const HttpSettings> http_settings(const Options& options);

}  // namespace tocsin::protocol
