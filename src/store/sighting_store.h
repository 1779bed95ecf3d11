// The local store: immutable Parquet segments, a ledger that names them by hash, and state in SQLite.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/expected.h"
#include "base/hash.h"
#include "base/time.h"
#include "detect/sighting.h"
#include "store/database.h"

namespace tocsin {
namespace store {
struct LedgerLine;
}

// A source as the ledger knows it.
struct SourceRecord {
  std::string id;    // first 16 hexadecimal digits of sha256: what a sighting's `source` column holds
  std::string name;  // as given
  std::string path;  // absolute, empty for standard input
  std::string format;
  std::string sha256;       // of the raw bytes
  std::uint64_t bytes = 0;  // raw size when it was read: the position
  std::uint64_t records = 0;
  std::uint64_t skipped = 0;
  std::map<std::string, std::uint64_t> skipped_by_reason;
  std::vector<std::string> examples;  // "packet 7: truncated header"
};

struct Segment {
  std::string path;  // relative to the store: segments/2013-01-31/<hash>.parquet
  std::string sha256;
  std::uint64_t rows = 0;
  std::uint64_t bytes = 0;
  std::vector<std::string> sources;  // ids
};

// A FROM clause over these files, or, when there are none, over no rows of the same columns: `id` (see
// sighting_id_sql) and a segment's.
std::string segments_clause(const std::vector<std::string>& paths);

// Which sighting a row is of, as an expression: a UUID made of detector, kind, actor (address and name), target (the
// same) and hour. It is not stored, for all that it is made of is; it is for showing.
std::string sighting_id_sql();
// The same for counting: 128 bits as UHUGEINT, hashes of the same columns in two orders. Counting by it takes a fifth
// of the time of making ids, and some 0.6 of the time of grouping by the columns themselves, whose texts are slow. It
// is not for keeping: the engine's hashes are its own affair.
std::string sighting_key_sql();

struct StoreFinding {  // of verify: what is wrong, where
  std::string where;
  std::string what;
};

struct CommitReport {
  std::uint64_t sequence = 0;  // of the ledger line
  std::uint64_t rows = 0;
  std::size_t segments = 0;
  std::size_t retired = 0;
};

class SightingStore {
 public:
  // Makes an empty store (ledger, segments/, state.db). The directory may exist if it is empty or holds tocsin.toml.
  static Expected<void> create(const std::string& directory);
  // For reading: sees the ledger as it is at each call. No lock.
  static Expected<std::unique_ptr<SightingStore>> open(const std::string& directory);
  ~SightingStore();

  const std::string& directory() const;

  // ---- writing: one writer at a time, in any process (lock file); readers go on.
  class Run;
  // Takes the writer's lock, removes what a crashed writer left (temporary files, segments no ledger line names,
  // a ledger line cut short). Fails when another writer holds the lock.
  Expected<std::unique_ptr<Run>> begin();

  // ---- reading
  // Whether a whole source with these raw bytes was read already.
  Expected<bool> has_source(const std::string& sha256) const;
  // What follows is as of a position of the ledger: the number of its lines that count, none for all that there are
  // now. A position past the end is an error.
  using Position = std::optional<std::uint64_t>;
  // Sources that are live, in ledger order.
  Expected<std::vector<SourceRecord>> sources(Position position = {}) const;
  // Live segments. Absolute paths in Segment::path.
  Expected<std::vector<Segment>> segments(Position position = {}) const;
  struct Head {
    std::uint64_t sequence = 0;
    std::string hash;  // of the line with this number; zeros before the first
  };
  Expected<Head> head(Position position = {}) const;
  // segments_clause() of the live segments.
  Expected<std::string> from_clause(Position position = {}) const;
  // Hash chain, each segment's hash, and the head kept in state.db.
  Expected<std::vector<StoreFinding>> verify() const;

 private:
  struct State;
  // The lines that count at a position.
  Expected<std::vector<std::shared_ptr<const store::LedgerLine>>> lines_at(Position position) const;
  explicit SightingStore(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// One run: sightings of a set of sources, committed whole by one ledger line or not at all.
class SightingStore::Run {
 public:
  ~Run();  // without commit: what was written is removed
  // Rows are held and written as segments by day (of first_seen) when there are many. source_of: index as in Place.
  Expected<void> append(Sighting sighting, const std::string& source_id, std::string evidence);
  // Syncs segments, writes the ledger line. replaces: ids of sources whose earlier rows these replace (a file that
  // has grown): their segments are retired, or rewritten without them.
  Expected<CommitReport> commit(const std::vector<SourceRecord>& sources, const std::vector<std::string>& replaces);
  // Closed days of many segments become one segment each.
  Expected<void> compact();

 private:
  friend class SightingStore;
  struct State;
  explicit Run(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace tocsin
