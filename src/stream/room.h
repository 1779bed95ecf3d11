// Memory that all who follow streams of one capture share.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

namespace tocsin::stream {

struct Room {
  std::atomic<std::uint64_t> flows{0};
  std::atomic<std::uint64_t> bytes{0};  // of streams, waiting to be read
  std::atomic<unsigned> sharers{0};
};

}  // namespace tocsin::stream
