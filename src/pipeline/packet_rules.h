// Rules in the language of Suricata on the packets of a run, as alerts like those of another sensor.
#pragma once

#include <deque>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/expected.h"
#include "collect/reader.h"
#include "locate/constituency.h"
#include "match/inspector.h"

namespace tocsin {

namespace engine {
class Engine;
}

// By the installation's databases, which are opened when the first address is asked for. Any thread may ask.
match::CountryOf countries_when_asked();

// One engine for all captures of a run, so that a flow goes on in the next file of a capture that was cut in pieces.
class PacketRules {
 public:
  // files: of rules, or directories with files *.rules. $HOME_NET is the constituency where it is made of prefixes
  // alone, else any address: which side is inside is judged later, by location. Rules that can't run are counted in
  // warnings, by file.
  static Expected<std::unique_ptr<PacketRules>> make(const std::vector<std::string>& files,
                                                     const ConstituencySpec& constituency, match::CountryOf country_of,
                                                     std::vector<std::string>& warnings);
  ~PacketRules();

  // Appends the alerts on these packets. Each has the place of its packet; one that comes when a flow ends that of the
  // packet before.
  void take(std::span<const Packet> packets, Batch& out);
  // Those of the flows that are still open.
  void finish(Batch& out);

 private:
  explicit PacketRules(std::unique_ptr<engine::Engine> engine);
  void give(Batch& out);

  std::unique_ptr<engine::Engine> engine_;
  std::string lines_;                   // of EVE, not yet read
  std::vector<std::uint64_t> numbers_;  // of the packet of each
  std::uint64_t taken_ = 0;             // packets
  std::deque<Place> places_;            // of the last of them
};

}  // namespace tocsin
