#include "rules/address.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "base/text.h"
#include "rules/comparison.h"

namespace tocsin::rules {
namespace {

// Groups nest in brackets and by variables; what is deeper than this is a mistake or an attack.
constexpr int kDeepest = 32;
// Items of one group after its variables are filled in: variables that name each other twice would double each time.
constexpr int kMostItems = 20'000;

template <typename T>
using Ranges = std::vector<std::pair<T, T>>;

IpAddress after(const IpAddress& address) {
  return IpAddress::of_halves(address.high() + (address.low() == UINT64_MAX ? 1 : 0), address.low() + 1);
}
IpAddress before(const IpAddress& address) {
  return IpAddress::of_halves(address.high() - (address.low() == 0 ? 1 : 0), address.low() - 1);
}
std::uint16_t after(std::uint16_t port) { return static_cast<std::uint16_t>(port + 1); }
std::uint16_t before(std::uint16_t port) { return static_cast<std::uint16_t>(port - 1); }

struct Addresses {
  using Value = IpAddress;
  static constexpr std::string_view kKind = "address";
  static Value least() { return {}; }
  static Value most() { return IpAddress::of_halves(UINT64_MAX, UINT64_MAX); }

  static std::optional<std::pair<Value, Value>> parse(std::string_view text) {
    if (const auto prefix = Prefix::parse(text)) return std::pair(prefix->address(), prefix->last());
    if (const std::size_t dash = text.find('-'); dash != std::string_view::npos) {
      const auto first = IpAddress::parse(trim(text.substr(0, dash)));
      const auto last = IpAddress::parse(trim(text.substr(dash + 1)));
      if (first && last && first->is_v4() == last->is_v4() && *first <= *last) return std::pair(*first, *last);
    }
    const std::size_t slash = text.find('/');  // with a mask: 10.0.0.0/255.0.0.0
    if (slash == std::string_view::npos) return std::nullopt;
    const auto address = IpAddress::parse(text.substr(0, slash)), mask = IpAddress::parse(text.substr(slash + 1));
    if (!address || !mask || !address->is_v4() || !mask->is_v4()) return std::nullopt;
    const std::uint32_t bits = mask->as_v4();
    if ((~bits & (~bits + 1)) != 0) return std::nullopt;
    const std::uint32_t first = address->as_v4() & bits;
    return std::pair(IpAddress::v4(first), IpAddress::v4(first | ~bits));
  }
};

struct Ports {
  using Value = std::uint16_t;
  static constexpr std::string_view kKind = "port";
  static Value least() { return 0; }
  static Value most() { return 65535; }

  static std::optional<std::pair<Value, Value>> parse(std::string_view text) {
    const std::size_t colon = text.find(':');
    const auto number = [](std::string_view digits) { return parse_number(trim(digits), 65535); };
    if (colon == std::string_view::npos) {
      const auto port = number(text);
      if (!port) return std::nullopt;
      return std::pair(static_cast<Value>(*port), static_cast<Value>(*port));
    }
    const auto first = colon == 0 ? 0 : number(text.substr(0, colon));
    const auto last = trim(text.substr(colon + 1)).empty() ? 65535 : number(text.substr(colon + 1));
    if (text.size() == 1 || !first || !last || *first > *last) return std::nullopt;
    return std::pair(static_cast<Value>(*first), static_cast<Value>(*last));
  }
};

template <typename T>
void join(Ranges<T>& ranges) {
  std::ranges::sort(ranges);
  std::size_t kept = 0;
  for (std::size_t i = 1; i < ranges.size(); ++i) {
    auto& last = ranges[kept];
    // The last value of all has none after it; what starts within or right after is one range.
    if (ranges[i].first <= last.second || ranges[i].first == after(last.second)) {
      last.second = std::max(last.second, ranges[i].second);
    } else {
      ranges[++kept] = ranges[i];
    }
  }
  if (!ranges.empty()) ranges.resize(kept + 1);
}

// All values but those of the joined ranges.
template <typename Kind, typename T = typename Kind::Value>
Ranges<T> complement(const Ranges<T>& ranges) {
  Ranges<T> rest;
  T from = Kind::least();
  for (const auto& [first, last] : ranges) {
    if (from < first) rest.emplace_back(from, before(first));
    if (last == Kind::most()) return rest;
    from = after(last);
  }
  rest.emplace_back(from, Kind::most());
  return rest;
}

template <typename T>
Ranges<T> common(const Ranges<T>& a, const Ranges<T>& b) {
  Ranges<T> both;
  for (std::size_t i = 0, j = 0; i < a.size() && j < b.size();) {
    const T first = std::max(a[i].first, b[j].first), last = std::min(a[i].second, b[j].second);
    if (first <= last) both.emplace_back(first, last);
    if (a[i].second < b[j].second) {
      ++i;
    } else {
      ++j;
    }
  }
  return both;
}

template <typename Kind>
class Group {
 public:
  using T = typename Kind::Value;
  explicit Group(const Variables& variables) : variables_(variables) {}

  bool is_plain = true;  // see AddressSet

  // A group is what it names, or everything if it only says what not, without what it says not.
  Expected<Ranges<T>> read(std::string_view text, int depth) {
    text = trim(text);
    if (depth > kDeepest) return failure("the groups nest too deeply, or a variable names itself");
    if (text.starts_with('!')) {
      is_plain = false;
      auto inner = read(text.substr(1), depth + 1);
      if (!inner) return inner;
      auto rest = complement<Kind>(*inner);
      if (rest.empty()) return failure(fmt::format("every {} is left out", Kind::kKind));
      return rest;
    }
    if (text.starts_with('[')) {
      if (!text.ends_with(']') || text.size() < 2) return failure("a bracket is not closed");
      return list(text.substr(1, text.size() - 2), depth);
    }
    if (text.starts_with('$')) {
      const auto variable = variables_.find(text.substr(1));
      if (variable == variables_.end()) {
        return failure(fmt::format("the variable '{}' is not known: give it with --var", printable(text, 80)));
      }
      const std::string_view value = trim(variable->second);
      return value.find(',') != std::string_view::npos && !value.starts_with('[') ? list(value, depth + 1)
                                                                                  : read(value, depth + 1);
    }
    if (++items_ > kMostItems) return failure("the group has too many items");
    if (text.size() == 3 && equals_ignoring_case(text, "any")) return Ranges<T>{{Kind::least(), Kind::most()}};
    const auto range = Kind::parse(text);
    if (text.find('-') != std::string_view::npos) is_plain = false;
    if (!range) return failure(fmt::format("'{}' is no {}", printable(text, 80), Kind::kKind));
    return Ranges<T>{*range};
  }

 private:
  Expected<Ranges<T>> list(std::string_view text, int depth) {
    Ranges<T> in, out;
    bool has_in = false;
    while (true) {
      const std::size_t end = end_of_item(text);
      if (end == std::string_view::npos) return failure("a bracket is not closed, or closed too often");
      std::string_view item = trim(text.substr(0, end));
      if (item.empty()) return failure("a group has an empty item");
      const bool negated = item.starts_with('!');
      if (negated) {
        item = trim(item.substr(1));
        is_plain = false;
      }
      auto ranges = read(item, depth + 1);
      if (!ranges) return ranges;
      auto& into = negated ? out : in;
      has_in |= !negated;
      into.insert(into.end(), ranges->begin(), ranges->end());
      if (in.size() + out.size() > kMostItems) return failure("the group has too many items");
      if (end == text.size()) break;
      text.remove_prefix(end + 1);
    }
    join(in);
    join(out);
    if (!has_in) in = {{Kind::least(), Kind::most()}};
    auto rest = common(in, complement<Kind>(out));
    if (rest.empty()) return failure(fmt::format("no {} is left of the group", Kind::kKind));
    return rest;
  }

  // Where the first item ends: at a comma outside brackets, or at the end.
  static std::size_t end_of_item(std::string_view text) {
    int open = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text[i] == '[') ++open;
      if (text[i] == ']' && --open < 0) return std::string_view::npos;
      if (text[i] == ',' && open == 0) return i;
    }
    return open == 0 ? text.size() : std::string_view::npos;
  }

  const Variables& variables_;
  int items_ = 0;
};

template <typename Set, typename Kind>
Expected<Set> parse_set(std::string_view text, const Variables& variables) {
  Group<Kind> group(variables);
  auto ranges = group.read(text, 0);
  if (!ranges) return std::unexpected(ranges.error());
  join(*ranges);
  Set set;
  set.ranges = std::move(*ranges);
  if constexpr (requires { set.is_plain; }) set.is_plain = group.is_plain;
  return set;
}

template <typename T>
bool is_in(const Ranges<T>& ranges, const T& value) {
  const auto next = std::ranges::upper_bound(ranges, value, {}, &std::pair<T, T>::first);
  return next != ranges.begin() && value <= std::prev(next)->second;
}

}  // namespace

bool AddressSet::contains(const IpAddress& address) const { return is_in(ranges, address); }
bool AddressSet::is_any() const {
  return ranges.size() == 1 && ranges[0] == std::pair(Addresses::least(), Addresses::most());
}
bool PortSet::contains(std::uint16_t port) const { return is_in(ranges, port); }
bool PortSet::is_any() const { return ranges.size() == 1 && ranges[0] == std::pair(Ports::least(), Ports::most()); }

Variables default_variables() {
  Variables variables = {
      {"HOME_NET", "any"},        {"EXTERNAL_NET", "any"},     {"HTTP_PORTS", "80"},
      {"SHELLCODE_PORTS", "!80"}, {"ORACLE_PORTS", "1521"},    {"SSH_PORTS", "22"},
      {"DNP3_PORTS", "20000"},    {"MODBUS_PORTS", "502"},     {"FILE_DATA_PORTS", "[$HTTP_PORTS,110,143]"},
      {"FTP_PORTS", "21"},        {"GENEVE_PORTS", "6081"},    {"VXLAN_PORTS", "4789"},
      {"TEREDO_PORTS", "3544"},   {"SIP_PORTS", "[5060,5061]"}};
  for (const char* servers :
       {"HTTP_SERVERS", "SMTP_SERVERS", "SQL_SERVERS", "DNS_SERVERS", "TELNET_SERVERS", "AIM_SERVERS", "DC_SERVERS",
        "DNP3_SERVER", "DNP3_CLIENT", "MODBUS_CLIENT", "MODBUS_SERVER", "ENIP_CLIENT", "ENIP_SERVER"}) {
    variables[servers] = "$HOME_NET";
  }
  variables["AIM_SERVERS"] = "$EXTERNAL_NET";
  return variables;
}

Variables variables_of(const Options& options) {
  Variables variables = default_variables();
  for (const std::string_view group : {"vars.address-groups.", "vars.port-groups."}) {
    for (auto at = options.all().lower_bound(group); at != options.all().end() && at->first.starts_with(group); ++at) {
      variables.insert_or_assign(at->first.substr(group.size()), at->second);
    }
  }
  return variables;
}

Expected<AddressSet> parse_addresses(std::string_view text, const Variables& variables) {
  return parse_set<AddressSet, Addresses>(text, variables);
}

Expected<PortSet> parse_ports(std::string_view text, const Variables& variables) {
  return parse_set<PortSet, Ports>(text, variables);
}

}  // namespace tocsin::rules
