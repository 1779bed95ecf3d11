#include "match/datasets.h"

#include <fmt/format.h>

#include <array>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/base64.h"
#include "base/file.h"
#include "base/ip_address.h"
#include "base/text.h"
#include "match/numbers.h"
#include "rules/builder.h"

namespace tocsin::match {
namespace {

constexpr std::uint64_t kDefaultMemory = 100ULL << 20;
constexpr std::size_t kLargest = std::size_t{512} << 20, kOverhead = 64, kLongestContext = 4096;

int hex_of(char c) {
  return c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
}

}  // namespace

Expected<std::string> read_text(const std::filesystem::path& path, std::size_t most) {
  std::string text;
  std::error_code error;
  if (std::filesystem::exists(path, error) && !std::filesystem::is_regular_file(path, error)) {
    return failure(fmt::format("{}: is no file", printable(path.string(), 4096)));
  }
  const auto done = read_blocks(path, [&](std::span<const std::byte> block) {
    text.append(reinterpret_cast<const char*>(block.data()), block.size());
    return text.size() <= most;
  });
  if (!done) return std::unexpected(done.error());
  if (text.size() > most) return failure(fmt::format("{}: is too large", printable(path.string(), 4096)));
  return text;
}

std::filesystem::path beside_rule(const std::string& name, const std::string& rule_file, const Options& options) {
  const std::filesystem::path path = name;
  if (path.is_absolute()) return path;
  std::error_code error;
  const std::filesystem::path beside = std::filesystem::path(rule_file).parent_path() / path;
  if (std::filesystem::exists(beside, error)) return beside;
  const std::filesystem::path below = std::filesystem::path(options.text("default-rule-path")) / path;
  if (std::filesystem::exists(below, error)) return below;
  return path;
}

Expected<DataSet::Type> DataSet::type_of(std::string_view name) {
  constexpr std::array<std::string_view, 5> kNames = {"string", "md5", "sha256", "ipv4", "ip"};
  for (std::size_t i = 0; i < kNames.size(); ++i)
    if (kNames[i] == name) return static_cast<Type>(i);
  return failure(fmt::format("'{}' is no type of a set", printable(name, 40)));
}

bool DataSet::fits(std::size_t size) const {
  switch (type_) {
    case Type::kString:
      return size > 0;
    case Type::kMd5:
      return size == 16;
    case Type::kSha256:
      return size == 32;
    case Type::kIpV4:
      return size == 4;
    case Type::kIp:
      return size == 4 || size == 16;
  }
  return false;
}

std::string DataSet::key_of_text(std::string_view text) const {
  std::string key;
  if (type_ == Type::kString) return decode_base64(bytes_of(text), false);
  if (type_ == Type::kMd5 || type_ == Type::kSha256) {
    for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
      const int high = hex_of(text[i]), low = hex_of(text[i + 1]);
      if (high < 0 || low < 0) return {};
      key += static_cast<char>(high << 4 | low);
    }
    return text.size() % 2 == 0 ? key : std::string();
  }
  const auto address = IpAddress::parse(text);
  if (!address || (type_ == Type::kIpV4 && !address->is_v4())) return {};
  const std::string_view bytes = text_of(Bytes(address->bytes()));
  return std::string(address->is_v4() ? bytes.substr(12) : bytes);
}

std::string DataSet::text_of_key(std::string_view key) const {
  if (type_ == Type::kString) return base64(bytes_of(key));
  if (type_ == Type::kMd5 || type_ == Type::kSha256) {
    std::string text;
    for (const char c : key) text += fmt::format("{:02x}", static_cast<std::uint8_t>(c));
    return text;
  }
  std::array<std::uint8_t, 16> bytes{};
  if (key.size() == 4) bytes[10] = bytes[11] = 0xff;
  std::copy(key.begin(), key.end(), bytes.end() - static_cast<std::ptrdiff_t>(key.size()));
  return IpAddress(bytes).text();
}

bool DataSet::add(Bytes bytes, Entry entry) {
  if (!fits(bytes.size())) return false;
  const std::uint64_t cost = bytes.size() + entry.context.size() + kOverhead;
  if (bytes_ + cost > most_bytes_) return false;
  const bool is_new = entries_.try_emplace(std::string(text_of(bytes)), std::move(entry)).second;
  if (is_new) bytes_ += cost;
  return is_new;
}

bool DataSet::remove(Bytes bytes) {
  const auto found = entries_.find(text_of(bytes));
  if (found == entries_.end()) return false;
  bytes_ -= found->first.size() + found->second.context.size() + kOverhead;
  entries_.erase(found);
  return true;
}

const DataSet::Entry* DataSet::find(Bytes bytes) const {
  const auto found = entries_.find(text_of(bytes));
  return found == entries_.end() ? nullptr : &found->second;
}

const DataSet::Entry* DataSet::find_domain(Bytes bytes) const {
  if (const Entry* whole = find(bytes)) return whole;
  constexpr int kMostLabels = 128;
  int labels = 0;
  for (std::size_t i = 1; i < bytes.size() && labels < kMostLabels; ++i) {
    if (bytes[i] != '.') continue;
    ++labels;
    if (const Entry* part = find(bytes.subspan(i))) return part;
  }
  return nullptr;
}

Expected<void> DataSet::load(const std::filesystem::path& path) {
  const auto text = read_text(path, kLargest);
  if (!text) return std::unexpected(text.error());
  std::string_view rest = *text;
  while (!rest.empty()) {
    const std::size_t end = rest.find('\n');
    const std::string_view line = trim(rest.substr(0, end));
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
    if (line.empty() || line.starts_with('#')) continue;
    const std::size_t comma = line.find(',');
    Entry entry;
    if (comma != std::string_view::npos)
      entry.reputation =
          static_cast<std::uint32_t>(rules::parse_number(trim(line.substr(comma + 1)), UINT16_MAX).value_or(0));
    add(bytes_of(key_of_text(trim(line.substr(0, comma)))), std::move(entry));
  }
  return {};
}

Expected<void> DataSet::load_json(const std::filesystem::path& path, const rules::DatasetMatch& how) {
  const auto text = read_text(path, kLargest);
  if (!text) return std::unexpected(text.error());
  using Json = nlohmann::ordered_json;
  const auto at = [](const Json& value, std::string_view keys) -> const Json* {
    const Json* place = &value;
    for (const std::string_view key : rules::split(keys, '.')) {
      if (!place->is_object()) return nullptr;
      const auto found = place->find(key);
      if (found == place->end()) return nullptr;
      place = &*found;
    }
    return place;
  };
  const auto take = [&](const Json& object) {
    const Json* value = at(object, how.value_key);
    if (value == nullptr || !value->is_string()) return;
    Entry entry;
    entry.context = object.dump(-1, ' ', false, Json::error_handler_t::replace);
    if (entry.context.size() > kLongestContext) entry.context.clear();
    const std::string& key = value->get_ref<const std::string&>();
    add(bytes_of(type_ == Type::kString ? key : key_of_text(key)), std::move(entry));
  };
  if (how.format == "json") {
    const Json all = Json::parse(*text, nullptr, false);
    const Json* list = how.array_key.empty() ? &all : at(all, how.array_key);
    if (list == nullptr || !list->is_array())
      return failure(fmt::format("{}: has no array of JSON", printable(path.string(), 4096)));
    for (const Json& object : *list) take(object);
    return {};
  }
  std::string_view rest = *text;
  while (!rest.empty()) {
    const std::size_t end = rest.find('\n');
    const Json object = Json::parse(rest.substr(0, end), nullptr, false);
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
    if (object.is_object()) take(object);
  }
  return {};
}

Expected<void> DataSet::save() const {
  if (save_path.empty()) return {};
  std::ofstream file(save_path, std::ios::binary | std::ios::trunc);
  for (const auto& [key, entry] : entries_) {
    file << text_of_key(key);
    if (entry.reputation > 0) file << ',' << entry.reputation;
    file << '\n';
  }
  file.flush();
  if (!file) return failure(fmt::format("{}: can't be written", printable(save_path.string(), 4096)));
  return {};
}

std::filesystem::path DataSets::to_read(const std::string& name, const std::string& rule_file) const {
  std::error_code error;
  const auto beside = beside_rule(name, rule_file, options_);
  if (std::filesystem::exists(beside, error)) return beside;
  const std::filesystem::path below = std::filesystem::path(options_.text("default-data-dir")) / name;
  return std::filesystem::exists(below, error) ? below : beside;
}

std::filesystem::path DataSets::to_write(const std::string& name) const {
  const std::string directory = options_.text("default-data-dir");
  if (directory.empty() || !options_.flag("datasets.rules.allow-write", true)) return {};
  // Never above the directory, whatever the name is.
  const std::filesystem::path path = (std::filesystem::path(directory) / name).lexically_normal();
  const auto below = path.lexically_relative(std::filesystem::path(directory).lexically_normal());
  return below.empty() || *below.begin() == ".." ? std::filesystem::path() : path;
}

Expected<std::shared_ptr<DataSet>> DataSets::open(const rules::DatasetMatch& wanted, const std::string& rule_file) {
  if (const auto known = sets_.find(wanted.name); known != sets_.end()) {
    if (!wanted.type.empty()) {
      const auto type = DataSet::type_of(wanted.type);
      if (!type || *type != known->second->type())
        return failure(fmt::format("the set {} is of another type elsewhere", printable(wanted.name, 80)));
    }
    return known->second;
  }
  const std::string section = "datasets." + wanted.name + ".";
  const auto type = DataSet::type_of(wanted.type.empty() ? options_.text(section + "type") : wanted.type);
  if (!type) return std::unexpected(type.error());
  const std::uint64_t memory =
      wanted.memcap > 0 ? wanted.memcap : options_.number("datasets.defaults.memcap", kDefaultMemory);
  auto set = std::make_shared<DataSet>(*type, memory);
  const bool is_json = !wanted.format.empty() && wanted.format != "csv";
  const std::string own_state = options_.text(section + "state"), own_load = options_.text(section + "load");
  const std::string& state = wanted.state.empty() ? own_state : wanted.state;
  const std::string& load = wanted.load.empty() ? own_load : wanted.load;
  if (!load.empty()) {
    const auto path = to_read(load, rule_file);
    const auto done = is_json ? set->load_json(path, wanted) : set->load(path);
    if (!done) return std::unexpected(done.error());
  } else if (!state.empty()) {
    const auto path = to_read(state, rule_file);
    std::error_code error;
    if (std::filesystem::exists(path, error))
      static_cast<void>(is_json ? set->load_json(path, wanted) : set->load(path));
  }
  const std::string& save = wanted.save.empty() ? state : wanted.save;
  if (!save.empty()) set->save_path = to_write(save);
  sets_.emplace(wanted.name, set);
  return set;
}

void DataSets::save() const {
  for (const auto& [name, set] : sets_) static_cast<void>(set->save());
}

}  // namespace tocsin::match
