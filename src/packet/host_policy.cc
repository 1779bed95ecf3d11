#include "packet/host_policy.h"

#include <algorithm>
#include <string>

namespace tocsin::packet {
namespace {

constexpr std::pair<std::string_view, HostSystem> kSystems[] = {
    {"bsd", HostSystem::kBsd},
    {"bsd-right", HostSystem::kBsdRight},
    {"old-linux", HostSystem::kOldLinux},
    {"linux", HostSystem::kLinux},
    {"old-solaris", HostSystem::kOldSolaris},
    {"solaris", HostSystem::kSolaris},
    {"hpux10", HostSystem::kHpux10},
    {"hpux11", HostSystem::kHpux11},
    {"irix", HostSystem::kIrix},
    {"macos", HostSystem::kMacos},
    {"windows", HostSystem::kWindows},
    {"vista", HostSystem::kVista},
    {"windows2k3", HostSystem::kWindows2003},
    {"first", HostSystem::kFirst},
    {"last", HostSystem::kLast},
};

}  // namespace

HostPolicy::HostPolicy(const Options& options) {
  constexpr std::string_view kStart = "host-os-policy.";
  const auto& all = options.all();
  for (auto at = all.lower_bound(kStart); at != all.end() && at->first.starts_with(kStart); ++at) {
    std::string_view name = std::string_view(at->first).substr(kStart.size());
    name = name.substr(0, name.find('.'));
    const auto system =
        std::find_if(std::begin(kSystems), std::end(kSystems), [&](auto& s) { return s.first == name; });
    if (system == std::end(kSystems)) continue;
    // A list may have come as one text: "[10.0.0.0/8, 192.168.1.100]".
    std::string_view list = at->second;
    while (!list.empty()) {
      const std::size_t start = list.find_first_not_of("[], \t\"'");
      if (start == list.npos) break;
      list.remove_prefix(start);
      const std::string_view item = list.substr(0, list.find_first_of("], \t\"'"));
      list.remove_prefix(item.size());
      if (const auto prefix = Prefix::parse(item)) networks_.emplace_back(*prefix, system->second);
    }
  }
  std::stable_sort(networks_.begin(), networks_.end(),
                   [](const auto& a, const auto& b) { return a.first.length() > b.first.length(); });
}

HostSystem HostPolicy::of(const IpAddress& host) const {
  for (const auto& [network, system] : networks_) {
    if (network.contains(host)) return system;
  }
  return HostSystem::kBsd;
}

}  // namespace tocsin::packet
