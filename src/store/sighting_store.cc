#include "store/sighting_store.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>

#include "store/files.h"
#include "store/head.h"
#include "store/ledger.h"
#include "store/run.h"
#include "store/segment_writer.h"

namespace tocsin {

namespace fs = std::filesystem;

struct SightingStore::State {
  fs::path directory;
  std::string name;  // the directory's, as given
  std::shared_ptr<store::Ledger> ledger;
};

SightingStore::SightingStore(std::unique_ptr<State> state) : state_(std::move(state)) {}
SightingStore::~SightingStore() = default;

const std::string& SightingStore::directory() const { return state_->name; }

namespace {

// What a store may be made over: nothing, the settings, or what a crash left of an earlier try.
bool may_hold_store(const fs::path& directory, std::string& stranger) {
  std::error_code failed;
  for (const auto& entry : fs::directory_iterator(directory, failed)) {
    const std::string name = entry.path().filename().string();
    const bool is_ours = name == "tocsin.toml" || name == "lock" || name.starts_with("state.db") ||
                         (name == "segments" && fs::is_empty(entry.path(), failed));
    if (!is_ours) {
      stranger = name;
      return false;
    }
  }
  return true;
}

// The ledger is made last: a directory without one is no store.
Expected<void> create_ledger(const fs::path& directory) {
  const auto path = directory / "ledger.jsonl";
  const FileDescriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
  if (!file.is_open()) return std::unexpected(store::system_error("make", path, errno));
  if (::fsync(file.number()) != 0) return std::unexpected(store::system_error("sync", path, errno));
  return store::sync(directory);
}

}  // namespace

Expected<void> SightingStore::create(const std::string& name) {
  const fs::path directory(name);
  std::error_code failed;
  if (fs::exists(directory / "ledger.jsonl", failed)) return failure(fmt::format("{} is a store already", name));
  fs::create_directories(directory, failed);
  if (failed) return std::unexpected(store::system_error("make", directory, failed.value()));
  std::string stranger;
  if (!may_hold_store(directory, stranger)) {
    return failure(fmt::format("{} is not empty (it holds {}): give a new directory", name, stranger));
  }
  fs::create_directory(directory / "segments", failed);
  if (failed) return std::unexpected(store::system_error("make", directory / "segments", failed.value()));
  {
    auto head = store::HeadKeeper::open(directory / "state.db", true);
    if (!head) return std::unexpected(head.error());
    if (auto made = (*head)->create(); !made) return made;
  }
  return create_ledger(directory);
}

Expected<std::unique_ptr<SightingStore>> SightingStore::open(const std::string& name) {
  std::error_code failed;
  auto state = std::make_unique<State>();
  state->name = name;
  state->directory = fs::absolute(name, failed);
  if (failed || !fs::exists(state->directory / "ledger.jsonl", failed)) {
    return failure(fmt::format("{} is not a store: 'tocsin init {}' makes one", name, name));
  }
  state->ledger = std::make_shared<store::Ledger>(state->directory / "ledger.jsonl");
  return std::unique_ptr<SightingStore>(new SightingStore(std::move(state)));
}

// ---- writing

namespace {

Expected<FileDescriptor> take_lock(const fs::path& directory, const std::string& name) {
  const auto path = directory / "lock";
  FileDescriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  if (!file.is_open()) return std::unexpected(store::system_error("open", path, errno));
  if (::flock(file.number(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return std::unexpected(store::system_error("lock", path, errno));
    const auto holder = store::read_whole(path);
    return failure(fmt::format("another writer{} works on {}: wait until it has ended",
                               holder && !holder->empty() ? fmt::format(" (process {})", *holder) : "", name));
  }
  // Only so that the sentence above can name us: that it fails does no harm.
  const std::string process = std::to_string(::getpid());
  if (::ftruncate(file.number(), 0) != 0 || ::pwrite(file.number(), process.data(), process.size(), 0) < 0) errno = 0;
  return file;
}

// The ledger must hold what state.db says it does, and may be one line ahead: that of a writer which was stopped
// between the two.
Expected<void> check_head(const store::LedgerLines& lines, const SightingStore::Head& head) {
  if (lines.size() < head.sequence) {
    return failure(fmt::format("the ledger has {} lines where state.db knows of {}: it was cut short, bring it back",
                               lines.size(), head.sequence));
  }
  if (lines.size() > head.sequence + 1) {
    return failure(fmt::format("the ledger has {} lines where state.db knows of {}: one of them is not this store's",
                               lines.size(), head.sequence));
  }
  if (head.hash != (head.sequence == 0 ? store::kNoHash : std::string_view(lines[head.sequence - 1]->hash))) {
    return failure(fmt::format("line {} of the ledger is not the one that state.db knows", head.sequence));
  }
  return {};
}

// Removes segments that no line names, and temporary files.
void remove_orphans(const fs::path& directory, const store::LedgerLines& lines) {
  std::vector<std::string> named;
  for (const auto& line : lines) {
    for (const Segment& segment : line->add) named.push_back(segment.path);
  }
  std::ranges::sort(named);
  std::error_code ignored;
  for (const auto& day : fs::directory_iterator(directory / "segments", ignored)) {
    const std::string name = day.path().filename().string();
    if (name.starts_with(".tmp-")) {
      fs::remove_all(day.path(), ignored);
      continue;
    }
    for (const auto& file : fs::directory_iterator(day.path(), ignored)) {
      const std::string path = fmt::format("segments/{}/{}", name, file.path().filename().string());
      if (path.ends_with(".parquet") && !std::ranges::binary_search(named, path)) fs::remove(file.path(), ignored);
    }
  }
}

}  // namespace

Expected<std::unique_ptr<SightingStore::Run>> SightingStore::begin() {
  auto lock = take_lock(state_->directory, state_->name);
  if (!lock) return std::unexpected(lock.error());
  std::error_code failed;
  if (!fs::exists(state_->directory / "state.db", failed)) {
    return failure(fmt::format("{} is missing: bring it back", (state_->directory / "state.db").string()));
  }
  auto keeper = store::HeadKeeper::open(state_->directory / "state.db", true);
  if (!keeper) return std::unexpected(keeper.error());
  const auto head = (*keeper)->get();
  if (!head) return std::unexpected(head.error());
  // A ledger of its own: a reader of this store, in another thread, must not move what a commit goes back to.
  auto ledger = std::make_shared<store::Ledger>(state_->ledger->path());
  const auto lines = ledger->lines();
  if (!lines) return std::unexpected(lines.error());
  if (auto checked = check_head(*lines, *head); !checked) return std::unexpected(checked.error());
  if (auto cut = ledger->cut_rest(); !cut) return std::unexpected(cut.error());
  if (lines->size() > head->sequence) {
    if (auto set = (*keeper)->set({lines->size(), lines->back()->hash}); !set) return std::unexpected(set.error());
  }
  remove_orphans(state_->directory, *lines);
  auto state = std::make_unique<Run::State>(state_->directory, std::move(*lock), std::move(*keeper), ledger);
  return std::unique_ptr<Run>(new Run(std::move(state)));
}

// ---- reading

Expected<bool> SightingStore::has_source(const std::string& sha256) const {
  const auto lines = state_->ledger->lines();
  if (!lines) return std::unexpected(lines.error());
  return std::ranges::any_of(store::live_sources(*lines, lines->size()),
                             [&sha256](const SourceRecord* source) { return source->sha256 == sha256; });
}

Expected<store::LedgerLines> SightingStore::lines_at(Position position) const {
  auto lines = state_->ledger->lines();
  if (!lines || !position) return lines;
  if (*position > lines->size()) {
    return failure(
        fmt::format("the store {} has {} commits, there is no number {}", state_->name, lines->size(), *position));
  }
  lines->resize(*position);
  return lines;
}

Expected<std::vector<SourceRecord>> SightingStore::sources(Position position) const {
  const auto lines = lines_at(position);
  if (!lines) return std::unexpected(lines.error());
  std::vector<SourceRecord> sources;
  for (const SourceRecord* source : store::live_sources(*lines, lines->size())) sources.push_back(*source);
  return sources;
}

Expected<std::vector<Segment>> SightingStore::segments(Position position) const {
  const auto lines = lines_at(position);
  if (!lines) return std::unexpected(lines.error());
  std::vector<Segment> segments;
  for (auto& [path, segment] : store::live_segments(*lines, lines->size())) {
    segments.push_back(segment);
    segments.back().path = (state_->directory / path).string();
  }
  return segments;
}

Expected<SightingStore::Head> SightingStore::head(Position position) const {
  const auto lines = lines_at(position);
  if (!lines) return std::unexpected(lines.error());
  return Head{lines->size(), lines->empty() ? std::string(store::kNoHash) : lines->back()->hash};
}

Expected<std::string> SightingStore::from_clause(Position position) const {
  const auto live = segments(position);
  if (!live) return std::unexpected(live.error());
  std::vector<std::string> paths;
  for (const Segment& segment : *live) paths.push_back(segment.path);
  return segments_clause(paths);
}

Expected<std::vector<StoreFinding>> SightingStore::verify() const {
  std::vector<StoreFinding> findings;
  const auto head_of = [this]() -> Expected<Head> {
    auto keeper = store::HeadKeeper::open(state_->directory / "state.db", false);
    if (!keeper) return std::unexpected(keeper.error());
    return (*keeper)->get();
  };
  // The head is read before the ledger: a writer at work only ever makes the ledger longer than it.
  const auto head = head_of();
  if (!head) findings.push_back({"state.db", head.error().message});
  const auto text = store::read_whole(state_->directory / "ledger.jsonl");
  if (!text) return std::unexpected(text.error());
  store::LedgerLines lines;
  if (const auto read = store::read_lines(*text, lines); !read) {
    findings.push_back({"ledger.jsonl", read.error().message});
  }
  if (head) {
    if (auto checked = check_head(lines, *head); !checked) {
      const auto later = head_of();  // a writer may have gone on meanwhile
      if (!later || !check_head(lines, *later)) findings.push_back({"ledger.jsonl", checked.error().message});
    }
  }
  for (const auto& line : lines) {
    for (const Segment& segment : line->add) {
      const auto sum = sum_of(state_->directory / segment.path);
      if (!sum) {
        findings.push_back({segment.path, sum.error().message});
      } else if (sum->bytes != segment.bytes) {
        findings.push_back({segment.path, fmt::format("has {} bytes, the ledger says {}", sum->bytes, segment.bytes)});
      } else if (sum->sha256 != segment.sha256) {
        findings.push_back({segment.path, fmt::format("was changed: it does not have the hash that line {} of the "
                                                      "ledger gives it",
                                                      line->sequence)});
      }
    }
  }
  return findings;
}

}  // namespace tocsin
