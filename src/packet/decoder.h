// Frames to packets: link layers, tags, IPv4 and IPv6 with all of their options, tunnels, fragments put together.
//
// Understood: the link types of dissect/decode.h; 802.1Q, 802.1ad, 802.1AH, MPLS, PPPoE, PPP, VN-Tag, NSH, CHDLC; GRE,
// IP in IP, 6in4, 4in6, VXLAN, Geneve, ERSPAN I and II, Teredo, GTP-U; at most so many levels as Suricata's
// decoder.max-layers (16). Fragments are put together by the policy of the target system (Novak, "Target-Based
// Fragmentation Reassembly", 2005); the table of unfinished datagrams is bounded and lets the oldest go.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "base/options.h"
#include "packet/packet.h"

namespace tocsin::packet {

class Decoder {
 public:
  // options: decoder.*, defrag.*, host-os-policy.*, vlan.use-for-tracking as in Suricata's configuration.
  explicit Decoder(const Options& options);
  ~Decoder();

  // Calls take for each packet of the frame: the outermost first, then what it carries. They live until the next call.
  using Take = std::function<void(const Packet&)>;
  void decode(std::uint32_t link_type, Bytes frame, Timestamp time, std::uint64_t number, const Take& take);

  // Where packets live on until it is cleared, as long as their frames are there.
  class Memory {
   public:
    Memory();
    ~Memory();
    void clear();
    std::size_t datagram_bytes() const;  // of those that were put together

   private:
    friend class Decoder;
    struct State;
    std::unique_ptr<State> state_;
  };
  void decode(std::uint32_t link_type, Bytes frame, Timestamp time, std::uint64_t number, Memory& memory,
              const Take& take);

  // How often each thing was seen, by the names of Suricata's stats: "decoder.pkts", "decoder.ipv4",
  // "decoder.event.ipv4.pkt_too_small", "defrag.ipv4.reassembled" ...
  const std::map<std::string, std::uint64_t, std::less<>>& counters() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace tocsin::packet
