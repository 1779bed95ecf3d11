// Files of the page, read into memory once: with their type, compressed forms and hash.
#pragma once

#include <memory>
#include <string>

#include "base/expected.h"
#include "http/http.h"

namespace tocsin::serve {

class Assets {
 public:
  // Every file below directory; FILE.br and FILE.gz beside FILE are its compressed forms. An error if index.html is
  // missing, or if they are over 64 MiB.
  static Expected<Assets> load(const std::string& directory);
  // GET and HEAD of a path. A path without a dot in its last segment that no file has is index.html, for the page's own
  // links. Files below /assets/ (whose names hold their hash) are cacheable for good; the others are asked for again
  // (ETag). Accept-Encoding chooses the form.
  Response get(const Request& request) const;

 private:
  struct State;
  std::shared_ptr<const State> state_;
};

}  // namespace tocsin::serve
