// Argus flows as ra(1) writes them with commas: a header line of column names, then a flow a line. The CTU and
// Stratosphere captures come in this form ("binetflow"). https://openargus.org/documentation
//
// Argus states are of two sorts. For TCP with ra -z they are the flags each side sent, "FSPA_FSPA"; otherwise they are
// names such as CON or REQ. The first tell everything but the order, the others are mapped to what they imply.
#include <algorithm>
#include <array>
#include <optional>

#include "base/text.h"
#include "collect/fields.h"
#include "collect/readers.h"

namespace tocsin::collect {
namespace {

enum Column : std::size_t {
  kStartTime,
  kLastTime,
  kDuration,
  kProtocol,
  kSourceAddress,
  kSourcePort,
  kDirection,
  kDestinationAddress,
  kDestinationPort,
  kState,
  kTotalPackets,
  kTotalBytes,
  kSourcePackets,
  kSourceBytes,
  kDestinationPackets,
  kDestinationBytes,
  kColumns
};
constexpr std::array<std::string_view, kColumns> kColumnNames{
    "StartTime", "LastTime", "Dur",     "Proto",    "SrcAddr", "Sport",    "Dir",     "DstAddr",
    "Dport",     "State",    "TotPkts", "TotBytes", "SrcPkts", "SrcBytes", "DstPkts", "DstBytes"};

std::optional<std::uint8_t> flags_of(std::string_view letters) {
  std::uint8_t flags = 0;
  for (const char letter : letters) {
    switch (letter) {
      case 'F':
        flags |= kFin;
        break;
      case 'S':
        flags |= kSyn;
        break;
      case 'R':
        flags |= kRst;
        break;
      case 'P':
        flags |= kPsh;
        break;
      case 'A':
        flags |= kAck;
        break;
      case 'U':
        flags |= kUrg;
        break;
      case 'E':
      case 'C':
        break;  // ECN's flags tell nothing here
      default:
        return std::nullopt;
    }
  }
  return flags;
}

// Argus's names of states, for TCP.
ConnState state_of_name(std::string_view name) {
  if (name == "REQ" || name == "INT") return ConnState::kS0;
  if (name == "ACC" || name == "CON" || name == "EST") return ConnState::kS1;
  if (name == "FIN" || name == "CLO") return ConnState::kSF;
  if (name == "RST") return ConnState::kRSTO;
  if (name == "TIM") return ConnState::kOTH;
  return conn_state_of(name);
}

void set_tcp_state(Flow& flow, std::string_view state, bool swapped) {
  if (const std::size_t bar = state.find('_'); bar != std::string_view::npos) {
    auto source = flags_of(state.substr(0, bar));
    auto destination = flags_of(state.substr(bar + 1));
    if (!source || !destination) return;
    if (swapped) std::swap(source, destination);
    flow.flags_known = true;
    flow.initiator_flags = *source;
    flow.responder_flags = *destination;
    flow.first_flags = (*source & kSyn) != 0 ? kSyn : (flow.initiator_packets == 1 ? *source : std::uint8_t{0});
    flow.state = state_from_flags(*source, *destination);
    return;
  }
  flow.state = state_of_name(state);
  if (flow.state == ConnState::kS0 && flow.responder_packets > 0 && state != "S0") flow.state = ConnState::kOTH;
  if (flow.state == ConnState::kS0 || flow.state == ConnState::kREJ) {
    flow.flags_known = true;
    flow.initiator_flags = flow.first_flags = kSyn;
    flow.responder_flags = flow.state == ConnState::kREJ ? kRst | kAck : 0;
  }
}

class BinetflowReader : public LineReader {
 public:
  using LineReader::LineReader;

 protected:
  Outcome take(std::string_view line, const Place& place, Batch& batch) override {
    if (line.starts_with("\xef\xbb\xbf")) line.remove_prefix(3);
    split(line, ",", parts_);
    if (is_header()) {
      take_header();
      return Outcome::kNoRecord;
    }
    if (line.starts_with('#') || trim(line).empty()) return Outcome::kNoRecord;
    if (!headed_) return bad("a flow before the line of column names");
    if (parts_.size() < least_columns_) return bad("too few columns");
    const std::uint8_t protocol = protocol_of(text(kProtocol));
    if (protocol == 0) return Outcome::kPassedOver;
    return take_flow(protocol, place, batch);
  }

 private:
  // Files are joined with their headers left in: a flow has no address of that name.
  bool is_header() const {
    if (headed_ && text(kSourceAddress) != kColumnNames[kSourceAddress]) return false;
    const auto has = [this](Column column) {
      return std::ranges::any_of(parts_, [&](std::string_view part) { return trim(part) == kColumnNames[column]; });
    };
    return has(kSourceAddress) && has(kDestinationAddress);
  }

  void take_header() {
    headed_ = true;
    at_.fill(-1);
    least_columns_ = 0;
    for (std::size_t i = 0; i < parts_.size(); ++i) {
      for (std::size_t column = 0; column < kColumns; ++column) {
        if (at_[column] >= 0 || trim(parts_[i]) != kColumnNames[column]) continue;
        at_[column] = static_cast<int>(i);
        least_columns_ = i + 1;
      }
    }
  }

  std::string_view text(Column column) const {
    const auto at = static_cast<std::size_t>(at_[column]);
    return at_[column] < 0 || at >= parts_.size() ? std::string_view() : trim(parts_[at]);
  }

  // False only for a text that is there and is no number.
  bool number(Column column, std::optional<std::uint64_t>& value) const {
    const std::string_view digits = text(column);
    if (digits.empty()) return true;
    value = unsigned_of(digits);
    return value.has_value();
  }

  Outcome take_flow(std::uint8_t protocol, const Place& place, Batch& batch) {
    Flow flow;
    flow.place = place;
    flow.protocol = protocol;
    const auto source = IpAddress::parse(text(kSourceAddress));
    const auto destination = IpAddress::parse(text(kDestinationAddress));
    if (!source || !destination) return bad("not an IP address");
    flow.initiator.ip = *source;
    flow.responder.ip = *destination;
    if (!take_times(flow)) return bad("not a time");
    if (!take_ports(flow)) return bad("not a port");
    if (!take_counts(flow)) return bad("not a number");
    const std::string_view direction = text(kDirection);
    const bool swapped = direction.starts_with('<') && !direction.ends_with('>');
    if (swapped) {
      std::swap(flow.initiator, flow.responder);
      std::swap(flow.initiator_packets, flow.responder_packets);
      std::swap(flow.initiator_bytes, flow.responder_bytes);
    }
    if (protocol == kTcp) {
      set_tcp_state(flow, text(kState), swapped);
    } else {
      flow.state = state_without_flags(protocol, flow.responder_packets);
    }
    batch.flows.push_back(flow);
    return Outcome::kTaken;
  }

  bool take_times(Flow& flow) const {
    const auto first = time_of(text(kStartTime));
    if (!first) return false;
    flow.first = flow.last = *first;
    if (const auto duration = duration_of(text(kDuration))) {
      flow.last += *duration;
    } else if (const auto last = time_of(text(kLastTime)); last && *last > *first) {
      flow.last = *last;
    }
    return true;
  }

  bool take_ports(Flow& flow) const {
    const std::string_view from = text(kSourcePort);
    const std::string_view to = text(kDestinationPort);
    if (flow.protocol == kIcmp || flow.protocol == kIcmp6) {
      // The source's is the type, with the code below it where there is one; the destination's is an identifier.
      const std::uint16_t type = port_of(from).value_or(0);
      flow.initiator.port = type > 0xff ? type >> 8 : type;
      flow.responder.port = type > 0xff ? type & 0xff : 0;
      return true;
    }
    const auto source = from.empty() ? std::optional<std::uint16_t>(0) : port_of(from);
    const auto destination = to.empty() ? std::optional<std::uint16_t>(0) : port_of(to);
    if (!source || !destination) return false;
    flow.initiator.port = *source;
    flow.responder.port = *destination;
    return true;
  }

  bool take_counts(Flow& flow) const {
    std::optional<std::uint64_t> packets, bytes, source_packets, source_bytes, destination_packets, destination_bytes;
    if (!number(kTotalPackets, packets) || !number(kTotalBytes, bytes) || !number(kSourcePackets, source_packets) ||
        !number(kSourceBytes, source_bytes) || !number(kDestinationPackets, destination_packets) ||
        !number(kDestinationBytes, destination_bytes))
      return false;
    flow.initiator_bytes = source_bytes ? *source_bytes : less(bytes.value_or(0), destination_bytes.value_or(0));
    flow.responder_bytes = destination_bytes ? *destination_bytes : less(bytes.value_or(0), flow.initiator_bytes);
    if (source_packets) {
      flow.initiator_packets = *source_packets;
      flow.responder_packets = destination_packets ? *destination_packets : less(packets.value_or(0), *source_packets);
    } else if (destination_packets) {
      flow.responder_packets = *destination_packets;
      flow.initiator_packets = less(packets.value_or(0), *destination_packets);
    } else {
      share_packets(flow, packets.value_or(0));
    }
    return true;
  }

  static std::uint64_t less(std::uint64_t a, std::uint64_t b) { return a > b ? a - b : 0; }

  // Only the sum is known: shared out in proportion to bytes, and at least one to a side that sent any.
  static void share_packets(Flow& flow, std::uint64_t packets) {
    if (flow.responder_bytes == 0 || packets < 2 || packets > 1ULL << 52) {
      flow.initiator_packets = packets;
      return;
    }
    const double share = static_cast<double>(flow.responder_bytes) /
                         (static_cast<double>(flow.responder_bytes) + static_cast<double>(flow.initiator_bytes));
    const auto part = static_cast<std::uint64_t>(static_cast<double>(packets) * share + 0.5);
    flow.responder_packets = std::min(std::max<std::uint64_t>(part, 1), packets - 1);
    flow.initiator_packets = packets - flow.responder_packets;
  }

  std::vector<std::string_view> parts_;
  std::array<int, kColumns> at_{};
  std::size_t least_columns_ = 0;
  bool headed_ = false;
};

}  // namespace

std::unique_ptr<ObservationReader> make_binetflow_reader(InputStream& input, std::uint32_t source) {
  return std::make_unique<BinetflowReader>(input, source);
}

}  // namespace tocsin::collect
