// Files that rules or the configuration want kept, by their SHA-256: DIR/5a/5ab24e...
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include "protocol/transaction.h"

namespace tocsin::engine {

class FileStore {
 public:
  // Of all who store files in one directory; changed in turn (base/turns.h).
  struct Numbers {
    std::uint64_t next = 1, failures = 0;
  };
  // most: bytes of one file that are kept; what is longer is cut. most_of_all: bytes of all files that are not whole
  // yet; beyond it those that began first are given up.
  FileStore(std::filesystem::path directory, bool stores_all, std::uint64_t most,
            std::uint64_t most_of_all = std::uint64_t{512} << 20,
            std::shared_ptr<Numbers> numbers = std::make_shared<Numbers>());

  // To be called after each packet for each file that may have got longer. Gives the number under which the file is
  // stored; 0: it is not, or not yet.
  std::uint64_t take(const protocol::File& file);
  // The file goes.
  void forget(const protocol::File& file);
  std::uint64_t pending_bytes() const { return pending_bytes_; }
  std::uint64_t failures() const { return numbers_->failures; }

 private:
  struct Pending {
    std::string bytes;
    std::uint64_t end = 0;  // of what is in bytes
    std::uint64_t stored = 0;
    bool is_done = false;
  };
  void give_up_oldest(std::uint64_t but);
  std::filesystem::path directory_;
  bool stores_all_;
  std::uint64_t most_, most_of_all_, pending_bytes_ = 0;
  std::shared_ptr<Numbers> numbers_;
  std::map<std::uint64_t, Pending> open_;  // by serial, so the oldest is first
};

}  // namespace tocsin::engine
