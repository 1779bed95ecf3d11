// The lines of web servers' access logs, taken apart. Views point into the line; escapes are still in them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip_address.h"
#include "base/time.h"
#include "collect/observation.h"

namespace tocsin::collect {

struct AccessLine {
  std::string_view virtual_host;  // with its port if the log has it
  std::string_view client;        // an address or a name
  std::string_view request;       // between the quotes
  std::string_view referrer, user_agent;
  IpAddress client_ip;  // unspecified if client is a name
  Timestamp time = 0;
  std::uint64_t response_bytes = 0;
  std::uint16_t status = 0;
};

// Apache's common, combined and vhost_combined, nginx's combined, any of them with more fields after
// (httpd.apache.org/docs/2.4/mod/mod_log_config.html). Empty if the line is one, else what is wrong with it.
std::string_view parse_access_line(std::string_view line, AccessLine& parsed);

// The columns that a W3C extended log (www.w3.org/TR/WD-logfile.html; IIS) names in its "#Fields:" line.
class W3cColumns {
 public:
  // nullopt if that line is none, or lacks the client's address or the request.
  static std::optional<W3cColumns> of(std::string_view line);
  // Fills all but place; texts are kept in the arena. Empty if the line has those columns, else what is wrong with it.
  std::string_view parse(std::string_view line, HttpTransaction& http, TextArena& text);

 private:
  enum Column : std::size_t {
    kDate,
    kTime,
    kServerIp,
    kServerPort,
    kClientIp,
    kMethod,
    kStem,
    kQuery,
    kHost,
    kUserAgent,
    kReferrer,
    kStatus,
    kBytes,
    kColumns
  };
  std::string_view text(Column column) const;

  std::vector<std::uint8_t> meaning_;  // of each field of a line; kColumns: none
  std::vector<std::string_view> values_ = std::vector<std::string_view>(kColumns);
  std::string scratch_;
};

// The site that the name of a log tells ("www.example.org-access.log.1.gz": "www.example.org"), empty if none.
std::string site_of_log(std::string_view file_name);

// Longer texts of a request are cut to this.
inline constexpr std::size_t kMostUri = 16 * 1024;
inline constexpr std::size_t kMostHeader = 4096;

}  // namespace tocsin::collect
