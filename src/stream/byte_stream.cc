#include "stream/byte_stream.h"

#include <algorithm>
#include <cstring>

namespace tocsin::stream {
namespace {

using packet::HostSystem;

// More holes than this are made only to use memory up.
constexpr std::size_t kMaxBlocks = 4096, kBlockCost = 96;
// How many segments are remembered for judging overlaps; of bytes whose segment is forgotten the first ones stay.
constexpr std::size_t kMaxSegments = 2048;

bool prefers_newer(HostSystem system, std::uint64_t old_start, std::uint64_t old_end, std::uint64_t start,
                   std::uint64_t end) {
  switch (system) {
    case HostSystem::kLast:
      return true;
    case HostSystem::kOldSolaris:
    case HostSystem::kSolaris:
    case HostSystem::kHpux11:
      return start <= old_start ? end >= old_end : end > old_end;
    case HostSystem::kLinux:
      return start < old_start || (start == old_start && end > old_end);
    case HostSystem::kOldLinux:
      return start < old_start || (start == old_start && end >= old_end);
    case HostSystem::kBsd:
    case HostSystem::kBsdRight:
    case HostSystem::kHpux10:
    case HostSystem::kIrix:
    case HostSystem::kMacos:
    case HostSystem::kWindows:
    case HostSystem::kWindows2003:
      return start < old_start;
    case HostSystem::kVista:
    case HostSystem::kFirst:
      return false;
  }
  return false;
}

}  // namespace

ByteStream::Blocks::const_iterator ByteStream::block_at(std::uint64_t offset) const {
  auto block = blocks_.upper_bound(offset);
  if (block == blocks_.begin()) return blocks_.end();
  --block;
  return block->second.end(block->first) > offset ? block : blocks_.end();
}

Bytes ByteStream::from(std::uint64_t offset) const {
  const auto block = block_at(offset);
  if (block == blocks_.end()) return {};
  return block->second.view().subspan(static_cast<std::size_t>(offset - block->first));
}

std::optional<std::uint64_t> ByteStream::next(std::uint64_t offset) const {
  if (block_at(offset) != blocks_.end()) return offset;
  const auto block = blocks_.lower_bound(offset);
  if (block == blocks_.end()) return std::nullopt;
  return block->first;
}

std::uint64_t ByteStream::start_of_block_before(std::uint64_t end) const {
  if (end == 0) return end;
  const auto block = block_at(end - 1);
  return block == blocks_.end() ? end : block->first;
}

ByteStream::Insertion ByteStream::insert(std::uint64_t offset, Bytes bytes, HostSystem system, bool trusts_first) {
  Insertion result;
  if (offset < kept_) {
    const std::uint64_t late = kept_ - offset;
    if (late >= bytes.size()) return result;
    bytes = bytes.subspan(static_cast<std::size_t>(late));
    offset = kept_;
  }
  if (bytes.empty()) return result;
  const std::uint64_t end = offset + bytes.size();

  if (offset >= end_) {  // the usual case: nothing has come from here on
    if (blocks_.size() >= kMaxBlocks && offset > end_) {
      result.is_refused = true;
      return result;
    }
    write(offset, bytes);
    remember({offset, end});
    return result;
  }

  merged_.assign(bytes.begin(), bytes.end());
  const auto keep_old = [&](std::uint64_t from, std::uint64_t to) {
    while (from < to) {
      const auto place = next(from);
      if (!place || *place >= to) return;
      from = *place;
      const Bytes old = this->from(from);
      const std::size_t length = static_cast<std::size_t>(std::min<std::uint64_t>(old.size(), to - from));
      std::memcpy(merged_.data() + (from - offset), old.data(), length);
      from += length;
    }
  };
  const auto differs = [&](std::uint64_t from, std::uint64_t to) {
    while (from < to) {
      const auto place = next(from);
      if (!place || *place >= to) return false;
      from = *place;
      const Bytes old = this->from(from);
      const std::size_t length = static_cast<std::size_t>(std::min<std::uint64_t>(old.size(), to - from));
      if (std::memcmp(bytes.data() + (from - offset), old.data(), length) != 0) return true;
      from += length;
    }
    return false;
  };

  // Bytes of forgotten segments stay as they are.
  std::uint64_t known_from = segments_.empty() ? end : segments_.front().start;
  if (known_from > offset) keep_old(offset, std::min(end, known_from));
  bool is_known = false;
  for (const Segment& old : segments_) {
    if (old.start >= end) break;
    if (old.end <= offset) continue;
    const std::uint64_t from = std::max(old.start, offset), to = std::min(old.end, end);
    const bool is_again = old.start == offset && old.end == end;
    result.is_overlap = true;
    is_known |= is_again;
    const bool is_different = differs(from, to);
    if (is_different && (!is_again || trusts_first)) result.is_different = true;
    if (is_different && (trusts_first || !prefers_newer(system, old.start, old.end, offset, end))) keep_old(from, to);
  }
  if (blocks_.size() >= kMaxBlocks && block_at(offset) == blocks_.end()) {
    result.is_refused = true;
    return result;
  }
  write(offset, merged_);
  if (!is_known) remember({offset, end});
  return result;
}

void ByteStream::append(Blocks::iterator block, Bytes bytes) {
  block->second.bytes.insert(block->second.bytes.end(), bytes.begin(), bytes.end());
  memory_ += bytes.size();
}

void ByteStream::write(std::uint64_t offset, Bytes bytes) {
  const std::uint64_t end = offset + bytes.size();
  end_ = std::max(end_, end);
  auto block = blocks_.upper_bound(offset);
  if (block != blocks_.begin() && std::prev(block)->second.end(std::prev(block)->first) >= offset) {
    --block;
    const std::uint64_t block_end = block->second.end(block->first);
    const std::size_t inside = static_cast<std::size_t>(std::min(block_end, end) - offset);
    if (inside) {
      std::memcpy(block->second.bytes.data() + block->second.gone + (offset - block->first), bytes.data(), inside);
    }
    append(block, bytes.subspan(inside));
  } else {
    block = blocks_.emplace_hint(block, offset, Block{});
    memory_ += kBlockCost;
    append(block, bytes);
  }
  // What lies behind may now be next to it, or covered.
  auto following = std::next(block);
  while (following != blocks_.end() && following->first <= block->second.end(block->first)) {
    const std::uint64_t block_end = block->second.end(block->first);
    const Bytes rest = following->second.view();
    if (following->second.end(following->first) > block_end) {
      append(block, rest.subspan(static_cast<std::size_t>(block_end - following->first)));
    }
    memory_ -= following->second.bytes.size() + kBlockCost;
    following = blocks_.erase(following);
  }
}

void ByteStream::remember(Segment segment) {
  if (segments_.size() >= kMaxSegments) {
    segments_.erase(segments_.begin(), segments_.begin() + kMaxSegments / 2);
    memory_ -= sizeof(Segment) * (kMaxSegments / 2);
  }
  memory_ += sizeof(Segment);
  if (segments_.empty() || segments_.back().start <= segment.start) {
    segments_.push_back(segment);
    return;
  }
  segments_.insert(std::upper_bound(segments_.begin(), segments_.end(), segment,
                                    [](const Segment& a, const Segment& b) { return a.start < b.start; }),
                   segment);
}

void ByteStream::let_go(std::uint64_t offset) {
  if (offset <= kept_) return;
  kept_ = offset;
  while (!blocks_.empty()) {
    auto first = blocks_.begin();
    if (first->first >= offset) break;
    Block& block = first->second;
    if (block.end(first->first) <= offset) {
      memory_ -= block.bytes.size() + kBlockCost;
      blocks_.erase(first);
      continue;
    }
    block.gone += static_cast<std::size_t>(offset - first->first);
    if (block.gone > block.bytes.size() / 2) {
      memory_ -= block.gone;
      block.bytes.erase(block.bytes.begin(), block.bytes.begin() + static_cast<std::ptrdiff_t>(block.gone));
      block.gone = 0;
    }
    auto node = blocks_.extract(first);
    node.key() = offset;
    blocks_.insert(blocks_.begin(), std::move(node));
    break;
  }
  std::size_t done = 0;
  while (done < segments_.size() && segments_[done].end <= offset) ++done;
  // Erasing waits until it pays.
  if (done > 64 || done == segments_.size()) {
    segments_.erase(segments_.begin(), segments_.begin() + static_cast<std::ptrdiff_t>(done));
    memory_ -= sizeof(Segment) * done;
  }
}

void ByteStream::clear() {
  blocks_.clear();
  segments_.clear();
  segments_.shrink_to_fit();
  memory_ = 0;
  kept_ = std::max(kept_, end_);
}

}  // namespace tocsin::stream
