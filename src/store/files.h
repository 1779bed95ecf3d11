// What the store does with files: written, synced, hashed, and what failed said in a sentence.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "base/expected.h"
#include "base/file.h"

namespace tocsin::store {

// "cannot write x: No such file", or the sentence for a full disk.
Error system_error(std::string_view action, const std::filesystem::path& path, int number);
// An error of DuckDB, which tells a full disk only in words.
Error database_error(std::string_view action, const Error& error);

Expected<std::string> read_whole(const std::filesystem::path& path);
// fsync of a file or a directory.
Expected<void> sync(const std::filesystem::path& path);

}  // namespace tocsin::store
