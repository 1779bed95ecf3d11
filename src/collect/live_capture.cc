#include "collect/live_capture.h"

#include <fmt/format.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <optional>

#include "base/ip_address.h"
#include "base/text.h"
#include "packet/checksum.h"

namespace tocsin {
namespace {

using packet::be16;

constexpr std::size_t kBlock = std::size_t{1} << 20;
constexpr std::size_t kTag = 4;  // bytes of a VLAN tag
constexpr std::size_t kAddresses = 12;
constexpr int kWait = 100;  // ms

void put_be16(std::uint8_t* bytes, std::uint16_t value) {
  bytes[0] = static_cast<std::uint8_t>(value >> 8);
  bytes[1] = static_cast<std::uint8_t>(value);
}

IpAddress address_of(std::span<const std::uint8_t> bytes) {
  if (bytes.size() == 4) return IpAddress::v4(packet::be32(bytes, 0));
  std::array<std::uint8_t, 16> all{};
  std::ranges::copy(bytes, all.begin());
  return IpAddress(all);
}

// Fills in the checksum of TCP or UDP in a whole frame, whose sender left that to the interface. What is cut, is a
// fragment or has options of IPv6 stays as it is: no kernel leaves those.
void fill_checksum(std::span<std::uint8_t> frame, std::size_t at) {
  std::uint16_t type = at >= 2 ? be16(frame, at - 2) : 0;
  while (at >= 2 && (type == ETH_P_8021Q || type == ETH_P_8021AD) && at + kTag <= frame.size()) {
    at += kTag;
    type = be16(frame, at - 2);
  }
  if (at >= frame.size()) return;
  if (at == 0) type = frame[0] >> 4 == 6 ? ETH_P_IPV6 : ETH_P_IP;
  std::span<std::uint8_t> packet = frame.subspan(at), segment;
  std::span<const std::uint8_t> addresses;
  std::uint8_t protocol = 0;
  if (type == ETH_P_IP && packet.size() >= 20 && packet[0] >> 4 == 4) {
    const std::size_t header = (packet[0] & 15U) * 4, length = be16(packet, 2);
    if (header < 20 || length < header || length > packet.size() || (be16(packet, 6) & 0x3fff) != 0) return;
    protocol = packet[9];
    addresses = packet.subspan(12, 8);
    segment = packet.subspan(header, length - header);
  } else if (type == ETH_P_IPV6 && packet.size() >= 40 && packet[0] >> 4 == 6) {
    const std::size_t length = be16(packet, 4);
    if (length > packet.size() - 40) return;
    protocol = packet[6];
    addresses = packet.subspan(8, 32);
    segment = packet.subspan(40, length);
  }
  const std::size_t place = protocol == IPPROTO_TCP ? 16 : protocol == IPPROTO_UDP ? 6 : 0;
  if (place == 0 || segment.size() < place + 2) return;
  put_be16(&segment[place], 0);
  const std::size_t size = addresses.size() / 2;
  const std::uint16_t checksum =
      packet::checksum_of(segment, address_of(addresses.first(size)), address_of(addresses.last(size)), protocol);
  put_be16(&segment[place], checksum == 0 && protocol == IPPROTO_UDP ? 0xffff : checksum);
}

std::optional<std::uint32_t> link_type_of(int hardware) {
  switch (hardware) {
    case ARPHRD_ETHER:
    case ARPHRD_LOOPBACK:
      return 1;
    case ARPHRD_NONE:
    case ARPHRD_RAWIP:
      return 101;
    default:
      return std::nullopt;
  }
}

}  // namespace

struct LiveCapture::State {
  int socket = -1;
  std::uint8_t* ring = nullptr;
  std::size_t blocks = 0, block = 0;  // block: the next
  bool holds_block = false;           // the one before is being looked at
  bool is_loopback = false;
  std::uint32_t link_type = 0;
  std::uint32_t left = 0;  // frames of the block that have not been given yet
  std::uint8_t* frame = nullptr;
  LiveCounts counts;
  std::string fault;

  State() = default;
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() {
    if (ring != nullptr) ::munmap(ring, blocks * kBlock);
    if (socket >= 0) ::close(socket);
  }

  tpacket_block_desc& header(std::size_t number) const {
    return *reinterpret_cast<tpacket_block_desc*>(ring + number * kBlock);
  }
  std::atomic_ref<std::uint32_t> status(std::size_t number) const {
    return std::atomic_ref<std::uint32_t>(header(number).hdr.bh1.block_status);
  }
  Expected<void> start(const LiveOptions& options);
  bool wait();
  std::optional<Packet> next();
};

Expected<void> LiveCapture::State::start(const LiveOptions& options) {
  const auto failed = [&](std::string_view what) {
    const int error = errno;
    return failure(fmt::format("{}: {}: {}{}", printable(options.interface, 64), what, std::strerror(error),
                               error == EPERM ? "; reading packets needs root or CAP_NET_RAW" : ""));
  };
  socket = ::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
  if (socket < 0) return failed("no socket for packets");
  ifreq request{};
  if (options.interface.empty() || options.interface.size() >= sizeof request.ifr_name) {
    return failure(fmt::format("'{}' is not the name of an interface", printable(options.interface, 64)));
  }
  options.interface.copy(request.ifr_name, sizeof request.ifr_name - 1);
  if (::ioctl(socket, SIOCGIFINDEX, &request) < 0) return failed("no such interface");
  const int index = request.ifr_ifindex;
  if (::ioctl(socket, SIOCGIFHWADDR, &request) < 0) return failed("its kind is not known");
  is_loopback = request.ifr_hwaddr.sa_family == ARPHRD_LOOPBACK;
  const auto type = link_type_of(request.ifr_hwaddr.sa_family);
  if (!type) {
    return failure(fmt::format("{}: interfaces of kind {} are not read, only Ethernet, loopback and plain IP",
                               options.interface, request.ifr_hwaddr.sa_family));
  }
  link_type = *type;
  const auto set = [&](int name, const auto& value) {
    return ::setsockopt(socket, SOL_PACKET, name, &value, sizeof value) == 0;
  };
  const int version = TPACKET_V3;
  const unsigned reserve = kTag;  // room for the tag that is put back
  if (!set(PACKET_VERSION, version) || !set(PACKET_RESERVE, reserve)) return failed("the kernel has no TPACKET_V3");
  tpacket_req3 ring_request{};
  blocks = std::max<std::size_t>(options.ring_bytes / kBlock, 2);
  ring_request.tp_block_size = kBlock;
  ring_request.tp_block_nr = static_cast<unsigned>(blocks);
  ring_request.tp_frame_size = 2048;
  ring_request.tp_frame_nr = static_cast<unsigned>(blocks * (kBlock / 2048));
  ring_request.tp_retire_blk_tov = static_cast<unsigned>(options.retire.count());
  if (!set(PACKET_RX_RING, ring_request)) return failed("no memory for the ring");
  void* mapped = ::mmap(nullptr, blocks * kBlock, PROT_READ | PROT_WRITE, MAP_SHARED, socket, 0);
  if (mapped == MAP_FAILED) return failed("the ring can't be mapped");
  ring = static_cast<std::uint8_t*>(mapped);
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(ETH_P_ALL);
  address.sll_ifindex = index;
  if (::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0) return failed("can't be read");
  if (options.promiscuous && !is_loopback) {
    packet_mreq membership{};
    membership.mr_ifindex = index;
    membership.mr_type = PACKET_MR_PROMISC;
    if (!set(PACKET_ADD_MEMBERSHIP, membership)) return failed("can't be set to take all packets");
  }
  if (options.fanout_group != 0) {
    const int fanout = options.fanout_group | (PACKET_FANOUT_HASH | PACKET_FANOUT_FLAG_DEFRAG) << 16;
    if (!set(PACKET_FANOUT, fanout)) return failed("can't join the group that shares its packets");
  }
  return {};
}

// Until the next block is ours; false if it is not, in time.
bool LiveCapture::State::wait() {
  if ((status(block).load(std::memory_order_acquire) & TP_STATUS_USER) != 0) return true;
  pollfd ready{socket, POLLIN | POLLERR, 0};
  if (::poll(&ready, 1, kWait) > 0 && (ready.revents & (POLLERR | POLLHUP | POLLNVAL)) != 0) {
    int error = 0;
    socklen_t length = sizeof error;
    ::getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &length);
    fault = fmt::format("the interface can't be read any more: {}", std::strerror(error != 0 ? error : EIO));
  }
  return (status(block).load(std::memory_order_acquire) & TP_STATUS_USER) != 0;
}

// The next frame of the block at hand; none if it is not for us.
std::optional<Packet> LiveCapture::State::next() {
  auto& header = *reinterpret_cast<tpacket3_hdr*>(frame);
  const auto& from = *reinterpret_cast<const sockaddr_ll*>(frame + TPACKET_ALIGN(sizeof(tpacket3_hdr)));
  std::uint8_t* data = frame + header.tp_mac;
  std::size_t length = header.tp_snaplen;
  frame += header.tp_next_offset;
  // What is sent over the loopback comes back, and would be there twice.
  if (is_loopback && from.sll_pkttype == PACKET_OUTGOING) return std::nullopt;
  Packet packet;
  packet.time = static_cast<Timestamp>(header.tp_sec) * kSecond + header.tp_nsec / 1000;
  packet.link_type = link_type;
  packet.original_length = header.tp_len;
  if ((header.tp_status & TP_STATUS_VLAN_VALID) != 0 && link_type == 1 && length >= kAddresses) {
    const bool has_type = (header.tp_status & TP_STATUS_VLAN_TPID_VALID) != 0;
    std::memmove(data - kTag, data, kAddresses);
    data -= kTag;
    length += kTag;
    packet.original_length += kTag;
    put_be16(data + kAddresses, has_type ? header.hv1.tp_vlan_tpid : ETH_P_8021Q);
    put_be16(data + kAddresses + 2, static_cast<std::uint16_t>(header.hv1.tp_vlan_tci));
  }
  const bool is_whole = length == packet.original_length;
  if ((header.tp_status & TP_STATUS_CSUMNOTREADY) != 0 && is_whole) {
    fill_checksum({data, length}, link_type == 1 ? kAddresses + 2 : 0);
  }
  packet.data = std::as_bytes(std::span(data, length));
  return packet;
}

LiveCapture::LiveCapture(std::unique_ptr<State> state) : state_(std::move(state)) {}
LiveCapture::~LiveCapture() = default;

Expected<std::unique_ptr<LiveCapture>> LiveCapture::open(const LiveOptions& options) {
  auto state = std::make_unique<State>();
  if (auto started = state->start(options); !started) return std::unexpected(started.error());
  return std::unique_ptr<LiveCapture>(new LiveCapture(std::move(state)));
}

bool LiveCapture::read(std::vector<Packet>& packets) {
  packets.clear();
  State& state = *state_;
  if (state.left == 0) {
    if (state.holds_block) {
      state.status(state.block).store(TP_STATUS_KERNEL, std::memory_order_release);
      state.block = (state.block + 1) % state.blocks;
      state.holds_block = false;
    }
    if (!state.wait()) return state.fault.empty();
    const auto& header = state.header(state.block).hdr.bh1;
    state.holds_block = true;
    state.left = header.num_pkts;
    state.frame = state.ring + state.block * kBlock + header.offset_to_first_pkt;
  }
  for (; state.left > 0 && packets.size() < kBatchSize; --state.left) {
    auto packet = state.next();
    if (!packet) continue;
    ++records_;
    packets.push_back(*packet);
  }
  return true;
}

LiveCounts LiveCapture::counts() {
  tpacket_stats_v3 since{};  // since the last call
  socklen_t length = sizeof since;
  if (::getsockopt(state_->socket, SOL_PACKET, PACKET_STATISTICS, &since, &length) == 0) {
    state_->counts.received += since.tp_packets;
    state_->counts.dropped += since.tp_drops;
  }
  return state_->counts;
}

const std::string& LiveCapture::fault() const { return state_->fault; }

}  // namespace tocsin
