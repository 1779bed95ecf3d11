// Queries and answers of DNS that a sensor logs one by one, put together: a question and its answer are one event.
//
// Pairs are known by ends, protocol and the message's id; among several outstanding under one id (some stubs ask for A
// and AAAA so) name and type decide; between question and answer lies a minute at most. A question asked again within
// it is a retry and no event of its own. The pair is given with the answer, at the time and place of its question; an
// answer without a question, or a question without an answer, is given alone. Sensors with several threads log in great
// disorder, so a question waits for half an hour of the log's time, or until 2^16 wait.
#pragma once

#include <cstdint>
#include <list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/keyed_hash.h"
#include "collect/observation.h"

namespace tocsin::collect {

struct DnsMessage {
  Transaction ends;
  std::uint8_t protocol = 0;
  std::optional<std::uint16_t> id;  // without it nothing is paired
  bool answer = false;
  // One of several records of an answer, each logged in a line of its own, one after another; name and type are then
  // the record's.
  bool part = false;
  std::string_view name;
  std::uint16_t type = 0;
  std::int16_t response_code = -1;
  std::span<const std::string_view> records;  // addresses and names of the answer
};

class DnsPairs {
 public:
  void take(const DnsMessage& message, Batch& batch);
  // The source has ended: gives at most about kBatchSize of what waits; false when nothing waits any more.
  bool give_rest(Batch& batch);

 private:
  struct Key {
    Endpoint client, server;
    std::uint16_t id = 0;
    std::uint8_t protocol = 0;
    friend bool operator==(const Key&, const Key&) = default;
  };
  struct KeyHash {
    KeyedHash keyed;
    std::size_t operator()(const Key& key) const;
  };
  struct Question {
    Key key;
    Timestamp time = 0;
    Place place;
    std::string name;
    std::uint16_t type = 0;
  };
  // An answer whose records are still coming.
  struct Partial {
    Key key;  // as its lines have it
    Timestamp logged = 0;
    Question question;
    std::int16_t response_code = 0;
    std::vector<std::string> records;
  };
  using Questions = std::list<Question>;

  void ask(const DnsMessage& message, const Key& key, Batch& batch);
  void answer(const DnsMessage& message, const Key& key, Batch& batch);
  // The question that is answered, taken out of those that wait.
  std::optional<Question> taken(const DnsMessage& message, const Key& key);
  void remove(Questions::iterator question);
  void give_up(Questions::iterator question, Batch& batch);
  void give_partial(Batch& batch);

  Questions waiting_;  // oldest first
  std::unordered_map<Key, std::vector<Questions::iterator>, KeyHash> by_key_;
  std::optional<Partial> partial_;
};

}  // namespace tocsin::collect
