// HTTP/1 heads (RFC 9112) as far as one packet carries them, and the requests that wait for their response.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "collect/observation.h"
#include "dissect/decode.h"

namespace tocsin::dissect {

// Views into the packet. A field that the packet's end cuts off is given as far as it goes.
struct HttpRequest {
  std::string_view method, uri, host, user_agent, referrer;
};

// Cheap: whether the payload may begin with a request or status line.
bool looks_like_http(Bytes payload);
// A request by content: a known method, a target, and HTTP/1.x or the end of the packet.
bool parse_request(Bytes payload, HttpRequest& request);
// The status code of a response head, 0 if it is none.
std::uint16_t parse_status(Bytes payload);

// Requests outstanding, one a flow. Their texts are copied; when they would take more than `most_bytes` together, a
// request is not kept but emitted at once without its status.
class HttpMatcher {
 public:
  explicit HttpMatcher(std::size_t most_bytes) : most_bytes_(most_bytes) {}

  // A request on a flow whose outstanding one is `slot`: that is given out, and slot becomes this one's.
  void ask(const HttpRequest& request, const Endpoint& client, const Endpoint& server, Timestamp time,
           const Place& place, std::uint32_t& slot, Batch& out);
  // A response from `server`; a slot that is kNoIndex, or whose request went elsewhere, stays as it is.
  void answer(std::uint16_t status, const Endpoint& server, std::uint32_t& slot, Batch& out);
  // The flow has ended.
  void end(std::uint32_t& slot, Batch& out);

 private:
  struct Waiting {
    Endpoint client, server;
    Timestamp time = 0;
    Place place;
    std::string text;  // method, uri, host, user agent, referrer one after another
    std::uint32_t sizes[5] = {};
  };
  void emit(const Waiting& waiting, std::uint16_t status, Batch& out) const;
  void release(std::uint32_t& slot);

  std::size_t most_bytes_;
  std::size_t bytes_ = 0;
  std::vector<Waiting> waiting_;
  std::vector<std::uint32_t> free_;
};

}  // namespace tocsin::dissect
