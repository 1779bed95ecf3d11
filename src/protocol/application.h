// The application side of a flow: finds out which protocol it is, by content and not by port, and feeds its parser.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "protocol/transaction.h"

namespace tocsin::protocol {

class Application {
 public:
  Application(const Options& options, bool is_udp, std::uint16_t client_port, std::uint16_t server_port);
  ~Application();

  void take(Side side, Bytes bytes, Timestamp time);
  void skip(Side side, std::uint64_t bytes, Timestamp time);
  void end(Side side, Timestamp time);

  // Null until it is known.
  const Protocol* protocol() const { return protocol_; }
  // Given up: nothing was recognised, or the parser failed.
  bool has_failed() const { return failed_; }
  // Of each side, where they differ, and the one before an upgrade.
  const Protocol* protocol_of(Side side) const { return sides_[static_cast<int>(side)]; }
  const Protocol* original() const { return original_; }
  Parser* parser() { return parser_.get(); }

  // Events of the layer itself: "applayer_mismatch_protocol_both_directions",
  // "applayer_detect_protocol_only_one_direction", "applayer_proto_detection_skipped" ...; taken away by the owner.
  std::vector<std::string_view> events;

 private:
  const Options& options_;
  const Protocol* protocol_ = nullptr;
  const Protocol* sides_[2] = {nullptr, nullptr};
  const Protocol* original_ = nullptr;
  bool failed_ = false;
  std::unique_ptr<Parser> parser_;
  std::vector<std::uint8_t> waiting_[2];  // until the protocol is known
  bool is_udp_;
  std::uint16_t client_port_, server_port_;
};

}  // namespace tocsin::protocol
