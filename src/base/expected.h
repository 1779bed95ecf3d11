// Errors are values: a function that can fail on its input returns Expected<T>.
#pragma once

#include <expected>
#include <string>
#include <utility>

namespace tocsin {

// What went wrong, in a sentence that names the file (and line) and, where there is one, the remedy.
struct Error {
  std::string message;
};

template <typename T>
using Expected = std::expected<T, Error>;

inline std::unexpected<Error> failure(std::string message) { return std::unexpected<Error>(Error{std::move(message)}); }

}  // namespace tocsin
