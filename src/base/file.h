// A file's bytes, in blocks, and what they sum up to.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <limits>
#include <span>
#include <string>
#include <utility>

#include "base/expected.h"

namespace tocsin {

// Closes the file that it holds, if any.
class FileDescriptor {
 public:
  FileDescriptor() = default;
  explicit FileDescriptor(int number) : number_(number) {}
  FileDescriptor(FileDescriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~FileDescriptor();
  int number() const { return number_; }
  bool is_open() const { return number_ >= 0; }

 private:
  int number_ = -1;
};

// Calls take for each block of the file, in order, until it says false.
Expected<void> read_blocks(const std::filesystem::path& path,
                           const std::function<bool(std::span<const std::byte>)>& take);

struct FileSum {
  std::string sha256;  // hexadecimal
  std::uint64_t bytes = 0;
};
// Of the first bytes of a file, `most` of them or as many as there are.
Expected<FileSum> sum_of(const std::filesystem::path& path,
                         std::uint64_t most = std::numeric_limits<std::uint64_t>::max());

}  // namespace tocsin
