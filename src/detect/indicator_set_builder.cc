#include "detect/indicator_set_builder.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <optional>
#include <span>
#include <thread>
#include <unordered_map>

#include "base/text.h"
#include "collect/indicator_files.h"
#include "detect/indicator_set.h"

namespace tocsin {
namespace {

constexpr std::size_t kMostValueBytes = 0xf0000000;
constexpr std::size_t kMostEntries = 0x7fffffff;
// Indicators of one value in as many lists; more of them say nothing new.
constexpr std::size_t kMostOfOneKey = 64;

struct TextHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const { return hash64(text); }
};

}  // namespace

struct IndicatorSetBuilder::State {
  using Set = IndicatorSet;

  std::vector<char> values;
  std::vector<Set::Entry> entries;
  std::vector<std::uint64_t> keys;
  // Of addresses with a port, the key of the address alone; in the order of their entries.
  std::vector<std::uint64_t> address_keys;
  std::vector<std::uint64_t> url_hosts;
  std::vector<Prefix> prefixes;
  std::vector<Set::Common> commons;
  std::unordered_map<std::uint64_t, std::vector<std::uint32_t>> common_of;
  std::vector<std::string> texts;
  std::unordered_map<std::string, std::uint32_t, TextHash, std::equal_to<>> text_of;
  bool has_paths = false;
  std::string scratch, endpoint;

  std::uint32_t text(std::string_view value) {
    if (const auto found = text_of.find(value); found != text_of.end()) return found->second;
    const auto index = static_cast<std::uint32_t>(texts.size());
    texts.emplace_back(value);
    text_of.emplace(std::string(value), index);
    return index;
  }

  std::uint32_t common(const Set::Common& wanted) {
    std::uint64_t hash = mixed(wanted.family, wanted.group);
    for (const std::uint64_t part :
         {std::uint64_t{wanted.source}, std::uint64_t{wanted.tlp}, std::uint64_t{wanted.file},
          static_cast<std::uint64_t>(wanted.kind) << 8 | static_cast<std::uint64_t>(wanted.confidence),
          static_cast<std::uint64_t>(wanted.valid.from), static_cast<std::uint64_t>(wanted.valid.to)}) {
      hash = mixed(hash, part);
    }
    auto& same_hash = common_of[hash];
    for (const std::uint32_t index : same_hash) {
      if (commons[index] == wanted) return index;
    }
    same_hash.push_back(static_cast<std::uint32_t>(commons.size()));
    commons.push_back(wanted);
    return same_hash.back();
  }

  std::uint32_t common(const Indicator& indicator, std::string_view file) {
    if (!entries.empty()) {
      const std::uint32_t last = entries.back().common;
      const Set::Common& c = commons[last];
      if (c.kind == indicator.kind && c.confidence == indicator.confidence && c.valid == indicator.valid &&
          texts[c.family] == indicator.family && texts[c.group] == indicator.group &&
          texts[c.source] == indicator.source && texts[c.tlp] == indicator.tlp && texts[c.file] == file) {
        return last;
      }
    }
    return common({text(indicator.family), text(indicator.group), text(indicator.source), text(indicator.tlp),
                   text(file), indicator.kind, indicator.confidence, indicator.valid});
  }

  // The value in its one spelling, and its key; nothing is kept yet. False if it is none of its type.
  bool normalise(IndicatorType& type, std::string_view& value, std::uint64_t& key, std::uint64_t& address_key) {
    switch (type) {
      case IndicatorType::kAddress: {
        const auto address = IpAddress::parse(value);
        if (!address) return false;
        if (!address->is_v4() || value.find(':') != std::string_view::npos) value = scratch = address->text();
        key = IndicatorSet::key_of(*address);
        return true;
      }
      case IndicatorType::kAddressPort: {
        const auto address = IpAddress::parse(host_of_endpoint(value));
        const std::uint16_t port = port_of_endpoint(value);
        if (!address || port == 0) return false;
        if (!address->is_v4()) {
          value = scratch = "[" + address->text() + "]:" + std::to_string(port);
        } else if (value.starts_with('[')) {
          value = scratch = address->text() + ":" + std::to_string(port);
        }
        address_key = IndicatorSet::key_of(*address);
        key = endpoint_key(address_key, port);
        return true;
      }
      case IndicatorType::kPrefix: {
        const auto prefix = Prefix::parse(value);
        if (!prefix) return false;
        if (prefix->length() == 128) {
          type = IndicatorType::kAddress;
          endpoint = prefix->address().text();
          value = endpoint;
          return normalise(type, value, key, address_key);
        }
        value = scratch = prefix->text();
        key = prefix_key(*prefix);
        prefixes.push_back(*prefix);
        return true;
      }
      case IndicatorType::kDomain:
        if (!normalise_domain(value, scratch)) return false;
        value = scratch;
        key = domain_key(value);
        return true;
      case IndicatorType::kUrl:
        return normalise_url(type, value, key, address_key);
      case IndicatorType::kHash:
        value = scratch = lower(value);
        key = hash_key(value);
        return true;
    }
    return false;
  }

  bool normalise_url(IndicatorType& type, std::string_view& value, std::uint64_t& key, std::uint64_t& address_key) {
    const std::size_t slash = std::min(value.find_first_of("/?"), value.size());
    std::string_view path = value.substr(slash, value.find('#') - slash);
    while (path.ends_with('/')) path.remove_suffix(1);
    if (path.empty()) {
      if (slash == 0) return false;
      endpoint = value.substr(0, slash);
      value = endpoint;
      const bool address = IpAddress::parse(host_of_endpoint(value)) || IpAddress::parse(value);
      type = !address                                                   ? IndicatorType::kDomain
             : port_of_endpoint(value) != 0 && !IpAddress::parse(value) ? IndicatorType::kAddressPort
                                                                        : IndicatorType::kAddress;
      if (type == IndicatorType::kDomain) value = without_port(value);
      return normalise(type, value, key, address_key);
    }
    if (slash == 0) {
      scratch = path;
      has_paths = true;
    } else {
      if (!normalise_authority(value.substr(0, slash), scratch)) return false;
      url_hosts.push_back(url_host_key(scratch));
      scratch += path;
    }
    value = scratch;
    key = url_key(value);
    return true;
  }

  void fill(Set& set);
  bool insert(Set& set, std::uint32_t index);
  void insert_address(Set& set, std::uint32_t index, std::uint64_t key);
};

IndicatorSetBuilder::IndicatorSetBuilder() : state_(std::make_unique<State>()) {}
IndicatorSetBuilder::~IndicatorSetBuilder() = default;
IndicatorSetBuilder::IndicatorSetBuilder(IndicatorSetBuilder&&) noexcept = default;
IndicatorSetBuilder& IndicatorSetBuilder::operator=(IndicatorSetBuilder&&) noexcept = default;

bool IndicatorSetBuilder::add(const Indicator& indicator, std::string_view file) {
  State& s = *state_;
  IndicatorType type = indicator.type;
  std::string_view value = indicator.value;
  std::uint64_t key = 0;
  std::uint64_t address_key = 0;
  if (s.values.size() > kMostValueBytes || s.entries.size() >= kMostEntries || value.size() > 0x7fff) return false;
  if (!s.normalise(type, value, key, address_key)) return false;
  IndicatorSet::Entry entry{};
  entry.value = static_cast<std::uint32_t>(s.values.size());
  entry.size = static_cast<std::uint16_t>(value.size());
  entry.type = type;
  entry.common = s.common(indicator, file);
  entry.line = static_cast<std::uint32_t>(std::min<std::uint64_t>(indicator.line, 0xffffffff));
  entry.next = IndicatorSet::kNone;
  s.values.insert(s.values.end(), value.begin(), value.end());
  s.entries.push_back(entry);
  s.keys.push_back(key);
  if (type == IndicatorType::kAddressPort) s.address_keys.push_back(address_key);
  return true;
}

void IndicatorSetBuilder::append(IndicatorSetBuilder&& other) {
  State& s = *state_;
  State& o = *other.state_;
  if (s.entries.empty()) {
    std::swap(state_, other.state_);
    return;
  }
  if (s.values.size() + o.values.size() > kMostValueBytes || s.entries.size() + o.entries.size() > kMostEntries) return;
  const auto shift = static_cast<std::uint32_t>(s.values.size());
  std::vector<std::uint32_t> commons;
  commons.reserve(o.commons.size());
  for (IndicatorSet::Common c : o.commons) {
    for (std::uint32_t* const text : {&c.family, &c.group, &c.source, &c.tlp, &c.file}) *text = s.text(o.texts[*text]);
    commons.push_back(s.common(c));
  }
  s.values.insert(s.values.end(), o.values.begin(), o.values.end());
  o.values = {};
  s.entries.reserve(s.entries.size() + o.entries.size());
  for (IndicatorSet::Entry entry : o.entries) {
    entry.value += shift;
    entry.common = commons[entry.common];
    s.entries.push_back(entry);
  }
  const auto join = [](auto& into, auto& from) {
    into.insert(into.end(), from.begin(), from.end());
    from = {};
  };
  join(s.keys, o.keys);
  join(s.address_keys, o.address_keys);
  join(s.url_hosts, o.url_hosts);
  join(s.prefixes, o.prefixes);
  s.has_paths = s.has_paths || o.has_paths;
  o = State();
}

// Puts an entry at the end of the chain of its key, or opens one: then true. Repeats are left out of the chain.
bool IndicatorSetBuilder::State::insert(Set& set, std::uint32_t index) {
  const std::uint64_t key = keys[index];
  const Set::Entry& entry = set.entries_[index];
  const std::string_view value = set.value_of(entry);
  for (std::size_t at = set.slot_of(key);; at = at + 1 == set.slots_.size() ? 0 : at + 1) {
    Set::Slot& slot = set.slots_[at];
    if (slot.entry == Set::kNone) {
      slot = {static_cast<std::uint32_t>(key), index};
      return true;
    }
    if (slot.tag != static_cast<std::uint32_t>(key)) continue;
    Set::Entry* last = &set.entries_[slot.entry];
    if (last->type != entry.type || set.value_of(*last) != value) continue;
    for (std::size_t length = 1;; ++length) {
      if (last->common == entry.common || length >= kMostOfOneKey) {
        ++set.repeated_;
        return false;
      }
      if (last->next == Set::kNone) break;
      last = &set.entries_[last->next];
    }
    last->next = index;
    return false;
  }
}

// The address of an entry with a port that opens a chain: where the key of the address is taken, by its address alone
// or another port, it is one of the other ports of what stands there.
void IndicatorSetBuilder::State::insert_address(Set& set, std::uint32_t index, std::uint64_t key) {
  const std::string_view host = host_of_endpoint(set.value_of(set.entries_[index]));
  for (std::size_t at = set.slot_of(key);; at = at + 1 == set.slots_.size() ? 0 : at + 1) {
    Set::Slot& slot = set.slots_[at];
    if (slot.entry == Set::kNone) {
      slot = {static_cast<std::uint32_t>(key), index};
      return;
    }
    if (slot.tag != static_cast<std::uint32_t>(key)) continue;
    const Set::Entry& there = set.entries_[slot.entry];
    const std::string_view value = set.value_of(there);
    const bool same = there.type == IndicatorType::kAddress
                          ? value == host
                          : there.type == IndicatorType::kAddressPort && host_of_endpoint(value) == host;
    if (!same) continue;
    set.other_ports_.push_back({slot.entry, index});
    return;
  }
}

void IndicatorSetBuilder::State::fill(Set& set) {
  std::array<std::size_t, 6> counts{};
  for (const Set::Entry& entry : entries) ++counts[static_cast<std::size_t>(entry.type)];
  const auto count = [&](IndicatorType type) { return counts[static_cast<std::size_t>(type)]; };
  values.shrink_to_fit();
  entries.shrink_to_fit();
  set.values_ = std::move(values);
  set.entries_ = std::move(entries);
  set.commons_ = std::move(commons);
  set.texts_ = std::move(texts);
  set.has_paths_ = has_paths;
  set.addresses_ = KeyFilter(count(IndicatorType::kAddress) + count(IndicatorType::kAddressPort));
  set.names_ = KeyFilter(count(IndicatorType::kDomain));
  set.urls_ = KeyFilter(count(IndicatorType::kUrl) + url_hosts.size());
  set.hashes_ = KeyFilter(count(IndicatorType::kHash));
  set.slots_.assign((set.entries_.size() + address_keys.size()) * 3 / 2 + 2, {0, Set::kNone});

  std::vector<bool> opens_chain;  // of addresses with a port
  for (std::uint32_t i = 0; i < set.entries_.size(); ++i) {
    const bool opens = insert(set, i);
    switch (set.entries_[i].type) {
      case IndicatorType::kAddress:
        set.addresses_.add(keys[i]);
        break;
      case IndicatorType::kDomain:
        set.names_.add(keys[i]);
        break;
      case IndicatorType::kUrl:
        set.urls_.add(keys[i]);
        break;
      case IndicatorType::kHash:
        set.hashes_.add(keys[i]);
        break;
      case IndicatorType::kAddressPort:
        opens_chain.push_back(opens);
        break;
      case IndicatorType::kPrefix:
        break;
    }
  }
  std::size_t next = 0;
  for (std::uint32_t i = 0; i < set.entries_.size(); ++i) {
    if (set.entries_[i].type != IndicatorType::kAddressPort) continue;
    if (opens_chain[next]) insert_address(set, i, address_keys[next]);
    set.addresses_.add(address_keys[next++]);
  }
  std::ranges::stable_sort(set.other_ports_, {}, &Set::PortOf::address);
  set.other_ports_.shrink_to_fit();
  for (const std::uint64_t host : url_hosts) set.urls_.add(host);

  set.prefix_pages_.assign(1024, 0);
  for (const Prefix& prefix : prefixes) {
    set.has_prefixes_ = true;
    set.prefix_lengths_.push_back(prefix.length());
    if (!prefix.address().is_v4()) {
      set.has_v6_prefixes_ = true;
      continue;
    }
    const std::uint32_t last = prefix.last().as_v4() >> 16;
    for (std::uint32_t page = prefix.address().as_v4() >> 16; page <= last; ++page) {
      set.prefix_pages_[page >> 6] |= 1ULL << (page & 63);
    }
  }
  std::sort(set.prefix_lengths_.rbegin(), set.prefix_lengths_.rend());
  set.prefix_lengths_.erase(std::unique(set.prefix_lengths_.begin(), set.prefix_lengths_.end()),
                            set.prefix_lengths_.end());
}

std::shared_ptr<const IndicatorSet> IndicatorSetBuilder::build() {
  auto set = std::make_shared<IndicatorSet>();
  state_->fill(*set);
  state_ = std::make_unique<State>();
  return set;
}

namespace {

struct FileToLoad {
  std::string path;
  const IndicatorDefaults* defaults = nullptr;
  std::uint64_t bytes = 0;
  bool given = false;  // by name, so that a failure to read it is an error
};

struct LoadedPart {
  IndicatorSetBuilder builder;
  std::vector<IndicatorFileReport> reports;
  std::optional<Error> error;
};

void load(std::span<const FileToLoad> files, LoadedPart& part) {
  for (const FileToLoad& file : files) {
    auto input = InputStream::open(file.path);
    IndicatorFileReport report;
    if (!input) {
      if (file.given) {
        part.error = input.error();
        return;
      }
      report.path = file.path;
      report.skips.add(file.path, input.error().message);
    } else {
      Skips refused;
      std::uint64_t lost = 0;
      report = read_indicator_stream(**input, file.path, *file.defaults, [&](const Indicator& indicator) {
        if (part.builder.add(indicator, file.path)) return;
        ++lost;
        refused.add(file.path + ":" + std::to_string(indicator.line), "not a value that can be matched");
      });
      report.indicators -= lost;
      for (std::uint64_t i = 0; i < lost; ++i) {
        const bool shown = i < refused.examples().size();
        const std::string where =
            shown ? refused.examples()[i].substr(0, refused.examples()[i].rfind(": ")) : file.path;
        report.skips.add(where, "not a value that can be matched");
      }
    }
    part.reports.push_back(std::move(report));
  }
}

}  // namespace

Expected<std::shared_ptr<const IndicatorSet>> load_indicators(
    const std::vector<std::pair<std::string, IndicatorDefaults>>& paths, std::vector<IndicatorFileReport>& reports) {
  std::vector<FileToLoad> files;
  std::uint64_t bytes = 0;
  for (const auto& [path, defaults] : paths) {
    const auto below = indicator_files(path);
    if (!below) return std::unexpected(below.error());
    for (const std::string& file : *below) {
      std::error_code error;
      const auto size = std::filesystem::file_size(file, error);
      files.push_back({file, &defaults, error ? 0 : size, file == path});
      bytes += files.back().bytes;
    }
  }
  // Two runs of neighbouring files with about half the bytes each.
  std::size_t half = 0;
  for (std::uint64_t before = 0; half < files.size() && before < bytes / 2; ++half) before += files[half].bytes;
  LoadedPart first, second;
  {
    const std::jthread other([&] { load(std::span<const FileToLoad>(files).subspan(half), second); });
    load(std::span<const FileToLoad>(files).first(half), first);
  }
  for (LoadedPart* const part : {&first, &second}) {
    if (part->error) return std::unexpected(*part->error);
    std::move(part->reports.begin(), part->reports.end(), std::back_inserter(reports));
  }
  first.builder.append(std::move(second.builder));
  return first.builder.build();
}

}  // namespace tocsin
