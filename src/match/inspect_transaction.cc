// Rules on the transactions of application protocols.
#include <algorithm>

#include "base/text.h"
#include "match/state.h"
#include "rules/builder.h"

namespace tocsin::match {
namespace {

// Bytes of a file that may still grow, before rules look at it.
constexpr std::uint64_t kLeastFile = 32'768;

using protocol::Presence;
using protocol::Transaction;
using protocol::Value;

constexpr std::size_t kMostInstances = 4096;

TransactionMemory& memory_of(Transaction& transaction) {
  if (!transaction.memory) transaction.memory = std::make_unique<TransactionMemory>();
  return static_cast<TransactionMemory&>(*transaction.memory);
}

// Changes with all that rules could see.
std::uint64_t state_of(const Transaction& transaction, Side side) {
  std::uint64_t state = transaction.version[static_cast<int>(side)];
  const auto mix = [&](std::uint64_t value) { state = (state ^ value) * 0x9e3779b97f4a7c15ULL + 1; };
  mix(transaction.progress[0]);
  mix(transaction.progress[1]);
  mix(transaction.events.size());
  for (const auto& file : transaction.files) {
    mix(file->size);
    mix(static_cast<std::uint64_t>(file->state));
  }
  return state | 1;
}

}  // namespace

// A frame that its protocol does not tell: a datagram, or what the side has sent since its last transaction was whole.
Instance Inspector::State::frame(std::string_view name, const Transaction& transaction, Side side,
                                 std::size_t index) const {
  Instance one;
  const bool is_line = name.ends_with("_line");
  if (name.ends_with("command_line") && side == Side::kToClient) return one;
  if (name.ends_with("response_line") && side == Side::kToServer) return one;
  constexpr std::size_t kMostLines = 256;
  if (index > 0 && (!is_line || index >= kMostLines)) return one;
  one.presence = transaction.is_complete(side) ? Presence::kWhole : Presence::kGrowing;
  if (now.packet->protocol == packet::kUdp) {
    if (side != now.side) return {};
    one.view = {now.packet->payload, 0, true, true};
    return one;
  }
  const stream::StreamBytes all = now.flow->stream(side);
  if (name.ends_with("stream")) {
    one.view = {all.bytes, all.offset, transaction.is_complete(side), true};
    return one;
  }
  const std::uint64_t from = std::clamp(now.memory->frame_start[static_cast<int>(side)], all.offset, all.end());
  if (is_line) {
    std::string_view rest = text_of(all.bytes.subspan(static_cast<std::size_t>(from - all.offset)));
    for (std::size_t at = 0; !rest.empty(); ++at) {
      const std::size_t end = rest.find('\n');
      std::string_view line = rest.substr(0, end);
      if (line.ends_with('\r')) line.remove_suffix(1);
      if (at == index) {
        if (end == std::string_view::npos) one.presence = Presence::kGrowing;
        one.view = {bytes_of(line), 0, true, true};
        return one;
      }
      rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
    }
    one.presence = index == 0 && !transaction.is_complete(side) ? Presence::kNotYet : Presence::kAbsent;
    return one;
  }
  one.view = {all.bytes.subspan(static_cast<std::size_t>(from - all.offset)), 0, transaction.is_complete(side), true};
  return one;
}

Instance Inspector::State::instance(const Buffer& buffer, const Transaction& transaction, Side side,
                                    std::size_t index) const {
  Instance one;
  const int number =
      buffer.field < 0
          ? -1
          : compiled.fields[static_cast<std::size_t>(buffer.field)].numbers[static_cast<std::size_t>(now.protocol)];
  if (number >= 0) {
    const Value value = transaction.value(number, side, index);
    one.presence = value.presence;
    one.view = {value.bytes, value.offset, value.presence == Presence::kWhole, true};
    return one;
  }
  if (buffer.where == Where::kFrame) return frame(buffer.argument, transaction, side, index);
  if (buffer.where == Where::kField) return one;
  std::size_t at = 0;
  for (const auto& file : transaction.files) {
    if (file->side != side || at++ != index) continue;
    const bool is_open = file->state == protocol::File::State::kOpen;
    one.presence = is_open ? Presence::kGrowing : Presence::kWhole;
    if (buffer.where == Where::kFileData) {
      // A small file is looked at when it is whole, or when no more will come.
      const bool is_made = now.packet->origin == packet::Origin::kFlowEnd;
      if (is_open && file->size < kLeastFile && !is_made) one.presence = Presence::kNotYet;
      one.view = {bytes_of(file->bytes), file->offset, !is_open, true};
    } else {
      const std::string& text = buffer.where == Where::kFileName ? file->name : file->magic;
      if (text.empty()) one.presence = is_open ? Presence::kNotYet : Presence::kAbsent;
      one.view = {bytes_of(text), 0, true, true};
    }
    return one;
  }
  one.presence = transaction.is_complete(side) ? Presence::kAbsent : Presence::kNotYet;
  return one;
}

const std::vector<Instance>& Inspector::State::instances(int buffer_number, const Transaction& transaction, Side side) {
  Made& one = made[static_cast<int>(side)][static_cast<std::size_t>(buffer_number)];
  if (one.when == turn) return one.instances;
  one.when = turn;
  one.instances.clear();
  const Buffer& buffer = compiled.buffers[static_cast<std::size_t>(buffer_number)];
  for (std::size_t i = 0; i < (buffer.may_repeat ? kMostInstances : 1); ++i) {
    const Instance found = instance(buffer, transaction, side, i);
    const bool is_there = found.presence == Presence::kWhole || found.presence == Presence::kGrowing;
    const bool is_same = i > 0 && is_there && !one.instances[i - 1].view.bytes.empty() &&
                         one.instances[i - 1].view.bytes.data() == found.view.bytes.data();
    if (is_same) break;  // a field that is there once
    if (!is_there && i > 0) break;
    one.instances.push_back(found);
    if (!is_there) break;
  }
  if (buffer.changes.empty()) return one.instances;
  if (one.bytes.size() < one.instances.size()) one.bytes.resize(one.instances.size());
  for (std::size_t i = 0; i < one.instances.size(); ++i) {
    one.bytes[i].assign(text_of(one.instances[i].view.bytes));
    for (const Change& change : buffer.changes) change.apply(one.bytes[i]);
    one.instances[i].view.bytes = bytes_of(one.bytes[i]);
    one.instances[i].view.offset = 0;
  }
  return one.instances;
}

// What was measured is told with the flow.
void Inspector::State::keep_entropy(int buffer) {
  constexpr std::size_t kMost = 64;
  const int field = compiled.buffers[static_cast<std::size_t>(buffer)].field;
  if (field < 0) return;
  std::string name = compiled.fields[static_cast<std::size_t>(field)].keyword;
  std::ranges::replace(name, '.', '_');
  auto& kept = now.memory->entropies;
  const auto found = std::ranges::find(kept, name, &std::pair<std::string, double>::first);
  if (found != kept.end())
    found->second = evaluator.entropy;
  else if (kept.size() < kMost)
    kept.emplace_back(std::move(name), evaluator.entropy);
}

Inspector::State::Answer Inspector::State::holds_check(const Check& check, const Transaction& transaction, Side side) {
  const auto& all = instances(check.buffer, transaction, side);
  const bool is_complete = transaction.is_complete(side);
  const Presence first = all.empty() ? Presence::kAbsent : all.front().presence;
  if (first == Presence::kAbsent || (first == Presence::kNotYet && is_complete))
    return check.asks_absent || check.absent_suffices ? Answer::kYes : Answer::kNever;
  if (first == Presence::kNotYet) return Answer::kNo;
  if (check.asks_absent) return Answer::kNever;
  bool may_change = compiled.buffers[static_cast<std::size_t>(check.buffer)].may_repeat;
  evaluator.entropy = -1;
  for (const Instance& one : all) {
    const bool holds = evaluator.holds(check.program, one.view);
    if (evaluator.entropy >= 0) keep_entropy(check.buffer);
    if (holds) return Answer::kYes;
    may_change = may_change || one.presence == Presence::kGrowing;
  }
  return may_change && !is_complete ? Answer::kNo : Answer::kNever;
}

void Inspector::State::search_buffers(const Transaction& transaction, TransactionMemory::OfSide& memory) {
  memory.scanned.resize(compiled.buffers.size());
  named.clear();
  for (const BufferSearch& search : candidates->transaction_searches(now.protocol, now.side)) {
    const auto& all = instances(search.buffer, transaction, now.side);
    std::uint64_t sum = 0;
    for (const Instance& one : all) {
      const bool is_there = one.presence == Presence::kWhole || one.presence == Presence::kGrowing;
      if (is_there) sum += one.view.offset + one.view.bytes.size() + 1;
    }
    std::uint64_t& scanned = memory.scanned[static_cast<std::size_t>(search.buffer)];
    if (sum == scanned) continue;
    scanned = sum;
    for (const Instance& one : all) Candidates::search(search, one.view.bytes, search_memory, named);
  }
  if (named.empty()) return;
  memory.wanted.insert(memory.wanted.end(), named.begin(), named.end());
  std::ranges::sort(memory.wanted);
  memory.wanted.erase(std::unique(memory.wanted.begin(), memory.wanted.end()), memory.wanted.end());
}

Inspector::State::Answer Inspector::State::judge_rule(const CompiledRule& rule, Transaction& transaction,
                                                      TransactionMemory& memory) {
  auto& of_side = memory.sides[static_cast<int>(now.side)];
  auto& all = rule.is_transactional ? memory.both : of_side.rules;
  RuleProgress* progress = find_progress(all, rule.number);
  if (progress != nullptr && progress->is_done) return progress->has_matched ? Answer::kYes : Answer::kNever;
  if ((rule.rule->protocol.applications & now.applications) == 0) return Answer::kNever;
  if (progress == nullptr && !(holds_header(rule) && holds_flow(rule) && holds_conditions(rule, &memory)))
    return Answer::kNo;
  if (const auto hook = rule.hooks.find(protocols[static_cast<std::size_t>(now.protocol)]); !rule.hooks.empty()) {
    if (hook == rule.hooks.end() || hook->second.first != now.side) return Answer::kNo;
    if (transaction.progress[static_cast<int>(now.side)] < hook->second.second) return Answer::kNo;
  }
  evaluator.start_rule();
  std::uint32_t found = progress == nullptr ? 0 : progress->found;
  std::uint32_t wanted = 0, bit = 1;
  bool never = false, of_stream = false;
  const auto take = [&](auto&& ask) {
    wanted |= bit;
    if ((found & bit) == 0 && !never) {
      const Answer answer = ask();
      if (answer == Answer::kYes) found |= bit;
      if (answer == Answer::kNever) never = true;
    }
    bit <<= 1;
  };
  // The side that a part of the rule looks at; a rule of both sides looks at the client's also later.
  const auto side_of = [&](rules::Side side) {
    if (side == rules::Side::kEither) return now.side;
    return side == rules::Side::kToServer ? Side::kToServer : Side::kToClient;
  };
  for (const Check& check : rule.transaction_checks) {
    const Side side = side_of(check.side);
    take([&] {
      if (side != now.side && now.side == Side::kToServer) return Answer::kNo;
      const Answer answer = holds_check(check, transaction, side);
      return answer == Answer::kNever && side != now.side && !rule.is_transactional ? Answer::kNo : answer;
    });
  }
  bool has_file = false;
  for (const TransactionCondition& condition : rule.transaction_conditions) {
    if (condition.kind == TransactionCondition::Kind::kFile) {
      has_file = true;
      continue;
    }
    take([&] { return holds_condition(condition, transaction, side_of(condition.side)); });
  }
  std::uint16_t next_file = progress == nullptr ? 0 : progress->next_file;
  if (has_file) take([&] { return holds_file(rule, transaction, now.side, next_file); });
  if (!rule.packet_checks.empty()) {
    take([&] { return holds_packet_checks(rule, of_stream) ? Answer::kYes : Answer::kNo; });
  }
  if (!evaluator.context.empty()) {
    std::string& context = of_side.contexts[rule.number];
    context += (context.empty() ? "" : ",") + evaluator.context;
  }
  const bool is_whole = found == wanted && !(rule.is_transactional && now.side == Side::kToServer);
  if (found == 0 && !never && !is_whole) return Answer::kNo;
  if (wanted == 0 && rule.is_firewall) return Answer::kYes;  // of the step itself, each time that it is looked at
  if (progress == nullptr) progress = &add_progress(all, rule.number);
  progress->found = found;
  progress->next_file = next_file;
  progress->is_done = never || is_whole;
  progress->has_matched = is_whole && !never;
  if (!progress->has_matched) return never ? Answer::kNever : Answer::kNo;
  if (!rule.is_firewall) matched(rule, &transaction, &memory, of_stream);
  return Answer::kYes;
}

// Rules on files may speak once of each.
void Inspector::State::look_for_files(const Transaction& transaction, TransactionMemory::OfSide& memory) {
  const auto count = static_cast<std::size_t>(
      std::ranges::count_if(transaction.files, [&](const auto& file) { return file->side == now.side; }));
  if (count <= memory.files) return;
  memory.files = count;
  for (RuleProgress& progress : memory.rules) {
    const CompiledRule& rule = *compiled.rules[progress.rule];
    const auto is_file = [](const TransactionCondition& one) { return one.kind == TransactionCondition::Kind::kFile; };
    const auto files = std::ranges::count_if(rule.transaction_conditions, is_file);
    if (files == 0) continue;
    const std::size_t place = rule.transaction_checks.size() + rule.transaction_conditions.size() - files;
    progress.found &= ~(std::uint32_t{1} << std::min<std::size_t>(place, 31));
    progress.is_done = progress.has_matched = false;
  }
}

void Inspector::State::judge_transaction(Transaction& transaction) {
  TransactionMemory& memory = memory_of(transaction);
  TransactionMemory::OfSide& of_side = memory.sides[static_cast<int>(now.side)];
  if (of_side.is_done) return;
  const std::uint64_t state = state_of(transaction, now.side);
  const bool is_new = state != of_side.state;
  if (!is_new && (!now.has_stream || !compiled.looks_at_packet)) return;
  of_side.state = state;
  ++turn;
  for (const auto& file : transaction.files) {
    const std::uint32_t sid = now.memory->stores_files[static_cast<int>(file->side)];
    if (sid == 0 || file->is_stored) continue;
    file->is_stored = true;
    file->rules.push_back(sid);
  }
  look_for_files(transaction, of_side);
  // A side of which nothing came yet has no step to accept.
  const int side = static_cast<int>(now.side);
  const bool has_come = now.packet->protocol != packet::kTcp || now.flow->stream(now.side).end() > 0;
  if (firewall->is_on() && has_come && (transaction.progress[side] > 0 || transaction.version[side] > 1)) {
    filter_transaction(transaction, memory);
    if (now.is_dropped) return;
  }
  search_buffers(transaction, of_side);
  named = of_side.wanted;
  const auto& always = candidates->of_transactions(now.protocol, now.side);
  named.insert(named.end(), always.begin(), always.end());
  std::ranges::sort(named);
  named.erase(std::unique(named.begin(), named.end()), named.end());
  for (const std::uint32_t number : named) {
    const CompiledRule& rule = *compiled.rules[number];
    // Where only the stream has gone on, only those that look at it too can have got further.
    if (!is_new && !rule.looks_at_packet()) continue;
    if (!rule.is_firewall && !now.is_passed) judge_rule(rule, transaction, memory);
  }
  if (!transaction.is_complete(now.side)) return;
  of_side.is_done = true;
  if (now.packet->protocol == packet::kTcp)
    now.memory->frame_start[static_cast<int>(now.side)] = now.flow->stream(now.side).end();
}

void Inspector::State::judge_transactions() {
  if (now.protocol < 0 || now.flow->application->parser() == nullptr || now.flow->protocol != now.packet->protocol)
    return;
  const bool is_made = now.packet->origin == packet::Origin::kFlowEnd;
  if (now.packet->protocol == packet::kTcp && !now.followed->is_stream_established && !is_made) return;
  // Where a parser gave up, nothing new came of the other side.
  const auto gave_up_on = now.flow->application->gave_up_on();
  if (gave_up_on && *gave_up_on != now.side) return;
  for (const auto& transaction : now.flow->application->parser()->transactions) {
    if (transaction->is_skipped[static_cast<int>(now.side)]) continue;
    judge_transaction(*transaction);
    if (now.is_dropped) return;
  }
}

}  // namespace tocsin::match
