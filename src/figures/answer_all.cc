// Many figures in one pass.
//
// A brief asks for some forty figures of one period, and twice that with their days and the period before. Each by a
// query of its own reads, decodes and hashes the same rows again; here every row is read once, by SELECT of columns
// FROM one segment, and everything else (which rows a figure is of, which address or name is one unit, which civil day
// a time is in, what several detectors saw of one event) is plain C++. It shares with the queries of answer() the
// catalogue and the parser of its conditions, and nothing that counts; so each confirms the other: what is published
// was counted here, and who verifies it asks answer(). An error would have to be made twice, in two forms, to pass.
//
// A request comes to up to four tallies: of its period, of the period before, and of a share both again for the whole;
// tallies that are the same are made once. A batch of rows goes through each filter once, and the rows selected to the
// tallies of that filter. The database reads ahead in a thread of its own.
//
// Memory: each different address 30 to 120 bytes, each different text its length and about 100; each tally of distinct
// actors or targets 4 bytes a unit or more and 27 to 53 a further row that the unit is in. Sightings and events, of
// which there are as many as rows, hold their hour and so lie within one day (UTC), as segments do: they are counted
// and forgotten day by day, at about 80 bytes each. A relation that is not in days is taken as one.
//
// What fools it: what both ways read, the segments themselves (their hashes are checked apart), and DuckDB's reader of
// Parquet.
#include "figures/answer_all.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <limits>
#include <map>
#include <memory>
#include <optional>

#include "base/text.h"
#include "figures/row_filter.h"
#include "figures/row_keys.h"
#include "figures/tally.h"
#include "store/scan.h"

namespace tocsin {
namespace figures {
namespace {

constexpr std::size_t kNoTally = std::numeric_limits<std::size_t>::max();
// Of times that are given, not left open: the years 1 to 9999.
constexpr Timestamp kYear1 = -62'135'596'800 * kSecond;
constexpr Timestamp kYear9999 = 253'370'764'800 * kSecond;

bool is_given(Timestamp end) { return end > kYear1 && end < kYear9999; }

// Rows to read, and when they can be.
struct Part {
  std::string from;
  std::optional<Timestamp> day;
  std::uint64_t rows = 0;
  bool may_meet(const Period& period) const { return !day || (*day<period.to&& * day + kDay> period.from); }
};

class Pass {
 public:
  Pass(const Catalogue& catalogue, Database& database, std::vector<Part> parts, const std::string& constituency)
      : catalogue_(catalogue), database_(database), parts_(std::move(parts)), constituency_(constituency) {
    std::ranges::stable_sort(parts_, {}, &Part::day);
  }

  Expected<std::vector<Expected<FigureResult>>> run(const std::vector<FigureRequest>& requests) {
    std::vector<Expected<Question>> questions;
    for (const FigureRequest& request : requests) questions.push_back(question_of(request));
    if (auto passed = pass(); !passed) return std::unexpected(passed.error());
    std::vector<Expected<FigureResult>> results;
    for (const auto& question : questions) {
      if (question) {
        results.emplace_back(result_of(*question));
      } else {
        results.emplace_back(std::unexpected(question.error()));
      }
    }
    return results;
  }

 private:
  // One count of one selection of rows.
  struct Count {
    std::size_t filter;
    Period period;
    RowKeys keys;
    std::unique_ptr<Tally> tally;
  };
  struct Question {
    FigureRequest request;
    const FigureDefinition* definition = nullptr;
    bool is_share = false;
    double months = 1, months_before = 1;  // what a mean is divided by
    std::size_t count = kNoTally, whole = kNoTally;
    std::size_t before = kNoTally, whole_before = kNoTally;
  };

  Expected<Question> question_of(const FigureRequest& request);
  Expected<Period> bounded(const Period& period);
  Expected<std::size_t> filter_of(const std::vector<const FigureDefinition*>& definitions, Confidence confidence);
  Expected<std::size_t> count_of(const std::vector<const FigureDefinition*>& definitions, const FigureRequest& request,
                                 const std::string& measure, bool is_mean, const std::string& unit,
                                 const Period& period, const std::vector<std::string>& by);
  LocalDays& days_of(const std::string& zone) { return days_.try_emplace(zone, zone).first->second; }
  Expected<void> pass();
  const Selection& rows_for(bool (Tally::*needs)() const);
  void take(BatchReader& reader, const Batch& batch);
  FigureResult result_of(const Question& question) const;
  std::vector<FigureRow> rows_of(const Count& count, const FigureRequest& request, bool leave_zero) const;

  const Catalogue& catalogue_;
  Database& database_;
  std::vector<Part> parts_;
  const std::string& constituency_;
  Pools pools_;
  FieldSet wanted_;
  std::map<std::string, LocalDays> days_;
  std::vector<RowFilter> filters_;
  std::map<std::string, std::size_t> filter_names_, count_names_;
  std::vector<Count> counts_;
  std::vector<std::vector<std::size_t>> counts_of_filter_;
  Timestamp earliest_ = std::numeric_limits<Timestamp>::max();  // first_seen of any row
  std::optional<Period> bounds_;                                // of all rows; asked only where a mean has an open end
  // Of the batch at hand.
  std::vector<Selection> selected_;  // by filter
  Selection of_period_, united_, before_;
  std::vector<std::uint32_t> keys_;
};

Expected<std::size_t> Pass::filter_of(const std::vector<const FigureDefinition*>& definitions, Confidence confidence) {
  std::string name = fmt::format("{}", static_cast<int>(confidence));
  for (const FigureDefinition* definition : definitions) name += "\n" + definition->id;
  if (const auto known = filter_names_.find(name); known != filter_names_.end()) return known->second;
  auto filter = RowFilter::of(definitions, confidence, pools_, wanted_);
  if (!filter) return std::unexpected(filter.error());
  filters_.push_back(std::move(*filter));
  counts_of_filter_.emplace_back();
  filter_names_.emplace(name, filters_.size() - 1);
  return filters_.size() - 1;
}

Expected<std::size_t> Pass::count_of(const std::vector<const FigureDefinition*>& definitions,
                                     const FigureRequest& request, const std::string& measure, bool is_mean,
                                     const std::string& unit, const Period& period,
                                     const std::vector<std::string>& by) {
  const auto filter = filter_of(definitions, request.confidence);
  if (!filter) return std::unexpected(filter.error());
  std::string name =
      fmt::format("{} {} {} {} {} {}\n{}", *filter, period.from, period.to, measure, is_mean, unit, request.zone);
  for (const std::string& dimension : by) name += "\n" + dimension;
  if (const auto known = count_names_.find(name); known != count_names_.end()) return known->second;
  auto keys = RowKeys::of(by, days_of(request.zone), pools_, wanted_);
  if (!keys) return std::unexpected(keys.error());
  LocalDays* months = is_mean ? &days_of(request.zone) : nullptr;
  auto tally = make_tally(measure, unit, months, pools_, wanted_);
  if (!tally) return std::unexpected(tally.error());
  counts_.push_back({*filter, period, std::move(*keys), std::move(*tally)});
  counts_of_filter_[*filter].push_back(counts_.size() - 1);
  count_names_.emplace(name, counts_.size() - 1);
  return counts_.size() - 1;
}

// An open end of a mean's period is the first or the last sighting.
Expected<Period> Pass::bounded(const Period& period) {
  if (is_given(period.from) && is_given(period.to)) return period;
  if (!bounds_) {
    Period seen{std::numeric_limits<Timestamp>::max(), std::numeric_limits<Timestamp>::min()};
    for (const Part& part : parts_) {
      auto done =
          scan(database_, "SELECT first_seen FROM " + part.from, {ScanType::kTime}, [&](const ScanChunk& chunk) {
            for (std::size_t row = 0; row < chunk.rows(); ++row) {
              if (chunk.is_null(0, row)) continue;
              const auto time = chunk.value<std::int64_t>(0, row);
              seen = {std::min(seen.from, time), std::max(seen.to, time + 1)};
            }
          });
      if (!done) return std::unexpected(done.error());
    }
    bounds_ = seen;
  }
  const bool is_empty = bounds_->from >= bounds_->to;
  Period bounds = period;
  if (!is_given(period.from)) bounds.from = !is_empty ? bounds_->from : is_given(period.to) ? period.to - kDay : 0;
  if (!is_given(period.to)) bounds.to = !is_empty ? bounds_->to : bounds.from + kDay;
  if (bounds.from < bounds.to) return bounds;
  // All sightings are outside of it.
  if (is_given(period.from)) return Period{bounds.from, bounds.from + kDay};
  return Period{bounds.to - kDay, bounds.to};
}

Expected<Pass::Question> Pass::question_of(const FigureRequest& request) {
  Question question{.request = request, .definition = catalogue_.find(request.id)};
  const FigureDefinition* definition = question.definition;
  if (!definition) return failure(fmt::format("there is no figure '{}'", printable(request.id, 64)));
  if (!request.only.empty()) return failure("one pass counts no rows that are narrowed");
  question.is_share = definition->measure == "share";
  std::string measure = request.measure.empty() ? definition->measure : request.measure;
  std::ranges::replace(measure, '-', ' ');
  // What is counted, and how, a share takes from its whole.
  std::vector<const FigureDefinition*> whole, conditions{definition};
  const FigureDefinition* counted = definition;
  if (question.is_share) {
    if (measure != "share") return failure(fmt::format("{} is a share and has no other measure", definition->id));
    counted = catalogue_.find(definition->of);
    if (!counted) return failure(fmt::format("{} is a share of no figure", definition->id));
    whole = {counted};
    conditions.push_back(counted);
    measure = counted->measure;
  } else if (measure == "share") {
    return failure(fmt::format("'share' is not a measure of {}", definition->id));
  }
  LocalDays& days = days_of(request.zone);
  if (auto zone = days.check(); !zone) return std::unexpected(zone.error());
  Period period = request.period;
  const bool is_mean = measure == "monthly mean";
  if (is_mean) {
    const auto bounds = bounded(period);
    if (!bounds) return std::unexpected(bounds.error());
    period = *bounds;
    measure = counted->measure == "monthly mean" ? "attempts" : counted->measure;
  }
  if (period.from >= period.to) return failure("the period is empty: --from must be before --to");
  if (is_mean && !question.is_share) question.months = days.months_in(period);

  const auto add = [&](const auto& definitions, const Period& of, const std::vector<std::string>& by,
                       std::size_t& into) -> Expected<void> {
    const auto count = count_of(definitions, request, measure, is_mean, counted->count, of, by);
    if (!count) return std::unexpected(count.error());
    into = *count;
    return {};
  };
  auto added = add(conditions, period, request.by, question.count);
  if (added && question.is_share) added = add(whole, period, {}, question.whole);
  if (added && !request.rows_only && is_given(request.period.from) && is_given(request.period.to)) {
    const Period before = days.period_before(request.period);
    if (is_mean && !question.is_share) question.months_before = days.months_in(before);
    added = add(conditions, before, {}, question.before);
    if (added && question.is_share) added = add(whole, before, {}, question.whole_before);
  }
  if (!added) return std::unexpected(added.error());
  return question;
}

Expected<void> Pass::pass() {
  if (counts_.empty()) return {};
  wanted_.set(static_cast<std::size_t>(Field::kFirstSeen));
  BatchReader reader(wanted_, pools_);
  const auto end_day = [&] {
    for (Count& count : counts_) count.tally->end_day();
    pools_.end_day();
  };
  std::vector<std::string> queries;
  std::vector<std::optional<Timestamp>> days;
  for (const Part& part : parts_) {
    if (std::ranges::none_of(counts_, [&](const Count& count) { return part.may_meet(count.period); })) {
      if (part.rows > 0) earliest_ = std::min(earliest_, *part.day);
      continue;
    }
    queries.push_back(fmt::format("SELECT {} FROM {}", reader.select_list(), part.from));
    days.push_back(part.day);
  }
  std::size_t at = 0;
  auto done = scan_all(database_, queries, reader.types(), [&](std::size_t query, const ScanChunk& chunk) {
    if (days[query] != days[at]) end_day();
    at = query;
    take(reader, reader.read(chunk));
  });
  end_day();
  return done;
}

void Pass::take(BatchReader& reader, const Batch& batch) {
  const auto& seen = batch.columns[static_cast<std::size_t>(Field::kFirstSeen)];
  Period times{std::numeric_limits<Timestamp>::max(), std::numeric_limits<Timestamp>::min()};
  for (const std::uint64_t value : seen) {
    const auto time = static_cast<Timestamp>(value);
    if (value != kNull) times = {std::min(times.from, time), std::max(times.to, time)};
  }
  earliest_ = std::min(earliest_, times.from);
  selected_.resize(filters_.size());
  for (std::size_t filter = 0; filter < filters_.size(); ++filter) filters_[filter].select(batch, selected_[filter]);
  if (const Selection& rows = rows_for(&Tally::needs_sightings); !rows.empty()) reader.number_sightings(rows);
  if (const Selection& rows = rows_for(&Tally::needs_events); !rows.empty()) reader.number_events(rows);
  for (Count& count : counts_) {
    const Selection* rows = &selected_[count.filter];
    if (!count.period.contains(times.from) || !count.period.contains(times.to)) {
      of_period_.clear();
      for (const std::uint32_t row : *rows) {
        if (count.period.contains(static_cast<Timestamp>(seen[row])) && seen[row] != kNull) of_period_.push_back(row);
      }
      rows = &of_period_;
    }
    if (rows->empty()) continue;
    count.keys.number(batch, *rows, keys_);
    count.tally->add(batch, *rows, keys_);
  }
}

// The rows that any count with this need is of.
const Selection& Pass::rows_for(bool (Tally::*needs)() const) {
  united_.clear();
  for (std::size_t filter = 0; filter < filters_.size(); ++filter) {
    const auto is_needed = [&](std::size_t count) { return ((*counts_[count].tally).*needs)(); };
    if (std::ranges::none_of(counts_of_filter_[filter], is_needed)) continue;
    before_.swap(united_);
    united_.clear();
    std::ranges::set_union(before_, selected_[filter], std::back_inserter(united_));
  }
  return united_;
}

// By value, largest first, then by key; the first `limit` of them. Their values are counts.
std::vector<FigureRow> Pass::rows_of(const Count& count, const FigureRequest& request, bool leave_zero) const {
  const auto& values = count.tally->counts().rows;
  std::vector<std::uint32_t> order;
  for (std::uint32_t key = 0; key < values.size(); ++key) {
    if (values[key] > 0 || !leave_zero) order.push_back(key);
  }
  const auto is_before = [&](std::uint32_t a, std::uint32_t b) {
    return values[a] != values[b] ? values[a] > values[b] : count.keys.is_before(a, b);
  };
  if (request.limit > 0 && request.limit < order.size()) {
    std::ranges::partial_sort(order, order.begin() + static_cast<std::ptrdiff_t>(request.limit), is_before);
    order.resize(request.limit);
  } else {
    std::ranges::sort(order, is_before);
  }
  std::vector<FigureRow> rows;
  for (const std::uint32_t key : order) {
    rows.push_back({count.keys.codes(key), static_cast<double>(values[key]), 0});
  }
  return rows;
}

FigureResult Pass::result_of(const Question& question) const {
  FigureResult result;
  result.definition = *question.definition;
  result.request = question.request;
  result.constituency = constituency_;
  const auto total_of = [&](std::size_t number) {
    return number == kNoTally ? 0.0 : static_cast<double>(counts_[number].tally->counts().total);
  };
  const auto published = [&](double counted, double whole, double months) {
    if (!question.is_share) return counted / months;
    return whole > 0 ? 100 * counted / whole : 0;
  };
  const Count& count = counts_[question.count];
  const double total = total_of(question.count);
  const double whole = total_of(question.whole);
  result.value = published(total, whole, question.months);
  if (count.keys.dimensions() > 0) {
    std::uint64_t sum = 0;
    for (const std::uint64_t value : count.tally->counts().rows) sum += value;
    result.overlap = static_cast<std::int64_t>(sum - count.tally->counts().total);
    result.rows = rows_of(count, question.request, true);
    for (FigureRow& row : result.rows) {
      row.share = total > 0 ? row.value / total : 0;
      row.value = published(row.value, whole, question.months);
    }
  }
  // Of a time before all sightings nothing is known, and of nothing there is no share.
  if (question.before == kNoTally || earliest_ >= question.request.period.from) return result;
  const double whole_before = total_of(question.whole_before);
  if (!question.is_share || whole_before > 0) {
    result.previous = published(total_of(question.before), whole_before, question.months_before);
  }
  return result;
}

Expected<std::vector<Part>> parts_of(const std::vector<Segment>& segments) {
  std::vector<Part> parts;
  for (const Segment& segment : segments) {
    const std::string name = std::filesystem::path(segment.path).parent_path().filename().string();
    const auto day = name.size() == 10 ? parse_time(name) : failure("");
    if (!day) return failure("the segments expected a directory named by their day");
    parts.push_back({segments_clause({segment.path}), *day, segment.rows});
  }
  return parts;
}

}  // namespace
}  // namespace figures

Expected<std::vector<Expected<FigureResult>>> answer_all_over(const Catalogue& catalogue,
                                                              const std::vector<Segment>& segments, Database& database,
                                                              const std::vector<FigureRequest>& requests,
                                                              const std::string& constituency) {
  auto parts = figures::parts_of(segments);
  if (!parts) return std::unexpected(parts.error());
  return figures::Pass(catalogue, database, std::move(*parts), constituency).run(requests);
}

Expected<std::vector<Expected<FigureResult>>> answer_all_over(const Catalogue& catalogue,
                                                              const std::string& from_clause, Database& database,
                                                              const std::vector<FigureRequest>& requests,
                                                              const std::string& constituency) {
  return figures::Pass(catalogue, database, {{from_clause, std::nullopt, 0}}, constituency).run(requests);
}

Expected<std::vector<Expected<FigureResult>>> answer_all(const Catalogue& catalogue, const SightingStore& store,
                                                         Database& database, const std::vector<FigureRequest>& requests,
                                                         const std::string& constituency) {
  const SightingStore::Position sequence = requests.empty() ? std::nullopt : requests.front().sequence;
  if (std::ranges::any_of(requests, [&](const FigureRequest& request) { return request.sequence != sequence; })) {
    return failure("figures of several positions of the ledger can't be counted at once");
  }
  const auto segments = store.segments(sequence);
  if (!segments) return std::unexpected(segments.error());
  auto results = answer_all_over(catalogue, *segments, database, requests, constituency);
  if (!results) return results;
  const auto sources = store.sources(sequence);
  if (!sources) return std::unexpected(sources.error());
  for (auto& result : *results) {
    for (const SourceRecord& source : *sources) {
      if (result) result->skipped += source.skipped;
    }
  }
  return results;
}

}  // namespace tocsin
