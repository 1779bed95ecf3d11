// The bytes of one side of a TCP connection, put together of its segments.
//
// Two segments may say different things of the same bytes, and systems differ in whom they believe: so each byte comes
// of the segment that the target's system would take (Novak and Sturges, "Target-Based TCP Stream Reassembly", 2007),
// judged by where the two began and ended. What came is kept in blocks without holes; in order there is one.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "packet/bytes.h"
#include "packet/host_policy.h"

namespace tocsin::stream {

using packet::Bytes;

class ByteStream {
 public:
  struct Insertion {
    bool is_overlap = false;
    bool is_different = false;  // from bytes that were there, but for a segment sent again as it was
    bool is_refused = false;    // too many holes
  };
  // trusts_first: what is there stays, whatever the system (inline, where the first has been let through).
  Insertion insert(std::uint64_t offset, Bytes bytes, packet::HostSystem system, bool trusts_first);

  // The bytes from `offset` on without a hole; empty if there are none.
  Bytes from(std::uint64_t offset) const;
  // Where the next bytes at or after `offset` are.
  std::optional<std::uint64_t> next(std::uint64_t offset) const;
  // Where the block starts that has the byte before `end`; `end` if none has it.
  std::uint64_t start_of_block_before(std::uint64_t end) const;
  // Behind the last byte that came.
  std::uint64_t end() const { return end_; }
  bool has_holes() const { return blocks_.size() > 1; }
  std::size_t blocks() const { return blocks_.size(); }
  bool is_empty() const { return blocks_.empty(); }
  // What has come in order or not, from the lowest on.
  template <typename Take>
  void each_block(Take take) const {
    for (const auto& [start, block] : blocks_) take(start, block.view());
  }

  // Bytes before `offset` are no longer needed.
  void let_go(std::uint64_t offset);
  void clear();
  std::size_t memory() const { return memory_; }

 private:
  // The first `gone` of the bytes have been let go; moving the rest to the front waits until it pays.
  struct Block {
    std::vector<std::uint8_t> bytes;
    std::size_t gone = 0;
    Bytes view() const { return Bytes(bytes).subspan(gone); }
    std::uint64_t end(std::uint64_t start) const { return start + bytes.size() - gone; }
  };
  struct Segment {
    std::uint64_t start, end;
  };
  using Blocks = std::map<std::uint64_t, Block>;

  Blocks::const_iterator block_at(std::uint64_t offset) const;
  void write(std::uint64_t offset, Bytes bytes);
  void append(Blocks::iterator block, Bytes bytes);
  void remember(Segment segment);

  Blocks blocks_;
  std::vector<Segment> segments_;  // by start; those that lie before what is kept go
  std::vector<std::uint8_t> merged_;
  std::uint64_t kept_ = 0, end_ = 0;
  std::size_t memory_ = 0;
};

}  // namespace tocsin::stream
