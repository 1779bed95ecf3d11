// Packets to lines of logs: the flows, the rules and the records of those that one thread sees.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

#include "engine/recorder.h"
#include "match/inspector.h"
#include "stream/streams.h"

namespace tocsin::engine {

class Worker {
 public:
  // What is the same for all packets is in surroundings, but for the inspector, which is the worker's own.
  Worker(const Options& options, Surroundings surroundings, std::unique_ptr<match::Inspector> inspector,
         std::unique_ptr<Recorder> recorder, std::shared_ptr<stream::Room> room);
  ~Worker();

  std::function<void(std::string_view log, std::string_view line)> write;
  // Called as one moment goes on: first, with 0, the packet's flow is followed; then flows end, by the order that
  // Streams gives them; with kLast the packet is judged.
  static constexpr std::uint64_t kLast = ~std::uint64_t{0};
  std::function<void(std::uint64_t part)> comes_to;

  void take(const packet::Packet& packet, std::uint32_t link_type, const stream::Moment& moment);
  // For packets that others take: flows that were silent for too long end. time: of the packet. Before next_expiry()
  // there are none.
  void expire(Timestamp time, std::uint32_t link_type, const stream::Moment& moment);
  Timestamp next_expiry() const { return streams_->next_expiry(); }
  // All flows end. time, link_type: of the last frame.
  void finish(Timestamp time, std::uint32_t link_type, const stream::Moment& moment);
  // The flows go, by the thread that made them; nothing is told of those that have not ended.
  void close();

  void add_counters(Counters& all) const;

 private:
  void end(stream::Flow& flow);
  void look_at(const packet::Packet& packet, const stream::Followed& followed);
  void judge(Seen& seen);
  void count(const Seen& seen);

  Surroundings surroundings_;
  std::unique_ptr<match::Inspector> inspector_;
  std::unique_ptr<Recorder> recorder_;
  std::unique_ptr<stream::Streams> streams_;
  match::Inspection inspection_;
  Counters counters_;
};

}  // namespace tocsin::engine
