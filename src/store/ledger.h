// The ledger: one line of JSON a commit, each hashed together with the hash of the line before it.
//
// A line is {"sequence","time","previous","sources","replaces","add","retire","hash"}, in this order, and
// hash = sha256(previous + the text of the line without its last member). It is taken over the text as it stands in
// the file, so that any changed byte shows, also one that means the same JSON.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/expected.h"
#include "store/sighting_store.h"

namespace tocsin::store {

inline constexpr std::string_view kNoHash = "0000000000000000000000000000000000000000000000000000000000000000";

struct LedgerLine {
  std::uint64_t sequence = 0;  // from 1
  std::string time;            // when it was written
  std::string previous;        // hash of the line before, kNoHash for the first
  std::vector<SourceRecord> sources;
  std::vector<std::string> replaces;
  std::vector<Segment> add;
  std::vector<std::string> retire;
  std::string hash;
};

// The line's text, newline included; fills line.hash.
std::string encode(LedgerLine& line);
// Checks the hash, but not that `previous` is the hash of the line before.
Expected<LedgerLine> decode(std::string_view text);

using LedgerLines = std::vector<std::shared_ptr<const LedgerLine>>;

// The lines of the text, the chain checked; the rest after the last newline is left out. On an error, the lines
// before it are in `lines`.
Expected<void> read_lines(std::string_view text, LedgerLines& lines);

// What is live after the first `count` lines: segments by path, so by day; sources in the order of the lines.
std::map<std::string, Segment> live_segments(const LedgerLines& lines, std::uint64_t count);
std::vector<const SourceRecord*> live_sources(const LedgerLines& lines, std::uint64_t count);

// The ledger as a file that grows: what was read once is not read again. Thread-safe.
class Ledger {
 public:
  explicit Ledger(std::filesystem::path path) : path_(std::move(path)) {}
  const std::filesystem::path& path() const { return path_; }
  // All whole lines that there are now.
  Expected<LedgerLines> lines();
  // Bytes of those lines, as of the last call of lines().
  std::uint64_t size() const { return size_; }
  // Adds one line with one write and syncs it. After an error the file is as it was, unless `is_torn` says otherwise.
  Expected<void> append(LedgerLine& line, bool& is_torn);
  // Takes off what stands after the last newline.
  Expected<void> cut_rest();

 private:
  std::filesystem::path path_;
  std::mutex mutex_;
  std::uint64_t size_ = 0;
  LedgerLines lines_;
};

}  // namespace tocsin::store
