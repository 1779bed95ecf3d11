// tocsin inspect with rules: captures through the packet engine.
#pragma once

#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace tocsin::cli {

struct RulesInspection {
  std::vector<std::string> rules, firewall_rules, settings;
  std::string configuration, output, checksums, cache, interface;
  std::uint16_t fanout = 0;  // 0: none
  unsigned workers = 0;      // 0: as many as the machine has cores
  bool is_inline = false, is_strict = false, tells_stages = false;

  void add_to(CLI::App& command);
  // Whether the packet engine is asked for.
  bool is_wanted() const {
    return !rules.empty() || !firewall_rules.empty() || !configuration.empty() || !output.empty() || !interface.empty();
  }
  // Gives the exit status. eve: a file for the events, "-" for standard output; empty: only those of --output.
  int run(const std::vector<std::string>& sources, const std::string& eve, bool json) const;
};

}  // namespace tocsin::cli
