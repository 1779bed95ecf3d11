#include "simulate/simulate.h"

#include <fmt/format.h>

#include "simulate/nation.h"

namespace tocsin::simulate {

Expected<Written> simulate(const Scenario& scenario, const Locator& locator, const std::string& directory,
                           bool with_capture, World::IsRelay is_relay,
                           const std::function<bool(double, std::uint64_t)>& stop) {
  if (scenario.populations.empty()) return failure("the scenario has no populations");
  World world(scenario, locator, scenario.populations.front().period.from, std::move(is_relay));
  Truth truth(scenario);
  Nation nation(scenario, world, truth, directory, with_capture);
  std::size_t done = 0;
  for (const Population& population : scenario.populations) {
    if (stop(static_cast<double>(done++) / static_cast<double>(scenario.populations.size()), nation.records())) {
      return failure("interrupted: what is written is not whole");
    }
    switch (population.kind) {
      case Kind::kBotnetControl: {
        const Families families = by_family(population, scenario.ipv6);
        nation.infect(families.v4);
        nation.infect(families.v6);
        break;
      }
      case Kind::kBackdoor:
        nation.plant_backdoors(population);
        break;
      case Kind::kPhishing:
        nation.phish(population);
        break;
      case Kind::kWebAttack:
        nation.attack_sites(population);
        break;
      case Kind::kIntrusion:
        nation.break_in(population);
        break;
      case Kind::kExploit:
        nation.exploit(population);
        break;
      default:
        return failure(fmt::format("populations of {} can't be made", name_of(population.kind)));
    }
  }
  const Written written{nation.records(), truth.size()};
  if (!nation.finish())
    return failure(fmt::format("{}: not everything could be written; is the disk full?", directory));
  return written;
}

}  // namespace tocsin::simulate
