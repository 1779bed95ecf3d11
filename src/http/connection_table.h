// Which connections there are, whose, and which of them can be given up for others.
#pragma once

#include <cstddef>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

namespace tocsin::serve {

class Connection;

class ConnectionTable {
 public:
  // peer: what is counted together; empty is not counted. In a full table the connection that has waited longest for a
  // request is closed for the new one; false if there is none, or the peer has its share.
  bool admit(const std::shared_ptr<Connection>& connection, const std::string& peer, std::size_t most,
             std::size_t most_of_peer);
  void forget(Connection* connection);
  // Whether it waits for (the header of) a request.
  void set_waiting(Connection* connection, bool waiting);
  bool subscribe(Connection* connection, std::size_t most);  // until it is forgotten; false: there are most already
  std::vector<std::shared_ptr<Connection>> all() const;
  std::vector<std::shared_ptr<Connection>> subscribers() const;
  std::size_t size() const;
  std::size_t subscriber_count() const;

 private:
  struct Entry {
    std::weak_ptr<Connection> connection;
    std::string peer;
    bool waiting = false, subscriber = false;
    std::list<Connection*>::iterator place;  // in waiting_, if it waits
  };

  mutable std::mutex mutex_;
  std::unordered_map<Connection*, Entry> entries_;
  std::unordered_map<std::string, std::size_t> of_peer_;
  std::list<Connection*> waiting_;  // who has waited longest first
  std::size_t subscribers_ = 0;
};

// An IPv6 client has a whole /64 to itself.
std::string counted_peer(const std::string& address);

}  // namespace tocsin::serve
