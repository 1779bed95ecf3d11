// Which rows a figure is of, by the words of its definition.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/expected.h"
#include "figures/batch.h"
#include "figures/condition.h"
#include "figures/figure.h"

namespace tocsin::figures {

class RowFilter {
 public:
  // The conditions of all the definitions hold. Fields that it looks at are added to `wanted`.
  static Expected<RowFilter> of(const std::vector<const FigureDefinition*>& definitions, Confidence confidence,
                                Pools& pools, FieldSet& wanted);
  void select(const Batch& batch, Selection& rows) const;

 private:
  enum class Truth : std::uint8_t { kFalse, kTrue, kUnknown };  // of SQL: what is compared with NULL is unknown
  // A condition with its literals as a batch has them.
  struct Node {
    Condition::Type type;
    std::vector<Node> parts;
    Field field = Field::kKind;
    ColumnType column = ColumnType::kText;
    std::vector<std::uint64_t> literals;
  };
  explicit RowFilter(Pools& pools) : pools_(&pools) {}
  Node node_of(const Condition& condition, FieldSet& wanted);
  int compare(ColumnType type, std::uint64_t a, std::uint64_t b) const;
  bool is_under(std::uint64_t value, std::uint64_t top) const;
  Truth truth_of(const Node& node, const Batch& batch, std::size_t row) const;
  Expected<void> add_side(const std::string& side, Field country, Field inside, FieldSet& wanted);

  Pools* pools_;
  std::uint64_t confidence_ = 0;
  struct Overseas {
    Field country, inside;
  };
  std::vector<std::vector<std::uint64_t>> kinds_;  // of each definition that names some: one of them
  std::vector<Overseas> overseas_;
  std::vector<Field> inside_;  // all true
  std::vector<Node> conditions_;
};

}  // namespace tocsin::figures
