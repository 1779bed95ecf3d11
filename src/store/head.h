// The head of the ledger, kept a second time in state.db (SQLite), so that a ledger cut short shows.
#pragma once

#include <filesystem>
#include <memory>

#include "base/expected.h"
#include "store/sighting_store.h"

struct sqlite3;

namespace tocsin::store {

class HeadKeeper {
 public:
  // may_write: for the writer; else the file is only read.
  static Expected<std::unique_ptr<HeadKeeper>> open(const std::filesystem::path& path, bool may_write);
  ~HeadKeeper();
  // Makes the table and an empty head where they are missing.
  Expected<void> create();
  Expected<SightingStore::Head> get();
  // Synced when it returns.
  Expected<void> set(const SightingStore::Head& head);

 private:
  HeadKeeper(std::filesystem::path path, sqlite3* database) : path_(std::move(path)), database_(database) {}
  Error error(const char* action) const;
  Expected<void> execute(const char* sql, const char* action);

  std::filesystem::path path_;
  sqlite3* database_;
};

}  // namespace tocsin::store
