// The rows of a figure that sightings fall into: combinations of values of its dimensions, numbered as they come.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/expected.h"
#include "figures/batch.h"
#include "figures/local_days.h"
#include "figures/row_filter.h"

namespace tocsin::figures {

class RowKeys {
 public:
  // Fields that the dimensions need are added to `wanted`. Without dimensions all rows have the key 0.
  static Expected<RowKeys> of(const std::vector<std::string>& dimensions, LocalDays& days, Pools& pools,
                              FieldSet& wanted);
  void number(const Batch& batch, const Selection& rows, std::vector<std::uint32_t>& keys);
  std::size_t dimensions() const { return levels_.size(); }
  // What a key shows: a code a dimension, empty where it is not known.
  std::vector<std::string> codes(std::uint32_t key) const;
  // Whether a key stands before another of the same value.
  bool is_before(std::uint32_t a, std::uint32_t b) const;

 private:
  enum class Value : std::uint8_t { kText, kNetwork, kPort, kAddress, kConfidence, kDay, kWeek, kMonth };
  struct DimensionField {
    std::string_view name;
    Field field;
    Value value;
  };
  // A combination of the first n dimensions is one of the first n - 1 and a value.
  struct Level {
    DimensionField dimension;
    FlatMap<Hash128> numbers;
    std::vector<std::pair<std::uint32_t, std::uint64_t>> combinations;
    std::pair<std::uint32_t, std::uint64_t> last;
    std::uint32_t last_number = FlatMap<Hash128>::kNone;
  };
  RowKeys(LocalDays& days, Pools& pools);
  static const DimensionField* find(std::string_view name);
  std::uint64_t value_at(const DimensionField& dimension, const Batch& batch, std::size_t row);
  std::vector<std::uint64_t> values_of(std::uint32_t key) const;
  bool is_unknown(Value kind, std::uint64_t value) const;
  std::string code_of(Value kind, std::uint64_t value) const;

  LocalDays* days_;
  Pools* pools_;
  std::uint64_t no_text_;
  std::vector<Level> levels_;
};

}  // namespace tocsin::figures
