#include "engine/crew.h"

#include <algorithm>

#include "stream/flow_table.h"

namespace tocsin::engine {
namespace {

// Long enough for what a round costs to be little, short enough for its packets to stay in the cache.
constexpr std::size_t kRounds = 8, kMostItems = 512, kMostBytes = 512 << 10;

}  // namespace

void Crew::Round::clear() {
  memory.clear();
  frames.clear();
  items.clear();
  for (Share& share : shares) {
    share.items.clear();
    // Where many flows end at once there is much to write, once.
    if (share.text.capacity() > kMostBytes) share = Share();
    share.lines.clear();
    share.text.clear();
  }
  is_last = false;
}

Crew::Crew(packet::Decoder& decoder, unsigned workers, const std::function<std::unique_ptr<Worker>()>& make)
    : decoder_(decoder), turns_(workers) {
  for (std::size_t i = 0; i < workers; ++i) {
    Member& member = *members_.emplace_back(std::make_unique<Member>());
    member.worker = make();
    member.turn = {&turns_, i};
  }
  for (std::size_t i = 0; i < kRounds; ++i) {
    Round& round = *rounds_.emplace_back(std::make_unique<Round>());
    round.shares.resize(workers);
    round.frames.reserve(kMostBytes);
  }
  rounds_.front()->first = 1;
}

Crew::~Crew() {
  {
    const std::lock_guard held(lock_);
    is_stopping_ = true;
  }
  published_changed_.notify_all();
  for (auto& member : members_) {
    if (member->thread.joinable()) member->thread.join();
  }
}

void Crew::start() {
  has_started_ = true;
  measures_ = StageClock::of_thread != nullptr;
  for (auto& member : members_) member->thread = std::thread([this, &one = *member] { work(one); });
}

std::size_t Crew::member_of(const packet::Packet& packet) const {
  if (packet.ip_version == 0) return 0;
  const auto [low, high] = stream::ends_of(packet);
  return hash_(hash_(low), hash_(high)) % members_.size();
}

void Crew::take(std::uint32_t link_type, packet::Bytes frame, Timestamp time, std::uint64_t number) {
  if (!has_started_) start();
  const InStage stage(Stage::kDecode);
  if (const Round& now = round(published_); !now.items.empty() || !now.frames.empty()) {
    if (now.items.size() >= kMostItems || now.frames.size() + frame.size() > kMostBytes ||
        now.memory.datagram_bytes() > kMostBytes) {
      publish();
    }
  }
  Round& into = round(published_);
  // One that is larger than all is alone, so nothing points to what moves.
  const std::size_t at = into.frames.size();
  into.frames.insert(into.frames.end(), frame.begin(), frame.end());
  const packet::Bytes kept(into.frames.data() + at, frame.size());
  decoder_.decode(link_type, kept, time, number, into.memory, [&](const packet::Packet& packet) {
    now_ = std::max(now_, packet.time);
    into.shares[member_of(packet)].items.push_back(static_cast<std::uint32_t>(into.items.size()));
    into.items.push_back({&packet, now_, link_type});
    ++packets_;
  });
}

// The round is given to all, and the next one made ready, for which its slot has to be free.
void Crew::publish() {
  {
    const std::lock_guard held(lock_);
    ++published_;
  }
  published_changed_.notify_all();
  write_done(published_ < kRounds ? 0 : published_ - kRounds + 1);
  Round& next = round(published_);
  next.clear();
  next.first = packets_ + 1;
}

// Writes rounds that all have done; waits until there are at least so many.
void Crew::write_done(std::uint64_t least) {
  const auto done = [this] {
    std::uint64_t all = published_;
    for (const auto& member : members_) all = std::min(all, member->done);
    return all;
  };
  std::uint64_t have = 0;
  {
    std::unique_lock held(lock_);
    done_changed_.wait(held, [&] { return (have = done()) >= least; });
  }
  if (StageClock::of_thread != nullptr) StageClock::of_thread->resume();
  const InStage stage(Stage::kOutput);
  for (; written_ < have; ++written_) write_round(round(written_));
}

void Crew::write_round(Round& round) {
  std::vector<std::size_t> next(round.shares.size(), 0);
  while (true) {
    Share* from = nullptr;
    std::size_t* at = nullptr;
    for (std::size_t i = 0; i < next.size(); ++i) {
      Share& share = round.shares[i];
      if (next[i] == share.lines.size()) continue;
      const Line& line = share.lines[next[i]];
      if (from != nullptr) {
        const Line& first = from->lines[*at];
        if (std::pair(first.packet, first.part) < std::pair(line.packet, line.part)) continue;
      }
      from = &share;
      at = &next[i];
    }
    if (from == nullptr) return;
    const Line& line = from->lines[(*at)++];
    write(line.log, std::string_view(from->text).substr(line.begin, line.end - line.begin));
  }
}

void Crew::settle() {
  if (!has_started_) return;
  if (!round(published_).items.empty()) publish();
  write_done(published_);
}

void Crew::finish(Timestamp time, std::uint32_t link_type) {
  if (!has_started_) start();
  Round& last = round(published_);
  last.is_last = true;
  last.now = now_;
  last.last_time = time;
  last.last_link_type = link_type;
  publish();
  write_done(published_);
  if (!measures_ || StageClock::of_thread == nullptr) return;
  for (const auto& member : members_) {
    for (std::size_t i = 0; i < member->clock.ticks.size(); ++i) {
      StageClock::of_thread->ticks[i] += member->clock.ticks[i];
    }
    member->clock.ticks = {};
  }
}

void Crew::add_counters(Counters& all) const {
  for (const auto& member : members_) member->worker->add_counters(all);
}

void Crew::work(Member& member) {
  Turn::of_thread = &member.turn;
  if (measures_) StageClock::of_thread = &member.clock;
  while (true) {
    {
      std::unique_lock held(lock_);
      published_changed_.wait(held, [&] { return is_stopping_ || published_ > member.done; });
      if (is_stopping_) break;
    }
    member.clock.resume();
    do_round(member, round(member.done));
    {
      const std::lock_guard held(lock_);
      ++member.done;
    }
    done_changed_.notify_one();
  }
  Turn::of_thread = nullptr;
  member.worker->close();
}

void Crew::do_round(Member& member, Round& round) {
  Share& share = round.shares[member.turn.worker];
  Line line;
  member.worker->write = [&](std::string_view log, std::string_view text) {
    line.log = log;
    line.begin = share.text.size();
    share.text += text;
    line.end = share.text.size();
    share.lines.push_back(line);
  };
  member.worker->comes_to = [&](std::uint64_t part) {
    line.part = part;
    turns_.come_to(member.turn.worker, line.packet, part);
  };
  // Silent flows end at packets of others, too. Times never go back: where the last of them ends none, none does.
  const auto pass = [&](std::size_t from, std::size_t to) {
    while (from < to && round.items[to - 1].now >= member.worker->next_expiry()) {
      while (round.items[from].now < member.worker->next_expiry()) ++from;
      const Item& item = round.items[from];
      line.packet = round.first + from;
      member.worker->comes_to(0);
      member.worker->expire(item.packet->time, item.link_type, {line.packet, item.now});
      ++from;
    }
  };
  std::size_t from = 0;
  for (const std::uint32_t own : share.items) {
    pass(from, own);
    const Item& item = round.items[own];
    line.packet = round.first + own;
    member.worker->take(*item.packet, item.link_type, {line.packet, item.now});
    from = own + 1;
  }
  pass(from, round.items.size());
  line.packet = round.first + round.items.size();
  member.worker->comes_to(0);
  if (!round.is_last) return;
  member.worker->finish(round.last_time, round.last_link_type, {line.packet, round.now});
  ++line.packet;
  member.worker->comes_to(0);
}

}  // namespace tocsin::engine
