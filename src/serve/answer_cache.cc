#include "serve/answer_cache.h"

#include <condition_variable>
#include <list>
#include <mutex>
#include <unordered_map>
#include <unordered_set>

namespace tocsin::serve {

struct AnswerCache::State {
  struct Entry {
    std::string question;
    Answer answer;
  };
  std::size_t most = 0, held = 0;
  std::string head;
  std::list<Entry> entries;  // the last used first
  std::unordered_map<std::string, std::list<Entry>::iterator> by_question;
  std::unordered_set<std::string> under_way;
  std::mutex mutex;
  std::condition_variable done;

  static std::size_t size_of(const Entry& entry) { return entry.answer->size() + 2 * entry.question.size() + 200; }

  Answer find(const std::string& question) {
    const auto at = by_question.find(question);
    if (at == by_question.end()) return nullptr;
    entries.splice(entries.begin(), entries, at->second);
    return at->second->answer;
  }

  void keep(const std::string& question, const Answer& answer) {
    if (by_question.contains(question)) return;
    entries.push_front({question, answer});
    by_question[question] = entries.begin();
    held += size_of(entries.front());
    while (held > most && !entries.empty()) {
      held -= size_of(entries.back());
      by_question.erase(entries.back().question);
      entries.pop_back();
    }
  }
};

AnswerCache::AnswerCache(std::size_t bytes) : state_(std::make_unique<State>()) { state_->most = bytes; }
AnswerCache::~AnswerCache() = default;

Expected<AnswerCache::Answer> AnswerCache::get(const std::string& head, const std::string& question,
                                               const std::function<Expected<std::string>()>& make) {
  State& state = *state_;
  const std::string key = head + "\n" + question;
  {
    std::unique_lock lock(state.mutex);
    if (state.head != head) {
      state.entries.clear();
      state.by_question.clear();
      state.held = 0;
      state.head = head;
    }
    state.done.wait(lock, [&] { return !state.under_way.contains(key); });
    if (Answer answer = state.find(key)) return answer;
    state.under_way.insert(key);
  }
  // However make() ends, also by an exception: those who wait for it must not wait for ever.
  struct UnderWay {
    State& state;
    const std::string& key;
    ~UnderWay() {
      const std::lock_guard lock(state.mutex);
      state.under_way.erase(key);
      state.done.notify_all();
    }
  };
  const UnderWay under_way{state, key};
  auto made = make();
  if (!made) return std::unexpected(made.error());
  const std::lock_guard lock(state.mutex);
  auto answer = std::make_shared<const std::string>(std::move(*made));
  if (state.head == head) state.keep(key, answer);
  return answer;
}

}  // namespace tocsin::serve
