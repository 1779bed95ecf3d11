#include "engine/recorder.h"

#include <algorithm>

#include "engine/eve_text.h"

namespace tocsin::engine {
namespace {

using protocol::Side;

// What the engine remembers of a flow for its logs.
struct FlowRecord final : protocol::Memory {
  bool is_drop_told[2] = {false, false};
  std::uint64_t transactions = 0;  // that there were
};

FlowRecord& record_of(stream::Flow& flow) {
  if (!flow.record) flow.record = std::make_unique<FlowRecord>();
  return static_cast<FlowRecord&>(*flow.record);
}

// The name of the log that has the transactions of a protocol.
std::string_view log_of(std::string_view protocol) {
  if (protocol == "ftp-data") return "ftp";
  if (protocol == "doh2") return "doh2";
  return protocol;
}

// "http", "dns_udp": protocols that are spoken over TCP and UDP are counted apart.
std::string counted_name(std::string_view protocol, bool is_udp) {
  constexpr std::string_view kBoth[] = {"dns", "dcerpc", "nfs", "krb5", "sip", "ldap", "failed"};
  std::string name(protocol);
  if (std::ranges::find(kBoth, protocol) != std::end(kBoth)) name += is_udp ? "_udp" : "_tcp";
  return name;
}

// Rules that let packets through say so only if they are told to.
bool is_told(const match::Alert& alert) {
  if (alert.is_suppressed || alert.rule->no_alert) return false;
  if (alert.rule->asks_alert) return true;
  if (std::ranges::find(alert.rule->further_actions, rules::Action::kAlert) != alert.rule->further_actions.end()) {
    return true;
  }
  return alert.action != rules::Action::kPass && alert.action != rules::Action::kAccept &&
         alert.action != rules::Action::kConfig;
}

// Events that are of packets that could not be read, not of what was read.
bool is_decode_event(std::string_view event) { return !event.starts_with("stream."); }

}  // namespace

Recorder::Recorder(Outputs outputs, std::unique_ptr<FileStore> store)
    : outputs_(std::move(outputs)), store_(std::move(store)) {}

std::vector<std::string> Recorder::logs() const {
  std::vector<std::string> names;
  for (const EveSettings& eve : outputs_.eve) names.push_back(eve.file);
  for (const std::string& name : {outputs_.fast, outputs_.stats, outputs_.engine_log}) {
    if (!name.empty()) names.push_back(name);
  }
  return names;
}

std::uint64_t& Recorder::counter(std::string_view of, std::string_view protocol, bool is_udp) {
  // Names are of literals: the same place, the same name.
  for (const Counted& one : counted_) {
    if (one.of == of.data() && one.protocol == protocol.data() && one.is_udp == is_udp) return *one.counter;
  }
  std::uint64_t& counter = counters_[std::string(of) + counted_name(protocol, is_udp)];
  counted_.push_back({of.data(), protocol.data(), is_udp, &counter});
  return counter;
}

void Recorder::alerts(const EveSettings& eve, const Seen& seen) {
  if (seen.inspection == nullptr || (seen.inspection->alerts.empty() && !seen.inspection->is_tagged)) return;
  if (!eve.has("alert")) return;
  for (const match::Alert& alert : seen.inspection->alerts) {
    if (is_told(alert)) write(eve.file, alert_line(eve, seen, alert));
  }
  if (seen.inspection->is_tagged && eve.tagged_packets) write(eve.file, tagged_packet_line(eve, seen));
}

void Recorder::drops(const EveSettings& eve, const Seen& seen) {
  if (!seen.surroundings->is_inline || !seen.verdict.is_dropped || !eve.has("drop")) return;
  if (seen.packet->origin == packet::Origin::kFlowEnd) return;
  stream::Flow* flow = seen.followed->flow;
  if (!eve.every_drop && flow != nullptr) {
    bool& is_told = record_of(*flow).is_drop_told[static_cast<int>(seen.followed->side)];
    const bool is_new = flow->verdict == stream::Verdict::kDrop && !is_told;
    if (!is_new && seen.verdict.by == nullptr) return;
    if (flow->verdict == stream::Verdict::kDrop) is_told = true;
  }
  write(eve.file, drop_line(eve, seen));
}

void Recorder::packet_anomalies(const EveSettings& eve, const Seen& seen) {
  if (seen.packet->events.empty() && seen.followed->events.empty()) return;
  if (!eve.has("anomaly")) return;
  if (eve.decode_anomalies) {
    for (const std::string_view event : seen.packet->events) {
      if (is_decode_event(event)) write(eve.file, packet_anomaly_line(eve, seen, true, event));
    }
  }
  if (eve.stream_anomalies) {
    for (const std::string_view event : seen.followed->events) {
      write(eve.file, packet_anomaly_line(eve, seen, false, event));
    }
  }
}

void Recorder::packet(const Seen& seen) {
  for (const EveSettings& eve : outputs_.eve) {
    alerts(eve, seen);
    packet_anomalies(eve, seen);
    drops(eve, seen);
    if (seen.inspection != nullptr && !seen.inspection->packet_variables.empty() && eve.has("metadata")) {
      write(eve.file, metadata_line(eve, seen));
    }
  }
  if (!outputs_.fast.empty() && seen.inspection != nullptr) {
    for (const match::Alert& alert : seen.inspection->alerts) {
      if (is_told(alert)) write(outputs_.fast, fast_line(seen, alert));
    }
  }
  stream::Flow* flow = seen.followed->flow;
  if (flow == nullptr || !flow->application || flow->application->events.empty()) return;
  for (const EveSettings& eve : outputs_.eve) {
    if (!eve.has("anomaly") || !eve.application_anomalies) continue;
    for (const std::string_view event : flow->application->events) {
      write(eve.file, application_anomaly_line(eve, seen, nullptr, event));
    }
  }
  flow->application->events.clear();
}

void Recorder::transaction_events(const Seen& seen, protocol::Transaction& transaction) {
  for (; transaction.events_told < transaction.events.size(); ++transaction.events_told) {
    for (const EveSettings& eve : outputs_.eve) {
      if (!eve.has("anomaly") || !eve.application_anomalies) continue;
      write(eve.file, application_anomaly_line(eve, seen, &transaction, transaction.events[transaction.events_told]));
    }
  }
}

void Recorder::transaction(const Seen& seen, protocol::Transaction& transaction) {
  transaction.is_logged = true;
  const protocol::Protocol* protocol = seen.flow()->application->protocol();
  if (protocol == nullptr) return;
  const std::string_view log = log_of(protocol->name());
  std::string members;
  bool is_made = false;
  for (const EveSettings& eve : outputs_.eve) {
    if (!eve.has(log)) continue;
    if (!is_made) members = transaction.eve();
    is_made = true;
    if (members.empty()) return;
    write(eve.file, transaction_line(eve, seen, event_type_of(protocol->name()), transaction, members));
  }
}

void Recorder::files(const Seen& seen, protocol::Transaction& transaction, bool is_last) {
  for (const auto& file : transaction.files) {
    if (file->is_logged) {  // a rule may have asked for it since
      if (store_ && file->is_stored) store_->take(*file);
      continue;
    }
    const bool is_open = file->state == protocol::File::State::kOpen;
    if (is_open && is_last) file->state = protocol::File::State::kTruncated;
    const std::uint64_t number = store_ ? store_->take(*file) : 0;
    if (is_open && !is_last) continue;
    file->is_logged = true;
    for (const EveSettings& eve : outputs_.eve) {
      if (eve.has("files")) write(eve.file, file_line(eve, seen, transaction, *file, number));
    }
  }
}

void Recorder::transactions(const Seen& seen, bool is_last) {
  stream::Flow* flow = seen.followed->flow;
  if (flow == nullptr || !flow->application || flow->application->parser() == nullptr) return;
  auto& all = flow->application->parser()->transactions;
  if (all.empty()) return;
  const protocol::Protocol* protocol = flow->application->protocol();
  for (const auto& transaction : all) {
    std::uint64_t& known = record_of(*flow).transactions;
    if (transaction->id + 1 > known) {
      if (protocol != nullptr) {
        counter("app_layer.tx.", protocol->name(), flow->protocol == packet::kUdp) += transaction->id + 1 - known;
      }
      known = transaction->id + 1;
    }
    transaction_events(seen, *transaction);
    if (!transaction->is_logged && transaction->may_log(is_last)) this->transaction(seen, *transaction);
    files(seen, *transaction, is_last);
  }
  const auto is_over = [this](const std::unique_ptr<protocol::Transaction>& transaction) {
    if (!transaction->is_complete() || !transaction->is_logged) return false;
    for (const int side : {0, 1}) {
      if (!transaction->is_inspected[side] && !transaction->is_skipped[side]) return false;
    }
    for (const auto& file : transaction->files) {
      if (!file->is_logged) return false;
    }
    if (store_) {
      for (const auto& file : transaction->files) store_->forget(*file);
    }
    return true;
  };
  std::erase_if(all, is_over);
}

void Recorder::flow(const Surroundings& surroundings, const stream::Flow& flow) {
  if (store_ && flow.application && flow.application->parser() != nullptr) {
    for (const auto& transaction : flow.application->parser()->transactions) {
      for (const auto& file : transaction->files) store_->forget(*file);
    }
  }
  if (flow.application && (flow.application->protocol() != nullptr || flow.application->has_failed())) {
    const protocol::Protocol* protocol = flow.application->protocol();
    const std::string_view name = protocol != nullptr ? protocol->name() : std::string_view("failed");
    ++counter("app_layer.flow.", name, flow.protocol == packet::kUdp);
  }
  const std::uint64_t transactions = flow.record ? static_cast<const FlowRecord&>(*flow.record).transactions : 0;
  for (const EveSettings& eve : outputs_.eve) {
    if (eve.has("flow")) write(eve.file, flow_line(eve, surroundings, flow, transactions));
    if (eve.has("netflow")) {
      write(eve.file, netflow_line(eve, surroundings, flow, Side::kToServer, transactions));
      if (flow.packets[1] > 0) {
        write(eve.file, netflow_line(eve, surroundings, flow, Side::kToClient, transactions));
      }
    }
  }
}

void Recorder::statistics(const Surroundings& surroundings, const Counters& counters, const RuleCounts& rules,
                          Timestamp began) {
  const auto seconds = static_cast<std::uint64_t>(std::max<Timestamp>(0, (surroundings.now - began) / kSecond));
  for (const EveSettings& eve : outputs_.eve) {
    if (!eve.has("stats")) continue;
    protocol::EveObject event;
    event.text("timestamp", eve_time(surroundings.now));
    event.text("event_type", "stats");
    event.raw("stats", stats_object(counters, rules, seconds, eve.zero_counters));
    write(eve.file, "{" + event.take() + "}");
  }
  if (!outputs_.stats.empty()) write(outputs_.stats, stats_text(counters, surroundings.now, seconds));
}

void Recorder::engine_message(Timestamp time, std::string_view level, std::string_view message) {
  if (outputs_.engine_log.empty()) return;
  protocol::EveObject event;
  event.text("timestamp", eve_time(time));
  event.text("log_level", level);
  event.text("event_type", "engine");
  event.open("engine");
  event.text("message", message);
  event.close();
  write(outputs_.engine_log, "{" + event.take() + "}");
}

}  // namespace tocsin::engine
