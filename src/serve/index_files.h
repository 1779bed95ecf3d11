// What was found of segments, kept in files from one start to the next: segments never change, so it stays true.
#pragma once

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace tocsin::serve {

class IndexFiles {
 public:
  // Files of a kind in this directory, which is made when the first is kept. An empty path: nothing is kept.
  IndexFiles(std::filesystem::path directory, std::string kind)
      : directory_(std::move(directory)), kind_(std::move(kind)) {}
  // None if it was not kept, or is not as it was kept. name: letters, digits and '-'.
  std::optional<std::string> get(const std::string& name) const;
  // What can't be kept is found anew at the next start.
  void keep(const std::string& name, std::string_view bytes) const;
  void forget_others(const std::set<std::string>& names) const;

 private:
  std::filesystem::path path_of(const std::string& name) const { return directory_ / (name + "." + kind_); }
  std::filesystem::path directory_;
  std::string kind_;
};

// A segment's name, which is made of the hash of its bytes.
std::string segment_name(const std::string& path);

// Numbers and texts one after the other, as this machine has them in memory.
class IndexWriter {
 public:
  template <typename T>
  requires std::is_arithmetic_v<T>
  void add(T number) { bytes_.append(reinterpret_cast<const char*>(&number), sizeof number); }
  void add(std::string_view text) {
    add(std::uint64_t{text.size()});
    bytes_ += text;
  }
  void add(const std::vector<std::uint32_t>& numbers) {
    add(std::string_view(reinterpret_cast<const char*>(numbers.data()), numbers.size() * sizeof(std::uint32_t)));
  }
  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

class IndexReader {
 public:
  explicit IndexReader(std::string_view bytes) : bytes_(bytes) {}
  // Zero past the end, which ok() tells.
  template <typename T>
  requires std::is_arithmetic_v<T> T number() {
    T number{};
    const std::string_view taken = take(sizeof number);
    if (!taken.empty()) std::memcpy(&number, taken.data(), sizeof number);
    return number;
  }
  std::string_view text() { return take(number<std::uint64_t>()); }
  std::vector<std::uint32_t> numbers() {
    const std::string_view taken = text();
    std::vector<std::uint32_t> numbers(taken.size() / sizeof(std::uint32_t));
    if (!numbers.empty()) std::memcpy(numbers.data(), taken.data(), numbers.size() * sizeof(std::uint32_t));
    return numbers;
  }
  std::size_t left() const { return bytes_.size(); }
  bool ok() const { return ok_; }

 private:
  std::string_view take(std::uint64_t size) {
    if (size > bytes_.size()) {
      ok_ = false;
      bytes_ = {};
      return {};
    }
    const std::string_view taken = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
    return taken;
  }
  std::string_view bytes_;
  bool ok_ = true;
};

}  // namespace tocsin::serve
