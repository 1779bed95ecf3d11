// Settings of the packet engine by dotted name, as Suricata's configuration has them: "stream.midstream" = "true".
// Names of lists have their index: "reputation-files.0".
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace tocsin {

class Options {
 public:
  void set(std::string name, std::string value) { values_.insert_or_assign(std::move(name), std::move(value)); }
  const std::string* find(std::string_view name) const {
    const auto found = values_.find(name);
    return found == values_.end() ? nullptr : &found->second;
  }
  std::string text(std::string_view name, std::string_view otherwise = {}) const {
    const std::string* value = find(name);
    return value ? *value : std::string(otherwise);
  }
  // yes, true, on, enabled and 1 against no, false, off, disabled and 0.
  bool flag(std::string_view name, bool otherwise) const;
  // A number, or a size with a unit of 1024s: "200kb", "1 MiB".
  std::uint64_t number(std::string_view name, std::uint64_t otherwise) const;
  const std::map<std::string, std::string, std::less<>>& all() const { return values_; }

 private:
  std::map<std::string, std::string, std::less<>> values_;
};

}  // namespace tocsin
