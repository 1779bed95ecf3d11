// Rows of sightings in columns of numbers, as the second count reads them.
#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip_address.h"
#include "figures/flat_map.h"
#include "store/scan.h"

namespace tocsin::figures {

enum class Field : std::uint8_t {
  kKind,
  kDetector,
  kRule,
  kActorIp,
  kActorPort,
  kActorName,
  kActorCountry,
  kActorAsn,
  kActorInside,
  kTargetIp,
  kTargetPort,
  kTargetName,
  kTargetCountry,
  kTargetAsn,
  kTargetInside,
  kTargetSector,
  kTargetOrganisation,
  kTargetProvince,
  kFirstSeen,
  kLastSeen,
  kCount,
  kConfidence,
  kCve,
  kFamily,
  kGroup,
  kSource,
  kTlp,
};
inline constexpr std::size_t kFields = 27;
using FieldSet = std::bitset<kFields>;

std::string_view name_of(Field field);
ScanType type_of(Field field);
// The field with a column's name, which must be one of a segment.
Field field_of(std::string_view column);

// No value of any field: integers do not reach it, and of the 64 bits of a time it is the least.
inline constexpr std::uint64_t kNull = 1ULL << 63;

// Texts by number, each once.
class TextPool {
 public:
  std::uint32_t number_of(std::string_view text);
  const std::string& text(std::uint64_t number) const { return texts_[number]; }

 private:
  FlatMap<Hash128> numbers_;
  std::deque<std::string> texts_;
};

// Addresses by number, each once. Those of IPv4 have a table of their own, a third as large.
class AddressPool {
 public:
  std::uint32_t number_of(const Hash128& address) {
    const auto next = static_cast<std::uint32_t>(addresses_.size());
    const auto [number, is_new] =
        is_ipv4(address) ? ipv4_.insert(static_cast<std::uint32_t>(address.low), next) : others_.insert(address, next);
    if (is_new) addresses_.push_back(address);
    return number;
  }
  std::uint32_t number_of(const IpAddress& address) { return number_of(Hash128{address.high(), address.low()}); }
  void prefetch(const Hash128& address) const {
    if (is_ipv4(address)) {
      ipv4_.prefetch(static_cast<std::uint32_t>(address.low));
    } else {
      others_.prefetch(address);
    }
  }
  const Hash128& address(std::uint64_t number) const { return addresses_[number]; }

 private:
  static bool is_ipv4(const Hash128& address) { return address.high == 0 && address.low >> 32 == 0xffff; }

  FlatMap<std::uint32_t> ipv4_;
  FlatMap<Hash128> others_;
  std::vector<Hash128> addresses_;
};

std::string address_text(const Hash128& address);

// What a batch's numbers stand for, and what makes them.
struct Pools {
  TextPool texts;
  AddressPool addresses;
  FlatMap<std::uint64_t> pairs;  // of an address and a name, or of a kind and a detector; of the day
  FlatMap<Hash128> sightings;    // of the day
  FlatMap<Hash128> events;       // of the day
  // Sightings and events hold their hour, so that none goes on over midnight (UTC): what one day had, the next forgets.
  void end_day() {
    pairs.clear();
    sightings.clear();
    events.clear();
  }
};

using Selection = std::vector<std::uint32_t>;  // numbers of rows in a batch, ascending

// A field is a column of numbers: of a text its number in the pool, of an address too, else the value; kNull for NULL.
// `sighting` numbers, within the day, the sightings that rows are of, and `event` what attempts of several detectors
// are held to be the same; both only for the rows that were numbered.
struct Batch {
  std::size_t rows = 0;
  std::array<std::vector<std::uint64_t>, kFields> columns;
  std::vector<std::uint32_t> sighting, event;

  std::uint64_t at(Field field, std::size_t row) const { return columns[static_cast<std::size_t>(field)][row]; }
};

// Fills a batch from chunks of a scan whose columns are those of `wanted`, in the order of Field.
class BatchReader {
 public:
  BatchReader(const FieldSet& wanted, Pools& pools);
  std::string select_list() const;
  std::vector<ScanType> types() const;
  const Batch& read(const ScanChunk& chunk);
  // Of these rows of the batch that was read last.
  void number_sightings(const Selection& rows);
  void number_events(const Selection& rows);

 private:
  void read_text(const ScanChunk& chunk, std::size_t column, std::vector<std::uint64_t>& into);
  void read_address(const ScanChunk& chunk, std::size_t column, std::vector<std::uint64_t>& into);
  std::uint32_t text_at(Field field, std::size_t row) const;
  std::uint32_t address_at(Field field, std::size_t row) const;
  std::uint32_t hour_at(std::size_t row) const;
  std::uint32_t pair_of(std::uint32_t a, std::uint32_t b);
  void number(const Selection& rows, FlatMap<Hash128>& numbers, std::vector<std::uint32_t>& into) const;

  std::vector<Field> fields_;
  Pools& pools_;
  Batch batch_;
  std::vector<Hash128> names_;  // of sightings or events, of the rows that are numbered
  std::uint64_t no_text_;       // the number of ''
};

}  // namespace tocsin::figures
