// A response as it goes onto the wire.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "http/content_coding.h"
#include "http/http.h"

namespace tocsin::serve {

// What of a request and its connection decides how it is answered.
struct Asked {
  bool is_head = false;
  bool http_1_0 = false;
  bool keep_alive = false;
  bool secure = false;
  std::string accept_encoding = {};
};

struct Outgoing {
  std::string head;  // status line and header, with the empty line
  std::string body;
  std::shared_ptr<const std::string> shared;
  std::function<void(BodyWriter&)> stream;
  bool events = false;
  bool chunked = false;
  bool keep_alive = false;

  std::string_view bytes() const { return shared ? std::string_view(*shared) : std::string_view(body); }
};

// Adds the header fields that are the server's, and compresses text of 1 KiB and more where the client takes it. An
// answer that is not to be stored is not compressed: it may hold secrets, whose length would tell of them.
Outgoing make_outgoing(Response response, const Asked& asked, GzipCache& cache);

}  // namespace tocsin::serve
