// Content codings (RFC 9110 section 8.4) and the tags that go with them (section 8.8).
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace tocsin::serve {

// What Accept-Encoding says of a coding: "gzip;q=0" refuses it, "*" takes all that are not named.
bool accepts(std::string_view accept_encoding, std::string_view coding);
// RFC 1952. level: 1 (fast) to 9 (small).
std::string gzip(std::string_view bytes, int level);
// Whether an If-None-Match names the tag; the comparison is weak.
bool matches(std::string_view if_none_match, std::string_view tag);

// Compressed forms of bodies that several answers share: each is compressed once, though several threads ask.
class GzipCache {
 public:
  GzipCache();
  ~GzipCache();
  std::shared_ptr<const std::string> compressed(const std::shared_ptr<const std::string>& body);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace tocsin::serve
