// Cases: what was sighted of one kind, gathered by the one to be told, and how far the telling has come.
//
// Who is to be told is the organisation of the register that the targets belong to, else the network (AS) that they
// stand in. A case is `new` until someone is told, then `notified`, `acknowledged` and `fixed`; a sighting later than
// the time at which it was said to be fixed makes it `recurred`.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "accounts/state_database.h"
#include "base/expected.h"
#include "base/time.h"
#include "serve/context.h"

namespace tocsin::serve {

struct Case {
  std::int64_t id = 0;
  std::string organisation;  // or "AS64500"
  bool is_network = false;
  std::string kind, state, assignee;
  std::int64_t sightings = 0, targets = 0;
  std::string target;  // one of them
  Timestamp first_seen = 0, last_seen = 0, made = 0, changed = 0;
  std::optional<Timestamp> fixed_at;
};

struct CaseEvent {
  Timestamp when = 0;
  std::string user, action, text;  // "state", "assign", "comment", "recurred"
};

struct CaseFilter {
  std::string state, organisation, assignee, kind;  // empty: any
  std::int64_t after = 0;                           // id of the last one of the page before
  std::uint64_t limit = 50;
};

struct CaseRefresh {
  std::int64_t made = 0, recurred = 0, open = 0;
};

inline constexpr std::string_view kCaseStates[] = {"new", "notified", "acknowledged", "fixed", "recurred"};

class Cases {
 public:
  static Expected<std::unique_ptr<Cases>> open(StateDatabase& database);
  explicit Cases(StateDatabase& database) : database_(database) {}

  // Gathers the sightings (probable and above) of inside targets, as of the ledger's head.
  Expected<CaseRefresh> refresh(Context& context);
  // Newest id first.
  Expected<std::vector<Case>> list(const CaseFilter& filter);
  Expected<std::optional<Case>> find(std::int64_t id);
  Expected<std::vector<CaseEvent>> history(std::int64_t id);
  Expected<std::vector<std::pair<std::string, std::int64_t>>> by_state(const std::string& organisation);
  // fixed_at: with state fixed, when it was fixed; now if it is not given.
  Expected<void> set_state(std::int64_t id, const std::string& state, const std::string& user,
                           std::optional<Timestamp> fixed_at);
  Expected<void> assign(std::int64_t id, const std::string& assignee, const std::string& user);
  Expected<void> comment(std::int64_t id, const std::string& text, const std::string& user);
  // The case that rows of a sighting (sighting_query.h) belong to.
  std::optional<std::int64_t> of_sighting(const Table& rows);

 private:
  Expected<void> add_event(std::int64_t id, const std::string& user, const char* action, const std::string& text);
  StateDatabase& database_;
};

// The condition of SQL on a sighting that it belongs to a case.
std::string condition_of(const Case& of);

}  // namespace tocsin::serve
