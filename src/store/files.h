// What the store does with files: written, synced, hashed, and what failed said in a sentence.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>

#include "base/expected.h"

namespace tocsin::store {

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

struct FileSum {
  std::string sha256;  // hexadecimal
  std::uint64_t bytes = 0;
};

// "cannot write x: No such file", or the sentence for a full disk.
Error system_error(std::string_view action, const std::filesystem::path& path, int number);
// An error of DuckDB, which tells a full disk only in words.
Error database_error(std::string_view action, const Error& error);

Expected<std::string> read_whole(const std::filesystem::path& path);
Expected<FileSum> sum_of(const std::filesystem::path& path);
// fsync of a file or a directory.
Expected<void> sync(const std::filesystem::path& path);

}  // namespace tocsin::store
