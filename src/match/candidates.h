// Which rules are worth looking at: those whose chosen content was found, and those that have none.
#pragma once

#include <array>
#include <memory>
#include <vector>

#include "base/stages.h"
#include "match/compiled.h"
#include "match/prefilter.h"
#include "packet/packet.h"

namespace tocsin::match {

using protocol::Side;

// A searcher for a buffer of transactions, with the number of its field in one protocol.
struct BufferSearch {
  int buffer = -1;
  const Searcher* searcher = nullptr;
};

class Candidates {
 public:
  // search: false: every rule is always looked at, which must give the same answers.
  // cache: the directory where what was compiled is kept; empty: it is not.
  Candidates(Compiled& compiled, std::span<const protocol::Protocol* const> protocols, bool search,
             const std::string& cache = {});

  // Whether contents could not be searched: then there are rules that are never looked at.
  bool has_failed() const { return has_failed_; }

  // Rules on packets that are always looked at.
  const std::vector<std::uint32_t>& of_packets(const packet::Packet& packet) const;
  const std::vector<std::uint32_t>& of_events() const { return events_; }
  const std::vector<std::uint32_t>& of_addresses() const { return addresses_; }
  // Searching needs memory of the thread: a copy of this.
  const SearchMemory& memory() const { return memory_; }
  void search_payload(const packet::Packet& packet, Side side, Bytes bytes, SearchMemory& memory,
                      std::vector<std::uint32_t>& rules) const;
  // Buffers of packets (tcp.hdr and the like) that rules chose their content in.
  std::span<const BufferSearch> packet_searches() const { return packet_searches_; }
  static void search(const BufferSearch& search, Bytes bytes, SearchMemory& memory, std::vector<std::uint32_t>& rules) {
    const InStage stage(Stage::kPrefilter);
    search.searcher->search(bytes, memory, rules);
  }

  // Of transactions, by the number of the protocol.
  const std::vector<std::uint32_t>& of_transactions(int protocol, Side side) const {
    return transactions_[static_cast<std::size_t>(protocol)][static_cast<std::size_t>(side)].rules;
  }
  std::span<const BufferSearch> transaction_searches(int protocol, Side side) const {
    return transactions_[static_cast<std::size_t>(protocol)][static_cast<std::size_t>(side)].searches;
  }

 private:
  struct OfTransactions {
    std::vector<std::uint32_t> rules;
    std::vector<BufferSearch> searches;
  };
  const Searcher* add(std::vector<Searcher::Pattern> patterns, Compiled& compiled);

  DatabaseCache cache_;
  bool has_failed_ = false;
  SearchMemory memory_;
  std::vector<std::unique_ptr<Searcher>> searchers_;
  const Searcher* payload_[3][2] = {};  // of TCP, UDP, others; by side
  std::vector<BufferSearch> packet_searches_;
  std::array<std::vector<std::uint32_t>, 257> packets_;  // by what is above IP; the last: not IP
  std::vector<std::array<OfTransactions, 2>> transactions_;
  std::vector<std::uint32_t> events_, addresses_;
};

bool is_of(rules::Side wanted, Side side);

}  // namespace tocsin::match
