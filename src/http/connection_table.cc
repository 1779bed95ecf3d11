#include "http/connection_table.h"

#include <arpa/inet.h>

#include <array>

#include "http/connection.h"

namespace tocsin::serve {
namespace {

// Those being closed for others are still in the table for a moment; that must not let it grow without bound.
constexpr std::size_t kMostOver = 128;

}  // namespace

std::string counted_peer(const std::string& address) {
  std::array<char, 16> bytes{};
  if (inet_pton(AF_INET6, address.substr(0, address.find('%')).c_str(), bytes.data()) != 1) return address;
  return {bytes.data(), 8};
}

bool ConnectionTable::admit(const std::shared_ptr<Connection>& connection, const std::string& peer, std::size_t most,
                            std::size_t most_of_peer) {
  std::shared_ptr<Connection> given_up;  // let go of after the lock: its end takes the lock
  {
    const std::lock_guard lock(mutex_);
    if (!peer.empty()) {
      std::size_t& count = of_peer_[peer];
      if (count >= most_of_peer) return false;  // the count is not 0: nothing was added
      ++count;
    }
    const auto back_out = [&] {
      if (!peer.empty() && --of_peer_[peer] == 0) of_peer_.erase(peer);
      return false;
    };
    if (entries_.size() >= most) {
      if (entries_.size() >= most + kMostOver) return back_out();
      while (!waiting_.empty() && !given_up) {
        Entry& entry = entries_.at(waiting_.front());
        given_up = entry.connection.lock();
        entry.waiting = false;
        waiting_.pop_front();
      }
      if (!given_up) return back_out();
    }
    Entry& entry = entries_[connection.get()];
    entry.connection = connection;
    entry.peer = peer;
  }
  if (given_up) given_up->give_up();
  return true;
}

void ConnectionTable::forget(Connection* connection) {
  const std::lock_guard lock(mutex_);
  const auto entry = entries_.find(connection);
  if (entry == entries_.end()) return;
  if (entry->second.waiting) waiting_.erase(entry->second.place);
  if (entry->second.subscriber) --subscribers_;
  const auto peer = of_peer_.find(entry->second.peer);
  if (peer != of_peer_.end() && --peer->second == 0) of_peer_.erase(peer);
  entries_.erase(entry);
}

void ConnectionTable::set_waiting(Connection* connection, bool waiting) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(connection);
  if (found == entries_.end() || found->second.waiting == waiting) return;
  Entry& entry = found->second;
  entry.waiting = waiting;
  if (waiting) {
    entry.place = waiting_.insert(waiting_.end(), connection);
  } else {
    waiting_.erase(entry.place);
  }
}

bool ConnectionTable::subscribe(Connection* connection, std::size_t most) {
  const std::lock_guard lock(mutex_);
  const auto entry = entries_.find(connection);
  if (entry == entries_.end() || subscribers_ >= most) return false;
  entry->second.subscriber = true;
  ++subscribers_;
  return true;
}

std::vector<std::shared_ptr<Connection>> ConnectionTable::all() const {
  std::vector<std::shared_ptr<Connection>> found;
  const std::lock_guard lock(mutex_);
  found.reserve(entries_.size());
  for (const auto& [key, entry] : entries_) {
    if (std::shared_ptr<Connection> one = entry.connection.lock()) found.push_back(std::move(one));
  }
  return found;
}

std::vector<std::shared_ptr<Connection>> ConnectionTable::subscribers() const {
  std::vector<std::shared_ptr<Connection>> found;
  const std::lock_guard lock(mutex_);
  found.reserve(subscribers_);
  for (const auto& [key, entry] : entries_) {
    if (!entry.subscriber) continue;
    if (std::shared_ptr<Connection> one = entry.connection.lock()) found.push_back(std::move(one));
  }
  return found;
}

std::size_t ConnectionTable::size() const {
  const std::lock_guard lock(mutex_);
  return entries_.size();
}

std::size_t ConnectionTable::subscriber_count() const {
  const std::lock_guard lock(mutex_);
  return subscribers_;
}

}  // namespace tocsin::serve
