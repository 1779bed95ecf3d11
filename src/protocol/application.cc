// Recognition of each side, in the order and with the consequences that Suricata has (docs.suricata.io, "Protocol
// Anomalies Detection" and app-layer-event): what the sides claim decides, the server's claim more than the client's,
// and one side that is not recognised is parsed as what the other is.
#include "protocol/application.h"

#include <algorithm>

#include "base/stages.h"

namespace tocsin::protocol {
namespace {

// No protocol is recognised by bytes beyond these alone.
constexpr std::size_t kLongestPattern[2] = {17, 10};
// What may wait on one side while the other is silent, and at most.
constexpr std::uint64_t kWait = 100'000, kMostWait = 200'000;
// What may wait after a change of protocols.
constexpr std::size_t kChangeWait = 4'096;
// What may wait in all flows that a thread follows. Beyond it flows that are not recognised yet are given up, so that
// beginnings of flows that nobody can recognise do not use memory up.
constexpr std::size_t kMostWaitInAll = std::size_t{64} << 20;
thread_local std::size_t waits_in_all = 0;

// For as long as what waits of one flow may change; one within another of the same flow does nothing.
class Tally {
 public:
  template <typename Side>
  explicit Tally(const Side (&sides)[2])
      : first_(sides[0].waiting), second_(sides[1].waiting), outer_(current), is_inner_(outer_ == &first_) {
    if (is_inner_) return;
    current = &first_;
    before_ = size();
  }
  ~Tally() {
    if (is_inner_) return;
    current = outer_;
    waits_in_all += size() - before_;
  }
  Tally(const Tally&) = delete;
  Tally& operator=(const Tally&) = delete;

 private:
  using Waiting = std::vector<std::uint8_t>;
  static inline thread_local const Waiting* current = nullptr;
  std::size_t size() const { return first_.size() + second_.size(); }
  const Waiting &first_, &second_;
  const Waiting* outer_;
  bool is_inner_;
  std::size_t before_ = 0;
};

}  // namespace

Application::Application(const ProtocolSettings& settings, bool is_udp, std::uint16_t client_port,
                         std::uint16_t server_port)
    : settings_(settings), is_udp_(is_udp), client_port_(client_port), server_port_(server_port) {}

Application::~Application() { waits_in_all -= seen_[0].waiting.size() + seen_[1].waiting.size(); }

void Application::expect(std::string_view protocol, const Parser::Expected& announced) {
  expected_ = find_protocol(protocol);
  announced_ = std::make_unique<Parser::Expected>(announced);
}

void Application::fail() {
  failed_ = true;
  changing_ = false;
  for (Seen& side : seen_) {
    std::vector<std::uint8_t>().swap(side.waiting);  // its memory, too
    side.is_settled = true;
  }
}

void Application::start(const Protocol* protocol) {
  if (changing_) {
    former_ = std::move(parser_);
    changing_ = false;
    broken_ = false;
    gave_up_on_.reset();
    if (!wanted_.empty() && wanted_ != "any" && wanted_ != protocol->name()) {
      events.emplace_back("applayer_unexpected_protocol");
      if (wanted_ == "tls") events.emplace_back("applayer_no_tls_after_starttls");
    }
  }
  protocol_ = protocol;
  if (settings_.of(*protocol, is_udp_).is_parsed) parser_ = protocol->parser_over(is_udp_, settings_.options());
  if (parser_ && announced_ && protocol == expected_) parser_->announced(*announced_);
}

const Protocol* Application::recognise_by_port(const Beginning& beginning, bool& done) const {
  const std::uint16_t server = wanted_port_ != 0 ? wanted_port_ : server_port_;
  for (const Protocol* protocol : protocols()) {
    const bool is_others = protocol == beginning.other || (!wanted_.empty() && protocol->name() == wanted_);
    if (!is_others && protocol->ports(is_udp_).empty()) continue;
    const ProtocolSettings::Of& of = settings_.of(*protocol, is_udp_);
    if (!is_others && !of.has_port(server) && !of.has_port(client_port_)) continue;
    if (!of.is_recognised) continue;
    const Probe probe = protocol->recognise_on_port(beginning);
    if (probe == Probe::kYes) return protocol;
    if (probe == Probe::kMore) done = false;
  }
  return nullptr;
}

const Protocol* Application::recognise(Side side, Bytes bytes) {
  Seen& own = seen(side);
  const Beginning beginning{
      is_udp_, side, bytes, client_port_, server_port_, known(other(side)), seen(other(side)).bytes};
  if (!own.patterns_done) {
    bool done = is_udp_ || bytes.size() >= kLongestPattern[static_cast<int>(side)];
    for (const Protocol* protocol : protocols()) {
      const Probe probe = protocol->recognise(beginning);
      if (probe == Probe::kNo || !settings_.of(*protocol, is_udp_).is_recognised) continue;
      if (probe == Probe::kYes) {
        own.patterns_done = true;
        return protocol;
      }
      done = false;
    }
    own.patterns_done = done;
  }
  if (!own.ports_done) {
    bool done = true;
    if (const Protocol* protocol = recognise_by_port(beginning, done)) return protocol;
    own.ports_done = done;
  }
  return expected_;
}

void Application::take(Side side, Bytes bytes, Timestamp time) {
  const InStage stage(Stage::kProtocols);
  if (failed_ || (broken_ && !changing_)) return;
  if (is_udp_) {
    take_datagram(side, bytes, time);
    return;
  }
  if (bytes.empty()) return;
  const Tally tally(seen_);
  Seen& own = seen(side);
  own.bytes += bytes.size();
  if (own.is_settled && !changing_) {
    feed(side, bytes, time);
    return;
  }
  if (first_ < 0) first_ = static_cast<int>(side);
  if (waits_in_all + bytes.size() > kMostWaitInAll) {
    events.emplace_back("applayer_proto_detection_skipped");
    fail();
    return;
  }
  own.waiting.insert(own.waiting.end(), bytes.begin(), bytes.end());
  detect(side, time);
}

void Application::take_datagram(Side side, Bytes bytes, Timestamp time) {
  Seen& own = seen(side);
  if (own.is_settled) {
    feed(side, bytes, time);
    return;
  }
  own.bytes += bytes.size();
  own.patterns_done = own.ports_done = false;
  const Protocol* found = recognise(side, bytes);
  Seen& others = seen(other(side));
  if (!found && !others.is_settled) {
    // The first datagram may be an answer, its question having been missed.
    const Beginning turned{true, other(side), bytes, server_port_, client_port_, nullptr, 0};
    bool done = true;
    const Protocol* reversed = recognise_by_port(turned, done);
    if (reversed && reversed->tells_sides()) {
      found = reversed;
      is_reversed = true;
      std::swap(client_port_, server_port_);
      side = other(side);
    }
  }
  seen(side).is_settled = true;
  if (found) {
    if (known(other(side)) && known(other(side)) != found) {
      events.emplace_back("applayer_mismatch_protocol_both_directions");
    } else if (!protocol_) {
      start(found);
    }
    known(side) = found;
  } else {
    known(side) = known(other(side));
    if (others.is_settled && !protocol_) {
      fail();
      return;
    }
  }
  if (protocol_) feed(side, bytes, time);
}

void Application::give_waiting(Side side, Timestamp time) {
  const std::vector<std::uint8_t> waiting = std::move(seen(side).waiting);
  seen(side).waiting = {};
  if (!waiting.empty()) feed(side, waiting, time);
}

void Application::detect(Side side, Timestamp time) {
  Seen& own = seen(side);
  Seen& others = seen(other(side));
  if (changing_) {
    // Nothing that was known holds.
    for (Seen& one : seen_) one.patterns_done = one.ports_done = false;
  }
  const Protocol* found = recognise(side, own.waiting);
  if (!found && midstream_ && !sent_ && !changing_ && first_ == static_cast<int>(side) && !others.is_settled) {
    Seen kept = others;
    found = recognise(other(side), own.waiting);
    if (found) {
      // What was taken for the client is the server.
      is_reversed = true;
      std::swap(client_port_, server_port_);
      std::swap(seen_[0], seen_[1]);
      first_ = 1 - first_;
      known(other(side)) = found;
      seen(other(side)).is_settled = true;
      start(found);
      sent_ = true;
      give_waiting(other(side), time);
      return;
    }
    others = std::move(kept);
  }
  const bool was_changing = changing_;
  const Protocol* others_protocol = was_changing ? nullptr : known(other(side));
  if (found) {
    if (was_changing) {
      known(other(side)) = nullptr;
      others.is_settled = false;
      others.ports_done = others.patterns_done = false;
    }
    known(side) = found;
    own.is_settled = true;
    // The other side may be told by what this one is.
    if (!known(other(side))) others.ports_done = false;
    if (others_protocol && others_protocol != found) {
      events.emplace_back("applayer_mismatch_protocol_both_directions");
      if (!sent_ && side == Side::kToClient && protocol_ != found) {
        protocol_ = nullptr;
        parser_.reset();
      }
    }
    if (!protocol_ || was_changing) start(found);
    if (found == protocol_) known(side) = protocol();
    if (!sent_ && first_ != static_cast<int>(side)) {
      if (!others.is_settled && !others.waiting.empty()) {
        detect(other(side), time);
        if (failed_) return;
      }
    }
    if (!sent_ && protocol_) {
      const int wanted = protocol_->first_side();
      if (wanted >= 0 && wanted != first_) {
        events.emplace_back("applayer_wrong_direction_first_data");
        fail();
        return;
      }
    }
    sent_ = true;
    give_waiting(side, time);
    return;
  }
  if (was_changing) {
    if (own.waiting.size() >= kChangeWait) fail();
    return;
  }
  if (midstream_ && seen_[0].patterns_done && seen_[0].ports_done) {
    fail();
    return;
  }
  if (!others_protocol) {
    check_limits();
    return;
  }
  const int wanted = others_protocol->first_side();
  if (!sent_ && wanted >= 0 && wanted != static_cast<int>(side)) {
    fail();
    return;
  }
  if (own.patterns_done && own.ports_done) {
    sent_ = true;
    own.is_settled = true;
    events.emplace_back("applayer_detect_protocol_only_one_direction");
    give_waiting(side, time);
  } else if (own.waiting.size() > kMostWait) {
    own.patterns_done = own.ports_done = true;
    detect(side, time);
  }
}

void Application::check_limits() {
  const Seen& client = seen_[0];
  const Seen& server = seen_[1];
  const auto is_done = [](const Seen& side) { return side.patterns_done && side.ports_done; };
  if (is_done(client) && is_done(server)) {
    fail();
    return;
  }
  const std::size_t up = client.waiting.size(), down = server.waiting.size();
  const bool gives_up = up > kMostWait || down > kMostWait || (is_done(client) && up > kWait && down == 0) ||
                        (is_done(server) && down > kWait && up == 0) ||
                        (down > kWait && client.ports_done && !client.patterns_done && is_done(server)) ||
                        (up > kWait && server.ports_done && !server.patterns_done && is_done(client));
  if (!gives_up) return;
  events.emplace_back("applayer_proto_detection_skipped");
  fail();
}

void Application::feed(Side side, Bytes bytes, Timestamp time) {
  former_.reset();
  if (!parser_ || broken_) return;
  if (!parser_->take(side, bytes, time)) {
    has_error = true;
    if (!is_udp_) gave_up_on_ = side;
    // The next datagram begins anew.
    broken_ = !is_udp_;
    return;
  }
  if (parser_->upgrade_to.empty()) return;
  wanted_ = parser_->upgrade_to;
  wanted_port_ = parser_->upgrade_port;
  const std::size_t left = std::min(parser_->upgrade_left, bytes.size());
  parser_->upgrade_to = {};
  parser_->upgrade_left = 0;
  change();
  if (left > 0) take(side, bytes.last(left), time);
}

void Application::change() {
  if (changing_) return;
  original_ = protocol_;
  changing_ = true;
  sent_ = false;
  first_ = -1;
  expected_ = nullptr;
  for (Seen& side : seen_) {
    side = Seen{};
    side.is_settled = false;
  }
}

void Application::skip(Side side, std::uint64_t bytes, Timestamp time) {
  if (failed_ || (broken_ && !changing_)) return;
  const Tally tally(seen_);
  if (!protocol_ || changing_) {
    fail();
    return;
  }
  seen(side).bytes += bytes;
  seen(side).is_settled = true;
  if (!seen(side).waiting.empty()) give_waiting(side, time);
  if (parser_ && !broken_ && !parser_->skip(side, bytes, time)) broken_ = true;
}

void Application::end(Side side, Timestamp time) {
  const InStage stage(Stage::kProtocols);
  if (failed_ || is_udp_) return;
  const Tally tally(seen_);
  Seen& own = seen(side);
  if (!own.is_settled && changing_ && !own.waiting.empty()) {
    fail();
    return;
  }
  if (!own.is_settled && protocol_ && !changing_) {
    own.is_settled = true;
    sent_ = true;
    give_waiting(side, time);
  }
  if (parser_ && !broken_) parser_->end(side, time);
}

}  // namespace tocsin::protocol
