// Argus flows as CSV (ra -c ,), "binetflow": columns by the names in the header.

#include <array>

#include "collect/readers.h"

namespace tocsin {
namespace {

enum Column { kStart, kDuration, kProtocol, kSource, kSourcePort, kDirection, kDest, kDestPort, kState, kPackets, kBytes,
              kSourceBytes, kSourcePackets, kColumns };
constexpr std::array<std::string_view, kColumns> kColumnNames{"StartTime", "Dur",      "Proto", "SrcAddr",  "Sport",
                                                              "Dir",       "DstAddr",  "Dport", "State",    "TotPkts",
                                                              "TotBytes",  "SrcBytes", "SrcPkts"};

// Seconds with a fraction, as a duration in microseconds.
std::optional<Timestamp> duration_of(std::string_view text) {
  const auto time = parse_epoch(text);
  return time && *time >= 0 ? std::optional<Timestamp>(*time) : std::nullopt;
}

std::uint8_t flags_of(std::string_view letters) {
  std::uint8_t flags = 0;
  for (const char letter : letters) {
    switch (letter) {
      case 'F': flags |= kFin; break;
      case 'S': flags |= kSyn; break;
      case 'R': flags |= kRst; break;
      case 'P': flags |= kPsh; break;
      case 'A': flags |= kAck; break;
      case 'U': flags |= kUrg; break;
      default: break;
    }
  }
  return flags;
}

// Argus prints the flags of both sides (SPA_SPA), or names of its own, or Zeek's.
void take_state(std::string_view state, Flow& flow) {
  using enum ConnState;
  if (const ConnState named = conn_state_of(state); named != kUnknown) {
    flow.state = named;
    if (flow.protocol == kTcp && (named == kS0 || named == kREJ)) {
      flow.first_flags = flow.initiator_flags = kSyn;
      flow.flags_known = true;
    }
    return;
  }
  const std::size_t bar = state.find('_');
  if (flow.protocol == kTcp && bar != std::string_view::npos) {
    const std::uint8_t ours = flow.initiator_flags = flags_of(state.substr(0, bar));
    const std::uint8_t theirs = flow.responder_flags = flags_of(state.substr(bar + 1));
    flow.flags_known = true;
    flow.first_flags = (ours & kSyn) != 0 ? kSyn : ours;
    const bool syn = (ours & kSyn) != 0;
    const bool accepted = (theirs & kSyn) != 0;
    if (syn && theirs == 0) {
      flow.state = (ours & kFin) != 0 ? kSH : (ours & kRst) != 0 ? kRSTOS0 : kS0;
    } else if (syn && !accepted && (theirs & kRst) != 0) {
      flow.state = kREJ;
    } else if (syn && accepted) {
      flow.state = (theirs & kRst) != 0   ? kRSTR
                   : (ours & kRst) != 0   ? kRSTO
                   : (ours & theirs & kFin) != 0 ? kSF
                   : (ours & kFin) != 0   ? kS2
                   : (theirs & kFin) != 0 ? kS3
                                          : kS1;
    } else {
      flow.state = kOTH;
    }
    return;
  }
  const bool answered = flow.responder_packets > 0;
  if (state == "REQ") {
    flow.state = answered ? kS1 : kS0;
  } else if (state == "RST") {
    flow.state = answered ? kRSTR : kREJ;
  } else if (state == "ACC") {
    flow.state = kS1;
  } else if (state == "FIN" || state == "CLO") {
    flow.state = kSF;
  } else if (state == "CON" || state == "ECO" || state == "ECR") {
    flow.state = answered ? kSF : kS0;
  } else if (state == "INT" || state.starts_with("UR")) {
    flow.state = kS0;
  } else {
    flow.state = kOTH;
  }
}

class BinetflowReader : public LineReader {
 public:
  using LineReader::LineReader;

 private:
  std::optional<std::string_view> take(std::string_view line, Batch& batch) override {
    fields_.clear();
    for (std::size_t at = 0; at <= line.size() && fields_.size() < 128;) {
      const std::size_t comma = std::min(line.find(',', at), line.size());
      fields_.push_back(trim(line.substr(at, comma - at)));
      at = comma + 1;
    }
    if (line.starts_with("StartTime,")) {
      take_header();
      return std::nullopt;
    }
    if (!has_header_) return "line before the header";
    const std::string_view protocol = field(kProtocol);
    if (protocol == "arp" || protocol == "llc" || protocol == "man") {
      ++passed_over_;
      return std::nullopt;
    }
    Flow flow;
    const auto start = parse_time(field(kStart));
    if (!start) return "StartTime is no time";
    const auto number = protocol_of(protocol);
    if (!number) {
      ++passed_over_;
      return std::nullopt;
    }
    flow.protocol = *number;
    const auto source = IpAddress::parse(field(kSource)), dest = IpAddress::parse(field(kDest));
    if (!source) return "SrcAddr is no IP address";
    if (!dest) return "DstAddr is no IP address";
    flow.initiator.ip = *source;
    flow.responder.ip = *dest;
    if (!port(field(kSourcePort), flow.initiator.port) || !port(field(kDestPort), flow.responder.port)) return "port is no number";
    flow.first = *start;
    const auto duration = duration_of(field(kDuration));
    if (!duration) return "Dur is no number of seconds";
    flow.last = flow.first + *duration;
    const std::uint64_t packets = number_of(field(kPackets)).value_or(0);
    const std::uint64_t bytes = number_of(field(kBytes)).value_or(0);
    const bool both = field(kDirection).find('<') != std::string_view::npos || field(kDirection).find('?') != std::string_view::npos;
    flow.initiator_bytes = std::min(bytes, number_of(field(kSourceBytes)).value_or(bytes));
    flow.responder_bytes = bytes - flow.initiator_bytes;
    // Without the sender's packets, an answer is told by its bytes.
    const std::uint64_t guess = flow.responder_bytes > 0 && packets > 1 ? (packets + 1) / 2 : packets;
    flow.initiator_packets = std::min(packets, number_of(field(kSourcePackets)).value_or(guess));
    flow.responder_packets = packets - flow.initiator_packets;
    take_state(field(kState), flow);
    if (!both && flow.state == ConnState::kUnknown) flow.state = ConnState::kOTH;
    if (field(kDirection) == "<-") {
      std::swap(flow.initiator, flow.responder);
      std::swap(flow.initiator_bytes, flow.responder_bytes);
      std::swap(flow.initiator_packets, flow.responder_packets);
      std::swap(flow.initiator_flags, flow.responder_flags);
    }
    flow.place = place();
    batch.flows.push_back(flow);
    return std::nullopt;
  }

  void take_header() {
    columns_.fill(-1);
    for (std::size_t i = 0; i < fields_.size(); ++i) {
      for (std::size_t c = 0; c < kColumns; ++c) {
        if (fields_[i] == kColumnNames[c]) columns_[c] = static_cast<int>(i);
      }
    }
    has_header_ = true;
    --records_;
  }

  std::string_view field(Column column) const {
    const int at = columns_[column];
    return at >= 0 && static_cast<std::size_t>(at) < fields_.size() ? fields_[static_cast<std::size_t>(at)] : std::string_view();
  }

  static bool port(std::string_view text, std::uint16_t& into) {
    if (text.empty()) return true;
    const auto value = number_or_hex_of(text);
    if (!value || *value > 65535) return false;
    into = static_cast<std::uint16_t>(*value);
    return true;
  }

  std::vector<std::string_view> fields_;
  std::array<int, kColumns> columns_{};
  bool has_header_ = false;
};

}  // namespace

std::unique_ptr<ObservationReader> make_binetflow_reader(InputStream& input, std::uint32_t source) {
  return std::make_unique<BinetflowReader>(input, source);
}

}  // namespace tocsin
