#include "figures/row_filter.h"

#include <fmt/format.h>

#include <algorithm>

namespace tocsin::figures {
namespace {

void want(FieldSet& wanted, Field field) { wanted.set(static_cast<std::size_t>(field)); }

struct LiteralNumber {
  Pools& pools;
  std::uint64_t operator()(const std::string& text) const { return pools.texts.number_of(text); }
  std::uint64_t operator()(std::uint64_t number) const { return number; }
  std::uint64_t operator()(bool truth) const { return truth ? 1 : 0; }
  std::uint64_t operator()(const LiteralTime& time) const { return static_cast<std::uint64_t>(time.time); }
  std::uint64_t operator()(const IpAddress& address) const { return pools.addresses.number_of(address); }
};

}  // namespace

Expected<RowFilter> RowFilter::of(const std::vector<const FigureDefinition*>& definitions, Confidence confidence,
                                  Pools& pools, FieldSet& wanted) {
  RowFilter filter(pools);
  filter.confidence_ = static_cast<std::uint64_t>(confidence);
  want(wanted, Field::kConfidence);
  for (const FigureDefinition* definition : definitions) {
    if (!definition->kinds.empty()) {
      want(wanted, Field::kKind);
      auto& kinds = filter.kinds_.emplace_back();
      for (const std::string& kind : definition->kinds) kinds.push_back(pools.texts.number_of(kind));
    }
    auto side = filter.add_side(definition->actor, Field::kActorCountry, Field::kActorInside, wanted);
    if (side) side = filter.add_side(definition->target, Field::kTargetCountry, Field::kTargetInside, wanted);
    if (!side) return std::unexpected(side.error());
    if (definition->where.empty()) continue;
    const auto condition = parse_condition(definition->where);
    if (!condition) return std::unexpected(condition.error());
    filter.conditions_.push_back(filter.node_of(*condition, wanted));
  }
  return filter;
}

Expected<void> RowFilter::add_side(const std::string& side, Field country, Field inside, FieldSet& wanted) {
  if (side.empty() || side == "any") return {};
  want(wanted, inside);
  if (side == "constituency" || side == "domestic") {
    inside_.push_back(inside);
  } else if (side == "overseas") {
    want(wanted, country);
    overseas_.push_back({country, inside});
  } else {
    return failure(fmt::format("'{}' is no side of a figure", side));
  }
  return {};
}

RowFilter::Node RowFilter::node_of(const Condition& condition, FieldSet& wanted) {
  Node node{.type = condition.type, .parts = {}, .literals = {}};
  for (const Condition& part : condition.parts) node.parts.push_back(node_of(part, wanted));
  if (condition.column) {
    node.field = field_of(condition.column->name);
    node.column = condition.column->type;
    want(wanted, node.field);
  }
  for (const Literal& literal : condition.literals)
    node.literals.push_back(std::visit(LiteralNumber{*pools_}, literal));
  return node;
}

void RowFilter::select(const Batch& batch, Selection& rows) const {
  rows.clear();
  const auto& confidence = batch.columns[static_cast<std::size_t>(Field::kConfidence)];
  const auto& kind = batch.columns[static_cast<std::size_t>(Field::kKind)];
  for (std::uint32_t row = 0; row < batch.rows; ++row) {
    if (confidence[row] == kNull || confidence[row] < confidence_) continue;
    const auto has_kind = [&](const std::vector<std::uint64_t>& kinds) {
      return std::ranges::find(kinds, kind[row]) != kinds.end();
    };
    if (!std::ranges::all_of(kinds_, has_kind)) continue;
    if (!std::ranges::all_of(inside_, [&](Field field) { return batch.at(field, row) == 1; })) continue;
    if (!std::ranges::all_of(overseas_, [&](const Overseas& side) {
          return batch.at(side.country, row) != kNull && batch.at(side.inside, row) == 0;
        })) {
      continue;
    }
    if (!std::ranges::all_of(conditions_, [&](const Node& node) { return truth_of(node, batch, row) == Truth::kTrue; }))
      continue;
    rows.push_back(row);
  }
}

int RowFilter::compare(ColumnType type, std::uint64_t a, std::uint64_t b) const {
  const auto three_way = [](const auto& x, const auto& y) { return x < y ? -1 : y < x ? 1 : 0; };
  if (a == b) return 0;
  switch (type) {
    case ColumnType::kText:
      return three_way(pools_->texts.text(a), pools_->texts.text(b));
    case ColumnType::kAddress:
      return three_way(pools_->addresses.address(a), pools_->addresses.address(b));
    case ColumnType::kTime:
      return three_way(static_cast<std::int64_t>(a), static_cast<std::int64_t>(b));
    default:
      return three_way(a, b);
  }
}

bool RowFilter::is_under(std::uint64_t value, std::uint64_t top) const {
  const std::string& text = pools_->texts.text(value);
  const std::string& begin = pools_->texts.text(top);
  return text.starts_with(begin) && (text.size() == begin.size() || text[begin.size()] == '/');
}

RowFilter::Truth RowFilter::truth_of(const Node& node, const Batch& batch, std::size_t row) const {
  using Type = Condition::Type;
  const auto truth = [](bool holds) { return holds ? Truth::kTrue : Truth::kFalse; };
  if (node.type == Type::kAnd || node.type == Type::kOr) {
    const Truth decides = node.type == Type::kAnd ? Truth::kFalse : Truth::kTrue;
    Truth all = node.type == Type::kAnd ? Truth::kTrue : Truth::kFalse;
    for (const Node& part : node.parts) {
      const Truth one = truth_of(part, batch, row);
      if (one == decides) return decides;
      if (one == Truth::kUnknown) all = Truth::kUnknown;
    }
    return all;
  }
  if (node.type == Type::kNot) {
    const Truth one = truth_of(node.parts.front(), batch, row);
    return one == Truth::kUnknown ? one : truth(one == Truth::kFalse);
  }
  const std::uint64_t value = batch.at(node.field, row);
  if (node.type == Type::kIsNull) return truth(value == kNull);
  if (value == kNull) return Truth::kUnknown;
  const auto compared = [&] { return compare(node.column, value, node.literals.front()); };
  switch (node.type) {
    case Type::kEqual:
      return truth(value == node.literals.front());
    case Type::kUnequal:
      return truth(value != node.literals.front());
    case Type::kLess:
      return truth(compared() < 0);
    case Type::kLessOrEqual:
      return truth(compared() <= 0);
    case Type::kGreater:
      return truth(compared() > 0);
    case Type::kGreaterOrEqual:
      return truth(compared() >= 0);
    case Type::kIn:
      return truth(std::ranges::find(node.literals, value) != node.literals.end());
    case Type::kUnder:
      return truth(is_under(value, node.literals.front()));
    default:
      return truth(value == 1);
  }
}

}  // namespace tocsin::figures
