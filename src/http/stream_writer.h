// Between the thread that makes a long answer and the connection that sends it: holds a bounded part of it.
#pragma once

#include <condition_variable>
#include <mutex>
#include <string>
#include <string_view>

#include "http/http.h"

namespace tocsin::serve {

class Connection;

class StreamWriter final : public BodyWriter {
 public:
  explicit StreamWriter(Connection& connection) : connection_(connection) {}  // which holds this

  // ---- on the thread that makes the answer
  bool write(std::string_view bytes) override;
  void end(bool whole);  // no more comes; whole: all of it came

  // ---- in the connection's order
  enum class Next { kBytes, kNothingYet, kWhole, kBroken };
  Next take(std::string& bytes);  // what has been written since; after kNothingYet, Connection::pump is called again
  void give_up();                 // the client is gone

 private:
  void wake();

  Connection& connection_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::string pending_;
  bool pumping_ = false;  // the connection will call take()
  bool gone_ = false, ended_ = false, whole_ = false;
};

}  // namespace tocsin::serve
