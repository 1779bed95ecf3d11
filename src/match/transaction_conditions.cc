// Numbers, words, events and files of transactions.
#include <algorithm>
#include <vector>

#include "base/text.h"
#include "match/state.h"
#include "rules/builder.h"

namespace tocsin::match {
namespace {

using protocol::File;
using protocol::Presence;
using protocol::Transaction;
using protocol::Value;

constexpr std::size_t kMostValues = 4096;

bool contains_ignoring_case(std::string_view text, std::string_view part) {
  return Needle(part, true).find(bytes_of(text)) != Needle::kNone;
}

// What of several numbers holds, in their order.
bool holds_several(const rules::Several& wanted, std::span<const char> holds) {
  using How = rules::Several::How;
  const auto size = static_cast<std::int64_t>(holds.size());
  const auto from_end = [&](std::int64_t place) { return place < 0 ? place + size : place; };
  if (wanted.how == How::kCount) return wanted.times.holds(holds.size());
  if (wanted.has_slice) {
    const std::int64_t first = from_end(wanted.first), last = from_end(wanted.last);
    const bool is_within = first >= 0 && first < last && last <= size;
    holds = is_within ? holds.subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(last - first))
                      : std::span<const char>();
  }
  const auto met = static_cast<std::size_t>(std::ranges::count(holds, 1));
  const std::int64_t at = wanted.index < 0 ? wanted.index + static_cast<std::int64_t>(holds.size()) : wanted.index;
  const bool is_there = at >= 0 && at < static_cast<std::int64_t>(holds.size());
  switch (wanted.how) {
    case How::kAny:
      return met > 0;
    case How::kAnyOrAbsent:
      return holds.empty() || met > 0;
    case How::kAll:
      return !holds.empty() && met == holds.size();
    case How::kAllOrAbsent:
      return met == holds.size();
    case How::kTimes:
      return wanted.times.holds(met);
    case How::kAt:
      return is_there && holds[static_cast<std::size_t>(at)] != 0;
    case How::kAtOrOutside:
      return !is_there || holds[static_cast<std::size_t>(at)] != 0;
    case How::kCount:
      break;
  }
  return false;
}

bool holds_word(const rules::WordCondition& wanted, const Value& value) {
  const std::string_view text = text_of(value.bytes);
  const std::string_view field = wanted.field;
  if (wanted.words.empty()) return (!text.empty() || value.number != 0) != wanted.negated;  // it is there
  const bool is_part = field == "tls.subject" || field == "tls.issuerdn";
  const bool met = std::ranges::any_of(wanted.words, [&](const std::string& word) {
    if (is_part) return text.find(word) != std::string_view::npos;
    if (text.empty()) {
      const auto comparison = rules::parse_comparison(word, UINT64_MAX);
      if (comparison) return comparison->holds(value.number);
      const bool is_yes = word == "yes" || word == "true";
      return (is_yes || word == "no" || word == "false") && is_yes == (value.number != 0);
    }
    return equals_ignoring_case(text, word);
  });
  return met != wanted.negated;
}

bool holds_size(const rules::NumberCondition& wanted, const File& file) {
  using Operator = rules::Comparison::Operator;
  if (file.state == File::State::kClosed) return wanted.comparison.holds(file.size);
  const auto op = wanted.comparison.op;
  return (op == Operator::kGreater || op == Operator::kGreaterOrEqual) && wanted.comparison.holds(file.size);
}

}  // namespace

Inspector::State::Answer Inspector::State::holds_condition(const TransactionCondition& condition,
                                                           const Transaction& transaction, Side side) {
  if (condition.kind == TransactionCondition::Kind::kEvent) {
    const auto& wanted = std::get<rules::EventCondition>(*condition.condition);
    return std::ranges::find(transaction.events, std::string_view(wanted.event)) != transaction.events.end()
               ? Answer::kYes
               : Answer::kNo;
  }
  const int number =
      condition.field < 0
          ? -1
          : compiled.fields[static_cast<std::size_t>(condition.field)].numbers[static_cast<std::size_t>(now.protocol)];
  if (number < 0) return Answer::kNever;
  const auto* wanted = std::get_if<rules::NumberCondition>(condition.condition);
  const auto* words = std::get_if<rules::WordCondition>(condition.condition);
  const auto* bits = std::get_if<rules::BitsCondition>(condition.condition);
  const auto symbol = wanted != nullptr && !wanted->symbol.empty()
                          ? protocols[static_cast<std::size_t>(now.protocol)]->number_of(number, wanted->symbol)
                          : std::nullopt;
  if (words != nullptr && words->field == "ftpbounce") {
    // The server is asked to connect to another one than the client.
    const Value asked = transaction.value(number, side, 0);
    const IpAddress& client = now.flow->client;
    if (asked.bytes.size() != 4 || !client.is_v4()) return Answer::kNo;
    const auto* bytes = asked.bytes.data();
    const std::uint32_t address =
        std::uint32_t{bytes[0]} << 24 | std::uint32_t{bytes[1]} << 16 | std::uint32_t{bytes[2]} << 8 | bytes[3];
    return address != client.as_v4() ? Answer::kYes : Answer::kNo;
  }
  if (words != nullptr) {
    if (const auto said = transaction.holds(number, side, words->words)) {
      if (*said != words->negated) return Answer::kYes;
      return transaction.is_complete(side) ? Answer::kNever : Answer::kNo;
    }
  }
  const rules::Several* several =
      wanted != nullptr && (wanted->several.how != rules::Several::How::kAny || wanted->several.has_slice)
          ? &wanted->several
          : nullptr;
  if (several != nullptr && several->waits() && !transaction.is_complete(side)) return Answer::kNo;
  std::vector<char> holds;  // of which some are asked
  bool is_any_there = false, does_any_hold = false;
  Value first = transaction.value(number, side, 0);
  const bool is_length = wanted != nullptr && wanted->field == "urilen";
  for (std::size_t i = 0; i < kMostValues; ++i) {
    const Value value = i == 0 ? first : transaction.value(number, side, i);
    const bool is_there = value.presence == Presence::kWhole || value.presence == Presence::kGrowing;
    if (!is_there) break;
    bool one = false;
    if (words != nullptr) {
      one = holds_word(*words, value);
    } else if (bits != nullptr) {
      one = (value.number & bits->bits) == bits->bits;
    } else if (wanted != nullptr && !wanted->symbol.empty()) {
      one = (symbol ? value.number == *symbol : equals_ignoring_case(text_of(value.bytes), wanted->symbol)) !=
            wanted->negated;
    } else if (wanted != nullptr) {
      const std::uint64_t what = is_length ? value.bytes.size() : value.number;
      one = wanted->comparison.holds(what) != wanted->negated;
    }
    is_any_there = true;
    does_any_hold |= one;
    if (several != nullptr) holds.push_back(one);
    if (words != nullptr || is_length || bits != nullptr || (one && several == nullptr)) break;
  }
  if (!is_any_there && first.presence == Presence::kNotYet && !transaction.is_complete(side)) return Answer::kNo;
  if (several == nullptr ? does_any_hold : holds_several(*several, holds)) return Answer::kYes;
  return transaction.is_complete(side) ? Answer::kNever : Answer::kNo;
}

// The file that matched, all of its transaction, or all of the flow from now on.
void Inspector::State::store_files(const rules::FileStore& store, std::uint32_t sid, const Transaction& transaction,
                                   File& matched_file) {
  const auto keep = [&](File& file) {
    file.is_stored = true;
    if (std::ranges::find(file.rules, sid) == file.rules.end()) file.rules.push_back(sid);
  };
  const auto is_asked = [&](Side side) {
    if (store.direction.empty()) return side == now.side;
    if (store.direction == "both") return true;
    return (store.direction == "request" || store.direction == "to_server") == (side == Side::kToServer);
  };
  if (store.scope.empty() || store.scope == "file") {
    keep(matched_file);
    return;
  }
  for (const auto& file : transaction.files)
    if (is_asked(file->side)) keep(*file);
  if (store.scope == "tx" || now.memory == nullptr) return;
  for (const Side side : {Side::kToServer, Side::kToClient})
    if (is_asked(side)) now.memory->stores_files[static_cast<int>(side)] = sid;
}

// All conditions on files of a rule, of one and the same file.
Inspector::State::Answer Inspector::State::holds_file(const CompiledRule& rule, const Transaction& transaction,
                                                      Side side, std::uint16_t& next) {
  std::uint16_t at = 0;
  bool may_come = !transaction.is_complete(side);
  for (const auto& file : transaction.files) {
    if (file->side != side || at++ < next) continue;
    bool holds = true;
    for (const TransactionCondition& condition : rule.transaction_conditions) {
      if (condition.kind != TransactionCondition::Kind::kFile) continue;
      if (const auto* size = std::get_if<rules::NumberCondition>(condition.condition)) {
        holds = holds && holds_size(*size, *file);
      } else if (const auto* wanted = std::get_if<rules::FileCondition>(condition.condition)) {
        bool met = false;
        if (condition.list) {
          const std::string& sum = wanted->field == "filemd5"    ? file->md5
                                   : wanted->field == "filesha1" ? file->sha1
                                                                 : file->sha256;
          met = !sum.empty() && condition.list->ask(bytes_of(sum), 0, evaluator.context) != wanted->negated;
        } else if (wanted->field == "filename") {
          met = !file->name.empty() && contains_ignoring_case(file->name, wanted->text) != wanted->negated;
        } else if (wanted->field == "fileext") {
          const std::string ending = "." + lower(wanted->text);
          met = !file->name.empty() && lower(file->name).ends_with(ending) != wanted->negated;
        } else {
          met = !file->magic.empty() && contains_ignoring_case(file->magic, wanted->text) != wanted->negated;
        }
        holds = holds && met;
      }
    }
    if (file->state == File::State::kOpen) may_come = true;
    if (!holds) continue;
    for (const TransactionCondition& condition : rule.transaction_conditions) {
      if (const auto* store = std::get_if<rules::FileStore>(condition.condition))
        store_files(*store, rule.rule->metadata.sid, transaction, *file);
    }
    next = at;
    return Answer::kYes;
  }
  return may_come ? Answer::kNo : Answer::kNever;
}

}  // namespace tocsin::match
