// What really happened, and what every figure of it must be: counted here from what was planted, by other code than the
// catalogue's, and written apart from the sources. Nothing but tests reads it.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/country_code.h"
#include "base/time.h"
#include "collect/judgement.h"
#include "simulate/scenario.h"

namespace tocsin::simulate {

// One thing done by one actor to one target, `count` times. Keys tell actors and targets apart within their sort.
struct Deed {
  Timestamp time = 0;
  std::uint64_t actor = 0;  // 0: not known
  std::uint64_t target = 0;
  std::uint32_t count = 1;
  Kind kind = Kind::kBotnetControl;
  bool from_inside = false;
  CountryCode country{};  // of the actor; none if inside by a prefix alone
  CountryCode there{};    // the same by the other location database
  bool from_inside_there = false;
  bool to_inside = true;
  bool to_inside_there = true;
  bool by_relay = false;
  std::uint16_t sector = 0;  // indices of Truth::word
  std::uint16_t province = 0;
  std::uint16_t detail = 0;  // CVE or group
};

class Truth {
 public:
  explicit Truth(const Scenario& scenario) : scenario_(scenario) { word(""); }
  // The index of a sector, province, CVE or group.
  std::uint16_t word(const std::string& text);
  void add(const Deed& deed) { deeds_.push_back(deed); }
  std::size_t size() const { return deeds_.size(); }
  // JSON: {"zone", "figures": [{"figure", "from", "to", "by", "measure", "value", "rows": {key: value}}],
  // "sensitivity": [{"figure", "from", "to", "with_other_location", "without_relays"}]}.
  std::string to_json() const;

 private:
  struct Counted;
  enum class View : std::uint8_t { kAsItWas, kElsewhere, kWithoutRelays };
  static const std::vector<Counted>& counted();
  std::vector<const Deed*> deeds_of(const Counted& figure, const Period& period, View view) const;
  const Scenario& scenario_;
  std::vector<Deed> deeds_;
  std::vector<std::string> words_;
  std::map<std::string, std::uint16_t> index_;
};

}  // namespace tocsin::simulate
