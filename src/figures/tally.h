// Counting by hand: what a figure counts, over rows that come a batch at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/expected.h"
#include "figures/batch.h"
#include "figures/local_days.h"
#include "figures/row_filter.h"

namespace tocsin::figures {

struct Counts {
  std::uint64_t total = 0;
  std::vector<std::uint64_t> rows;  // by key; 0: no row
};

class Tally {
 public:
  virtual ~Tally() = default;
  // keys: of each row of the selection.
  virtual void add(const Batch& batch, const Selection& rows, const std::vector<std::uint32_t>& keys) = 0;
  // The rows of a day (UTC) have all come.
  virtual void end_day() = 0;
  const Counts& counts() const { return counts_; }
  // What must have been numbered of the rows that it is given.
  virtual bool needs_sightings() const { return false; }
  virtual bool needs_events() const { return false; }

 protected:
  std::uint64_t& row(std::uint32_t key) {
    if (key >= counts_.rows.size()) counts_.rows.resize(key + std::size_t{1});
    return counts_.rows[key];
  }
  Counts counts_;
};

// measure and count: as keys.toml has them, without "share" and "monthly mean". months: of a mean, the zone's, else
// null; what is different is then different in each calendar month, so that the mean is that of the months. Fields are
// added to `wanted`.
Expected<std::unique_ptr<Tally>> make_tally(const std::string& measure, const std::string& count, LocalDays* months,
                                            Pools& pools, FieldSet& wanted);

}  // namespace tocsin::figures
