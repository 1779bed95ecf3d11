// state.db, SQLite, for what changes: accounts, sign-ins, cases, briefs in the making, the audit trail.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <variant>
#include <vector>

#include "base/expected.h"

namespace tocsin::serve {

using StateCell = std::variant<std::monostate, std::int64_t, double, std::string>;
using StateRow = std::vector<StateCell>;

// One connection (WAL, foreign keys on, busy timeout), shared by threads: a call holds it.
class StateDatabase {
 public:
  static Expected<std::unique_ptr<StateDatabase>> open(const std::string& path);
  ~StateDatabase();
  // One statement; parameters are ?1, ?2, ... Rows of a SELECT or RETURNING.
  Expected<std::vector<StateRow>> query(const std::string& sql, const StateRow& parameters = {});
  // Statements without parameters: CREATE TABLE IF NOT EXISTS ...
  Expected<void> script(const std::string& sql);
  // All that body does happens, or nothing: an error rolls back. Other threads wait.
  Expected<void> transaction(const std::function<Expected<void>()>& body);

 private:
  struct State;
  explicit StateDatabase(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

std::string text_of(const StateCell& cell);      // empty if it is none
std::int64_t integer_of(const StateCell& cell);  // 0 if it is none

}  // namespace tocsin::serve
