// Accepts connections, and has the threads that move their bytes.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

#include "base/expected.h"
#include "http/server.h"
#include "http/transport.h"

namespace tocsin::serve {

class Listener {
 public:
  static Expected<std::unique_ptr<Listener>> open(const ServerOptions& options);
  ~Listener();
  std::uint16_t port() const;
  // Runs on the caller's thread and threads - 1 more, until quit().
  void run(std::size_t threads, std::function<void(std::unique_ptr<Transport>)> accepted);
  void stop_accepting();
  void quit();
  // Calls work in turn with itself until it says false. Before run(), or within what it calls.
  void every(std::chrono::milliseconds time, std::function<bool()> work);

 private:
  struct State;
  explicit Listener(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace tocsin::serve
