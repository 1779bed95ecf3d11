// tocsin.toml: whom a store is for, and what it judges by. default_settings() is its documentation.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/country_code.h"
#include "base/expected.h"
#include "collect/indicator.h"
#include "locate/constituency.h"

namespace tocsin {

struct Settings {
  ConstituencySpec constituency;
  std::vector<std::pair<std::string, IndicatorDefaults>> indicators;  // absolute paths
  std::vector<std::string> brands;    // files of protected brands, absolute; beside the installation's
  std::vector<std::string> baseline;  // web archives of pages known to be clean, absolute
  std::vector<std::string> relays;    // lists of relays, absolute; beside the installation's
  std::vector<std::string> rules;     // files of rules in the language of Suricata, absolute, for packets
  std::vector<std::string> files;     // every file that the settings name, and the settings: no sources
  std::string zone = "UTC";
  std::string location_directory;  // empty: the installation's
};

// Errors name file, line and what was expected; unknown keys are errors.
Expected<Settings> load_settings(const std::string& path);

// The networks of a file like constituencies/relays.toml.
struct RelayNetworks {
  std::vector<std::uint32_t> as_numbers;
  std::vector<Prefix> prefixes;
};
Expected<RelayNetworks> load_relay_networks(const std::string& path);

// The commented text of a new tocsin.toml. name: of the constituency.
std::string default_settings(CountryCode country, const std::string& name);

}  // namespace tocsin
