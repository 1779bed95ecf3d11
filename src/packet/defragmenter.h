// Fragments to datagrams, of both families (RFC 791, RFC 8200 section 4.5).
//
// Who may choose what two fragments say of the same bytes may show a sensor other bytes than the target takes. So each
// byte comes of the fragment that the target's system would prefer (Novak, "Target-Based Fragmentation Reassembly",
// 2005), judged by where the two fragments began and ended when they came.
//
// Memory is what the fragments' bytes are, up to defrag.memcap; the datagram that has waited longest goes first.
#pragma once

#include <list>
#include <map>
#include <unordered_map>
#include <vector>

#include "base/options.h"
#include "base/time.h"
#include "packet/bytes.h"
#include "packet/exception_policy.h"
#include "packet/host_policy.h"

namespace tocsin::packet {

struct Fragment {
  IpAddress source, destination;
  std::uint32_t id = 0;
  std::uint8_t protocol = 0;  // of IPv4, where it is part of the identity
  std::uint8_t version = 0, depth = 0;
  std::array<std::uint16_t, 3> vlan{};
  Timestamp time = 0;
  std::uint64_t number = 0;
  Bytes header;  // that goes before the data: of IPv6 without the fragment header
  std::size_t next_header_at = 0;
  std::uint8_t next_header = 0;  // of IPv6: what the fragment header says, put at next_header_at
  std::uint32_t offset = 0;
  bool more = false;
  Bytes data;
};

struct Defragmented {
  bool is_overlap = false, is_too_large = false, is_ignored = false;
  ExceptionPolicy policy = ExceptionPolicy::kNone;
  bool is_whole = false;
  std::vector<std::uint8_t> datagram;  // of is_whole: from the IP header on
};

class Defragmenter {
 public:
  explicit Defragmenter(const Options& options);
  Defragmented take(const Fragment& fragment);

  struct Counts {
    std::uint64_t fragments[2] = {0, 0}, whole[2] = {0, 0};  // IPv4, IPv6
    std::uint64_t trackers_full = 0, fragments_full = 0, soft_reuse = 0, hard_reuse = 0, timeouts = 0;
    std::map<std::string_view, std::uint64_t> policies;
  };
  const Counts& counts() const { return counts_; }
  ExceptionPolicy policy() const { return policy_; }
  std::size_t memory() const { return memory_; }

 private:
  struct Key {
    std::array<std::uint8_t, 50> bytes{};
    friend bool operator==(const Key&, const Key&) = default;
  };
  struct KeyHash {
    std::uint64_t seed;
    std::size_t operator()(const Key& key) const;
  };
  struct Piece {
    std::uint32_t end = 0, fragment_start = 0, fragment_end = 0;
    std::vector<std::uint8_t> bytes;
  };
  struct Tracker {
    Key key;
    Timestamp deadline = 0;
    HostSystem system{};
    bool has_last = false;
    std::uint32_t last_offset = 0;
    std::uint32_t header_end = 0;  // of the fragment that gave `header`
    std::vector<std::uint8_t> header;
    std::map<std::uint32_t, Piece> pieces;  // by where they start
    std::size_t memory = 0;
  };
  using Trackers = std::list<Tracker>;  // the one that waited longest first

  static Key key_of(const Fragment& fragment);
  void remove(Trackers::iterator tracker);
  void account(Tracker& tracker, std::ptrdiff_t change);
  bool insert(Tracker& tracker, const Fragment& fragment, bool& is_overlap);
  bool assemble(Tracker& tracker, int version, std::vector<std::uint8_t>& datagram) const;

  HostPolicy hosts_;
  std::size_t max_trackers_, max_fragments_, memcap_;
  Timestamp timeout_;
  std::uint64_t simulated_ = 0;  // the packet at which memory is said to be used up
  ExceptionPolicy policy_;
  Trackers trackers_;
  std::unordered_map<Key, Trackers::iterator, KeyHash> index_;
  std::size_t memory_ = 0, fragments_ = 0;
  Counts counts_;
};

}  // namespace tocsin::packet
