// Which flow the later fragments of an IP packet belong to: the ports of its first fragment. A fixed table of 4,096
// places; a newer packet takes the place of an older one, whose further fragments are then unclaimed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/time.h"
#include "dissect/decode.h"

namespace tocsin::dissect {

class FragmentTable {
 public:
  explicit FragmentTable(Timestamp age) : age_(age) {}
  void remember(const DecodedPacket& first, Timestamp time) {
    if (places_.empty()) places_.resize(kPlaces);
    places_[place_of(first)] = Entry{first.key, first.fragment_id, time};
  }
  // Fills in the ports of a later fragment; false if its first is not known.
  bool claim(DecodedPacket& later, Timestamp time) const {
    if (places_.empty()) return false;
    const Entry& entry = places_[place_of(later)];
    if (entry.id != later.fragment_id || entry.key.protocol != later.key.protocol ||
        entry.key.source != later.key.source || entry.key.destination != later.key.destination || time < entry.time ||
        time - entry.time > age_) {
      return false;
    }
    later.key = entry.key;
    return true;
  }
  void clear() { places_.clear(); }

 private:
  static constexpr std::size_t kPlaces = 4096;
  struct Entry {
    PacketKey key;
    std::uint32_t id = 0;
    Timestamp time = 0;
  };
  static std::size_t place_of(const DecodedPacket& packet) {
    const std::uint64_t mixed = (packet.key.source.low() * 0x9e3779b97f4a7c15ULL + packet.key.destination.low()) ^
                                packet.fragment_id * 0xff51afd7ed558ccdULL;
    return (mixed * 0x9e3779b97f4a7c15ULL >> 40) % kPlaces;
  }
  Timestamp age_;
  std::vector<Entry> places_;
};

}  // namespace tocsin::dissect
