// Which sources a run reads, and what it makes of the rest: no byte is to be counted twice.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "pipeline/sources.h"
#include "pipeline/watch.h"

namespace tocsin {

// A source as it was named, and the file where its bytes are.
struct NamedInput {
  std::string name;              // "standard input", or the path given
  std::string path;              // of the file to read
  bool spooled = false;          // that file is a copy that goes with the run
  std::optional<Error> failure;  // why there is none
};

struct Prepared {
  std::vector<SourceFile> files;        // those to read
  std::vector<std::size_t> outcome_of;  // index in report.sources of each
  std::vector<std::string> replaces;    // ids of sources in the store that these take the place of
};

// Identifies each input and says in report.sources what becomes of it. Left alone are a source that the store has, a
// second copy of one of the same run, and one whose bytes are the beginning of another of the run or of the store (a
// copy cut short): the longer one has all of it. A source of the store is looked at where it was read; if it is no
// longer there, or is another file by now, its beginnings can't be told.
Prepared prepare(const std::vector<NamedInput>& inputs, const std::vector<SourceRecord>& known, bool again,
                 WatchReport& report);

}  // namespace tocsin
