#include "collect/dns_pairs.h"

#include <algorithm>

#include "base/text.h"
#include "collect/fields.h"

namespace tocsin::collect {
namespace {

constexpr std::size_t kMostWaiting = 1 << 16;
constexpr std::size_t kMostOfOneKey = 8;
constexpr std::size_t kMostParts = 256;
constexpr Timestamp kWait = 30 * kMinute;
constexpr Timestamp kApart = kMinute;  // question and answer, question and retry

bool is_near(Timestamp a, Timestamp b) { return a <= b ? b - a <= kApart : a - b <= kApart; }

Transaction ends_of(const Endpoint& client, const Endpoint& server, Timestamp time, const Place& place) {
  Transaction ends;
  ends.client = client;
  ends.server = server;
  ends.time = time;
  ends.place = place;
  return ends;
}

void give(const Transaction& ends, std::string_view name, std::uint16_t type, std::int16_t response_code,
          const auto& records, Batch& batch) {
  DnsTransaction& dns = batch.dns.emplace_back();
  static_cast<Transaction&>(dns) = ends;
  dns.query = batch.text.keep(name);
  dns.query_type = type;
  dns.response_code = response_code;
  for (const std::string_view text : records) {
    if (const auto address = IpAddress::parse(text)) {
      dns.addresses.push_back(*address);
    } else {
      dns.names.push_back(batch.text.keep(without_final_dot(text)));
    }
  }
}

}  // namespace

std::size_t DnsPairs::KeyHash::operator()(const Key& key) const {
  const std::uint64_t rest = std::uint64_t{key.client.port} << 48 | std::uint64_t{key.server.port} << 32 |
                             std::uint64_t{key.id} << 8 | key.protocol;
  return keyed(keyed(key.client.ip) + rest, keyed(key.server.ip));
}

void DnsPairs::take(const DnsMessage& message, Batch& batch) {
  while (!waiting_.empty() && waiting_.front().time < message.ends.time - kWait) give_up(waiting_.begin(), batch);
  if (!message.id) {
    give(message.ends, message.name, message.type, message.response_code, message.records, batch);
    return;
  }
  const Key key{message.ends.client, message.ends.server, *message.id, message.protocol};
  if (message.answer) return answer(message, key, batch);
  give_partial(batch);
  ask(message, key, batch);
}

void DnsPairs::ask(const DnsMessage& message, const Key& key, Batch& batch) {
  if (waiting_.size() >= kMostWaiting) give_up(waiting_.begin(), batch);
  if (const auto known = by_key_.find(key); known != by_key_.end()) {
    for (const auto& question : known->second) {
      if (question->type == message.type && question->name == message.name &&
          is_near(question->time, message.ends.time))
        return;
    }
    if (known->second.size() >= kMostOfOneKey) give_up(known->second.front(), batch);
  }
  waiting_.push_back({key, message.ends.time, message.ends.place, std::string(message.name), message.type});
  by_key_[key].push_back(std::prev(waiting_.end()));
}

void DnsPairs::answer(const DnsMessage& message, const Key& key, Batch& batch) {
  if (partial_) {
    const bool goes_on = message.part && partial_->key == key && partial_->logged == message.ends.time;
    if (!goes_on) {
      give_partial(batch);
    } else {
      if (partial_->records.size() < kMostParts)
        partial_->records.insert(partial_->records.end(), message.records.begin(), message.records.end());
      return;
    }
  }
  std::optional<Question> question = taken(message, key);
  if (!question) {
    // Some versions give an answer the direction of its packet.
    question = taken(message, {key.server, key.client, key.id, key.protocol});
  }
  Transaction ends = message.ends;
  if (question) ends = ends_of(question->key.client, question->key.server, question->time, question->place);
  const std::string_view name = question ? std::string_view(question->name) : message.name;
  const std::uint16_t type = question ? question->type : message.type;
  if (!message.part) return give(ends, name, type, message.response_code, message.records, batch);
  const Key asked{ends.client, ends.server, key.id, key.protocol};
  partial_ = {key,
              message.ends.time,
              {asked, ends.time, ends.place, std::string(name), type},
              message.response_code,
              {message.records.begin(), message.records.end()}};
}

std::optional<DnsPairs::Question> DnsPairs::taken(const DnsMessage& message, const Key& key) {
  const auto known = by_key_.find(key);
  if (known == by_key_.end()) return std::nullopt;
  const auto& questions = known->second;
  auto found = std::ranges::find_if(questions, [&](const auto& question) {
    return question->type == message.type && is_near(question->time, message.ends.time) &&
           equals_ignoring_case(question->name, message.name);
  });
  // A record may have the name and type of the end of a chain of names.
  if (found == questions.end() && message.part)
    found = std::ranges::find_if(questions,
                                 [&](const auto& question) { return is_near(question->time, message.ends.time); });
  if (found == questions.end()) return std::nullopt;
  Question question = std::move(**found);
  question.key = key;
  remove(*found);
  return question;
}

void DnsPairs::remove(Questions::iterator question) {
  const auto known = by_key_.find(question->key);
  std::erase(known->second, question);
  if (known->second.empty()) by_key_.erase(known);
  waiting_.erase(question);
}

void DnsPairs::give_up(Questions::iterator question, Batch& batch) {
  give(ends_of(question->key.client, question->key.server, question->time, question->place), question->name,
       question->type, -1, std::span<const std::string_view>(), batch);
  remove(question);
}

void DnsPairs::give_partial(Batch& batch) {
  if (!partial_) return;
  const Question& question = partial_->question;
  give(ends_of(question.key.client, question.key.server, question.time, question.place), question.name, question.type,
       partial_->response_code, partial_->records, batch);
  partial_.reset();
}

bool DnsPairs::give_rest(Batch& batch) {
  give_partial(batch);
  for (std::size_t i = 0; i < kBatchSize && !waiting_.empty(); ++i) give_up(waiting_.begin(), batch);
  return !waiting_.empty();
}

}  // namespace tocsin::collect
