// Several workers on one capture, with what one alone would have given.
//
// The caller's thread takes frames apart and gives each packet to the worker of its pair of addresses, so that flows
// that announce each other, and errors about a flow, are with one. Packets go in rounds, each given to all. What a
// worker writes is kept with its round, by the packet and the part of its moment, and the caller's thread merges it
// when all have done the round. Each worker ends its own silent flows at the packet at which one alone would have,
// whoever takes that packet. What rules remember across flows is changed in turn (base/turns.h).
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/keyed_hash.h"
#include "base/stages.h"
#include "base/turns.h"
#include "engine/worker.h"
#include "packet/decoder.h"

namespace tocsin::engine {

class Crew {
 public:
  Crew(packet::Decoder& decoder, unsigned workers, const std::function<std::unique_ptr<Worker>()>& make);
  ~Crew();

  // The caller's thread calls it, in the order in which one worker would.
  std::function<void(std::string_view log, std::string_view line)> write;

  void take(std::uint32_t link_type, packet::Bytes frame, Timestamp time, std::uint64_t number);
  // All that was taken is done and written.
  void settle();
  // All flows end. time, link_type: of the last frame.
  void finish(Timestamp time, std::uint32_t link_type);
  // Once settled.
  void add_counters(Counters& all) const;

 private:
  struct Item {
    const packet::Packet* packet = nullptr;
    Timestamp now = 0;  // the newest time so far
    std::uint32_t link_type = 0;
  };
  struct Line {
    std::uint64_t packet = 0, part = 0;
    std::string_view log;
    std::size_t begin = 0, end = 0;  // in the text
  };
  // Of one worker in one round.
  struct Share {
    std::vector<std::uint32_t> items;  // that are its own
    std::vector<Line> lines;
    std::string text;
  };
  struct Round {
    packet::Decoder::Memory memory;
    std::vector<std::uint8_t> frames;
    std::vector<Item> items;
    std::uint64_t first = 0;  // the number of the first item's packet
    std::vector<Share> shares;
    bool is_last = false;  // all flows end after it
    Timestamp now = 0, last_time = 0;
    std::uint32_t last_link_type = 0;
    void clear();
  };
  struct Member {
    std::unique_ptr<Worker> worker;
    Turn turn;
    StageClock clock;
    std::uint64_t done = 0;  // rounds
    std::thread thread;
  };

  void start();
  Round& round(std::uint64_t number) { return *rounds_[number % rounds_.size()]; }
  std::size_t member_of(const packet::Packet& packet) const;
  void publish();
  void write_done(std::uint64_t least);
  void write_round(Round& round);
  void work(Member& member);
  void do_round(Member& member, Round& round);

  packet::Decoder& decoder_;
  KeyedHash hash_;
  Turns turns_;
  std::vector<std::unique_ptr<Member>> members_;
  std::vector<std::unique_ptr<Round>> rounds_;  // used over and over
  bool has_started_ = false, measures_ = false;
  Timestamp now_ = 0;
  std::uint64_t packets_ = 0;  // given to rounds
  std::uint64_t written_ = 0;  // rounds

  std::mutex lock_;
  std::condition_variable published_changed_, done_changed_;
  std::uint64_t published_ = 0;  // rounds
  bool is_stopping_ = false;
};

}  // namespace tocsin::engine
