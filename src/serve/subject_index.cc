#include "serve/subject_index.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <set>
#include <tuple>

#include "base/hash.h"
#include "base/text.h"
#include "serve/context.h"
#include "serve/segment_index.h"
#include "store/scan.h"

namespace tocsin::serve {
namespace {

// Who makes up a family for each sighting must not fill the memory: such a day is not kept, nor any past the second.
constexpr std::size_t kMostOfDay = 100'000, kMostInAll = 6'000'000, kMostParts = 4'000'000;

std::string key_of(SubjectIndex::What what, std::string_view text) {
  std::string key(1, static_cast<char>('0' + static_cast<int>(what)));
  return key.append(text);
}

std::string sql_of(const std::vector<std::string>& paths) {
  return fmt::format(
      "SELECT CAST(u >> 64 AS UBIGINT), CAST(u & CAST(18446744073709551615 AS UHUGEINT) AS UBIGINT), kind, actor_asn, "
      "target_asn, family, \"group\", cve, \"count\", confidence, first_seen, last_seen, actor_ip, target_ip, "
      "actor_name, "
      "target_name FROM (SELECT {} AS u, * FROM "
      "{})",
      sighting_key_sql(), segments_clause(paths));
}

// Of a day and of what its segments hold.
std::string name_of(Timestamp day, const std::vector<std::string>& paths) {
  std::string names;
  for (const std::string& path : paths) names += segment_name(path) + "\n";
  const Hash128 hash = hash128(names);
  return fmt::format("{}-{:016x}{:016x}", format_day(day), hash.high, hash.low);
}

}  // namespace

// Counts one day.
class SubjectIndex::Counting {
 public:
  explicit Counting(const std::vector<std::uint32_t>& frequent) : frequent_(frequent) {}

  Expected<void> read(const std::vector<std::string>& paths, Database& database) {
    return scan(database, sql_of(paths),
                {ScanType::kLong, ScanType::kLong, ScanType::kText, ScanType::kInteger, ScanType::kInteger,
                 ScanType::kText, ScanType::kText, ScanType::kText, ScanType::kLong, ScanType::kByte, ScanType::kTime,
                 ScanType::kTime, ScanType::kUuid, ScanType::kUuid, ScanType::kText, ScanType::kText},
                [this](const ScanChunk& chunk) {
                  for (std::size_t row = 0; row < chunk.rows(); ++row) take(chunk, row);
                });
  }

  Counted counted() {
    Counted all{.subjects = std::vector<std::string>(subjects_.size()), .kinds = kinds_, .entries = entries()};
    for (const auto& [key, number] : subjects_) all.subjects[number] = key;
    return all;
  }

  bool is_too_much() const { return subjects_.size() > kMostOfDay || parts_.size() > kMostParts; }

 private:
  std::vector<Entry> entries() {
    std::ranges::sort(parts_, {}, [](const Part& part) {
      return std::tuple(part.subject, part.kind, part.is_actor, part.is_target, part.high, part.low);
    });
    std::vector<Entry> all;
    for (std::size_t from = 0; from < parts_.size();) {
      const std::size_t to = end_of(from);
      add(from, to, all);
      from = to;
    }
    return all;
  }

  // A row, as one of a subject.
  struct Part {
    std::uint32_t subject = 0;
    std::uint8_t kind = 0, confidence = 0;
    bool is_actor = false, is_target = false;
    std::uint64_t high = 0, low = 0;  // whose sighting it is of
    std::uint64_t count = 0;
    Timestamp first_seen = 0, last_seen = 0;
  };

  void take(const ScanChunk& chunk, std::size_t row) {
    Part part{.subject = 0,
              .kind = kind(chunk.text(2, row)),
              .confidence = chunk.value<std::uint8_t>(9, row),
              .is_actor = true,
              .is_target = true,
              .high = chunk.value<std::uint64_t>(0, row),
              .low = chunk.value<std::uint64_t>(1, row),
              .count = chunk.value<std::uint64_t>(8, row),
              .first_seen = chunk.value<std::int64_t>(10, row),
              .last_seen = chunk.value<std::int64_t>(11, row)};
    for (const auto& [column, what] : {std::pair(5, What::kFamily), std::pair(6, What::kGroup)}) {
      if (!chunk.is_null(static_cast<std::size_t>(column), row)) {
        add(part, what, chunk.text(static_cast<std::size_t>(column), row));
      }
    }
    take_networks(chunk, row, part);
    take_addresses(chunk, row, part);
    take_names(chunk, row, part);
    part.is_actor = false;
    if (!chunk.is_null(7, row)) add(part, What::kCve, chunk.text(7, row));
  }

  void take_networks(const ScanChunk& chunk, std::size_t row, const Part& part) {
    const std::uint32_t actor = chunk.is_null(3, row) ? 0 : chunk.value<std::uint32_t>(3, row);
    const std::uint32_t target = chunk.is_null(4, row) ? 0 : chunk.value<std::uint32_t>(4, row);
    if (actor != 0) add_end(part, true, actor == target, What::kNetwork, fmt::format("AS{}", actor));
    if (target != 0 && actor != target) add_end(part, false, true, What::kNetwork, fmt::format("AS{}", target));
  }

  void take_addresses(const ScanChunk& chunk, std::size_t row, const Part& part) {
    const auto ip = [&](std::size_t column) {
      if (chunk.is_null(column, row)) return IpAddress();
      const Hash128 bits = chunk.uuid(column, row);
      return IpAddress::of_halves(bits.high, bits.low);
    };
    const IpAddress actor = ip(12), target = ip(13);
    const auto is_counted = [&](const IpAddress& one) {
      return !one.is_unspecified() && std::ranges::binary_search(frequent_, SegmentIndex::hash_of(one));
    };
    if (is_counted(actor)) add_end(part, true, actor == target, What::kAddress, actor.text());
    if (actor != target && is_counted(target)) add_end(part, false, true, What::kAddress, target.text());
  }

  void take_names(const ScanChunk& chunk, std::size_t row, const Part& part) {
    const std::string_view actor = chunk.is_null(14, row) ? std::string_view() : chunk.text(14, row);
    const std::string_view target = chunk.is_null(15, row) ? std::string_view() : chunk.text(15, row);
    const auto is_counted = [&](std::string_view name) {
      return !name.empty() && std::ranges::binary_search(frequent_, SegmentIndex::hash_of(name));
    };
    if (is_counted(actor)) add_end(part, true, actor == target, What::kName, actor);
    if (actor != target && is_counted(target)) add_end(part, false, true, What::kName, target);
  }

  void add_end(Part part, bool is_actor, bool is_target, What what, std::string_view text) {
    part.is_actor = is_actor;
    part.is_target = is_target;
    add(part, what, text);
  }

  void add(Part part, What what, std::string_view text) {
    if (text.empty() || is_too_much()) return;
    part.subject =
        subjects_.try_emplace(key_of(what, text), static_cast<std::uint32_t>(subjects_.size())).first->second;
    parts_.push_back(part);
  }

  std::uint8_t kind(std::string_view name) {
    const auto at = std::ranges::find(kinds_, name);
    if (at != kinds_.end()) return static_cast<std::uint8_t>(at - kinds_.begin());
    kinds_.emplace_back(name);
    return static_cast<std::uint8_t>(kinds_.size() - 1);
  }

  std::size_t end_of(std::size_t from) const {
    const auto same = [&](const Part& part) {
      return std::tuple(part.subject, part.kind, part.is_actor, part.is_target) ==
             std::tuple(parts_[from].subject, parts_[from].kind, parts_[from].is_actor, parts_[from].is_target);
    };
    std::size_t to = from;
    while (to < parts_.size() && same(parts_[to])) ++to;
    return to;
  }

  // The parts of one subject, kind and end: once for all confidences that come to the same.
  void add(std::size_t from, std::size_t to, std::vector<Entry>& all) const {
    std::uint8_t most = 0;
    for (std::size_t i = from; i < to; ++i) most = std::max(most, parts_[i].confidence);
    const std::size_t begin = all.size();
    for (std::uint8_t least = 1; least <= std::min<std::uint8_t>(most, 3); ++least) {
      Entry entry{.subject = parts_[from].subject,
                  .kind = parts_[from].kind,
                  .lowest = least,
                  .highest = least,
                  .confidence = most,
                  .is_actor = parts_[from].is_actor,
                  .is_target = parts_[from].is_target};
      const Part* last = nullptr;  // of those that count
      for (std::size_t i = from; i < to; ++i) {
        const Part& part = parts_[i];
        if (part.confidence < least) continue;
        entry.sightings += last == nullptr || part.high != last->high || part.low != last->low ? 1 : 0;
        entry.count += part.count;
        entry.first_seen = last == nullptr ? part.first_seen : std::min(entry.first_seen, part.first_seen);
        entry.last_seen = last == nullptr ? part.last_seen : std::max(entry.last_seen, part.last_seen);
        last = &part;
      }
      const bool is_same = all.size() > begin && all.back().sightings == entry.sightings &&
                           all.back().count == entry.count && all.back().first_seen == entry.first_seen &&
                           all.back().last_seen == entry.last_seen;
      if (is_same) {
        all.back().highest = least;
      } else {
        all.push_back(entry);
      }
    }
  }

  const std::vector<std::uint32_t>& frequent_;
  std::unordered_map<std::string, std::uint32_t> subjects_;
  std::vector<std::string> kinds_;
  std::vector<Part> parts_;
};

Expected<SubjectIndex::Days> SubjectIndex::days_of(const std::vector<Segment>& segments) {
  Days days;
  for (const Segment& segment : segments) {
    const auto day = parse_time(std::filesystem::path(segment.path).parent_path().filename().string());
    if (!day) return failure("the store has a segment in a directory that names no day");
    days[*day].push_back(segment.path);
  }
  for (auto& [day, paths] : days) std::ranges::sort(paths);
  return days;
}

Expected<void> SubjectIndex::follow(const Days& days, DatabasePool& databases, std::vector<std::uint32_t> frequent) {
  const auto shared = std::make_shared<const std::vector<std::uint32_t>>(std::move(frequent));
  std::vector<Timestamp> wanted;
  {
    const std::lock_guard lock(mutex_);
    std::erase_if(days_, [&](const auto& entry) {
      const auto now = days.find(entry.first);
      const bool is_old = now == days.end() || now->second != entry.second->paths;
      if (is_old) entries_ -= entry.second->entries.size();
      return is_old;
    });
    // The newest first: they are asked for first.
    for (auto day = days.rbegin(); day != days.rend(); ++day) {
      if (!days_.contains(day->first)) wanted.push_back(day->first);
    }
  }
  std::set<std::string> names, frequent_names;
  for (const auto& [day, paths] : days) names.insert(name_of(day, paths));
  files_.forget_others(names);
  IndexWriter writer;
  writer.add(*shared);
  const Hash128 hash = hash128(writer.bytes());
  const std::string now = fmt::format("{:016x}{:016x}", hash.high, hash.low);
  std::map<std::string, Frequent> known{{now, shared}};
  if (!wanted.empty()) frequents_.keep(now, writer.bytes());
  const auto database = databases.take();
  if (!database) return std::unexpected(database.error());
  for (const Timestamp day : wanted) {
    const std::vector<std::string>& paths = days.at(day);
    const std::string name = name_of(day, paths);
    if (auto before = kept(name)) {
      if (Frequent of_then = frequent_of(before->frequent, known)) {
        if (!take_in(day, paths, std::move(before->counted), std::move(of_then))) break;
        continue;
      }
    }
    Counting counting(*shared);
    if (const auto read = counting.read(paths, **database); !read) return read;
    if (counting.is_too_much()) continue;
    Counted counted = counting.counted();
    keep(name, counted, now);
    if (!take_in(day, paths, std::move(counted), shared)) break;
  }
  for (const auto& [name, hashes] : known) frequent_names.insert(name);
  if (!wanted.empty()) frequents_.forget_others(frequent_names);
  return {};
}

std::optional<SubjectIndex::KeptDay> SubjectIndex::kept(const std::string& name) const {
  const auto bytes = files_.get(name);
  if (!bytes) return std::nullopt;
  IndexReader reader(*bytes);
  KeptDay day{.counted = {}, .frequent = std::string(reader.text())};
  for (std::vector<std::string>* const texts : {&day.counted.subjects, &day.counted.kinds}) {
    for (auto left = reader.number<std::uint64_t>(); left > 0 && reader.ok(); --left)
      texts->emplace_back(reader.text());
  }
  while (reader.ok() && reader.left() > 0) {
    Entry& entry = day.counted.entries.emplace_back();
    entry.subject = reader.number<std::uint32_t>();
    for (std::uint8_t* const part : {&entry.kind, &entry.lowest, &entry.highest, &entry.confidence}) {
      *part = reader.number<std::uint8_t>();
    }
    const auto ends = reader.number<std::uint8_t>();
    entry.is_actor = (ends & 1) != 0;
    entry.is_target = (ends & 2) != 0;
    entry.sightings = reader.number<std::uint32_t>();
    entry.count = reader.number<std::uint64_t>();
    entry.first_seen = reader.number<Timestamp>();
    entry.last_seen = reader.number<Timestamp>();
    if (entry.subject >= day.counted.subjects.size() || entry.kind >= day.counted.kinds.size()) return std::nullopt;
  }
  const bool has_all = std::ranges::none_of(day.counted.subjects, &std::string::empty);
  return reader.ok() && has_all ? std::optional(std::move(day)) : std::nullopt;
}

void SubjectIndex::keep(const std::string& name, const Counted& counted, const std::string& frequent) const {
  IndexWriter writer;
  writer.add(frequent);
  for (const std::vector<std::string>* const texts : {&counted.subjects, &counted.kinds}) {
    writer.add(std::uint64_t{texts->size()});
    for (const std::string& text : *texts) writer.add(text);
  }
  for (const Entry& entry : counted.entries) {
    writer.add(entry.subject);
    for (const std::uint8_t part : {entry.kind, entry.lowest, entry.highest, entry.confidence}) writer.add(part);
    writer.add(static_cast<std::uint8_t>((entry.is_actor ? 1 : 0) | (entry.is_target ? 2 : 0)));
    writer.add(entry.sightings);
    writer.add(entry.count);
    writer.add(entry.first_seen);
    writer.add(entry.last_seen);
  }
  files_.keep(name, writer.bytes());
}

SubjectIndex::Frequent SubjectIndex::frequent_of(const std::string& name,
                                                 std::map<std::string, Frequent>& known) const {
  if (const auto at = known.find(name); at != known.end()) return at->second;
  const auto bytes = frequents_.get(name);
  if (!bytes) return nullptr;
  IndexReader reader(*bytes);
  auto hashes = std::make_shared<const std::vector<std::uint32_t>>(reader.numbers());
  if (!reader.ok() || !std::ranges::is_sorted(*hashes)) return nullptr;
  return known[name] = std::move(hashes);
}

bool SubjectIndex::take_in(Timestamp day, const std::vector<std::string>& paths, Counted counted, Frequent frequent) {
  const std::lock_guard lock(mutex_);
  std::vector<std::uint32_t> subject_of;
  for (std::string& key : counted.subjects) {
    const auto [known, is_new] = numbers_.try_emplace(key, static_cast<std::uint32_t>(numbers_.size()));
    subject_of.push_back(known->second);
    if (is_new) spellings_[lower(key)].push_back(std::move(key));
  }
  std::vector<std::uint8_t> kind_of;
  for (const std::string& kind : counted.kinds) {
    auto at = std::ranges::find(kinds_, kind);
    if (at == kinds_.end()) at = kinds_.insert(kinds_.end(), kind);
    kind_of.push_back(static_cast<std::uint8_t>(at - kinds_.begin()));
  }
  for (Entry& entry : counted.entries) {
    entry.subject = subject_of[entry.subject];
    entry.kind = kind_of[entry.kind];
  }
  std::ranges::sort(counted.entries, {}, &Entry::subject);
  counted.entries.shrink_to_fit();
  if (entries_ + counted.entries.size() > kMostInAll) return false;
  entries_ += counted.entries.size();
  days_[day] = std::make_shared<const Day>(Day{paths, std::move(frequent), std::move(counted.entries)});
  return true;
}

std::optional<std::vector<SubjectCount>> SubjectIndex::of(What what, std::string_view text, Timestamp day,
                                                          const std::vector<std::string>& paths,
                                                          Confidence least) const {
  const std::lock_guard lock(mutex_);
  const auto counted = days_.find(day);
  if (counted == days_.end() || counted->second->paths != paths) return std::nullopt;
  if (what == What::kAddress || what == What::kName) {
    const auto ip = what == What::kAddress ? IpAddress::parse(text) : std::nullopt;
    const std::uint32_t hash = ip ? SegmentIndex::hash_of(*ip) : SegmentIndex::hash_of(text);
    if (!std::ranges::binary_search(*counted->second->frequent, hash)) return std::nullopt;
  }
  std::vector<SubjectCount> found;
  const auto number = numbers_.find(key_of(what, text));
  if (number == numbers_.end()) return found;
  const auto asked = static_cast<std::uint8_t>(least);
  for (const Entry& entry : std::ranges::equal_range(counted->second->entries, number->second, {}, &Entry::subject)) {
    if (asked < entry.lowest || asked > entry.highest) continue;
    found.push_back({.day = day,
                     .kind = kinds_[entry.kind],
                     .is_actor = entry.is_actor,
                     .is_target = entry.is_target,
                     .confidence = entry.confidence,
                     .sightings = entry.sightings,
                     .count = static_cast<std::int64_t>(entry.count),
                     .first_seen = entry.first_seen,
                     .last_seen = entry.last_seen});
  }
  return found;
}

std::optional<std::string> SubjectIndex::spelled(What what, std::string_view text, const Days& days) const {
  const std::lock_guard lock(mutex_);
  for (const auto& [day, paths] : days) {
    const auto counted = days_.find(day);
    if (counted == days_.end() || counted->second->paths != paths) return std::nullopt;
  }
  const auto known = spellings_.find(key_of(what, lower(text)));
  if (known == spellings_.end()) return std::string();
  for (const std::string& key : known->second) {
    const std::uint32_t number = numbers_.at(key);
    const bool is_there = std::ranges::any_of(days_, [&](const auto& day) {
      return std::ranges::binary_search(day.second->entries, number, {}, &Entry::subject);
    });
    if (is_there) return key.substr(1);
  }
  return std::string();
}

std::size_t SubjectIndex::bytes() const {
  const std::lock_guard lock(mutex_);
  return entries_ * sizeof(Entry) + numbers_.size() * 100;
}

}  // namespace tocsin::serve
