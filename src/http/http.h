// HTTP as handlers see it (RFC 9110), apart from the library that speaks it.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tocsin::serve {

using Fields = std::vector<std::pair<std::string, std::string>>;

struct Request {
  std::string method;  // "GET"
  std::string path;    // decoded once; begins with '/', has no dot segments, no NUL
  Fields query;        // decoded, in order; repeated names stay
  Fields headers;      // names in lower case
  std::string body;
  std::string peer;     // text of the client's address; behind a proxy: the last of X-Forwarded-For
  bool secure = false;  // TLS here, or X-Forwarded-Proto: https from a trusted proxy

  const std::string* header(std::string_view name) const;  // the first; nullptr if none
  std::optional<std::string_view> cookie(std::string_view name) const;
};

// Where a long answer is written: blocks until the client has room. False: the client is gone, or the server stops.
class BodyWriter {
 public:
  virtual ~BodyWriter() = default;
  virtual bool write(std::string_view bytes) = 0;
};

// An answer has a body, shares one with a cache, streams one (chunked), or becomes a subscriber of server-sent events.
struct Response {
  unsigned status = 200;
  Fields headers = {};  // Content-Type and what else; Content-Length and Date are the server's
  std::string body = {};
  std::shared_ptr<const std::string> shared = nullptr;
  std::function<void(BodyWriter&)> stream = nullptr;  // runs on a worker thread
  bool events = false;                                // text/event-stream; fed by Server::broadcast
};

using Handler = std::function<Response(const Request&)>;  // called on worker threads, several at once
using Knows = std::function<bool(const Request&)>;        // the same
using IsPrompt = std::function<bool(const Request&)>;     // on the threads that move bytes

// A problem document (RFC 9457): type "about:blank" if empty, title of the status, detail for people.
Response problem(unsigned status, std::string_view detail, std::string_view type = {});
Response json(std::string body, unsigned status = 200);

}  // namespace tocsin::serve
