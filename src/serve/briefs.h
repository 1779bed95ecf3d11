// Briefs in the making and those that are out: texts and state in state.db, files below the store's briefs/ID.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "accounts/state_database.h"
#include "base/expected.h"
#include "figures/figure.h"
#include "serve/context.h"

namespace tocsin::serve {

struct StoredBrief {
  std::int64_t id = 0;
  Period period;
  std::string zone;
  Confidence confidence = Confidence::kProbable;
  std::map<std::string, std::string> title, remarks, headline;  // by language
  std::uint64_t sequence = 0;                                   // of the ledger when its figures were computed
  std::string by;                                               // who made it, or published it
  Timestamp made = 0;
  std::optional<Timestamp> published;  // none: a draft
  std::vector<std::string> files;
};

class Briefs {
 public:
  static Expected<std::unique_ptr<Briefs>> open(StateDatabase& database, const std::string& store_directory);
  Briefs(StateDatabase& database, std::string directory) : database_(database), directory_(std::move(directory)) {}

  // Newest first.
  Expected<std::vector<StoredBrief>> list(bool with_drafts);
  Expected<std::optional<StoredBrief>> find(std::int64_t id);
  // Computes its figures and writes its documents: a draft, not signed.
  Expected<StoredBrief> make(Context& context, const FigureRequest& request, std::map<std::string, std::string> title,
                             std::map<std::string, std::string> remarks, const std::string& user);
  // What follows is for drafts, one at a time; none: it is no draft (any more), and nothing was done.
  // Its documents are written anew, over the same line of the ledger.
  Expected<std::optional<StoredBrief>> change(Context& context, StoredBrief brief, const std::string& user);
  // Writes the documents with PDF, and signs them by the store's key.
  Expected<std::optional<StoredBrief>> publish(Context& context, StoredBrief brief, const std::string& user);
  Expected<bool> remove(const StoredBrief& brief);  // false: it is no draft (any more)
  // Path of one of its files.
  std::string path_of(const StoredBrief& brief, const std::string& name) const;

 private:
  Expected<void> write(Context& context, StoredBrief& brief, bool for_good);
  Expected<bool> is_draft(std::int64_t id);
  std::mutex mutex_;  // of the documents of drafts
  StateDatabase& database_;
  std::string directory_;
};

}  // namespace tocsin::serve
