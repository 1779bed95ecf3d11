// What the API answers from.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "accounts/identity.h"
#include "base/expected.h"
#include "figures/figure.h"
#include "locate/constituency.h"
#include "locate/locator.h"
#include "pipeline/settings.h"
#include "serve/answer_cache.h"
#include "serve/segment_index.h"
#include "serve/subject_index.h"
#include "store/database.h"
#include "store/sighting_store.h"

namespace tocsin::serve {

class Accounts;
class Briefs;
class Cases;
class OpenId;
class StateDatabase;
struct ServerCounts;

// Engines that wait for the next query: each is used by one thread at a time.
class DatabasePool {
 public:
  class Lease {
   public:
    Lease(DatabasePool& pool, std::unique_ptr<Database> database) : pool_(&pool), database_(std::move(database)) {}
    Lease(Lease&&) = default;
    Lease& operator=(Lease&&) = delete;
    ~Lease() {
      if (database_) pool_->give_back(std::move(database_));
    }
    Database& operator*() const { return *database_; }
    Database* operator->() const { return database_.get(); }

   private:
    DatabasePool* pool_;
    std::unique_ptr<Database> database_;
  };
  Expected<Lease> take();

 private:
  void give_back(std::unique_ptr<Database> database);
  std::mutex mutex_;
  std::vector<std::unique_ptr<Database>> waiting_;
};

// What the store holds, as of its head; computed once a head.
struct Extent {
  SightingStore::Head head;
  std::optional<Period> seen;  // from the first to past the last sighting
  std::uint64_t sightings = 0;
  // Asked for when a request names no period: the last whole calendar month with sightings, else the days that have
  // any.
  Period usual;
};

struct Context {
  SightingStore& store;
  const Settings& settings;
  const Catalogue& catalogue;
  const Locator& locator;
  const Constituency& constituency;
  StateDatabase& state;
  Accounts& accounts;
  Cases& cases;
  Briefs& briefs;
  OpenId* open_id;  // nullptr: not set up
  DatabasePool& databases;
  AnswerCache& answers;
  RowsCache& rows;  // of single sightings
  SegmentIndex& index;
  SubjectIndex& subjects;
  std::function<ServerCounts()> server_counts = {};
  std::mutex extent_work = {};  // held while one thread finds the extent, so that others need not
  std::mutex extent_mutex = {};
  std::optional<Extent> extent = {};  // of the head that was asked for last
};

Expected<Extent> extent_of(Context& context);
// The last that was found, maybe of an earlier head: without waiting for anything.
std::optional<Extent> known_extent(Context& context);

// What an identity may see at all: everything, or what touches its organisation. An organisation that the register does
// not have (any more) sees nothing.
Narrowing narrowing_of(const Context& context, const Identity& identity);

}  // namespace tocsin::serve
