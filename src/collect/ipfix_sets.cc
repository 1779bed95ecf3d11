// An IPFIX message says its length; a NetFlow packet says only how many records it has, and not how long those are. In
// a file one packet follows the other, and where a set may begin the number 9 or 10 can only be the version of the next
// header, since 4 to 255 are reserved as numbers of sets: that tells where a packet ends without knowing its records.
//
// After a set that cannot be, the reader looks byte by byte for the next place where a header, the sets behind it and
// the header after those are possible. It looks at no more than eight sets a place, so that no input makes it slow.
#include "collect/ipfix_sets.h"

#include <fmt/format.h>

namespace tocsin::collect {
namespace {

constexpr std::size_t kIpfixHeader = 16, kNetflowHeader = 20, kSetHeader = 4;
constexpr std::size_t kMostMessage = 65535;
constexpr std::size_t kWindow = 1 << 17;
constexpr int kSetsLookedAt = 8;

bool is_set_id(std::uint16_t version, std::uint16_t id) {
  return id >= 256 || (version == 9 ? id <= 1 : id == 2 || id == 3);
}
bool is_version(std::uint16_t number) { return number == 9 || number == 10; }

}  // namespace

bool begins_ipfix_message(std::span<const std::byte> bytes, bool ends) {
  if (bytes.size() < kIpfixHeader + kSetHeader) return false;
  const std::uint16_t version = u16_at(bytes, 0);
  if (!is_version(version)) return false;
  const std::uint16_t length = u16_at(bytes, 2);  // of NetFlow: how many records
  if (length == 0 || (version == 10 && length < kIpfixHeader)) return false;
  const std::size_t end = version == 10 ? length : bytes.size();
  std::size_t at = version == 10 ? kIpfixHeader : kNetflowHeader;
  int sets = 0;
  while (at < end && sets < kSetsLookedAt) {
    if (at + kSetHeader > bytes.size()) return ends ? sets > 0 : true;
    const std::uint16_t id = u16_at(bytes, at);
    if (version == 9 && is_version(id)) return sets > 0;
    const std::uint16_t size = u16_at(bytes, at + 2);
    if (!is_set_id(version, id) || size < kSetHeader || (version == 10 && at + size > end)) return false;
    at += size;
    ++sets;
  }
  if (version == 9) return sets > 0;
  if (end + 2 <= bytes.size()) return is_version(u16_at(bytes, end));
  return sets > 0;
}

bool IpfixSets::ensure(std::size_t bytes) {
  if (view_.size() - at_ >= bytes) return true;
  input_.consume(at_);
  at_ = 0;
  view_ = input_.peek(std::max(bytes, kMostMessage));
  return view_.size() >= bytes;
}

void IpfixSets::skip(const char* what) { skips_.add(fmt::format("byte {}", input_.offset() + at_), what); }

void IpfixSets::finish(const char* what) {
  // A NetFlow packet may end wherever a set does.
  if (view_.size() > at_ || (in_message_ && message_.version == 10)) skip(what);
  at_ = view_.size();
  input_.consume(at_);
  view_ = {};
  at_ = 0;
  ended_ = true;
}

bool IpfixSets::begin_message() {
  const auto head = rest();
  message_.version = u16_at(head, 0);
  if (message_.version == 10) {
    const std::size_t length = u16_at(head, 2);
    if (length < kIpfixHeader) return false;
    message_.sent = static_cast<Timestamp>(u32_at(head, 4)) * kSecond;
    message_.domain = u32_at(head, 12);
    message_.uptime = 0;
    left_ = length - kIpfixHeader;
    at_ += kIpfixHeader;
  } else {
    if (message_.version != 9 || head.size() < kNetflowHeader) return false;
    message_.uptime = u32_at(head, 4);
    message_.sent = static_cast<Timestamp>(u32_at(head, 8)) * kSecond;
    message_.domain = u32_at(head, 16);
    at_ += kNetflowHeader;
  }
  in_message_ = true;
  return true;
}

void IpfixSets::find_message(const char* what) {
  skip(what);
  in_message_ = false;
  while (true) {
    const bool whole = !ensure(kWindow);
    const std::size_t last = whole ? view_.size() : view_.size() - kMostMessage - 2;
    for (; at_ < last; ++at_) {
      if (view_[at_] == std::byte{0} && begins_ipfix_message(rest(), whole)) return;
    }
    if (whole) {
      input_.consume(view_.size());
      view_ = {};
      at_ = 0;
      ended_ = true;
      return;
    }
  }
}

bool IpfixSets::next(IpfixSet& set) {
  while (!ended_) {
    if (!in_message_ || (message_.version == 10 && left_ == 0)) {
      in_message_ = false;
      if (!ensure(kNetflowHeader) && rest().size() < kIpfixHeader) {
        finish("message header cut short");
      } else if (!begin_message()) {
        find_message("neither an IPFIX nor a NetFlow 9 header");
      }
      continue;
    }
    if (!ensure(kSetHeader)) {
      finish("message cut short");
      continue;
    }
    const std::uint16_t id = u16_at(view_, at_);
    const std::size_t size = u16_at(view_, at_ + 2);
    if (message_.version == 9 && is_version(id)) {
      in_message_ = false;
      continue;
    }
    if (!is_set_id(message_.version, id) || size < kSetHeader || (message_.version == 10 && size > left_)) {
      find_message(is_set_id(message_.version, id) ? "impossible length of a set" : "reserved number of a set");
      continue;
    }
    std::size_t have = size;
    if (!ensure(size)) {
      // What is whole of it is still taken.
      skip("message cut short");
      have = view_.size() - at_;
      ended_ = true;
    }
    set.id = id;
    set.body = view_.subspan(at_ + kSetHeader, have - kSetHeader);
    set.offset = input_.offset() + at_ + kSetHeader;
    set.message = message_;
    at_ += have;
    if (message_.version == 10) left_ -= size;
    return true;
  }
  if (at_ > 0) {
    input_.consume(at_);
    view_ = {};
    at_ = 0;
  }
  return false;
}

}  // namespace tocsin::collect
