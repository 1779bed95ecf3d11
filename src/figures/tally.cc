#include "figures/tally.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <span>

#include "base/text.h"

namespace tocsin::figures {
namespace {

constexpr std::uint32_t kNone = NumberMap::kNone;
constexpr std::uint32_t kIsName = 1U << 31;

// What makes an actor or target one: the first of these that a row has. Of sightings the batch has numbers itself.
struct UnitFields {
  Field first, second;
  bool has_second = false;
  bool are_sightings = false;
};

// Different units, and different units of each row. Most units are of one row alone, so what is kept of each is the row
// that it was first seen in; pairs with further rows stand apart.
class DistinctTally : public Tally {
 public:
  DistinctTally(UnitFields fields, std::uint64_t no_text, LocalDays* months)
      : fields_(fields), no_text_(no_text), months_(months) {}

  void add(const Batch& batch, const Selection& rows, const std::vector<std::uint32_t>& keys) override {
    constexpr std::size_t kAhead = 16;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (i + kAhead < rows.size() && !months_) {
        const std::uint32_t next = unit_at(batch, rows[i + kAhead]);
        first_rows_[next >> 31].prefetch(next & ~kIsName);
      }
      std::uint32_t unit = unit_at(batch, rows[i]);
      if (unit == kNone) continue;
      if (months_) unit = in_month(batch, rows[i], unit);
      auto& first_rows = first_rows_[unit >> 31];
      const auto [first, is_new] = first_rows.insert(unit & ~kIsName, keys[i]);
      if (is_new) {
        ++counts_.total;
        ++row(keys[i]);
      } else if (first != keys[i] && further_.insert(static_cast<std::uint64_t>(unit) << 32 | keys[i], 0).second) {
        ++row(keys[i]);
      }
    }
  }
  bool needs_sightings() const override { return fields_.are_sightings; }
  void end_day() override {
    if (!fields_.are_sightings) return;  // those are numbered by day
    of_months_.clear();
    for (NumberMap& first_rows : first_rows_) first_rows.clear();
    further_.clear();
  }

 private:
  std::uint32_t unit_at(const Batch& batch, std::size_t at) const {
    if (fields_.are_sightings) return batch.sighting[at];
    const std::uint32_t unit = unit_at(batch, fields_.first, at);
    return unit == kNone && fields_.has_second ? unit_at(batch, fields_.second, at) : unit;
  }
  // Addresses and names are never one unit: the highest bit tells them apart.
  std::uint32_t unit_at(const Batch& batch, Field field, std::size_t at) const {
    const std::uint64_t value = batch.at(field, at);
    if (value == kNull) return kNone;
    if (type_of(field) != ScanType::kText) return static_cast<std::uint32_t>(value);
    return value == no_text_ ? kNone : kIsName | static_cast<std::uint32_t>(value);
  }

  std::uint32_t in_month(const Batch& batch, std::uint32_t row, std::uint32_t unit) {
    const auto seen = static_cast<Timestamp>(batch.at(Field::kFirstSeen, row));
    const auto month = static_cast<std::uint64_t>(months_->month_at(seen));
    return of_months_.insert(month << 32 | unit, static_cast<std::uint32_t>(of_months_.size())).first;
  }

  UnitFields fields_;
  std::uint64_t no_text_;
  LocalDays* months_;
  FlatMap<std::uint64_t> of_months_;  // number of a month and a unit
  NumberMap first_rows_[2];           // by unit: of addresses and of names
  FlatMap<std::uint64_t> further_;    // unit and row
};

std::uint64_t sum_of(std::uint64_t a, std::uint64_t b) {
  std::uint64_t sum = 0;
  return __builtin_add_overflow(a, b, &sum) ? std::numeric_limits<std::uint64_t>::max() : sum;
}

// Attempts. What one detector saw of an event adds up; of several detectors, the one that saw most counts: in each row
// of the figure by what it saw there, in the total by what it saw in all. An event lies within a day, so that only a
// day's events are held.
class AttemptsTally : public Tally {
 public:
  void add(const Batch& batch, const Selection& rows, const std::vector<std::uint32_t>& keys) override {
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const std::uint64_t count = batch.at(Field::kCount, rows[i]);
      if (count == kNull) continue;
      const auto detector = static_cast<std::uint32_t>(batch.at(Field::kDetector, rows[i]));
      std::uint64_t& sum = part_of(batch.event[rows[i]], keys[i], detector).sum;
      sum = sum_of(sum, count);
    }
  }
  bool needs_events() const override { return true; }
  void end_day() override {
    for (const std::uint32_t event : events_) {
      gathered_.clear();
      for (std::uint32_t at = heads_[event]; at != kNone; at = parts_[at].next) gathered_.push_back(parts_[at]);
      heads_[event] = kNone;
      count_event();
    }
    events_.clear();
    parts_.clear();
    others_.clear();
  }

 private:
  struct Part {  // of an event: what one detector saw of it in one row
    std::uint64_t sum;
    std::uint32_t key, detector, next;
  };
  static constexpr int kWalked = 8;

  // An event has a few parts, which are a list. Should it have many, those after the first few are found by a table.
  Part& part_of(std::uint32_t event, std::uint32_t key, std::uint32_t detector) {
    if (event >= heads_.size()) heads_.resize(std::max<std::size_t>(event + std::size_t{1}, heads_.size() * 2), kNone);
    if (heads_[event] == kNone) {
      events_.push_back(event);
      heads_[event] = new_part(key, detector, kNone);
      return parts_.back();
    }
    std::uint32_t at = heads_[event];
    for (int walked = 1;; ++walked) {
      if (parts_[at].key == key && parts_[at].detector == detector) return parts_[at];
      if (walked == kWalked || parts_[at].next == kNone) {
        const auto next_number = static_cast<std::uint32_t>(parts_.size());
        if (walked == kWalked) {
          const Hash128 name{static_cast<std::uint64_t>(event) << 32 | key, detector};
          const auto [number, is_new] = others_.insert(name, next_number);
          if (!is_new) return parts_[number];
        }
        const std::uint32_t behind = parts_[at].next;
        parts_[at].next = new_part(key, detector, behind);
        return parts_.back();
      }
      at = parts_[at].next;
    }
  }
  std::uint32_t new_part(std::uint32_t key, std::uint32_t detector, std::uint32_t next) {
    parts_.push_back({0, key, detector, next});
    return static_cast<std::uint32_t>(parts_.size() - 1);
  }

  void count_event() {
    std::ranges::sort(gathered_, {}, &Part::key);
    for (std::size_t i = 0; i < gathered_.size();) {
      const std::uint32_t key = gathered_[i].key;
      std::uint64_t most = 0;
      for (; i < gathered_.size() && gathered_[i].key == key; ++i) most = std::max(most, gathered_[i].sum);
      row(key) = sum_of(row(key), most);
    }
    if (gathered_.size() > 1) std::ranges::sort(gathered_, {}, &Part::detector);
    std::uint64_t most = 0;
    for (std::size_t i = 0; i < gathered_.size();) {
      const std::uint32_t detector = gathered_[i].detector;
      std::uint64_t sum = 0;
      for (; i < gathered_.size() && gathered_[i].detector == detector; ++i) sum = sum_of(sum, gathered_[i].sum);
      most = std::max(most, sum);
    }
    counts_.total = sum_of(counts_.total, most);
  }

  std::vector<std::uint32_t> heads_;   // by event: its first part
  std::vector<std::uint32_t> events_;  // those that have parts
  std::vector<Part> parts_, gathered_;
  FlatMap<Hash128> others_;
};

}  // namespace

Expected<std::unique_ptr<Tally>> make_tally(const std::string& measure, const std::string& count, LocalDays* months,
                                            Pools& pools, FieldSet& wanted) {
  const auto want = [&](Field field) { wanted.set(static_cast<std::size_t>(field)); };
  const std::uint64_t no_text = pools.texts.number_of("");
  if (measure == "attempts" || measure == "sightings") {
    for (const Field field : {Field::kActorIp, Field::kActorName, Field::kTargetIp, Field::kTargetName, Field::kKind,
                              Field::kDetector, Field::kFirstSeen}) {
      want(field);
    }
  }
  if (measure == "attempts") {
    want(Field::kCount);
    return std::make_unique<AttemptsTally>();
  }
  if (measure == "sightings") {
    const UnitFields fields{.first = Field::kKind, .second = Field::kKind, .are_sightings = true};
    return std::make_unique<DistinctTally>(fields, no_text, months);
  }
  if (measure != "distinct actors" && measure != "distinct targets") {
    return failure(fmt::format("'{}' is not a measure", printable(measure, 64)));
  }
  const bool actors = measure == "distinct actors";
  const Field address = actors ? Field::kActorIp : Field::kTargetIp;
  const Field name = actors ? Field::kActorName : Field::kTargetName;
  UnitFields fields{address, name};
  if (count == "name" || count == "name+address") fields = {name, address};
  fields.has_second = count == "name+address" || count == "address+name";
  want(fields.first);
  if (fields.has_second) want(fields.second);
  return std::make_unique<DistinctTally>(fields, no_text, months);
}

}  // namespace tocsin::figures
