// One run of a writer.
//
// The order of a commit is what makes a crash harmless. (1) Segments: written under a temporary name, synced, renamed,
// their directory synced. Until a ledger line names them, no reader looks at them, and the next writer removes them.
// (2) The ledger line: one write, one sync. This is the commit: with it whole, its newline included, the run is in
// the store; without, it is not. (3) The head in state.db, synced. It may be one line behind after a crash, and the
// next writer brings it up; it is never ahead, so a ledger with fewer lines than the head says was cut by someone.
// Nothing that a line named is ever removed, so that the store as of an earlier line can be read again.
#include "store/run.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

namespace tocsin {

SightingStore::Run::Run(std::unique_ptr<State> state) : state_(std::move(state)) {}
SightingStore::Run::~Run() = default;

std::unexpected<Error> SightingStore::Run::State::fail(const Error& error) {
  failed = error;
  writer.discard();
  return std::unexpected(error);
}

Expected<void> SightingStore::Run::append(Sighting sighting, const std::string& source_id, std::string evidence) {
  if (state_->failed) return std::unexpected(*state_->failed);
  if (auto appended = state_->writer.append(std::move(sighting), source_id, std::move(evidence)); !appended) {
    return state_->fail(appended.error());
  }
  ++state_->rows;
  return {};
}

Expected<void> SightingStore::Run::State::drop_sources(const store::LedgerLines& lines, store::LedgerLine& line) {
  const std::set<std::string> gone(line.replaces.begin(), line.replaces.end());
  std::string list;
  for (const std::string& id : gone) list += ", " + sql_text(id);
  for (const auto& [path, segment] : store::live_segments(lines, lines.size())) {
    std::set<std::string> stay;
    std::ranges::set_difference(std::set<std::string>(segment.sources.begin(), segment.sources.end()), gone,
                                std::inserter(stay, stay.end()));
    if (stay.size() == segment.sources.size()) continue;
    line.retire.push_back(path);
    if (stay.empty()) continue;
    const std::string from =
        fmt::format("{} WHERE source NOT IN ({})", segments_clause({(directory / path).string()}), list.substr(2));
    const std::string day = std::filesystem::path(path).parent_path().filename().string();
    if (auto written = writer.rewrite(from, day, stay); !written) return written;
  }
  return {};
}

Expected<void> SightingStore::Run::State::write_line(const store::LedgerLines& lines, store::LedgerLine& line) {
  // Were the head left two lines behind, a crash could not be told from a forgery.
  const SightingStore::Head last{lines.size(), lines.empty() ? std::string(store::kNoHash) : lines.back()->hash};
  const auto kept = head->get();
  if (!kept) return std::unexpected(kept.error());
  if (kept->sequence != last.sequence) {
    if (auto set = head->set(last); !set) return set;
  }
  line.sequence = lines.size() + 1;
  line.time = format_time(now());
  line.previous = last.hash;
  line.add = writer.written();
  bool is_torn = false;
  if (auto written = ledger->append(line, is_torn); !written) {
    // The line may stand whole on the disk: what it names must stay. The next writer settles it.
    if (is_torn) writer.keep_written();
    return written;
  }
  writer.keep_written();
  // The run is committed. Should this fail, the next commit or the next writer does it.
  (void)head->set({line.sequence, line.hash});
  return {};
}

Expected<CommitReport> SightingStore::Run::commit(const std::vector<SourceRecord>& sources,
                                                  const std::vector<std::string>& replaces) {
  if (state_->failed) return std::unexpected(*state_->failed);
  const auto lines = state_->ledger->lines();
  if (!lines) return state_->fail(lines.error());
  if (auto flushed = state_->writer.flush(); !flushed) return state_->fail(flushed.error());
  store::LedgerLine line;
  line.sources = sources;
  line.replaces = replaces;
  if (!replaces.empty()) {
    if (auto dropped = state_->drop_sources(*lines, line); !dropped) return state_->fail(dropped.error());
  }
  if (sources.empty() && replaces.empty() && state_->writer.written().empty())
    return CommitReport{lines->size(), 0, 0, 0};
  if (auto written = state_->write_line(*lines, line); !written) return state_->fail(written.error());
  return CommitReport{line.sequence, std::exchange(state_->rows, 0), line.add.size(), line.retire.size()};
}

Expected<void> SightingStore::Run::compact() {
  constexpr std::size_t kMostSegments = 8;
  if (state_->failed) return std::unexpected(*state_->failed);
  if (state_->rows != 0) return failure("a run with rows that are not committed can't compact");
  const auto lines = state_->ledger->lines();
  if (!lines) return state_->fail(lines.error());
  std::map<std::string, std::vector<Segment>> days;
  for (const auto& [path, segment] : store::live_segments(*lines, lines->size())) {
    days[std::filesystem::path(path).parent_path().filename().string()].push_back(segment);
  }
  if (days.empty()) return {};
  days.erase(std::prev(days.end()));  // the newest day still grows
  store::LedgerLine line;
  for (const auto& [day, segments] : days) {
    if (segments.size() <= kMostSegments) continue;
    std::vector<std::string> paths;
    std::set<std::string> sources;
    std::uint64_t rows = 0;
    for (const Segment& segment : segments) {
      paths.push_back((state_->directory / segment.path).string());
      line.retire.push_back(segment.path);
      sources.insert(segment.sources.begin(), segment.sources.end());
      rows += segment.rows;
    }
    const std::size_t before = state_->writer.written().size();
    if (auto written = state_->writer.rewrite(segments_clause(paths), day, sources); !written) {
      return state_->fail(written.error());
    }
    const auto& written = state_->writer.written();
    if (written.size() != before + 1 || written.back().rows != rows) {
      return state_->fail(
          {fmt::format("the segments of {} do not hold the {} rows that the ledger says; nothing was "
                       "changed, 'tocsin verify' says more",
                       day, rows)});
    }
  }
  if (line.retire.empty()) return {};
  if (auto written = state_->write_line(*lines, line); !written) return state_->fail(written.error());
  return {};
}

}  // namespace tocsin
