#include "pipeline/relays.h"

#include <fmt/format.h>

#include <optional>

#include "base/text.h"
#include "collect/indicator.h"
#include "pipeline/settings.h"

namespace tocsin {
namespace {

// The network that an indicator names, if it names one.
std::optional<Prefix> network_of(const Indicator& indicator) {
  switch (indicator.type) {
    case IndicatorType::kAddress:
    case IndicatorType::kPrefix:
      return Prefix::parse(indicator.value);
    default:
      return std::nullopt;
  }
}

}  // namespace

void Relays::add(const Prefix& prefix) {
  prefixes_.insert(prefix);
  lengths_.set(static_cast<std::size_t>(prefix.length()));
}

bool Relays::has(const IpAddress& ip, const Location& location) const {
  if (location.anonymous_proxy || as_numbers_.contains(location.asn)) return true;
  for (std::size_t length = 0; length < lengths_.size(); ++length) {
    if (lengths_[length] && prefixes_.contains(Prefix(ip, static_cast<int>(length)))) return true;
  }
  return false;
}

Expected<Relays> load_relays(const std::string& path, const std::vector<std::string>& lists) {
  const auto networks = load_relay_networks(path);
  if (!networks) return std::unexpected(networks.error());
  Relays relays;
  for (const std::uint32_t number : networks->as_numbers) relays.add(number);
  for (const Prefix& prefix : networks->prefixes) relays.add(prefix);
  for (const std::string& list : lists) {
    std::optional<Error> wrong;
    const auto read = read_indicators(list, {}, [&](const Indicator& indicator) {
      if (const auto prefix = network_of(indicator)) {
        relays.add(*prefix);
      } else if (!wrong) {
        wrong = Error{fmt::format("{}:{}: '{}' is no address or network: a list of relays has one a line", list,
                                  indicator.line, printable(indicator.value, 64))};
      }
    });
    if (!read) return std::unexpected(read.error());
    if (wrong) return std::unexpected(*wrong);
    for (const IndicatorFileReport& file : *read) {
      if (file.skips.count() == 0) continue;
      const std::string example = file.skips.examples().empty() ? "" : ": " + file.skips.examples().front();
      return failure(fmt::format("{}: is no list of addresses and networks, one a line{}", file.path, example));
    }
  }
  return relays;
}

}  // namespace tocsin
