#include "http/stream_writer.h"

#include <algorithm>

#include "http/connection.h"

namespace tocsin::serve {
namespace {

constexpr std::size_t kMostPending = 256 << 10;

}  // namespace

// Called with the lock held.
void StreamWriter::wake() {
  if (pumping_) return;
  pumping_ = true;
  connection_.transport_->post([self = connection_.shared_from_this()] { self->pump(); });
}

bool StreamWriter::write(std::string_view bytes) {
  std::unique_lock lock(mutex_);
  while (!bytes.empty() && !gone_) {
    changed_.wait(lock, [this] { return gone_ || pending_.size() < kMostPending; });
    if (gone_) break;
    const std::size_t some = std::min(bytes.size(), kMostPending - pending_.size());
    pending_ += bytes.substr(0, some);
    bytes.remove_prefix(some);
    wake();
  }
  return !gone_;
}

void StreamWriter::end(bool whole) {
  const std::lock_guard lock(mutex_);
  ended_ = true;
  whole_ = whole;
  if (!gone_) wake();
}

StreamWriter::Next StreamWriter::take(std::string& bytes) {
  bytes.clear();
  const std::lock_guard lock(mutex_);
  if (gone_) return Next::kBroken;
  if (!pending_.empty()) {
    bytes.swap(pending_);
    changed_.notify_all();
    return Next::kBytes;
  }
  pumping_ = false;
  if (!ended_) return Next::kNothingYet;
  return whole_ ? Next::kWhole : Next::kBroken;
}

void StreamWriter::give_up() {
  const std::lock_guard lock(mutex_);
  gone_ = true;
  changed_.notify_all();
}

}  // namespace tocsin::serve
