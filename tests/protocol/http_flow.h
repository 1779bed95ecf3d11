// A connection of HTTP for tests: what is sent, and what rules see of it.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>

#include "protocol/http.h"

namespace tocsin::protocol {

class HttpFlow {
 public:
  explicit HttpFlow(std::initializer_list<std::pair<std::string, std::string>> settings = {}) {
    for (const auto& [name, value] : settings) options_.set(name, value);
    parser_ = http_protocol().parser(options_);
  }

  HttpFlow& client(std::string_view text) { return send(Side::kToServer, text); }
  HttpFlow& server(std::string_view text) { return send(Side::kToClient, text); }
  HttpFlow& send(Side side, std::string_view text) {
    alive_ = parser_->take(side, {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}, ++time_);
    return *this;
  }
  HttpFlow& lose(Side side, std::uint64_t bytes) {
    alive_ = parser_->skip(side, bytes, ++time_);
    return *this;
  }
  HttpFlow& end() {
    parser_->end(Side::kToServer, ++time_);
    parser_->end(Side::kToClient, ++time_);
    return *this;
  }

  Parser& parser() { return *parser_; }
  bool is_alive() const { return alive_; }
  std::size_t count() const { return parser_->transactions.size(); }
  Transaction& operator[](std::size_t index) { return *parser_->transactions.at(index); }

  Value value(std::string_view keyword, Side side, std::size_t transaction = 0, std::size_t index = 0) {
    return (*this)[transaction].value(http_protocol().field(keyword), side, index);
  }
  // "-": it has none; "?": it may come.
  std::string text(std::string_view keyword, Side side, std::size_t transaction = 0, std::size_t index = 0) {
    const Value found = value(keyword, side, transaction, index);
    if (found.presence == Presence::kAbsent) return "-";
    if (found.presence == Presence::kNotYet) return "?";
    return {reinterpret_cast<const char*>(found.bytes.data()), found.bytes.size()};
  }
  std::string request(std::string_view keyword, std::size_t transaction = 0) {
    return text(keyword, Side::kToServer, transaction);
  }
  std::string response(std::string_view keyword, std::size_t transaction = 0) {
    return text(keyword, Side::kToClient, transaction);
  }
  bool has_event(std::string_view event) const {
    for (const auto& transaction : parser_->transactions) {
      for (const std::string_view one : transaction->events) {
        if (one == event) return true;
      }
    }
    return false;
  }

 private:
  Options options_;
  std::unique_ptr<Parser> parser_;
  bool alive_ = true;
  Timestamp time_ = 0;
};

}  // namespace tocsin::protocol
