// Writes what was seen of each packet, transaction, file and flow to the logs that are asked for.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "engine/eve_event.h"
#include "engine/file_store.h"
#include "engine/outputs.h"
#include "engine/statistics.h"

namespace tocsin::engine {

class Recorder {
 public:
  using Write = std::function<void(std::string_view log, std::string_view line)>;
  Recorder(Outputs outputs, std::unique_ptr<FileStore> store);

  const Outputs& outputs() const { return outputs_; }
  std::vector<std::string> logs() const;
  Write write;

  // Alerts, drops, anomalies and variables of a packet.
  void packet(const Seen& seen);
  // Events, files and transactions of the packet's flow; those that are done with are taken away. is_last: nothing more
  // will come of the flow.
  void transactions(const Seen& seen, bool is_last);
  void flow(const Surroundings& surroundings, const stream::Flow& flow);
  void statistics(const Surroundings& surroundings, const Counters& counters, const RuleCounts& rules, Timestamp began);
  void engine_message(Timestamp time, std::string_view level, std::string_view message);
  std::uint64_t files_not_stored() const { return store_ ? store_->failures() : 0; }
  // Transactions by "app_layer.tx.http" and the like.
  const Counters& counters() const { return counters_; }

 private:
  void alerts(const EveSettings& eve, const Seen& seen);
  void drops(const EveSettings& eve, const Seen& seen);
  void packet_anomalies(const EveSettings& eve, const Seen& seen);
  void transaction_events(const Seen& seen, protocol::Transaction& transaction);
  void transaction(const Seen& seen, protocol::Transaction& transaction);
  void files(const Seen& seen, protocol::Transaction& transaction, bool is_last);

  // "app_layer.tx." or "app_layer.flow.", of a protocol.
  std::uint64_t& counter(std::string_view of, std::string_view protocol, bool is_udp);

  Outputs outputs_;
  std::unique_ptr<FileStore> store_;
  Counters counters_;
  struct Counted {
    const char *of, *protocol;
    bool is_udp;
    std::uint64_t* counter;
  };
  std::vector<Counted> counted_;  // those of counters_ that were counted, found without their names
};

}  // namespace tocsin::engine
