#include <fmt/format.h>

#include <charconv>
#include <fstream>
#include <optional>

#include "locate/sources.h"

namespace tocsin {
namespace {

// Takes a field from the front of a line; nothing if its quotes do not close.
std::optional<std::string> take_field(std::string_view& line) {
  std::string field;
  if (line.empty() || line.front() != '"') {
    const std::size_t comma = line.find(',');
    field = line.substr(0, comma);
    line.remove_prefix(comma == std::string_view::npos ? line.size() : comma + 1);
    return field;
  }
  line.remove_prefix(1);
  while (!line.empty()) {
    const std::size_t quote = line.find('"');
    if (quote == std::string_view::npos) return std::nullopt;
    field += line.substr(0, quote);
    line.remove_prefix(quote + 1);
    if (line.empty()) return field;
    if (line.front() == ',') {
      line.remove_prefix(1);
      return field;
    }
    if (line.front() != '"') return std::nullopt;
    field += '"';
    line.remove_prefix(1);
  }
  return std::nullopt;
}

bool read_line(std::string_view line, AsRanges& into) {
  const auto first_text = take_field(line);
  const auto last_text = take_field(line);
  const auto number_text = take_field(line);
  auto holder = take_field(line);
  if (!first_text || !last_text || !number_text || !holder) return false;
  const auto first = IpAddress::parse(*first_text);
  const auto last = IpAddress::parse(*last_text);
  if (!first || !last || *last < *first || first->is_v4() != last->is_v4()) return false;
  std::uint32_t number = 0;
  const char* const end = number_text->data() + number_text->size();
  const auto [stop, error] = std::from_chars(number_text->data(), end, number);
  if (error != std::errc() || stop != end) return false;
  into.ranges.push_back({key_of(*first), key_of(*last), number});
  if (!holder->empty()) into.holders.push_back({number, std::move(*holder)});
  return true;
}

}  // namespace

Expected<void> read_as_csv(const std::string& path, AsRanges& into) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return failure(fmt::format("{}: can't be read", path));
  std::string line;
  std::uint64_t number = 0;
  while (std::getline(file, line)) {
    ++number;
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (!line.empty() && !read_line(line, into) && into.skipped++ == 0) into.first_skipped_line = number;
  }
  into.ranges = flatten(std::move(into.ranges));
  return {};
}

}  // namespace tocsin
