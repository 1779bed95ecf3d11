// A scenario: a nation whose attacks are known because they are made up. scenarios/*.toml explain the keys.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/country_code.h"
#include "base/expected.h"
#include "base/ip_address.h"
#include "base/time.h"
#include "collect/judgement.h"

namespace tocsin::simulate {

// So many actors of one country, and how much they do: targets they reach (botnet-control, backdoor, intrusion), sites
// they serve (phishing), attempts they make (web-attack, exploit).
struct Origin {
  CountryCode country;
  std::uint64_t actors = 0;
  std::uint64_t amount = 0;
};

// One kind of attack over one period.
struct Population {
  Kind kind = Kind::kBotnetControl;
  Period period;
  std::uint64_t targets = 0;  // different hosts or sites harmed
  std::vector<Origin> origins;
  Origin domestic;
  std::vector<std::string> sectors;   // of the sites, in turn
  std::vector<std::string> families;  // in turn; of exploits: CVEs
  std::string group;
  double by_alert = 0;          // part of the actors that only another sensor's alerts tell of
  std::uint64_t by_rhythm = 0;  // actors that nothing but their rhythm tells of
};

struct Scenario {
  std::string name;
  std::string zone = "UTC";
  std::uint64_t seed = 1;
  std::string constituency;
  std::vector<CountryCode> countries;
  std::vector<Prefix> prefixes;
  std::vector<std::string> provinces;  // ISO 3166-2
  double benign_flows = 10;            // to one that matters
  double benign_requests = 2;          // to one that matters
  std::vector<Population> populations;
  std::vector<Period> truths;  // periods for which the truth is written
};

// scale: of every count; what is not nought stays one at least. Errors name file and line.
Expected<Scenario> load_scenario(const std::string& path, double scale);

}  // namespace tocsin::simulate
