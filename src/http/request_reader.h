// Makes requests of a connection's bytes (RFC 9112). Refuses whatever another party on the way could read differently:
// two lengths, a length beside a coding, codings other than chunked, a missing or strange Host.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "http/http.h"

namespace tocsin::serve {

class RequestReader {
 public:
  // kLongBody: the header is there, and the body is or may be longer than small_body: nothing more is read of it until
  // allow() says how long it may be.
  enum class Stage : std::uint8_t { kEmpty, kHeader, kLongBody, kBody, kComplete, kRefused };

  RequestReader(std::size_t header_limit, std::size_t body_limit, std::size_t small_body);
  ~RequestReader();
  // Takes bytes and goes on to the end of a request at most; what is left is of the next ones.
  void take(std::string_view bytes);
  Stage stage() const;
  // In kBody: the client waits to be told to go on (RFC 9110 section 10.1.1).
  bool wants_continue() const;
  // In kRefused: how to answer before the connection is closed.
  unsigned refusal() const;
  const std::string& detail() const;
  // From the header on. In kRefused these are of the request refused, if it came so far.
  bool keep_alive() const;
  bool http_1_0() const;
  bool is_head() const;
  // In kLongBody.
  const Request& header() const;
  void allow(bool long_body);
  // In kComplete: the request, without peer and secure; once.
  Request request();
  // After kComplete: what is left is taken as the next request.
  void next();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace tocsin::serve
