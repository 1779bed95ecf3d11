// Sets of strings, sums and addresses that rules look things up in and add to.
// https://docs.suricata.io/en/latest/rules/datasets.html
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/expected.h"
#include "base/options.h"
#include "match/search.h"
#include "rules/match.h"

namespace tocsin::match {

class DataSet {
 public:
  enum class Type : std::uint8_t { kString, kMd5, kSha256, kIpV4, kIp };
  struct Entry {
    std::uint32_t reputation = 0;
    std::string context;  // JSON
  };

  DataSet(Type type, std::uint64_t memory) : type_(type), most_bytes_(memory) {}
  static Expected<Type> type_of(std::string_view name);

  Type type() const { return type_; }
  // Lines of a file: base64 of strings, hexadecimal of sums, text of addresses; after a comma a score.
  Expected<void> load(const std::filesystem::path& path);
  // Objects with what is looked up at value_key, in an array at array_key or one a line.
  Expected<void> load_json(const std::filesystem::path& path, const rules::DatasetMatch& how);
  Expected<void> save() const;
  std::filesystem::path save_path;
  bool may_change = false;  // a rule adds to it or takes from it

  const Entry* find(Bytes bytes) const;
  // Also what the bytes are a domain below of: a set has ".example.org".
  const Entry* find_domain(Bytes bytes) const;
  // False: it is there already, has the wrong size, or there is no room.
  bool add(Bytes bytes, Entry entry);
  bool remove(Bytes bytes);

 private:
  bool fits(std::size_t size) const;
  std::string key_of_text(std::string_view text) const;
  std::string text_of_key(std::string_view key) const;

  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  Type type_;
  std::uint64_t most_bytes_, bytes_ = 0;
  std::unordered_map<std::string, Entry, Hash, std::equal_to<>> entries_;
};

// All sets by name: those of the configuration (datasets.NAME.type, .load, .state) and those that rules bring.
class DataSets {
 public:
  explicit DataSets(const Options& options) : options_(options) {}
  Expected<std::shared_ptr<DataSet>> open(const rules::DatasetMatch& wanted, const std::string& rule_file);
  void save() const;

 private:
  std::filesystem::path to_read(const std::string& name, const std::string& rule_file) const;
  std::filesystem::path to_write(const std::string& name) const;

  const Options& options_;
  std::map<std::string, std::shared_ptr<DataSet>, std::less<>> sets_;
};

// A file that a rule names: beside the rule, else below default-rule-path, else as it is.
std::filesystem::path beside_rule(const std::string& name, const std::string& rule_file, const Options& options);
Expected<std::string> read_text(const std::filesystem::path& path, std::size_t most);

}  // namespace tocsin::match
