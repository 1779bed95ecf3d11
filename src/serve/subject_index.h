// What each day has of networks, families, groups and vulnerabilities, and of the addresses and names that many days
// have, counted before anybody asks: a large network has millions of sightings, and counting those takes seconds.
//
// A sighting lies within one hour, so within one day (UTC): what was counted of days adds up exactly. Segments never
// change, so a day is counted once for each set of segments that it has. Of a day that is asked for in part, or that
// was not counted yet, the rows themselves must be asked.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/expected.h"
#include "base/time.h"
#include "detect/sighting.h"
#include "serve/index_files.h"
#include "store/sighting_store.h"

namespace tocsin::serve {

class DatabasePool;

// Sightings of one day, of one kind, in which a subject was the one end, the other, or both.
struct SubjectCount {
  Timestamp day = 0;
  std::string kind;
  bool is_actor = false, is_target = false;
  std::int64_t confidence = 0;  // the most
  std::int64_t sightings = 0, count = 0;
  Timestamp first_seen = 0, last_seen = 0;
};

class SubjectIndex {
 public:
  // kept: where what was counted is kept for the next start; empty: nowhere.
  explicit SubjectIndex(std::filesystem::path kept = {}) : files_(kept, "day"), frequents_(kept, "frequent") {}
  enum class What : std::uint8_t { kNetwork, kFamily, kGroup, kCve, kAddress, kName };
  // Segments of a store, by the day that their directory names.
  using Days = std::map<Timestamp, std::vector<std::string>>;
  static Expected<Days> days_of(const std::vector<Segment>& segments);

  // Counts the days that are new or have other segments than before, and forgets those that are gone. frequent: hashes,
  // sorted, as SegmentIndex has them, of the addresses and names that are counted.
  Expected<void> follow(const Days& days, DatabasePool& databases, std::vector<std::uint32_t> frequent = {});
  // What a day has of a subject; none if it was not counted with just these segments. text: "AS64500", a family, an
  // address as it is written best, a name.
  std::optional<std::vector<SubjectCount>> of(What what, std::string_view text, Timestamp day,
                                              const std::vector<std::string>& paths, Confidence least) const;
  // As the sightings of these days write it, whatever letters are capital; empty if none has it. None if not all of
  // them were counted.
  std::optional<std::string> spelled(What what, std::string_view text, const Days& days) const;
  std::size_t bytes() const;

 private:
  // Of one day, subject, kind and end, where the least confidence asked for is within lowest and highest.
  struct Entry {
    std::uint32_t subject = 0;
    std::uint8_t kind = 0, lowest = 0, highest = 0, confidence = 0;
    bool is_actor = false, is_target = false;
    std::uint32_t sightings = 0;
    std::uint64_t count = 0;
    Timestamp first_seen = 0, last_seen = 0;
  };
  struct Day {
    std::vector<std::string> paths;
    std::shared_ptr<const std::vector<std::uint32_t>> frequent;  // of when it was counted
    std::vector<Entry> entries;                                  // by subject
  };
  class Counting;
  // What was counted of a day, apart from others: subjects and kinds are numbered within it.
  struct Counted {
    std::vector<std::string> subjects, kinds;
    std::vector<Entry> entries;
  };
  using Frequent = std::shared_ptr<const std::vector<std::uint32_t>>;
  struct KeptDay {
    Counted counted;
    std::string frequent;  // name of the file that has the hashes
  };
  std::optional<KeptDay> kept(const std::string& name) const;
  void keep(const std::string& name, const Counted& counted, const std::string& frequent) const;
  // Of the file with this name; nullptr if there is none.
  Frequent frequent_of(const std::string& name, std::map<std::string, Frequent>& known) const;
  // False if the index is full.
  bool take_in(Timestamp day, const std::vector<std::string>& paths, Counted counted, Frequent frequent);

  const IndexFiles files_, frequents_;

  mutable std::mutex mutex_;
  std::unordered_map<std::string, std::uint32_t> numbers_;     // of a subject: what it is, then its text
  std::map<std::string, std::vector<std::string>> spellings_;  // in small letters, to what stands in sightings
  std::vector<std::string> kinds_;
  std::map<Timestamp, std::shared_ptr<const Day>> days_;
  std::size_t entries_ = 0;
};

}  // namespace tocsin::serve
