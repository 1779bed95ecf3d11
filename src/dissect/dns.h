// DNS messages (RFC 1035 section 4), and the matching of queries with answers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/index_table.h"
#include "collect/observation.h"
#include "dissect/decode.h"

namespace tocsin::dissect {

// A name in presentation form (RFC 1035 section 5.1) without the final dot: dots and backslashes inside a label as
// \. and \\, bytes that do not print as \DDD. The root is empty.
class DnsName {
 public:
  std::string_view text() const { return {text_, size_}; }
  void clear() { size_ = 0; }
  bool add_label(Bytes label);

 private:
  static constexpr std::size_t kMost = 1024;  // 255 bytes of wire, four characters each at worst
  char text_[kMost];
  std::size_t size_ = 0;
};

enum class DnsParse : std::uint8_t {
  kOk,
  kCut,        // ended early, but so did the captured bytes: what was read before stands
  kMalformed,  // no DNS message, or a broken one
  kNoQuestion,
};

// Reads the name at `at` and moves past it. Compression pointers must point back, which bounds the work.
DnsParse read_name(Bytes message, std::size_t& at, DnsName& name);

struct DnsHeader {
  std::uint16_t id = 0;
  std::uint16_t flags = 0;
  std::uint16_t questions = 0;
  std::uint16_t answers = 0;
  bool is_answer() const { return (flags & 0x8000) != 0; }
};

struct DnsQuestion {
  DnsHeader header;
  DnsName name;
  std::uint16_t type = 0;
  std::size_t end = 0;  // where the answers begin
};
// whole: the message was not cut by the capture.
DnsParse parse_question(Bytes message, bool whole, DnsQuestion& question);
// Takes addresses and names out of the answer section; stops at the first broken record.
DnsParse parse_answers(Bytes message, bool whole, const DnsQuestion& question, DnsTransaction& into, TextArena& text);

// Outstanding queries, at most so many, the oldest given up first.
class DnsMatcher {
 public:
  DnsMatcher(std::size_t most, Timestamp timeout) : most_(most), timeout_(timeout) {}

  // One message of a flow from `sender` to `receiver`.
  DnsParse take(Bytes message, bool whole, const Endpoint& sender, const Endpoint& receiver, std::uint8_t protocol,
                Timestamp time, const Place& place, std::uint32_t flow_hash, Batch& out);
  // Emits the queries that waited too long by this time.
  void expire(Timestamp now, Batch& out);
  void finish(Batch& out);
  std::uint64_t given_up() const { return given_up_; }

 private:
  struct Query {
    Endpoint client;
    Endpoint server;
    Timestamp time = 0;
    Timestamp queued = 0;
    Place place;
    std::string name;
    std::uint32_t hash = 0;
    std::uint32_t before = kNoIndex, after = kNoIndex;
    std::uint16_t id = 0;
    std::uint16_t type = 0;
    std::uint8_t protocol = 0;
  };
  void ask(const DnsQuestion& question, const Endpoint& client, const Endpoint& server, std::uint8_t protocol,
           Timestamp time, const Place& place, std::uint32_t hash, Batch& out);
  std::uint32_t find(std::uint32_t hash, const Endpoint& client, const Endpoint& server, std::uint8_t protocol,
                     std::uint16_t id) const;
  void remove(std::uint32_t index);
  static void emit(const Query& query, Batch& out);

  std::size_t most_;
  Timestamp timeout_;
  Timestamp now_ = 0;
  std::uint64_t given_up_ = 0;
  IndexTable table_;
  std::vector<Query> queries_;
  std::vector<std::uint32_t> free_;
  std::uint32_t head_ = kNoIndex, tail_ = kNoIndex;
  DnsQuestion question_;
};

}  // namespace tocsin::dissect
