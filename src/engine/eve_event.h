// One packet as logs tell of it, and what they tell.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/outputs.h"
#include "match/inspector.h"
#include "packet/packet.h"
#include "protocol/eve_object.h"
#include "stream/streams.h"

namespace tocsin::engine {

// What the engine is and does.
struct Surroundings {
  bool is_inline = false, is_firewall = false;
  std::string capture;
  std::uint32_t link_type = 1;
  const rules::Vocabulary* vocabulary = nullptr;
  const match::Inspector* inspector = nullptr;
  const rules::RuleSet* firewall_rules = nullptr;  // null: not in firewall mode
  bool is_of_firewall(const rules::Rule& rule) const {
    return firewall_rules != nullptr && !firewall_rules->rules.empty() && &rule >= firewall_rules->rules.data() &&
           &rule < firewall_rules->rules.data() + firewall_rules->rules.size();
  }
  // What a rule's class is called; empty: it has none.
  std::string_view category_of(const rules::Rule& rule) const {
    const auto found = vocabulary->class_types.find(rule.metadata.class_type);
    return found == vocabulary->class_types.end() ? std::string_view() : found->second.description;
  }
  Timestamp now = 0;  // of the newest packet
  std::uint32_t priority_of(const rules::Rule& rule) const {
    if (rule.metadata.priority) return *rule.metadata.priority;
    const auto found = vocabulary->class_types.find(rule.metadata.class_type);
    return found == vocabulary->class_types.end() ? 3 : found->second.priority;
  }
};

// What happens to a packet.
struct PacketVerdict {
  bool is_dropped = false, is_rejected = false, is_accepted = false, has_pass = false;
  std::string_view reason;  // of a drop
  const match::Alert* by = nullptr;
};

struct Seen {
  const Surroundings* surroundings = nullptr;
  const packet::Packet* packet = nullptr;
  const stream::Followed* followed = nullptr;
  const match::Inspection* inspection = nullptr;  // null: it was not looked at
  PacketVerdict verdict;
  const stream::Flow* flow() const { return followed->flow; }
};

// Whose address stands first.
enum class Toward : std::uint8_t { kPacket, kFlow, kServer, kClient };

// The beginning of each object, up to what is the event's own. tx: a transaction's number; negative: none.
protocol::EveObject begin_event(const EveSettings& eve, const Seen& seen, std::string_view type, Toward toward);
void add_application(protocol::EveObject& event, const stream::Flow& flow);
void add_flow_counts(protocol::EveObject& event, const stream::Flow& flow);
void add_tcp_flags(protocol::EveObject& event, std::uint8_t flags);
void add_metadata(protocol::EveObject& event, const Surroundings& surroundings, const stream::Flow* flow,
                  const match::Inspection* inspection);
void add_verdict(protocol::EveObject& event, const Seen& seen);
// The object "alert".
void add_alert(protocol::EveObject& event, const EveSettings& eve, const Seen& seen, const match::Alert& alert,
               bool with_metadata);
void add_file(protocol::EveObject& event, const protocol::File& file, std::uint64_t file_id);
void add_packet(protocol::EveObject& event, const Seen& seen, std::size_t most);

// Whole lines.
std::string alert_line(const EveSettings& eve, const Seen& seen, const match::Alert& alert);
std::string tagged_packet_line(const EveSettings& eve, const Seen& seen);
std::string drop_line(const EveSettings& eve, const Seen& seen);
std::string packet_anomaly_line(const EveSettings& eve, const Seen& seen, bool is_decode, std::string_view event);
// transaction: null for events of the layer.
std::string application_anomaly_line(const EveSettings& eve, const Seen& seen, const protocol::Transaction* transaction,
                                     std::string_view event);
std::string metadata_line(const EveSettings& eve, const Seen& seen);
std::string transaction_line(const EveSettings& eve, const Seen& seen, std::string_view type,
                             const protocol::Transaction& transaction, std::string_view members);
std::string file_line(const EveSettings& eve, const Seen& seen, const protocol::Transaction& transaction,
                      const protocol::File& file, std::uint64_t file_id);
std::string flow_line(const EveSettings& eve, const Surroundings& surroundings, const stream::Flow& flow,
                      std::uint64_t transactions);
std::string netflow_line(const EveSettings& eve, const Surroundings& surroundings, const stream::Flow& flow,
                         protocol::Side side, std::uint64_t transactions);
std::string fast_line(const Seen& seen, const match::Alert& alert);

// "http" of http2, "ftp_data" of ftp-data: event types by the protocol's name.
std::string event_type_of(std::string_view protocol);

}  // namespace tocsin::engine
