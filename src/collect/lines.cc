#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "collect/readers.h"

namespace tocsin {

bool LineReader::read(Batch& batch) {
  const std::size_t start = batch.size();
  while (batch.size() - start < kBatchSize) {
    place_.source = source_;
    place_.offset = input_.offset();
    const auto line = input_.line();
    if (!line) return false;
    place_.record = ++line_;
    if (line->empty()) continue;
    ++records_;
    const auto wrong = input_.too_long() ? std::optional<std::string_view>("line too long") : take(*line, batch);
    if (wrong) skips_.add(fmt::format("line {}", line_), *wrong);
  }
  return true;
}

std::optional<std::uint64_t> number_of(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

std::optional<std::uint64_t> number_or_hex_of(std::string_view text) {
  if (!text.starts_with("0x") && !text.starts_with("0X")) return number_of(text);
  text.remove_prefix(2);
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

std::optional<std::uint8_t> protocol_of(std::string_view name) {
  struct Known {
    std::string_view name;
    std::uint8_t number;
  };
  static constexpr Known known[] = {{"tcp", kTcp},   {"udp", kUdp}, {"icmp", kIcmp}, {"icmp6", kIcmp6}, {"ipv6-icmp", kIcmp6},
                                    {"igmp", 2},     {"gre", 47},   {"esp", 50},     {"ah", 51},        {"sctp", 132},
                                    {"ipv6", 41},    {"ospf", 89},  {"pim", 103},    {"rtp", kUdp},     {"rtcp", kUdp},
                                    {"udt", kUdp},   {"ipnip", 4},  {"vrrp", 112},   {"unknown_transport", 0}};
  for (const Known& each : known) {
    if (equals_ignoring_case(each.name, name)) return each.number;
  }
  if (const auto number = number_of(name); number && *number < 256) return static_cast<std::uint8_t>(*number);
  return std::nullopt;
}

std::string cve_in(std::string_view text) {
  const std::string small = lower(text);
  const auto digits = [&small](std::size_t at) {
    std::size_t end = at;
    while (end < small.size() && small[end] >= '0' && small[end] <= '9') ++end;
    return end - at;
  };
  for (std::size_t at = small.find("cve"); at != std::string::npos; at = small.find("cve", at + 1)) {
    const std::size_t year = at + 4;
    if (year >= small.size() || digits(year) != 4) continue;
    const std::size_t number = year + 5;
    if (number >= small.size() || (small[number - 1] != '-' && small[number - 1] != '_')) continue;
    const std::size_t size = digits(number);
    if (size < 4 || size > 7) continue;
    return fmt::format("CVE-{}-{}", small.substr(year, 4), small.substr(number, size));
  }
  return {};
}

}  // namespace tocsin
