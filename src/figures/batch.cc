#include "figures/batch.h"

#include <fmt/format.h>

#include <cassert>

#include "base/time.h"

namespace tocsin::figures {
namespace {

struct FieldName {
  std::string_view name;
  ScanType type;
};
constexpr std::array<FieldName, kFields> kNames = {{
    {"kind", ScanType::kText},
    {"detector", ScanType::kText},
    {"rule", ScanType::kText},
    {"actor_ip", ScanType::kUuid},
    {"actor_port", ScanType::kShort},
    {"actor_name", ScanType::kText},
    {"actor_country", ScanType::kText},
    {"actor_asn", ScanType::kInteger},
    {"actor_inside", ScanType::kBoolean},
    {"target_ip", ScanType::kUuid},
    {"target_port", ScanType::kShort},
    {"target_name", ScanType::kText},
    {"target_country", ScanType::kText},
    {"target_asn", ScanType::kInteger},
    {"target_inside", ScanType::kBoolean},
    {"target_sector", ScanType::kText},
    {"target_organisation", ScanType::kText},
    {"target_province", ScanType::kText},
    {"first_seen", ScanType::kTime},
    {"last_seen", ScanType::kTime},
    {"count", ScanType::kLong},
    {"confidence", ScanType::kByte},
    {"cve", ScanType::kText},
    {"family", ScanType::kText},
    {"group", ScanType::kText},
    {"source", ScanType::kText},
    {"tlp", ScanType::kText},
}};

// Rows; a table that is larger than the caches answers that much later.
constexpr std::size_t kAhead = 16;

template <typename T>
void read_numbers(const ScanChunk& chunk, std::size_t column, std::vector<std::uint64_t>& into) {
  for (std::size_t row = 0; row < chunk.rows(); ++row) {
    into[row] = chunk.is_null(column, row) ? kNull : static_cast<std::uint64_t>(chunk.value<T>(column, row));
  }
}

}  // namespace

std::string_view name_of(Field field) { return kNames[static_cast<std::size_t>(field)].name; }
ScanType type_of(Field field) { return kNames[static_cast<std::size_t>(field)].type; }

Field field_of(std::string_view column) {
  for (std::size_t i = 0; i < kFields; ++i) {
    if (kNames[i].name == column) return static_cast<Field>(i);
  }
  assert(false);
  return Field::kKind;
}

std::uint32_t TextPool::number_of(std::string_view text) {
  // Should two texts ever have one hash, the second is looked for under the hash of its hash.
  for (Hash128 hash = hash128(text);;) {
    const auto [number, is_new] = numbers_.insert(hash, static_cast<std::uint32_t>(texts_.size()));
    if (is_new) texts_.emplace_back(text);
    if (texts_[number] == text) return number;
    hash = hash128(std::string_view(reinterpret_cast<const char*>(&hash), sizeof hash));
  }
}

std::string address_text(const Hash128& address) {
  std::array<std::uint8_t, 16> bytes;
  for (std::size_t i = 0; i < 8; ++i) {
    bytes[i] = static_cast<std::uint8_t>(address.high >> (56 - 8 * i));
    bytes[i + 8] = static_cast<std::uint8_t>(address.low >> (56 - 8 * i));
  }
  return IpAddress(bytes).text();
}

BatchReader::BatchReader(const FieldSet& wanted, Pools& pools) : pools_(pools), no_text_(pools.texts.number_of("")) {
  for (std::size_t i = 0; i < kFields; ++i) {
    if (wanted[i]) fields_.push_back(static_cast<Field>(i));
  }
}

std::string BatchReader::select_list() const {
  std::string list;
  for (const Field field : fields_) list += fmt::format("{}\"{}\"", list.empty() ? "" : ", ", name_of(field));
  return list;
}

std::vector<ScanType> BatchReader::types() const {
  std::vector<ScanType> types;
  for (const Field field : fields_) types.push_back(type_of(field));
  return types;
}

const Batch& BatchReader::read(const ScanChunk& chunk) {
  batch_.rows = chunk.rows();
  for (std::size_t column = 0; column < fields_.size(); ++column) {
    auto& into = batch_.columns[static_cast<std::size_t>(fields_[column])];
    into.resize(chunk.rows());
    switch (type_of(fields_[column])) {
      case ScanType::kText:
        read_text(chunk, column, into);
        break;
      case ScanType::kUuid:
        read_address(chunk, column, into);
        break;
      case ScanType::kBoolean:
        read_numbers<bool>(chunk, column, into);
        break;
      case ScanType::kByte:
        read_numbers<std::uint8_t>(chunk, column, into);
        break;
      case ScanType::kShort:
        read_numbers<std::uint16_t>(chunk, column, into);
        break;
      case ScanType::kInteger:
        read_numbers<std::uint32_t>(chunk, column, into);
        break;
      case ScanType::kLong:
        read_numbers<std::uint64_t>(chunk, column, into);
        break;
      case ScanType::kTime:
        read_numbers<std::int64_t>(chunk, column, into);
        break;
    }
  }
  return batch_;
}

// Rows lie sorted, and a text is mostly the one of the row before.
void BatchReader::read_text(const ScanChunk& chunk, std::size_t column, std::vector<std::uint64_t>& into) {
  std::string_view last;
  std::uint64_t number = no_text_;
  for (std::size_t row = 0; row < chunk.rows(); ++row) {
    if (chunk.is_null(column, row)) {
      into[row] = kNull;
      continue;
    }
    const std::string_view text = chunk.text(column, row);
    if (text != last) {
      last = text;
      number = pools_.texts.number_of(text);
    }
    into[row] = number;
  }
}

void BatchReader::read_address(const ScanChunk& chunk, std::size_t column, std::vector<std::uint64_t>& into) {
  Hash128 last{};
  std::uint64_t number = kNull;
  for (std::size_t row = 0; row < chunk.rows(); ++row) {
    if (row + kAhead < chunk.rows()) pools_.addresses.prefetch(chunk.uuid(column, row + kAhead));
    if (chunk.is_null(column, row)) {
      into[row] = kNull;
      continue;
    }
    const Hash128 address = chunk.uuid(column, row);
    if (number == kNull || address != last) {
      last = address;
      number = pools_.addresses.number_of(address);
    }
    into[row] = number;
  }
}

// Numbers of texts and addresses have 31 bits at most, so a bit is left to tell a name from an address; 0 is neither.
std::uint32_t BatchReader::text_at(Field field, std::size_t row) const {
  const std::uint64_t number = batch_.at(field, row);
  return number == kNull || number == no_text_ ? 0 : 1U << 31 | static_cast<std::uint32_t>(number);
}

std::uint32_t BatchReader::address_at(Field field, std::size_t row) const {
  const std::uint64_t number = batch_.at(field, row);
  return number == kNull ? 0 : static_cast<std::uint32_t>(number) + 1;
}

std::uint32_t BatchReader::hour_at(std::size_t row) const {
  const auto seen = static_cast<Timestamp>(batch_.at(Field::kFirstSeen, row));
  return static_cast<std::uint32_t>(floor_to(seen, kHour) / kHour);
}

std::uint32_t BatchReader::pair_of(std::uint32_t a, std::uint32_t b) {
  const auto next = static_cast<std::uint32_t>(pools_.pairs.size());
  return pools_.pairs.insert(static_cast<std::uint64_t>(a) << 32 | b, next).first;
}

// One detector that judged one kind of thing of one actor and one target, address and name of both, in one hour.
void BatchReader::number_sightings(const Selection& rows) {
  // Most have no name: their address alone is their number, those of pairs have the highest bit.
  const auto end_of = [&](Field ip, Field name, std::size_t row) {
    const std::uint32_t address = address_at(ip, row), text = text_at(name, row);
    return text == 0 ? address : 1U << 31 | pair_of(address, text);
  };
  std::uint64_t last_judged = kNull;
  std::uint32_t judged = 0;
  names_.clear();
  for (const std::uint32_t row : rows) {
    const std::uint32_t actor = end_of(Field::kActorIp, Field::kActorName, row);
    const std::uint32_t target = end_of(Field::kTargetIp, Field::kTargetName, row);
    const std::uint32_t kind = text_at(Field::kKind, row), detector = text_at(Field::kDetector, row);
    const std::uint64_t both = static_cast<std::uint64_t>(kind) << 32 | detector;
    if (both != last_judged) judged = pair_of(kind, detector);
    last_judged = both;
    names_.push_back(
        {static_cast<std::uint64_t>(actor) << 32 | target, static_cast<std::uint64_t>(hour_at(row)) << 32 | judged});
  }
  number(rows, pools_.sightings, batch_.sighting);
}

// One actor (its address, else its name) doing one kind of thing to one target (its name, else its address) in one
// hour.
void BatchReader::number_events(const Selection& rows) {
  names_.clear();
  for (const std::uint32_t row : rows) {
    std::uint32_t actor = address_at(Field::kActorIp, row);
    if (actor == 0) actor = text_at(Field::kActorName, row);
    std::uint32_t target = text_at(Field::kTargetName, row);
    if (target == 0) target = address_at(Field::kTargetIp, row);
    names_.push_back({static_cast<std::uint64_t>(actor) << 32 | target,
                      static_cast<std::uint64_t>(hour_at(row)) << 32 | (batch_.at(Field::kKind, row) & 0xffff'ffff)});
  }
  number(rows, pools_.events, batch_.event);
}

// Rows lie sorted, and several of one sighting mostly follow each other.
void BatchReader::number(const Selection& rows, FlatMap<Hash128>& numbers, std::vector<std::uint32_t>& into) const {
  into.resize(batch_.rows);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (i + kAhead < rows.size()) numbers.prefetch(names_[i + kAhead]);
    into[rows[i]] = i > 0 && names_[i] == names_[i - 1]
                        ? into[rows[i - 1]]
                        : numbers.insert(names_[i], static_cast<std::uint32_t>(numbers.size())).first;
  }
}

}  // namespace tocsin::figures
