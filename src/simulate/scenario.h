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
  double by_name = 0;           // part of the actors that are listed by a name, which several of them have
  std::uint64_t by_rhythm = 0;  // actors that nothing but their rhythm tells of
  bool v6 = false;              // all of its addresses

  std::uint64_t amount() const;   // of all origins
  std::uint64_t reached() const;  // targets: no more than the amounts add up to
};

// The two parts of a population whose actors and targets must be of one family: together they are the whole.
struct Families {
  Population v4, v6;
};
Families by_family(const Population& population, double part_v6);

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
  double ipv6 = 0;                     // part of the addresses
  double moved = 0;                    // part of the actors
  double tor = 0;                      // part of the actors that attack websites and honeypots
  double shared = 0;                   // part of the benign flows that go to few addresses
  std::uint64_t scanners = 0;          // of each population of botnets
  std::uint64_t keep_alive = 0;        // clients, of each population of botnets
  std::vector<Population> populations;
  std::vector<Period> truths;  // periods for which the truth is written
};

// scale: of every count; what is not nought stays one at least. Errors name file and line.
Expected<Scenario> load_scenario(const std::string& path, double scale);

}  // namespace tocsin::simulate
