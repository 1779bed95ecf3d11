#include "simulate/truth.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>

namespace tocsin::simulate {
namespace {

using Rows = std::map<std::string, double>;
enum class Measure : std::uint8_t { kActors, kTargets, kAttempts };

double count_of(const std::vector<const Deed*>& deeds, Measure measure) {
  if (measure == Measure::kAttempts) {
    double sum = 0;
    for (const Deed* deed : deeds) sum += deed->count;
    return sum;
  }
  std::vector<std::uint64_t> keys;
  for (const Deed* deed : deeds) keys.push_back(measure == Measure::kActors ? deed->actor : deed->target);
  std::ranges::sort(keys);
  const auto repeated = std::ranges::unique(keys);
  return static_cast<double>(repeated.begin() - keys.begin()) - (!keys.empty() && keys.front() == 0 ? 1 : 0);
}

// The starts of calendar months in a zone, with their names.
std::map<Timestamp, std::string> months_between(Timestamp from, Timestamp to, const std::string& zone) {
  std::map<Timestamp, std::string> starts;
  const std::string first = format_day(from - 2 * kDay);
  for (int month = std::stoi(first.substr(0, 4)) * 12 + std::stoi(first.substr(5, 2)) - 1;; ++month) {
    const std::string name = fmt::format("{:04}-{:02}", month / 12, month % 12 + 1);
    const auto start = parse_time(name + "-01", zone);
    if (!start || *start > to) return starts;
    starts[*start] = name;
  }
}

}  // namespace

// What a figure counts, in the words of its definition.
struct Truth::Counted {
  const char* figure;
  std::vector<Kind> kinds;
  Measure measure;
  int actor;  // 1: overseas, -1: domestic, 0: anybody
  std::vector<const char*> by;
  bool of_groups = false;
  std::string_view sector = {};  // and those below it
  bool to_constituency = true;   // only of targets inside
};

const std::vector<Truth::Counted>& Truth::counted() {
  using enum Kind;
  using enum Measure;
  static const std::vector<Counted> all{
      {"botnet.overseas-servers", {kBotnetControl}, kActors, 1, {"actor-country", "month"}},
      {"botnet.controlled-hosts", {kBotnetControl}, kTargets, 1, {"actor-country", "target-province", "month"}},
      {"botnet.domestic-servers", {kBotnetControl}, kActors, -1, {}, false, {}, false},
      {"botnet.infected-hosts", {kBotnetControl}, kTargets, 0, {"target-province"}},
      {"backdoor.overseas-hosts", {kBackdoor}, kActors, 1, {"actor-country"}},
      {"backdoor.sites", {kBackdoor}, kTargets, 1, {"actor-country", "target-sector"}},
      {"backdoor.all-sites", {kBackdoor}, kTargets, 0, {"target-sector"}},
      {"backdoor.government-sites", {kBackdoor}, kTargets, 0, {}, false, "government"},
      {"defacement.sites", {kDefacement}, kTargets, 0, {"target-sector"}},
      {"defacement.government-sites", {kDefacement}, kTargets, 0, {}, false, "government"},
      {"web-attack.by-sector", {kWebAttack}, kAttempts, 0, {"target-sector"}},
      {"phishing.sites", {kPhishing}, kActors, 0, {"actor-country"}},
      {"web-attack.overseas-attempts", {kWebAttack}, kAttempts, 1, {"actor-country", "target-sector", "month"}},
      {"web-attack.overseas-hosts", {kWebAttack}, kActors, 1, {"actor-country"}},
      {"intrusion.sites", {kIntrusion, kDefacement}, kTargets, 0, {"actor-country", "target-sector"}},
      {"exploit.attempts", {kExploit}, kAttempts, 0, {"actor-country", "cve"}},
      {"group.targets", {kBotnetControl}, kTargets, 0, {"group"}, true},
      {"group.actors", {kBotnetControl}, kActors, 0, {"group"}, true, {}, false},
  };
  return all;
}

std::uint16_t Truth::word(const std::string& text) {
  const auto [at, fresh] = index_.try_emplace(text, static_cast<std::uint16_t>(words_.size()));
  if (fresh) words_.push_back(text);
  return at->second;
}

std::vector<const Deed*> Truth::deeds_of(const Counted& figure, const Period& period, View view) const {
  std::vector<const Deed*> deeds;
  for (const Deed& deed : deeds_) {
    if (!period.contains(deed.time) || std::ranges::find(figure.kinds, deed.kind) == figure.kinds.end()) continue;
    if (view == View::kWithoutRelays && deed.by_relay) continue;
    const bool moved = view == View::kElsewhere;
    const bool inside = moved ? deed.from_inside_there : deed.from_inside;
    if (figure.to_constituency && !(moved ? deed.to_inside_there : deed.to_inside)) continue;
    if (figure.actor > 0 && (inside || !(moved ? deed.there : deed.country).known())) continue;
    if (figure.actor < 0 && !inside) continue;
    if (figure.of_groups && deed.detail == 0) continue;
    if (const std::string& sector = words_[deed.sector];
        !figure.sector.empty() && sector != figure.sector && !sector.starts_with(std::string(figure.sector) + '/')) {
      continue;
    }
    deeds.push_back(&deed);
  }
  return deeds;
}

std::string Truth::to_json() const {
  nlohmann::json figures = nlohmann::json::array(), sensitivity = nlohmann::json::array();
  Timestamp earliest = 0, latest = 0;
  for (const Deed& deed : deeds_) {
    earliest = earliest == 0 ? deed.time : std::min(earliest, deed.time);
    latest = std::max(latest, deed.time);
  }
  for (const Period& period : scenario_.truths) {
    earliest = std::min(earliest, period.from);
    latest = std::max(latest, period.to);
  }
  const auto months = months_between(earliest, latest, scenario_.zone);
  const auto key_of = [&](const Deed& deed, const std::string& dimension) -> std::string {
    if (dimension == "actor-country") return std::string(deed.country.text());
    if (dimension == "target-sector") return words_[deed.sector];
    if (dimension == "target-province") return words_[deed.province];
    if (dimension == "month") return std::prev(months.upper_bound(deed.time))->second;
    return words_[deed.detail];
  };
  for (const Period& period : scenario_.truths) {
    for (const Counted& figure : counted()) {
      std::vector<const Deed*> deeds = deeds_of(figure, period, View::kAsItWas);
      const auto put = [&](const char* by, const char* measure, double value, const Rows& rows) {
        nlohmann::json entry{{"figure", figure.figure},      {"from", format_time(period.from)},
                             {"to", format_time(period.to)}, {"by", by},
                             {"measure", measure},           {"value", value}};
        entry["rows"] = rows;
        figures.push_back(std::move(entry));
      };
      const double total = count_of(deeds, figure.measure);
      if (figure.by.empty()) put("", "", total, {});
      for (const char* by : figure.by) {
        std::map<std::string, std::vector<const Deed*>> parts;
        for (const Deed* deed : deeds) parts[key_of(*deed, by)].push_back(deed);
        Rows rows;
        for (const auto& [key, part] : parts) {
          if (const double value = count_of(part, figure.measure); value > 0) rows[key] = value;
        }
        put(by, "", total, rows);
      }
      if (std::string_view(figure.figure) == "web-attack.overseas-attempts") {
        put("", "monthly-mean",
            total / static_cast<double>(std::distance(months.lower_bound(period.from), months.lower_bound(period.to))),
            {});
      }
      const auto under = [&](const char* id, const auto& value_of) {
        sensitivity.push_back({{"figure", id},
                               {"from", format_time(period.from)},
                               {"to", format_time(period.to)},
                               {"with_other_location", value_of(View::kElsewhere)},
                               {"without_relays", value_of(View::kWithoutRelays)}});
      };
      under(figure.figure, [&](View view) { return count_of(deeds_of(figure, period, view), figure.measure); });
      if (std::string_view(figure.figure) == "phishing.sites") {
        Counted abroad = figure;
        abroad.actor = 1;
        const auto share = [&](View view) {
          const double all = count_of(deeds_of(figure, period, view), figure.measure);
          return all > 0 ? 100 * count_of(deeds_of(abroad, period, view), figure.measure) / all : 0;
        };
        put("", "share", share(View::kAsItWas), {});
        under("phishing.overseas-share", share);
      }
    }
  }
  return nlohmann::json{{"zone", scenario_.zone}, {"figures", figures}, {"sensitivity", sensitivity}}.dump(1) + "\n";
}

}  // namespace tocsin::simulate
