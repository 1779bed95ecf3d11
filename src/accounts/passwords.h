// Passwords as Argon2id (RFC 9106), by libsodium: its second recommended choice, 3 passes over 64 MiB.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <string>

#include "base/expected.h"

namespace tocsin::serve {

// At most two are hashed at once (128 MiB); few wait, so that a flood of sign-ins takes neither the memory nor all
// threads that answer requests; the others are turned away.
class PasswordHasher {
 public:
  PasswordHasher();
  enum class Verdict { kRight, kWrong, kBusy };
  // stored empty: takes as long, and is wrong.
  Verdict verify(const std::string& stored, const std::string& password);
  Expected<std::string> hash(const std::string& password);  // waits as long as it takes
  static bool is_outdated(const std::string& stored);

 private:
  class Turn;
  std::mutex mutex_;
  std::condition_variable freed_;
  std::size_t running_ = 0, waiting_ = 0;
  std::size_t line_;  // as many may wait
  std::string dummy_;
};

}  // namespace tocsin::serve
