#include "pipeline/packet_rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <mutex>
#include <utility>

#include "engine/engine.h"
#include "pipeline/installation.h"
#include "pipeline/sources.h"
#include "pipeline/watch.h"

namespace tocsin {
namespace {
namespace fs = std::filesystem;

// Alerts come some packets after theirs at most.
constexpr std::size_t kPlaces = 1 << 16;

Expected<std::vector<fs::path>> rule_files(const std::vector<std::string>& paths) {
  const auto files = walk(paths);
  if (!files) return std::unexpected(files.error());
  std::vector<fs::path> rules;
  for (const std::string& file : *files) {
    // Beside rules in a directory lie lists that they name.
    if (file.ends_with(".rules") || std::ranges::find(paths, file) != paths.end()) rules.emplace_back(file);
  }
  return rules;
}

std::string home_net(const ConstituencySpec& constituency) {
  if (!constituency.countries.empty() || !constituency.as_numbers.empty() || constituency.prefixes.empty())
    return "any";
  std::string list;
  for (const Prefix& prefix : constituency.prefixes) list += (list.empty() ? "[" : ",") + prefix.text();
  return list + "]";
}

Options options_for(const ConstituencySpec& constituency) {
  Options options;
  const Options defaults = engine::default_options();
  for (const auto& [name, value] : defaults.all()) {
    if (name.starts_with("vars.")) options.set(name, value);
  }
  const std::string home = home_net(constituency);
  options.set("vars.address-groups.HOME_NET", home);
  options.set("vars.address-groups.EXTERNAL_NET", home == "any" ? "any" : "!$HOME_NET");
  if (home == "any") options.set("vars.address-groups.AIM_SERVERS", "any");
  // Captures begin in the middle, and border taps see one side.
  options.set("stream.midstream", "yes");
  options.set("stream.async-oneside", "yes");
  options.set("outputs.0.eve-log.types.0.alert.enabled", "yes");
  return options;
}

// The packet that a line of EVE is of; 0: of none.
std::uint64_t packet_number(std::string_view line) {
  constexpr std::string_view kKey = "\"pcap_cnt\":";  // quotes within texts are escaped
  const std::size_t at = line.find(kKey);
  std::uint64_t number = 0;
  if (at != std::string_view::npos) std::from_chars(line.data() + at + kKey.size(), line.data() + line.size(), number);
  return number;
}

}  // namespace

match::CountryOf countries_when_asked() {
  struct Opened {
    std::once_flag once;
    std::unique_ptr<Locator> locator;
  };
  return [opened = std::make_shared<Opened>()](const IpAddress& ip, Timestamp time) -> std::string {
    std::call_once(opened->once, [&opened] {
      if (auto locator = open_locator(Settings{})) opened->locator = std::move(*locator);
    });
    return opened->locator ? std::string(opened->locator->locate(ip, time).country.text()) : std::string();
  };
}

Expected<std::unique_ptr<PacketRules>> PacketRules::make(const std::vector<std::string>& files,
                                                         const ConstituencySpec& constituency,
                                                         match::CountryOf country_of,
                                                         std::vector<std::string>& warnings) {
  engine::EngineSettings settings;
  auto rules = rule_files(files);
  if (!rules) return std::unexpected(rules.error());
  settings.rule_files = std::move(*rules);
  settings.options = options_for(constituency);
  settings.country_of = std::move(country_of);
  // Where a capture is taken on the host that sends, sums are filled in later, by its network card.
  settings.check_checksums = false;
  settings.workers = engine::usual_workers();
  settings.options.set("engine.cache-directory", (cache_directory() / "rules").string());
  settings.classification_file = share_directory() / "rules" / "classification.config";
  settings.reference_file = share_directory() / "rules" / "reference.config";
  auto engine = engine::Engine::make(std::move(settings));
  if (!engine) return std::unexpected(engine.error());
  if (const std::uint64_t refused = (*engine)->refused(); refused > 0) {
    const std::vector<std::string> faults = (*engine)->faults();
    warnings.push_back(fmt::format("{} rules can't run: tocsin rules check FILE says which and why; the first: {}",
                                   refused, faults.empty() ? "" : faults.front()));
  }
  return std::unique_ptr<PacketRules>(new PacketRules(std::move(*engine)));
}

PacketRules::PacketRules(std::unique_ptr<engine::Engine> engine) : engine_(std::move(engine)) {
  engine_->log = [this](std::string_view, std::string_view line) {
    lines_.append(line).push_back('\n');
    numbers_.push_back(packet_number(line));
  };
}
PacketRules::~PacketRules() = default;

void PacketRules::take(std::span<const Packet> packets, Batch& out) {
  for (const Packet& packet : packets) {
    places_.push_back(packet.place);
    if (places_.size() > kPlaces) places_.pop_front();
    engine_->take(packet.link_type, {reinterpret_cast<const std::uint8_t*>(packet.data.data()), packet.data.size()},
                  packet.time, ++taken_);
  }
  engine_->settle();  // so that each batch has its alerts, however fast workers are
  give(out);
}

// An alert of ours is read as one of Suricata is.
void PacketRules::give(Batch& out) {
  if (lines_.empty()) return;
  const auto input = InputStream::of_bytes(std::exchange(lines_, {}));
  const auto reader = make_observation_reader(Format::kEve, *input, 0);
  std::size_t read = out.alerts.size();
  while (reader->read(out)) {
  }
  for (; read < out.alerts.size(); ++read) {
    Alert& alert = out.alerts[read];
    alert.sensor = "tocsin";
    const std::uint64_t number = numbers_[alert.place.record - 1];
    const std::uint64_t before_last = number == 0 ? 0 : taken_ - number;
    alert.place = before_last < places_.size() ? places_[places_.size() - 1 - before_last] : places_.front();
  }
  numbers_.clear();
}

void PacketRules::finish(Batch& out) {
  engine_->finish();
  give(out);
}

}  // namespace tocsin
