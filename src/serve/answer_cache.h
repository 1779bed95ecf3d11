// Answers kept as long as the ledger stays as it is: headline figures then cost microseconds and are never stale.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "base/expected.h"
#include "store/database.h"

namespace tocsin::serve {

// What an answer takes in memory, about.
std::size_t bytes_of(const std::string& text);
std::size_t bytes_of(const Table& table);

// Of one type of answer. A question must name all that its answer depends on beside the ledger: also who may see what.
template <typename Value>
class HeadCache {
 public:
  using Answer = std::shared_ptr<const Value>;
  // bytes: of all answers; the one unused for longest goes first.
  explicit HeadCache(std::size_t bytes = std::size_t{64} << 20) : most_(bytes) {}

  // The answer to a question at this head of the ledger, made if it is missing. Of equal questions at the same time one
  // is computed and the others wait. Errors are not kept.
  Expected<Answer> get(const std::string& head, const std::string& question,
                       const std::function<Expected<Value>()>& make) {
    const std::string key = head + "\n" + question;
    {
      std::unique_lock lock(mutex_);
      if (head_ != head) forget_all(head);
      done_.wait(lock, [&] { return !under_way_.contains(key); });
      if (Answer answer = find(key)) return answer;
      under_way_.insert(key);
    }
    // However make() ends, also by an exception: those who wait for it must not wait for ever.
    struct UnderWay {
      HeadCache& cache;
      const std::string& key;
      ~UnderWay() {
        const std::lock_guard lock(cache.mutex_);
        cache.under_way_.erase(key);
        cache.done_.notify_all();
      }
    };
    const UnderWay under_way{*this, key};
    auto made = make();
    if (!made) return std::unexpected(made.error());
    const std::lock_guard lock(mutex_);
    auto answer = std::make_shared<const Value>(std::move(*made));
    if (head_ == head) keep(key, answer);
    return answer;
  }

 private:
  struct Entry {
    std::string question;
    Answer answer;
  };

  static std::size_t size_of(const Entry& entry) { return bytes_of(*entry.answer) + 2 * entry.question.size() + 200; }

  void forget_all(const std::string& head) {
    entries_.clear();
    by_question_.clear();
    held_ = 0;
    head_ = head;
  }

  Answer find(const std::string& question) {
    const auto at = by_question_.find(question);
    if (at == by_question_.end()) return nullptr;
    entries_.splice(entries_.begin(), entries_, at->second);
    return at->second->answer;
  }

  void keep(const std::string& question, const Answer& answer) {
    if (by_question_.contains(question)) return;
    entries_.push_front({question, answer});
    by_question_[question] = entries_.begin();
    held_ += size_of(entries_.front());
    while (held_ > most_ && !entries_.empty()) {
      held_ -= size_of(entries_.back());
      by_question_.erase(entries_.back().question);
      entries_.pop_back();
    }
  }

  const std::size_t most_;
  std::size_t held_ = 0;
  std::string head_;
  std::list<Entry> entries_;  // the last used first
  std::unordered_map<std::string, typename std::list<Entry>::iterator> by_question_;
  std::unordered_set<std::string> under_way_;
  std::mutex mutex_;
  std::condition_variable done_;
};

using AnswerCache = HeadCache<std::string>;
using RowsCache = HeadCache<Table>;

}  // namespace tocsin::serve
