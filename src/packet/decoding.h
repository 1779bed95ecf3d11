// What the decoder keeps, and a function for each layer. Each returns false when what it was given is not of its kind;
// what is around it goes on by that.
#pragma once

#include <deque>
#include <memory>
#include <vector>

#include "packet/decoder.h"
#include "packet/defragmenter.h"

namespace tocsin::packet {

enum class Counter : std::uint8_t {
  kSeenPackets,
  kSeenBytes,
  kSeenInvalid,
  kSeenIpv4,
  kSeenIpv6,
  kSeenEthernet,
  kSeenArp,
  kSeenUnknownEtherType,
  kSeenChdlc,
  kSeenRaw,
  kSeenNull,
  kSeenSll,
  kSeenSll2,
  kSeenTcp,
  kSeenSyn,
  kSeenSynAck,
  kSeenRst,
  kSeenUrg,
  kSeenUdp,
  kSeenSctp,
  kSeenEsp,
  kSeenIcmpV4,
  kSeenIcmpV6,
  kSeenIgmp,
  kSeenPpp,
  kSeenPppoe,
  kSeenGeneve,
  kSeenGre,
  kSeenVlan,
  kSeenQinq,
  kSeenQinqinq,
  kSeenVxlan,
  kSeenVntag,
  kSeenEtag,
  kSeen8021ah,
  kSeenTeredo,
  kSeenIpv4InIpv4,
  kSeenIpv6InIpv4,
  kSeenIpv4InIpv6,
  kSeenIpv6InIpv6,
  kSeenUnknownProtocol,
  kSeenMpls,
  kSeenErspan,
  kSeenNsh,
  kSeenGtp,
  kSeenAveragePacket,
  kSeenLargestPacket,
  kCount
};

struct Decoder::State {
  explicit State(const Options& options);

  // A packet while it is taken apart.
  struct Work : Packet {
    unsigned layers = 0;
    bool is_dropped = false;       // not what it was taken for
    bool is_van_jacobson = false;  // of a PPP link with uncompressed headers: the protocol is TCP whatever IP says
  };
  Work& fresh();
  // Marks; `invalid` also counts it as such.
  void event(Work& packet, std::string_view name);
  void invalid(Work& packet, std::string_view name);
  bool layer(Work& packet);  // false: too many
  void count(Counter counter) { ++counts[static_cast<std::size_t>(counter)]; }

  bool link(Work& packet, std::uint32_t type, Bytes bytes);
  bool ethernet(Work& packet, Bytes bytes);
  bool network(Work& packet, std::uint16_t ether_type, Bytes bytes);
  bool vlan(Work& packet, Bytes bytes);
  bool arp(Work& packet, Bytes bytes);
  bool mpls(Work& packet, Bytes bytes);
  bool pppoe_discovery(Work& packet, Bytes bytes);
  bool pppoe(Work& packet, Bytes bytes);
  bool ppp(Work& packet, Bytes bytes);
  bool ppp_payload(Work& packet, std::uint16_t protocol, Bytes bytes);
  bool nsh(Work& packet, Bytes bytes);
  bool tag(Work& packet, Counter counter, std::size_t length, std::string_view too_small, std::string_view unknown,
           Bytes bytes);

  bool ipv4(Work& packet, Bytes bytes);
  bool ipv4_options(Work& packet, Bytes options);
  bool ipv6(Work& packet, Bytes bytes);
  void ipv6_extensions(Work& packet, Bytes bytes);
  bool ipv6_options(Work& packet, std::uint8_t kind, Bytes options);
  void transport(Work& packet, std::uint8_t protocol, Bytes bytes);
  void fragment(Work& packet, const Fragment& fragment);

  void tcp(Work& packet, Bytes bytes);
  void tcp_options(Work& packet, Bytes options);
  void udp(Work& packet, Bytes bytes);
  void sctp(Work& packet, Bytes bytes);
  void sctp_chunks(Work& packet, Bytes chunks, std::uint32_t tag);
  void esp(Work& packet, Bytes bytes);
  void icmp_v4(Work& packet, Bytes bytes);
  void icmp_v6(Work& packet, Bytes bytes);
  void embedded(Work& packet, int version, Bytes bytes);
  void igmp(Work& packet, Bytes bytes);

  void gre(Work& packet, Bytes bytes);
  void ip_in_ipv6(Work& packet, int version, Bytes bytes);
  bool vxlan(Work& packet, Bytes bytes);
  bool geneve(Work& packet, Bytes bytes);
  bool teredo(Work& packet, Bytes bytes);
  bool gtp(Work& packet, Bytes bytes);
  bool erspan(Work& packet, Bytes bytes);
  bool erspan_1(Work& packet, Bytes bytes);
  // Takes apart what `outer` carries, as a packet of its own.
  using Layer = bool (State::*)(Work& packet, Bytes bytes);
  bool tunnel(Work& outer, std::string_view carrier, Layer layer, Bytes bytes, bool must_be_valid = false);

  // Ports of a tunnel over UDP.
  struct Ports {
    bool enabled = true, any = false;
    std::vector<std::uint16_t> ports;
    bool has(std::uint16_t port) const;
  };
  static Ports ports_of(const Options& options, std::string_view name, bool enabled, std::uint16_t port);

  unsigned max_layers = 16;
  Ports vxlan_ports, geneve_ports, teredo_ports, gtp_ports;
  bool vxlan_strict = true;
  std::uint64_t lost = 0;  // the frame that is passed over as if it had not come; 0: none
  Defragmenter defragmenter;

  Memory own;                       // of decode without another
  Memory::State* memory = nullptr;  // of the frame in hand
  std::uint64_t counts[static_cast<std::size_t>(Counter::kCount)] = {};
  std::vector<std::uint64_t> event_counts;
  mutable std::map<std::string, std::uint64_t, std::less<>> shown;
};

struct Decoder::Memory::State {
  std::deque<Decoder::State::Work> works;           // the first `used` are filled
  std::deque<std::vector<std::uint8_t>> datagrams;  // put together of fragments
  std::size_t datagrams_used = 0;
  std::size_t used = 0;
  std::size_t datagram_bytes = 0;
};

}  // namespace tocsin::packet
