#include "figures/row_keys.h"

#include <fmt/format.h>

#include "base/text.h"

namespace tocsin::figures {

RowKeys::RowKeys(LocalDays& days, Pools& pools) : days_(&days), pools_(&pools), no_text_(pools.texts.number_of("")) {}

const RowKeys::DimensionField* RowKeys::find(std::string_view name) {
  static constexpr DimensionField kAll[] = {
      {"actor-country", Field::kActorCountry, Value::kText},
      {"target-country", Field::kTargetCountry, Value::kText},
      {"actor-network", Field::kActorAsn, Value::kNetwork},
      {"target-network", Field::kTargetAsn, Value::kNetwork},
      {"target-sector", Field::kTargetSector, Value::kText},
      {"target-organisation", Field::kTargetOrganisation, Value::kText},
      {"target-province", Field::kTargetProvince, Value::kText},
      {"family", Field::kFamily, Value::kText},
      {"group", Field::kGroup, Value::kText},
      {"rule", Field::kRule, Value::kText},
      {"cve", Field::kCve, Value::kText},
      {"actor-port", Field::kActorPort, Value::kPort},
      {"target-port", Field::kTargetPort, Value::kPort},
      {"actor", Field::kActorIp, Value::kAddress},
      {"target", Field::kTargetIp, Value::kAddress},
      {"actor-name", Field::kActorName, Value::kText},
      {"target-name", Field::kTargetName, Value::kText},
      {"kind", Field::kKind, Value::kText},
      {"detector", Field::kDetector, Value::kText},
      {"confidence", Field::kConfidence, Value::kConfidence},
      {"source", Field::kSource, Value::kText},
      {"tlp", Field::kTlp, Value::kText},
      {"day", Field::kFirstSeen, Value::kDay},
      {"week", Field::kFirstSeen, Value::kWeek},
      {"month", Field::kFirstSeen, Value::kMonth},
  };
  for (const DimensionField& each : kAll) {
    if (each.name == name) return &each;
  }
  return nullptr;
}

Expected<RowKeys> RowKeys::of(const std::vector<std::string>& dimensions, LocalDays& days, Pools& pools,
                              FieldSet& wanted) {
  RowKeys keys(days, pools);
  for (const std::string& name : dimensions) {
    const DimensionField* dimension = find(name);
    if (!dimension) return failure(fmt::format("'{}' is not a dimension", printable(name, 64)));
    for (const Level& level : keys.levels_) {
      if (level.dimension.name == name) return failure(fmt::format("the dimension {} is given twice", name));
    }
    wanted.set(static_cast<std::size_t>(dimension->field));
    keys.levels_.emplace_back().dimension = *dimension;
  }
  return keys;
}

std::uint64_t RowKeys::value_at(const DimensionField& dimension, const Batch& batch, std::size_t row) {
  const std::uint64_t value = batch.at(dimension.field, row);
  switch (dimension.value) {
    case Value::kText:
      return value == kNull ? no_text_ : value;
    case Value::kNetwork:
      return value == kNull ? 0 : value;
    case Value::kDay:
    case Value::kWeek:
    case Value::kMonth: {
      const auto seen = static_cast<Timestamp>(value);
      if (dimension.value == Value::kMonth) return static_cast<std::uint64_t>(days_->month_at(seen));
      const std::int64_t day = days_->day_of(seen);
      if (dimension.value == Value::kDay) return static_cast<std::uint64_t>(day);
      const std::int64_t of_week = ((day + 3) % 7 + 7) % 7;  // 0 on Mondays: 1970-01-01 was a Thursday
      return static_cast<std::uint64_t>(day - of_week);
    }
    default:
      return value;
  }
}

void RowKeys::number(const Batch& batch, const Selection& rows, std::vector<std::uint32_t>& keys) {
  keys.assign(rows.size(), 0);
  for (Level& level : levels_) {
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const std::pair<std::uint32_t, std::uint64_t> combination{keys[i], value_at(level.dimension, batch, rows[i])};
      if (level.last_number == FlatMap<Hash128>::kNone || combination != level.last) {
        const auto [number, is_new] = level.numbers.insert(Hash128{combination.first, combination.second},
                                                           static_cast<std::uint32_t>(level.combinations.size()));
        if (is_new) level.combinations.push_back(combination);
        level.last = combination;
        level.last_number = number;
      }
      keys[i] = level.last_number;
    }
  }
}

std::vector<std::uint64_t> RowKeys::values_of(std::uint32_t key) const {
  std::vector<std::uint64_t> values(levels_.size());
  for (std::size_t i = levels_.size(); i-- > 0;) {
    const auto& [before, value] = levels_[i].combinations[key];
    values[i] = value;
    key = before;
  }
  return values;
}

bool RowKeys::is_unknown(Value kind, std::uint64_t value) const {
  return kind == Value::kText ? value == no_text_ : kind == Value::kNetwork ? value == 0 : value == kNull;
}

std::string RowKeys::code_of(Value kind, std::uint64_t value) const {
  const auto number = static_cast<std::int64_t>(value);
  if (is_unknown(kind, value)) return "";
  switch (kind) {
    case Value::kText:
      return pools_->texts.text(value);
    case Value::kNetwork:
      return fmt::format("AS{}", value);
    case Value::kPort:
      return std::to_string(value);
    case Value::kAddress:
      return address_text(pools_->addresses.address(value));
    case Value::kConfidence:
      return value >= 1 && value <= 3 ? std::string(tocsin::name_of(static_cast<Confidence>(value))) : "";
    case Value::kDay:
    case Value::kWeek:
      return format_day(number * kDay);
    case Value::kMonth:
      return format_day(LocalDays::first_day_of(number) * kDay).substr(0, 7);
  }
  return "";
}

std::vector<std::string> RowKeys::codes(std::uint32_t key) const {
  const auto values = values_of(key);
  std::vector<std::string> codes;
  for (std::size_t i = 0; i < levels_.size(); ++i) codes.push_back(code_of(levels_[i].dimension.value, values[i]));
  return codes;
}

// Names by their bytes, numbers and days by size, addresses by number; what is not known stands last.
bool RowKeys::is_before(std::uint32_t a, std::uint32_t b) const {
  const auto of_a = values_of(a);
  const auto of_b = values_of(b);
  for (std::size_t i = 0; i < levels_.size(); ++i) {
    if (of_a[i] == of_b[i]) continue;
    const Value kind = levels_[i].dimension.value;
    if (is_unknown(kind, of_a[i]) || is_unknown(kind, of_b[i])) return is_unknown(kind, of_b[i]);
    switch (kind) {
      case Value::kText:
        return pools_->texts.text(of_a[i]) < pools_->texts.text(of_b[i]);
      case Value::kAddress:
        return pools_->addresses.address(of_a[i]) < pools_->addresses.address(of_b[i]);
      default:
        return static_cast<std::int64_t>(of_a[i]) < static_cast<std::int64_t>(of_b[i]);
    }
  }
  return false;
}

}  // namespace tocsin::figures
