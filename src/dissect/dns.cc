#include "dissect/dns.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/text.h"

namespace tocsin::dissect {
namespace {

constexpr std::uint16_t kTypeA = 1, kTypeNs = 2, kTypeCname = 5, kTypePtr = 12, kTypeMx = 15, kTypeAaaa = 28,
                        kTypeSrv = 33, kTypeDname = 39;
constexpr std::size_t kMostRecords = 256;
// A name has at most 127 labels, so that more pointers than that only point to pointers.
constexpr int kMostJumps = 127;

}  // namespace

bool DnsName::add_label(Bytes label) {
  if (size_ + 1 + label.size() * 4 > kMost) return false;
  if (size_ > 0) text_[size_++] = '.';
  for (const std::byte b : label) {
    const auto c = static_cast<unsigned char>(b);
    if (c == '.' || c == '\\') {
      text_[size_++] = '\\';
      text_[size_++] = static_cast<char>(c);
    } else if (c <= ' ' || c == 0x7f) {
      text_[size_++] = '\\';
      text_[size_++] = static_cast<char>('0' + c / 100);
      text_[size_++] = static_cast<char>('0' + c / 10 % 10);
      text_[size_++] = static_cast<char>('0' + c % 10);
    } else {
      text_[size_++] = static_cast<char>(c);
    }
  }
  return true;
}

DnsParse read_name(Bytes message, std::size_t& at, DnsName& name) {
  name.clear();
  std::size_t here = at;
  std::size_t wire = 0;
  int jumps = 0;
  bool jumped = false;
  // A pointer must point before the name, or the piece of it, that it stands in (RFC 1035: "a prior occurrence").
  std::size_t limit = at;
  while (true) {
    if (here >= message.size()) return DnsParse::kCut;
    const std::size_t length = byte_at(message, here);
    if ((length & 0xc0) == 0xc0) {
      if (here + 2 > message.size()) return DnsParse::kCut;
      const std::size_t target = be16(message, here) & 0x3fffU;
      if (!jumped) at = here + 2;
      jumped = true;
      if (target >= limit || ++jumps > kMostJumps) return DnsParse::kMalformed;
      limit = here = target;
      continue;
    }
    if ((length & 0xc0) != 0) return DnsParse::kMalformed;
    wire += length + 1;
    if (wire > 255) return DnsParse::kMalformed;
    if (length == 0) {
      if (!jumped) at = here + 1;
      return DnsParse::kOk;
    }
    if (here + 1 + length > message.size()) return DnsParse::kCut;
    if (!name.add_label(message.subspan(here + 1, length))) return DnsParse::kMalformed;
    here += 1 + length;
  }
}

DnsParse parse_question(Bytes message, bool whole, DnsQuestion& question) {
  const DnsParse cut = whole ? DnsParse::kMalformed : DnsParse::kCut;
  question.name.clear();
  if (message.size() < 12) return cut;
  question.header = DnsHeader{be16(message, 0), be16(message, 2), be16(message, 4), be16(message, 6)};
  if (question.header.questions == 0) return DnsParse::kNoQuestion;
  std::size_t at = 12;
  const DnsParse read = read_name(message, at, question.name);
  if (read != DnsParse::kOk) return read == DnsParse::kCut ? cut : read;
  if (at + 4 > message.size()) return cut;
  question.type = be16(message, at);
  at += 4;
  // Further questions are unheard of in practice; they are passed over to reach the answers.
  DnsName other;
  for (std::uint16_t i = 1; i < question.header.questions; ++i) {
    const DnsParse more = read_name(message, at, other);
    if (more != DnsParse::kOk || at + 4 > message.size()) return more == DnsParse::kMalformed ? more : cut;
    at += 4;
  }
  question.end = at;
  return DnsParse::kOk;
}

DnsParse parse_answers(Bytes message, bool whole, const DnsQuestion& question, DnsTransaction& into, TextArena& text) {
  const DnsParse cut = whole && (question.header.flags & 0x0200) == 0 ? DnsParse::kMalformed : DnsParse::kCut;
  std::size_t at = question.end;
  DnsName name;
  const std::size_t records = std::min<std::size_t>(question.header.answers, kMostRecords);
  for (std::size_t i = 0; i < records; ++i) {
    const DnsParse owner = read_name(message, at, name);
    if (owner != DnsParse::kOk) return owner == DnsParse::kCut ? cut : owner;
    if (at + 10 > message.size()) return cut;
    const std::uint16_t type = be16(message, at);
    const std::size_t length = be16(message, at + 8);
    at += 10;
    if (at + length > message.size()) return cut;
    if (type == kTypeA && length == 4) {
      into.addresses.push_back(IpAddress::v4(be32(message, at)));
    } else if (type == kTypeAaaa && length == 16) {
      std::array<std::uint8_t, 16> bytes;
      std::memcpy(bytes.data(), message.data() + at, 16);
      into.addresses.emplace_back(bytes);
    } else {
      std::size_t skip = length + 1;
      if (type == kTypeCname || type == kTypeNs || type == kTypePtr || type == kTypeDname) skip = 0;
      if (type == kTypeMx) skip = 2;
      if (type == kTypeSrv) skip = 6;
      if (skip <= length) {
        std::size_t inside = at + skip;
        if (read_name(message.first(at + length), inside, name) != DnsParse::kOk) return DnsParse::kMalformed;
        if (!name.text().empty()) into.names.push_back(text.keep(name.text()));
      }
    }
    at += length;
  }
  return DnsParse::kOk;
}

std::uint32_t DnsMatcher::find(std::uint32_t hash, const Endpoint& client, const Endpoint& server,
                               std::uint8_t protocol, std::uint16_t id) const {
  return table_.find(hash, [&](std::uint32_t index) {
    const Query& query = queries_[index];
    return query.id == id && query.protocol == protocol && query.client == client && query.server == server;
  });
}

void DnsMatcher::remove(std::uint32_t index) {
  Query& query = queries_[index];
  table_.erase(query.hash, index);
  (query.before == kNoIndex ? head_ : queries_[query.before].after) = query.after;
  (query.after == kNoIndex ? tail_ : queries_[query.after].before) = query.before;
  free_.push_back(index);
}

void DnsMatcher::emit(const Query& query, Batch& out) {
  DnsTransaction& transaction = out.dns.emplace_back();
  transaction.client = query.client;
  transaction.server = query.server;
  transaction.time = query.time;
  transaction.place = query.place;
  transaction.query = out.text.keep(query.name);
  transaction.query_type = query.type;
}

void DnsMatcher::ask(const DnsQuestion& question, const Endpoint& client, const Endpoint& server, std::uint8_t protocol,
                     Timestamp time, const Place& place, std::uint32_t hash, Batch& out) {
  const std::uint32_t known = find(hash, client, server, protocol, question.header.id);
  if (known != kNoIndex) {
    // The same question again is a retry; another one under the same number gives the old one up.
    if (queries_[known].type == question.type && queries_[known].name == question.name.text()) return;
    emit(queries_[known], out);
    remove(known);
  }
  if (table_.size() >= most_ && head_ != kNoIndex) {
    ++given_up_;
    emit(queries_[head_], out);
    remove(head_);
  }
  std::uint32_t index = 0;
  if (free_.empty()) {
    index = static_cast<std::uint32_t>(queries_.size());
    queries_.emplace_back();
  } else {
    index = free_.back();
    free_.pop_back();
  }
  now_ = std::max(now_, time);
  Query& query = queries_[index];
  query.client = client;
  query.server = server;
  query.time = time;
  query.queued = now_;
  query.place = place;
  query.name = question.name.text();
  query.hash = hash;
  query.id = question.header.id;
  query.type = question.type;
  query.protocol = protocol;
  query.before = tail_;
  query.after = kNoIndex;
  (tail_ == kNoIndex ? head_ : queries_[tail_].after) = index;
  tail_ = index;
  table_.insert(hash, index);
}

DnsParse DnsMatcher::take(Bytes message, bool whole, const Endpoint& sender, const Endpoint& receiver,
                          std::uint8_t protocol, Timestamp time, const Place& place, std::uint32_t flow_hash,
                          Batch& out) {
  const DnsParse parsed = parse_question(message, whole, question_);
  if (parsed != DnsParse::kOk) return parsed;
  const std::uint32_t hash = flow_hash ^ question_.header.id * 0x9e3779b1U;
  if (!question_.header.is_answer()) {
    ask(question_, sender, receiver, protocol, time, place, hash, out);
    return DnsParse::kOk;
  }
  DnsTransaction& transaction = out.dns.emplace_back();
  transaction.client = receiver;
  transaction.server = sender;
  transaction.time = time;
  transaction.place = place;
  transaction.query_type = question_.type;
  transaction.response_code = static_cast<std::int16_t>(question_.header.flags & 15);
  // An answer to another question than was asked is not the answer, whatever its number.
  const std::uint32_t asked = find(hash, receiver, sender, protocol, question_.header.id);
  if (asked != kNoIndex && queries_[asked].type == question_.type &&
      equals_ignoring_case(queries_[asked].name, question_.name.text())) {
    transaction.time = queries_[asked].time;
    transaction.place = queries_[asked].place;
    transaction.query = out.text.keep(queries_[asked].name);
    remove(asked);
  } else {
    transaction.query = out.text.keep(question_.name.text());
  }
  return parse_answers(message, whole, question_, transaction, out.text);
}

void DnsMatcher::expire(Timestamp now, Batch& out) {
  now_ = std::max(now_, now);
  while (head_ != kNoIndex && now_ - queries_[head_].queued >= timeout_) {
    emit(queries_[head_], out);
    remove(head_);
  }
}

void DnsMatcher::finish(Batch& out) {
  while (head_ != kNoIndex) {
    emit(queries_[head_], out);
    remove(head_);
  }
  now_ = 0;
}

}  // namespace tocsin::dissect
