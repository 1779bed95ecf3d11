#include "pipeline/prepare.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <thread>

#include "base/file.h"

namespace tocsin {
namespace {

// Enough to tell most sources apart without reading more of them: the headers of captures and logs are shorter.
constexpr std::size_t kHead = 1024;

std::string head_of(const std::string& path, std::uint64_t bytes) {
  std::ifstream file(path, std::ios::binary);
  std::string head(std::min<std::uint64_t>(bytes, kHead), '\0');
  file.read(head.data(), static_cast<std::streamsize>(head.size()));
  head.resize(static_cast<std::size_t>(file.gcount()));
  return head;
}

// Whether the first `bytes` of two files are the same.
bool begin_alike(const std::string& one, const std::string& other, std::uint64_t bytes) {
  std::ifstream second(other, std::ios::binary);
  std::vector<char> there;
  bool alike = second.good();
  const auto read = read_blocks(one, [&](std::span<const std::byte> block) {
    const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(block.size(), bytes));
    there.resize(size);
    second.read(there.data(), static_cast<std::streamsize>(size));
    alike = static_cast<std::size_t>(second.gcount()) == size &&
            std::ranges::equal(std::as_bytes(std::span(there)), block.first(size));
    bytes -= size;
    return alike && bytes > 0;
  });
  return read && alike && bytes == 0;
}

// Whether a file still begins with the bytes that the record has the hash of.
bool still_holds(const SourceRecord& record) {
  const auto sum = sum_of(record.path, record.bytes);
  return sum && sum->bytes == record.bytes && sum->sha256 == record.sha256;
}

// Sources by how they begin, to find those that a shorter one may be the beginning of.
class Beginnings {
 public:
  struct Entry {
    std::string path;
    std::uint64_t bytes = 0;
    const SourceRecord* stored = nullptr;  // null: of this run, and read a moment ago
    std::string name;
  };
  void add(Entry entry) {
    std::error_code error;
    if (!std::filesystem::is_regular_file(entry.path, error)) return;
    std::string head = head_of(entry.path, entry.bytes);
    if (head.size() < std::min<std::uint64_t>(entry.bytes, kHead)) return;
    entries_.emplace(std::move(head), std::move(entry));
  }
  // The name of a longer source that begins with all of this file; empty if there is none.
  std::string of_which(const std::string& path, std::uint64_t bytes) const {
    if (bytes == 0) return {};
    const std::string head = head_of(path, bytes);
    for (auto at = entries_.lower_bound(head); at != entries_.end() && at->first.starts_with(head); ++at) {
      const Entry& longer = at->second;
      if (longer.bytes <= bytes || longer.path == path || !begin_alike(path, longer.path, bytes)) continue;
      if (longer.stored == nullptr || still_holds(*longer.stored)) return longer.name;
    }
    return {};
  }

 private:
  std::multimap<std::string, Entry> entries_;
};

// Each input identified, by as many threads as there are cores: hashing is most of it.
std::vector<Expected<SourceFile>> identified(const std::vector<NamedInput>& inputs,
                                             const std::vector<SourceRecord>& known) {
  std::vector<Expected<SourceFile>> files(inputs.size(), failure("not looked at"));
  std::atomic<std::size_t> next = 0;
  const auto work = [&] {
    for (std::size_t i = next++; i < inputs.size(); i = next++) {
      const NamedInput& input = inputs[i];
      files[i] = input.failure ? Expected<SourceFile>(std::unexpected(*input.failure)) : identify(input.path, known);
    }
  };
  std::vector<std::jthread> others;
  for (std::size_t i = 1; i < std::min<std::size_t>(inputs.size(), std::thread::hardware_concurrency()); ++i) {
    others.emplace_back(work);
  }
  work();
  others.clear();  // waits for them
  return files;
}

bool is_readable(Format format) { return format != Format::kEmpty && format != Format::kUnknown; }

}  // namespace

Prepared prepare(const std::vector<NamedInput>& inputs, const std::vector<SourceRecord>& known, bool again,
                 WatchReport& report) {
  using enum SourceOutcome::State;
  std::vector<std::optional<SourceFile>> files;
  bool is_any_new = false;
  auto all = identified(inputs, known);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const NamedInput& input = inputs[i];
    Expected<SourceFile>& file = all[i];
    SourceOutcome outcome;
    outcome.record.name = input.name;
    if (!file) {
      outcome.state = kFailed;
      outcome.error = file.error().message;
      files.emplace_back();
    } else {
      file->record.name = input.name;
      outcome.record = file->record;
      if (input.spooled) outcome.record.path.clear();
      is_any_new = is_any_new || !file->known || again;
      files.emplace_back(std::move(*file));
    }
    report.sources.push_back(std::move(outcome));
  }
  const std::size_t first = report.sources.size() - inputs.size();

  Beginnings beginnings;
  if (is_any_new) {
    for (const auto& file : files) {
      if (file && is_readable(file->format)) {
        beginnings.add({file->record.path, file->record.bytes, nullptr, file->record.name});
      }
    }
    for (const SourceRecord& record : known) beginnings.add({record.path, record.bytes, &record, record.name});
  }
  Prepared prepared;
  std::set<std::string> seen;
  for (std::size_t i = 0; i < files.size(); ++i) {
    if (!files[i]) continue;
    SourceFile& file = *files[i];
    SourceOutcome& outcome = report.sources[first + i];
    if (!seen.insert(file.record.sha256).second || (file.known && !again)) {
      outcome.state = kKnown;
    } else if (file.format == Format::kEmpty) {
      outcome.state = kEmpty;
    } else if (outcome.beginning_of = beginnings.of_which(file.record.path, file.record.bytes);
               !outcome.beginning_of.empty()) {
      outcome.state = kKnown;
    } else if (file.format == Format::kUnknown) {
      outcome.state = kUnknownFormat;
    } else {
      outcome.state = file.grown_from.empty() ? kRead : kGrown;
      if (file.known) prepared.replaces.push_back(file.record.id);
      prepared.replaces.insert(prepared.replaces.end(), file.grown_from.begin(), file.grown_from.end());
      prepared.outcome_of.push_back(first + i);
      prepared.files.push_back(std::move(file));
    }
  }
  std::ranges::sort(prepared.replaces);  // two sources may have grown from one
  prepared.replaces.erase(std::ranges::unique(prepared.replaces).begin(), prepared.replaces.end());
  return prepared;
}

}  // namespace tocsin
