// Files in the form that a request carries (RFC 7578), read as they come.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "protocol/transaction.h"

namespace tocsin::protocol {

// A parameter of a header's value: boundary=..., filename="...", or in pieces, filename*0=..., filename*1=...; empty if
// there is none. Backslashes that escape are taken away.
std::string form_parameter(std::string_view value, std::string_view name);

class Multipart {
 public:
  struct Sink {
    virtual ~Sink() = default;
    virtual void open_part(std::string name) = 0;
    virtual void part_bytes(Bytes bytes) = 0;
    virtual void close_part() = 0;
    virtual void part_event(std::string_view event) = 0;
  };

  // Null if the type names no boundary.
  static std::unique_ptr<Multipart> of(std::string_view content_type);
  void take(Bytes bytes, Sink& sink);

 private:
  enum class State { kStart, kSkipLine, kLineEnd, kHeaders, kBody, kBytes };
  // false: more is needed.
  bool step(Sink& sink);
  bool start();
  bool headers(Sink& sink);
  bool bytes(Sink& sink);
  void header(std::string_view line, Sink& sink);
  void consume(std::size_t size) { at_ += size; }
  std::string_view rest() const { return std::string_view(pending_).substr(at_); }

  std::string boundary_;  // with its hyphens
  std::string pending_;
  std::size_t at_ = 0;
  State state_ = State::kStart;
  bool is_open_ = false;
};

}  // namespace tocsin::protocol
