// A file's bytes, in blocks.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <span>

#include "base/expected.h"

namespace tocsin {

// Calls take for each block of the file, in order, until it says false.
Expected<void> read_blocks(const std::filesystem::path& path,
                           const std::function<bool(std::span<const std::byte>)>& take);

}  // namespace tocsin
