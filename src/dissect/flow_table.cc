#include "dissect/flow_table.h"

#include <sys/mman.h>

#include <algorithm>
#include <new>
#include <random>

namespace tocsin::dissect {
namespace {

__extension__ using Wide = unsigned __int128;

std::uint64_t fold(std::uint64_t a, std::uint64_t b) {
  const Wide product = static_cast<Wide>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

}  // namespace

FlowTable::FlowTable(std::size_t most) : most_(std::clamp<std::size_t>(most, 1, std::size_t{1} << 31)) {
  std::random_device random;
  for (std::uint64_t& key : keys_) key = (static_cast<std::uint64_t>(random()) << 32 | random()) | 1;
}

std::uint32_t FlowTable::hash_of(const PacketKey& key) const {
  const auto side = [this](const IpAddress& ip, std::uint64_t port) {
    return fold(ip.high() ^ keys_[0] ^ (port << 40), ip.low() ^ keys_[1] ^ (port << 16));
  };
  const std::uint64_t both = side(key.source, key.source_port) + side(key.destination, key.destination_port);
  const std::uint64_t rest = static_cast<std::uint64_t>(key.protocol) | static_cast<std::uint64_t>(key.kind) << 8 |
                             static_cast<std::uint64_t>(key.id) << 16;
  return static_cast<std::uint32_t>(fold(both ^ keys_[2], rest ^ keys_[3]) >> 32);
}

std::uint32_t FlowTable::find(std::uint32_t hash, const PacketKey& key, int& sender) const {
  return table_.find(hash, [&](std::uint32_t index) {
    const FlowState& flow = at(index);
    if (flow.protocol != key.protocol || flow.kind != key.kind || flow.id != key.id) return false;
    if (flow.port[0] == key.source_port && flow.port[1] == key.destination_port && flow.ip[0] == key.source &&
        flow.ip[1] == key.destination) {
      sender = 0;
      return true;
    }
    if (flow.port[1] == key.source_port && flow.port[0] == key.destination_port && flow.ip[1] == key.source &&
        flow.ip[0] == key.destination) {
      sender = 1;
      return true;
    }
    return false;
  });
}

std::unique_ptr<FlowState[], FlowTable::Release> FlowTable::new_chunk() {
  constexpr std::size_t kHugePage = std::size_t{2} << 20;
  static_assert(kChunk * sizeof(FlowState) % kHugePage == 0);
  void* memory = std::aligned_alloc(kHugePage, kChunk * sizeof(FlowState));
  if (memory == nullptr) throw std::bad_alloc();
  // Only a wish: without it all works the same, slower.
  madvise(memory, kChunk * sizeof(FlowState), MADV_HUGEPAGE);
  return std::unique_ptr<FlowState[], Release>(static_cast<FlowState*>(memory));
}

std::uint32_t FlowTable::insert(std::uint32_t hash) {
  std::uint32_t index = free_;
  if (index != kNoIndex) {
    free_ = at(index).after;
  } else {
    if (used_ == chunks_.size() * kChunk) chunks_.push_back(new_chunk());
    index = used_++;
  }
  std::construct_at(&at(index));
  at(index).hash = hash;
  table_.insert(hash, index);
  return index;
}

void FlowTable::erase(std::uint32_t index) {
  FlowState& flow = at(index);
  unlink(index);
  table_.erase(flow.hash, index);
  flow.after = free_;
  free_ = index;
}

void FlowTable::unlink(std::uint32_t index) {
  FlowState& flow = at(index);
  Ends& ends = lanes_[static_cast<std::size_t>(flow.lane)];
  if (flow.before == kNoIndex && ends.head != index) return;  // in no lane yet
  (flow.before == kNoIndex ? ends.head : at(flow.before).after) = flow.after;
  (flow.after == kNoIndex ? ends.tail : at(flow.after).before) = flow.before;
  flow.before = flow.after = kNoIndex;
}

void FlowTable::queue(std::uint32_t index, Lane lane, Timestamp now) {
  unlink(index);
  FlowState& flow = at(index);
  flow.lane = lane;
  flow.queued = now;
  Ends& ends = lanes_[static_cast<std::size_t>(lane)];
  flow.before = ends.tail;
  (ends.tail == kNoIndex ? ends.head : at(ends.tail).after) = index;
  ends.tail = index;
}

std::uint32_t FlowTable::oldest() const {
  std::uint32_t found = kNoIndex;
  for (const Ends& ends : lanes_) {
    if (ends.head == kNoIndex) continue;
    if (found == kNoIndex || at(ends.head).queued < at(found).queued) found = ends.head;
  }
  return found;
}

}  // namespace tocsin::dissect
