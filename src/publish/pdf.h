// PDF from the HTML brief, by WeasyPrint as a process of its own.
#pragma once

#include <filesystem>
#include <string>

#include "base/expected.h"

namespace tocsin {

// html: as to_html gives it for paper; it must reach for nothing outside of itself. path is replaced whole or not at
// all. An error says what to install if WeasyPrint is not on the PATH.
Expected<void> write_pdf(const std::string& html, const std::filesystem::path& path);

}  // namespace tocsin
