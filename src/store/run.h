// What a run of a writer holds.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>

#include "store/files.h"
#include "store/head.h"
#include "store/ledger.h"
#include "store/segment_writer.h"
#include "store/sighting_store.h"

namespace tocsin {

struct SightingStore::Run::State {
  State(std::filesystem::path folder, FileDescriptor taken, std::unique_ptr<store::HeadKeeper> keeper,
        std::shared_ptr<store::Ledger> lines)
      : directory(std::move(folder)),
        lock(std::move(taken)),
        head(std::move(keeper)),
        ledger(std::move(lines)),
        writer(directory) {}

  // Rewrites the segments that hold rows of these sources without them; their paths go into line.retire.
  Expected<void> drop_sources(const store::LedgerLines& lines, store::LedgerLine& line);
  Expected<void> write_line(const store::LedgerLines& lines, store::LedgerLine& line);
  // Undoes the run; every later call fails in the same way.
  std::unexpected<Error> fail(const Error& error);

  std::filesystem::path directory;
  FileDescriptor lock;  // held as long as this lives
  std::unique_ptr<store::HeadKeeper> head;
  std::shared_ptr<store::Ledger> ledger;
  store::SegmentWriter writer;
  std::uint64_t rows = 0;  // appended since the last commit
  std::optional<Error> failed;
};

}  // namespace tocsin
