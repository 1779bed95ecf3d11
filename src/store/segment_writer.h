// Sightings to Parquet segments, a day at a time.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/expected.h"
#include "detect/sighting.h"
#include "store/database.h"
#include "store/sighting_store.h"

namespace tocsin::store {

class SegmentWriter {
 public:
  // Rows held in memory before the biggest days are written.
  static constexpr std::size_t kMostRows = 500'000;

  explicit SegmentWriter(std::filesystem::path directory, std::size_t most_rows = kMostRows);
  ~SegmentWriter();

  Expected<void> append(Sighting&& sighting, const std::string& source_id, std::string&& evidence);
  // Writes all that is held.
  Expected<void> flush();
  // Writes the rows of a clause as one segment of a day ("2013-01-31"); nothing if there are none.
  Expected<void> rewrite(const std::string& from, const std::string& day, const std::set<std::string>& sources);

  // Segments written, in place and synced, that no ledger line names yet.
  const std::vector<Segment>& written() const { return written_; }
  void keep_written() { written_.clear(); }
  // Removes them, and forgets what is held.
  void discard();

 private:
  struct Day;
  struct Chunk;
  Expected<void> open_database();
  Expected<void> encode(Day& day);
  Expected<void> flush_day(std::int64_t number);
  Expected<void> write_segment(const std::string& select, const std::string& day, const std::set<std::string>& sources);
  Expected<void> place(const std::filesystem::path& temporary, Segment segment, const std::string& day);

  std::filesystem::path directory_;
  std::size_t most_rows_;
  std::filesystem::path spill_;
  std::unique_ptr<Database> database_;
  std::unique_ptr<Chunk> chunk_;
  std::map<std::int64_t, Day> days_;
  std::size_t held_ = 0;
  std::uint64_t tables_ = 0;
  std::vector<Segment> written_;
};

}  // namespace tocsin::store
