#include "engine/worker.h"

#include "base/stages.h"

namespace tocsin::engine {
namespace {

using protocol::Side;
using rules::Action;

// What the defragmenter's exception policy does to a packet; false: nothing.
bool policy_of(const packet::Packet& packet, PacketVerdict& verdict) {
  using packet::ExceptionPolicy;
  switch (packet.exception_policy) {
    case ExceptionPolicy::kReject:
    case ExceptionPolicy::kDropFlow:
    case ExceptionPolicy::kDropPacket:
      verdict.is_dropped = true;
      verdict.is_rejected = packet.exception_policy == ExceptionPolicy::kReject;
      verdict.reason = "defrag memcap";
      return true;
    case ExceptionPolicy::kPassFlow:
    case ExceptionPolicy::kPassPacket:
    case ExceptionPolicy::kBypass:
      return true;
    default:
      return false;
  }
}

void mark_inspected(const stream::Followed& followed) {
  stream::Flow* flow = followed.flow;
  if (flow == nullptr || !flow->application || flow->application->parser() == nullptr) return;
  for (const auto& transaction : flow->application->parser()->transactions) {
    if (transaction->is_complete(followed.side)) transaction->is_inspected[static_cast<int>(followed.side)] = true;
  }
}

}  // namespace

Worker::Worker(const Options& options, Surroundings surroundings, std::unique_ptr<match::Inspector> inspector,
               std::unique_ptr<Recorder> recorder, std::shared_ptr<stream::Room> room)
    : surroundings_(std::move(surroundings)),
      inspector_(std::move(inspector)),
      recorder_(std::move(recorder)),
      streams_(std::make_unique<stream::Streams>(options, std::move(room))) {
  surroundings_.inspector = inspector_.get();
  recorder_->write = [this](std::string_view log, std::string_view line) { write(log, line); };
  streams_->flush = [this](const packet::Packet& packet, const stream::Followed& followed) {
    look_at(packet, followed);
  };
  streams_->ended = [this](stream::Flow& flow) { end(flow); };
  streams_->ending = [this](std::uint64_t number) {
    if (comes_to) comes_to(number);
  };
}
Worker::~Worker() = default;

void Worker::take(const packet::Packet& packet, std::uint32_t link_type, const stream::Moment& moment) {
  const InStage stage(Stage::kStream);
  surroundings_.link_type = link_type;
  surroundings_.now = packet.time;
  if (comes_to) comes_to(0);
  const stream::Followed followed =
      inspector_->is_untracked(packet) ? stream::Followed() : streams_->follow(packet, moment);
  streams_->expire(moment);
  if (comes_to) comes_to(kLast);
  look_at(packet, followed);
}

void Worker::expire(Timestamp time, std::uint32_t link_type, const stream::Moment& moment) {
  const InStage stage(Stage::kStream);
  surroundings_.link_type = link_type;
  surroundings_.now = time;
  streams_->expire(moment);
}

void Worker::finish(Timestamp time, std::uint32_t link_type, const stream::Moment& moment) {
  const InStage stage(Stage::kStream);
  surroundings_.link_type = link_type;
  surroundings_.now = time;
  streams_->finish(moment);
}

void Worker::close() {
  for (const auto& [name, value] : streams_->counters()) counters_[name] += value;
  streams_.reset();
}

void Worker::end(stream::Flow& flow) {
  // What was never complete is told now.
  const InStage stage(Stage::kOutput);
  stream::Followed followed;
  followed.flow = &flow;
  packet::Packet last;
  last.time = surroundings_.now;
  last.origin = packet::Origin::kFlowEnd;
  last.ip_version = flow.ip_version;
  last.protocol = flow.protocol;
  last.source = flow.client;
  last.destination = flow.server;
  last.source_port = flow.client_port;
  last.destination_port = flow.server_port;
  last.vlan = flow.vlan;
  last.vlans = flow.vlans;
  Seen seen;
  seen.surroundings = &surroundings_;
  seen.packet = &last;
  seen.followed = &followed;
  if (flow.verdict != stream::Verdict::kDrop) recorder_->transactions(seen, true);
  recorder_->flow(surroundings_, flow);
}

void Worker::judge(Seen& seen) {
  PacketVerdict& verdict = seen.verdict;
  stream::Flow* flow = seen.followed->flow;
  if (seen.followed->should_drop && surroundings_.is_inline) {
    verdict.is_dropped = true;
    verdict.reason = seen.followed->drop_reason;
  }
  if (seen.inspection == nullptr) return;
  const match::Inspection& said = *seen.inspection;
  using Judged = match::Inspection::Verdict;
  if (said.verdict == Judged::kDrop || said.verdict == Judged::kReject) {
    verdict.is_dropped = true;
    verdict.is_rejected = said.verdict == Judged::kReject;
    if (verdict.reason.empty()) verdict.reason = said.drop_reason.empty() ? "rules" : said.drop_reason;
  }
  verdict.is_accepted = said.verdict == Judged::kAccept;
  for (const match::Alert& alert : said.alerts) {
    if (verdict.by == nullptr && rules::drops(alert.action)) verdict.by = &alert;
    if (alert.action == Action::kPass) verdict.has_pass = true;
  }
  if (flow == nullptr) return;
  // The first that says something of the whole flow wins, but for an accepted one, which may still be dropped.
  const bool is_open = flow->verdict == stream::Verdict::kNone || flow->verdict == stream::Verdict::kAccept;
  if (said.drop_flow && is_open) {
    flow->verdict = stream::Verdict::kDrop;
  } else if (said.pass_flow && is_open) {
    flow->verdict = stream::Verdict::kPass;
  } else if (said.accept_flow && flow->verdict == stream::Verdict::kNone) {
    flow->verdict = stream::Verdict::kAccept;
  }
  for (const match::Alert& alert : said.alerts) {
    if (!alert.is_suppressed && alert.action != Action::kPass && !alert.rule->no_alert) flow->has_alerts = true;
  }
}

void Worker::look_at(const packet::Packet& packet, const stream::Followed& followed) {
  Seen seen;
  seen.surroundings = &surroundings_;
  seen.packet = &packet;
  seen.followed = &followed;
  stream::Flow* flow = followed.flow;
  const bool was_dropped = flow != nullptr && flow->verdict == stream::Verdict::kDrop;
  const bool is_passed = flow != nullptr && (flow->verdict == stream::Verdict::kPass || flow->is_bypassed);
  // What a dropped flow did not say is not asked for at its end.
  if (was_dropped && packet.origin == packet::Origin::kFlowEnd) return;
  if (was_dropped) {
    seen.verdict.is_dropped = true;
    const bool by_exception = followed.should_drop && !followed.drop_reason.empty();
    seen.verdict.reason = by_exception ? followed.drop_reason : inspector_->drop_reason_of(*flow);
    if (!by_exception && !flow->exception_policy[0].empty()) seen.verdict.reason = "exception policy flow drop";
  } else if (policy_of(packet, seen.verdict)) {
    // Neither passed nor dropped packets of the defragmenter are looked at.
  } else if (is_passed) {
    seen.verdict.is_accepted = surroundings_.is_firewall;
  } else {
    const InStage stage(Stage::kEvaluation);
    inspection_.clear();
    inspector_->inspect(packet, followed, inspection_);
    seen.inspection = &inspection_;
    judge(seen);
  }
  mark_inspected(followed);
  count(seen);
  const InStage stage(Stage::kOutput);
  recorder_->packet(seen);
  recorder_->transactions(seen, false);
}

void Worker::count(const Seen& seen) {
  if (!surroundings_.is_inline || seen.packet->origin == packet::Origin::kFlowEnd) return;
  const PacketVerdict& verdict = seen.verdict;
  const bool by_firewall = verdict.reason.starts_with("firewall");
  const auto add = [this](const char* name) { ++counters_[name]; };
  if (verdict.is_dropped) {
    const bool is_rejected = verdict.is_rejected;
    if (surroundings_.is_firewall && by_firewall) {
      add(is_rejected ? "firewall.rejected" : "firewall.blocked");
    } else {
      if (surroundings_.is_firewall) add("firewall.accepted");
      add(is_rejected ? "ips.rejected" : "ips.blocked");
    }
    ++counters_[drop_reason_counter(verdict.reason)];
  } else if (surroundings_.is_firewall) {
    if (verdict.is_accepted) {
      add("firewall.accepted");
      add("ips.accepted");
    }
  } else {
    add("ips.accepted");
  }
}

void Worker::add_counters(Counters& all) const {
  const auto add = [&all](const Counters& counters) {
    for (const auto& [name, value] : counters) all[name] += value;
  };
  add(counters_);
  if (streams_) add(streams_->counters());
  add(inspector_->counters());
  add(recorder_->counters());
}

}  // namespace tocsin::engine
