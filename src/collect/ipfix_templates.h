// Templates of IPFIX and NetFlow version 9, compiled once into what a record costs: one load, shift and mask a field.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "collect/ipfix_elements.h"
#include "collect/ipfix_sets.h"

namespace tocsin::collect {

// One field of a template as it was declared.
struct FieldSpec {
  std::uint32_t enterprise = 0;
  std::uint16_t id = 0;
  std::uint16_t length = 0;  // kVariableLength: told by each record
  bool scope = false;        // NetFlow's scopes have numbers of their own
};

// What is taken of a record: numbers by target, and where the addresses are. Targets that a template does not have stay
// as they are.
struct DecodedRecord {
  std::array<std::uint64_t, kNumbers> numbers{};
  std::array<const std::byte*, 4> addresses{};  // source and destination, IPv4 and IPv6; nullptr if there are none

  std::uint64_t operator[](Target target) const { return numbers[static_cast<std::size_t>(target)]; }
};

class IpfixTemplate {
 public:
  // nullopt if a record of it would have no bytes.
  static std::optional<IpfixTemplate> compile(std::vector<FieldSpec> fields, bool options);

  bool is_options() const { return options_; }
  bool is_variable() const { return variable_; }
  // Bytes of a record, at least if it is variable.
  std::size_t record_length() const { return record_length_; }
  const std::vector<FieldSpec>& fields() const { return fields_; }
  bool has(Target target) const { return (targets_ >> static_cast<unsigned>(target) & 1) != 0; }
  bool has_addresses() const {
    return (has(Target::kSource4) && has(Target::kDestination4)) ||
           (has(Target::kSource6) && has(Target::kDestination6));
  }
  // Whether it counts both directions.
  bool is_two_sided() const { return has(Target::kReverseBytes) || has(Target::kReversePackets); }
  // Whether the exporter says by it who began: initiatorOctets and the like.
  bool tells_initiator() const { return tells_initiator_; }
  Clock clock(Target target) const { return clocks_[static_cast<std::size_t>(target)]; }

  // The record at the beginning of `bytes`: how many bytes it has, 0 if it goes beyond them.
  std::size_t decode(std::span<const std::byte> bytes, DecodedRecord& record) const {
    if (variable_) return decode_variable(bytes, record);
    if (bytes.size() < record_length_) return 0;
    decode_fixed(bytes.data(), record);
    return record_length_;
  }
  void decode_fixed(const std::byte* bytes, DecodedRecord& record) const;
  // The bytes of each field of a record; false if it goes beyond `bytes`.
  bool split(std::span<const std::byte> bytes, std::vector<std::span<const std::byte>>& values,
             std::size_t& used) const;

 private:
  // Eight bytes are loaded that hold the number and lie within the record; the record has at least as many.
  struct Load {
    std::uint16_t at = 0;
    std::uint8_t shift = 0;
    Target target = Target::kNone;
    std::uint64_t mask = 0;
  };
  struct Chosen {
    std::uint16_t field = 0;
    Target target = Target::kNone;
  };
  // One field of a record that is walked, if it is taken or of variable length; the others are bytes to pass.
  struct Step {
    std::uint32_t pass = 0;
    std::uint16_t length = 0;
    Target target = Target::kNone;
  };
  std::vector<Chosen> choose();
  void compile_loads(const std::vector<Chosen>& chosen);
  void compile_steps(const std::vector<Chosen>& chosen);
  std::size_t decode_variable(std::span<const std::byte> bytes, DecodedRecord& record) const;

  std::vector<FieldSpec> fields_;
  std::vector<Load> loads_;
  std::array<std::int32_t, 4> address_at_{-1, -1, -1, -1};
  std::vector<Step> steps_;
  std::uint32_t pass_at_end_ = 0;
  std::array<Clock, kNumbers> clocks_{};
  std::size_t record_length_ = 0;
  std::uint32_t targets_ = 0;
  bool variable_ = false;
  bool options_ = false;
  bool tells_initiator_ = false;
};

// The templates of a source, by observation domain. Bounded: what goes beyond is refused and counted.
class IpfixTemplates {
 public:
  // Takes a set of templates, of either sort. Bad ones are counted.
  void take(const IpfixSet& set, Skips& skips);
  const IpfixTemplate* find(const IpfixSet& set);

 private:
  struct Stored {
    std::string declared;  // the bytes that declared it: exporters repeat themselves
    IpfixTemplate compiled;
  };
  void store(std::uint64_t key, std::span<const std::byte> declared, std::vector<FieldSpec> fields, bool options,
             std::string_view where, Skips& skips);
  void withdraw(const IpfixSet& set, std::uint16_t id);
  using Map = std::map<std::uint64_t, Stored>;  // by version, domain and number
  Map::iterator erase(Map& templates, Map::iterator stored);
  // Whatever has that number: a number stands for one template, of either sort.
  void erase(std::uint64_t key);

  // Options templates are apart, so that withdrawing all of one sort passes over none of the other.
  Map data_, options_;
  std::size_t fields_ = 0;
  std::uint64_t last_key_ = 0;
  const IpfixTemplate* last_ = nullptr;
};

}  // namespace tocsin::collect
