// TCP (RFC 9293), UDP (RFC 768), SCTP (RFC 9260), ESP (RFC 4303).
#include "packet/bytes.h"
#include "packet/checksum.h"
#include "packet/decoding.h"

namespace tocsin::packet {
namespace {

constexpr std::string_view kOptionLength = "tcp.opt_invalid_len", kOptionDuplicate = "tcp.opt_duplicate";
// Shifts beyond this are against RFC 7323.
constexpr std::uint8_t kLargestShift = 14;
constexpr unsigned kTrackedChunks = 16;

}  // namespace

void Decoder::State::tcp(Work& packet, Bytes bytes) {
  count(Counter::kSeenTcp);
  if (bytes.size() < 20) return invalid(packet, "tcp.pkt_too_small");
  const std::size_t header = std::size_t{bytes[12]} / 16 * 4;
  if (bytes.size() < header) return invalid(packet, "tcp.hlen_too_small");
  if (header < 20) return invalid(packet, "tcp.invalid_optlen");
  packet.protocol = kTcp;
  packet.transport_header = bytes.first(header);
  packet.payload = bytes.subspan(header);
  packet.source_port = be16(bytes, 0);
  packet.destination_port = be16(bytes, 2);
  packet.tcp.sequence = be32(bytes, 4);
  packet.tcp.acknowledgement = be32(bytes, 8);
  packet.tcp.flags = bytes[13];
  packet.tcp.window = be16(bytes, 14);
  packet.tcp.urgent = be16(bytes, 18);
  tcp_options(packet, bytes.subspan(20, header - 20));
  packet.transport_checksum_right = is_checksum_right(bytes, packet.source, packet.destination, kTcp);
  if (packet.tcp.has(kSyn)) count(packet.tcp.has(kAck) ? Counter::kSeenSynAck : Counter::kSeenSyn);
  if (packet.tcp.has(kRst)) count(Counter::kSeenRst);
  if (packet.tcp.has(kUrgent)) count(Counter::kSeenUrg);
}

void Decoder::State::tcp_options(Work& packet, Bytes options) {
  TcpFields& fields = packet.tcp;
  bool has_sack = false;
  while (!options.empty()) {
    const std::uint8_t type = options[0];
    if (type == 0) return;
    if (type == 1) {
      options = options.subspan(1);
      continue;
    }
    if (options.size() < 2) return;
    const std::uint8_t length = options[1];
    if (length > options.size() || length < 2) return invalid(packet, kOptionLength);
    const Bytes option = options.first(length);
    options = options.subspan(length);
    switch (type) {
      case 2:  // maximum segment size
        if (length != 4) {
          event(packet, kOptionLength);
        } else if (fields.mss) {
          event(packet, kOptionDuplicate);
        } else {
          fields.mss = be16(option, 2);
        }
        break;
      case 3:  // window scale
        if (length != 3) {
          event(packet, kOptionLength);
        } else if (fields.window_scale) {
          event(packet, kOptionDuplicate);
        } else {
          fields.window_scale = option[2] <= kLargestShift ? option[2] : std::uint8_t{0};
        }
        break;
      case 4:  // selective acknowledgements permitted
        if (length != 2) {
          event(packet, kOptionLength);
        } else if (fields.sack_permitted) {
          event(packet, kOptionDuplicate);
        } else {
          fields.sack_permitted = true;
        }
        break;
      case 5:  // selective acknowledgements
        if (length == 2) break;
        if (length < 10 || length > 34 || (length - 2) % 8 != 0) {
          event(packet, kOptionLength);
        } else if (has_sack) {
          event(packet, kOptionDuplicate);
        } else {
          has_sack = true;
          for (std::size_t at = 2; at < length; at += 8) {
            fields.sack[fields.sacks++] = {be32(option, at), be32(option, at + 4)};
          }
        }
        break;
      case 8:  // timestamps
        if (length != 10) {
          event(packet, kOptionLength);
        } else if (fields.timestamps) {
          event(packet, kOptionDuplicate);
        } else {
          fields.timestamps = {be32(option, 2), be32(option, 6)};
        }
        break;
      case 19:  // MD5 signature
        if (length != 18) {
          invalid(packet, kOptionLength);
        } else {
          fields.has_md5 = true;
        }
        break;
      case 29:  // authentication
        if (length < 4) {
          invalid(packet, kOptionLength);
        } else {
          fields.has_ao = true;
        }
        break;
      case 34:  // fast open
        if (length != 2 && (length < 6 || length > 18 || length % 2 != 0)) {
          event(packet, kOptionLength);
        } else if (fields.has_fast_open) {
          event(packet, kOptionDuplicate);
        } else {
          fields.has_fast_open = true;
        }
        break;
      case 253:
      case 254:  // experiments (RFC 6994); fast open was one
        if (length != 4 && length != 12) {
          event(packet, kOptionLength);
        } else if (be16(option, 2) == 0xf989) {
          if (fields.has_fast_open) event(packet, kOptionDuplicate);
          fields.has_fast_open = true;
        }
        break;
      default:
        break;
    }
  }
}

void Decoder::State::udp(Work& packet, Bytes bytes) {
  count(Counter::kSeenUdp);
  if (bytes.size() < 8) return invalid(packet, "udp.hlen_too_small");
  const std::size_t length = be16(bytes, 4);
  if (bytes.size() < length) return invalid(packet, "udp.pkt_too_small");
  if (length < 8) return invalid(packet, "udp.len_invalid");
  packet.protocol = kUdp;
  packet.transport_header = bytes.first(8);
  packet.payload = bytes.subspan(8, length - 8);
  packet.source_port = be16(bytes, 0);
  packet.destination_port = be16(bytes, 2);
  const bool is_unset = be16(bytes, 6) == 0;
  packet.transport_checksum_right =
      is_unset ? packet.ip_version == 4
               : is_checksum_right(bytes.first(length), packet.source, packet.destination, kUdp);
  const Bytes payload = packet.payload;
  const std::uint16_t from = packet.source_port, to = packet.destination_port;
  packet.carries_packet = ((teredo_ports.has(from) || teredo_ports.has(to)) && teredo(packet, payload)) ||
                          ((geneve_ports.has(from) || geneve_ports.has(to)) && geneve(packet, payload)) ||
                          (vxlan_ports.has(to) && vxlan(packet, payload)) ||
                          (gtp_ports.has(to) && gtp(packet, payload));
}

void Decoder::State::esp(Work& packet, Bytes bytes) {
  count(Counter::kSeenEsp);
  if (!layer(packet)) return;
  if (bytes.size() < 8) return invalid(packet, "esp.pkt_too_small");
  packet.transport_header = bytes.first(8);
  packet.payload = bytes.subspan(8);
}

void Decoder::State::sctp(Work& packet, Bytes bytes) {
  count(Counter::kSeenSctp);
  if (bytes.size() < 12) return invalid(packet, "sctp.pkt_too_small");
  packet.transport_header = bytes.first(12);
  packet.source_port = be16(bytes, 0);
  packet.destination_port = be16(bytes, 2);
  sctp_chunks(packet, bytes.subspan(12), be32(bytes, 4));
}

void Decoder::State::sctp_chunks(Work& packet, Bytes chunks, std::uint32_t tag) {
  constexpr std::uint8_t kData = 0, kInit = 1, kInitAck = 2;
  const auto bad = [&](std::string_view name) {
    invalid(packet, name);
    packet.transport_header = packet.payload = {};
  };
  unsigned number = 0, data_chunks = 0;
  bool has_init = false;
  while (!chunks.empty()) {
    if (chunks.size() < 4) return bad("sctp.chunk_too_small");
    const std::size_t length = be16(chunks, 2);
    if (length < 4 || length > chunks.size()) return bad("sctp.chunk_len_invalid");
    if (number++ == kTrackedChunks) event(packet, "sctp.too_many_chunks");
    switch (chunks[0]) {
      case kInit:
        has_init = true;
        if (tag != 0) event(packet, "sctp.init_with_non_zero_vtag");
        break;
      case kInitAck:
        has_init = true;
        break;
      case kData:
        if (tag == 0) event(packet, "sctp.data_with_zero_vtag");
        if (length < 16) break;
        if (data_chunks == kTrackedChunks) event(packet, "sctp.too_many_data_chunks");
        if (data_chunks == 0) packet.payload = chunks.subspan(16, length - 16);
        if (data_chunks <= kTrackedChunks) ++data_chunks;
        break;
      default:
        break;
    }
    chunks = chunks.subspan(std::min(chunks.size(), (length + 3) & ~std::size_t{3}));
  }
  if (has_init && number > 1) event(packet, "sctp.init_chunk_bundled");
}

}  // namespace tocsin::packet
