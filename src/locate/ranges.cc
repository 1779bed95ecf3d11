#include "locate/ranges.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <map>
#include <memory>
#include <tuple>

#include "base/hash.h"

namespace tocsin {
namespace {

constexpr Number kFourFirst{0, 0xffff00000000ULL}, kFourLast{0, 0xffffffffffffULL};

Number after(Number number) {
  if (++number.low == 0) ++number.high;
  return number;
}

}  // namespace

struct RangeTable::Header {
  std::uint64_t magic = 0x31304c434f54ULL;  // "TOCL01"
  std::uint64_t key = 0;
  std::uint64_t four = 0, six = 0, values = 0;
  std::uint64_t checksum = 0;
};

RangeTable RangeTable::merge(const std::vector<std::vector<RangeEntry>>& layers) {
  // Every place where some layer changes; a sweep over them with a cursor a layer.
  std::vector<Number> edges{{0, 0}, kFourFirst, after(kFourLast)};
  for (const auto& layer : layers) {
    for (const RangeEntry& entry : layer) {
      edges.push_back(entry.first);
      if (entry.last != Number{~0ULL, ~0ULL}) edges.push_back(after(entry.last));
    }
  }
  std::ranges::sort(edges);
  edges.erase(std::ranges::unique(edges).begin(), edges.end());
  RangeTable table;
  std::map<std::tuple<std::uint16_t, std::uint16_t, std::uint32_t>, std::uint32_t> known;
  std::vector<std::size_t> at(layers.size());
  for (const Number& edge : edges) {
    Value value{0, 0, 0};
    for (std::size_t i = 0; i < layers.size(); ++i) {
      while (at[i] < layers[i].size() && layers[i][at[i]].last < edge) ++at[i];
      if (at[i] == layers[i].size() || edge < layers[i][at[i]].first) continue;
      const RangeEntry& entry = layers[i][at[i]];
      if (value.country == 0) value.country = entry.country;
      if (value.asn == 0) value.asn = entry.asn;
      value.marks |= entry.marks;
    }
    const auto [found, fresh] = known.try_emplace({value.country, value.marks, value.asn}, static_cast<std::uint32_t>(table.values_.size()));
    if (fresh) table.values_.push_back(value);
    const bool four = kFourFirst <= edge && edge <= kFourLast;
    auto& values = four ? table.four_values_ : table.six_values_;
    const bool begins = edge == kFourFirst;
    if (!begins && !values.empty() && values.back() == found->second) continue;
    values.push_back(found->second);
    if (four) {
      table.four_starts_.push_back(static_cast<std::uint32_t>(edge.low));
    } else {
      table.six_starts_.push_back(edge);
    }
  }
  table.index();
  return table;
}

void RangeTable::index() {
  four_index_.assign(65537, static_cast<std::uint32_t>(four_starts_.size()));
  six_index_.assign(65537, static_cast<std::uint32_t>(six_starts_.size()));
  const auto fill = [](auto& index, const auto& starts, auto prefix_of) {
    // index[p]: how many intervals begin before the first address of prefix p.
    std::uint32_t at = 0;
    for (std::uint32_t prefix = 0; prefix <= 65535; ++prefix) {
      while (at < starts.size() && prefix_of(starts[at]) < prefix) ++at;
      index[prefix] = at;
    }
  };
  fill(four_index_, four_starts_, [](std::uint32_t start) { return start >> 16; });
  fill(six_index_, six_starts_, [](const Number& start) { return static_cast<std::uint32_t>(start.high >> 48); });
}

Location RangeTable::location(std::uint32_t index) const {
  const Value& value = values_[index];
  Location location;
  if (value.country != 0) {
    const char letters[2] = {static_cast<char>(value.country >> 8), static_cast<char>(value.country & 255)};
    location.country = CountryCode::parse(std::string_view(letters, 2)).value_or(CountryCode());
  }
  location.asn = value.asn;
  location.anycast = (value.marks & 1) != 0;
  location.anonymous_proxy = (value.marks & 2) != 0;
  location.hostile = (value.marks & 4) != 0;
  return location;
}

Location RangeTable::find(const IpAddress& ip) const {
  if (ip.is_v4()) {
    const std::uint32_t number = ip.as_v4();
    const auto begin = four_starts_.begin() + four_index_[number >> 16];
    const auto end = four_starts_.begin() + four_index_[(number >> 16) + 1];
    const auto next = std::upper_bound(begin, end, number);
    return next == four_starts_.begin() ? Location() : location(four_values_[static_cast<std::size_t>(next - four_starts_.begin()) - 1]);
  }
  const Number number{ip.high(), ip.low()};
  const auto prefix = static_cast<std::size_t>(number.high >> 48);
  const auto begin = six_starts_.begin() + six_index_[prefix];
  const auto end = six_starts_.begin() + six_index_[prefix + 1];
  const auto next = std::upper_bound(begin, end, number);
  return next == six_starts_.begin() ? Location() : location(six_values_[static_cast<std::size_t>(next - six_starts_.begin()) - 1]);
}

namespace {

template <typename T>
std::string_view view(const std::vector<T>& items) {
  return {reinterpret_cast<const char*>(items.data()), items.size() * sizeof(T)};
}

}  // namespace

Expected<void> RangeTable::save(const std::string& path, std::uint64_t key) const {
  std::string body;
  for (const std::string_view part : {view(four_starts_), view(four_values_), view(six_starts_), view(six_values_), view(values_)}) body += part;
  Header header;
  header.key = key;
  header.four = four_starts_.size();
  header.six = six_starts_.size();
  header.values = values_.size();
  header.checksum = hash64(body);
  const std::string temporary = fmt::format("{}.{}", path, getpid());
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(temporary.c_str(), "wb"), &std::fclose);
  if (!file || std::fwrite(&header, sizeof header, 1, file.get()) != 1 ||
      std::fwrite(body.data(), 1, body.size(), file.get()) != body.size() || std::fflush(file.get()) != 0 ||
      std::rename(temporary.c_str(), path.c_str()) != 0) {
    std::remove(temporary.c_str());
    return failure(fmt::format("{}: the table of locations could not be kept there", path));
  }
  return {};
}

std::optional<RangeTable> RangeTable::load(const std::string& path, std::uint64_t key) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"), &std::fclose);
  if (!file) return std::nullopt;
  Header header, expected;
  if (std::fread(&header, sizeof header, 1, file.get()) != 1 || header.magic != expected.magic || header.key != key) return std::nullopt;
  constexpr std::uint64_t kMost = 100'000'000;
  if (header.four > kMost || header.six > kMost || header.values > kMost || header.values == 0) return std::nullopt;
  RangeTable table;
  std::string body(header.four * 8 + header.six * 20 + header.values * sizeof(Value), '\0');
  if (std::fread(body.data(), 1, body.size(), file.get()) != body.size() || hash64(body) != header.checksum) return std::nullopt;
  std::size_t at = 0;
  const auto take = [&](auto& items, std::uint64_t count) {
    items.resize(count);
    const std::size_t size = count * sizeof(items[0]);
    std::memcpy(items.data(), body.data() + at, size);
    at += size;
  };
  take(table.four_starts_, header.four);
  take(table.four_values_, header.four);
  take(table.six_starts_, header.six);
  take(table.six_values_, header.six);
  take(table.values_, header.values);
  const auto bad = [&](const std::vector<std::uint32_t>& values) {
    return std::ranges::any_of(values, [&](std::uint32_t v) { return v >= header.values; });
  };
  if (bad(table.four_values_) || bad(table.six_values_)) return std::nullopt;
  table.index();
  return table;
}

}  // namespace tocsin
