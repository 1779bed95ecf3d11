// The application side of a flow: finds out which protocol it is, by content and not by port, and feeds its parser.
//
// Each side is recognised for itself, for one that only claims to speak a protocol is not answered in it. Until then
// what came waits, up to a limit. A protocol may hand the flow to another (STARTTLS, CONNECT, Upgrade): from there on
// it is recognised anew.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "protocol/protocols.h"

namespace tocsin::protocol {

class Application {
 public:
  // settings must outlive this.
  Application(const ProtocolSettings& settings, bool is_udp, std::uint16_t client_port, std::uint16_t server_port);
  ~Application();

  void take(Side side, Bytes bytes, Timestamp time);
  void skip(Side side, std::uint64_t bytes, Timestamp time);
  void end(Side side, Timestamp time);

  // Null until it is known.
  const Protocol* protocol() const { return parser_ && parser_->is_now ? parser_->is_now : protocol_; }
  // Given up: nothing was recognised. A parser that gives up leaves the protocol as it is.
  bool has_failed() const { return failed_; }
  // Of each side, as it was found when the side first spoke, and the one before an upgrade.
  const Protocol* protocol_of(Side side) const { return sides_[static_cast<int>(side)]; }
  const Protocol* original() const { return original_; }
  Parser* parser() { return parser_.get(); }
  // Another protocol follows: what the parser has is judged and logged before more is fed, since it goes with it.
  bool is_changing() const { return changing_; }
  // Set by take if the flow's sides were guessed wrong; what was taken was taken as of the other side. The owner swaps
  // client and server, and takes the mark away.
  bool is_reversed = false;
  // Set when a parser gave up on what it was fed; taken away by the owner.
  bool has_error = false;
  // The side that a parser gave up on, for good; nothing more will come of either.
  std::optional<Side> gave_up_on() const { return gave_up_on_; }
  // The flow was announced by another one (FTP's data): what it is if its content does not say.
  void expect(std::string_view protocol, const Parser::Expected& announced);
  // The flow was picked up in the middle: only the client's side can tell what it is.
  void set_midstream() { midstream_ = true; }

  // Events of the layer itself: "applayer_mismatch_protocol_both_directions",
  // "applayer_detect_protocol_only_one_direction", "applayer_proto_detection_skipped" ...; taken away by the owner.
  std::vector<std::string_view> events;

 private:
  // What is known of a side's beginning.
  struct Seen {
    std::vector<std::uint8_t> waiting;  // until the protocol is known
    std::uint64_t bytes = 0;            // that came since the last change
    bool patterns_done = false, ports_done = false;
    bool is_settled = false;  // no longer looked at; if its protocol is null, the other side's is taken
  };
  Seen& seen(Side side) { return seen_[static_cast<int>(side)]; }
  const Protocol*& known(Side side) { return sides_[static_cast<int>(side)]; }

  void take_datagram(Side side, Bytes bytes, Timestamp time);
  const Protocol* recognise(Side side, Bytes bytes);
  const Protocol* recognise_by_port(const struct Beginning& beginning, bool& done) const;
  void detect(Side side, Timestamp time);
  void give_waiting(Side side, Timestamp time);
  void feed(Side side, Bytes bytes, Timestamp time);
  void start(const Protocol* protocol);
  void change();
  void check_limits();
  void fail();

  const ProtocolSettings& settings_;
  const Protocol* protocol_ = nullptr;
  const Protocol* sides_[2] = {nullptr, nullptr};
  const Protocol* original_ = nullptr;
  bool failed_ = false;  // nothing was recognised
  bool broken_ = false;  // the parser gave up
  std::optional<Side> gave_up_on_;
  bool changing_ = false;  // another protocol was asked for, and has not been recognised
  bool sent_ = false;      // the parser was fed
  bool midstream_ = false;
  int first_ = -1;  // the side that was heard first
  std::string_view wanted_;
  std::uint16_t wanted_port_ = 0;
  std::unique_ptr<Parser> parser_;
  std::unique_ptr<Parser> former_;
  const Protocol* expected_ = nullptr;
  std::unique_ptr<Parser::Expected> announced_;
  Seen seen_[2];
  bool is_udp_;
  std::uint16_t client_port_, server_port_;
};

}  // namespace tocsin::protocol
