// Which system a host is, for overlaps: Suricata's host-os-policy, lists of networks by system, the narrowest wins.
#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "base/ip_address.h"
#include "base/options.h"

namespace tocsin::packet {

enum class HostSystem : std::uint8_t {
  kBsd,
  kBsdRight,
  kOldLinux,
  kLinux,
  kOldSolaris,
  kSolaris,
  kHpux10,
  kHpux11,
  kIrix,
  kMacos,
  kWindows,
  kVista,
  kWindows2003,
  kFirst,
  kLast
};

class HostPolicy {
 public:
  explicit HostPolicy(const Options& options);
  // Of hosts that no list names: kBsd.
  HostSystem of(const IpAddress& host) const;

 private:
  std::vector<std::pair<Prefix, HostSystem>> networks_;  // the longest first
};

}  // namespace tocsin::packet
