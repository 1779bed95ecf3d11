#include "pipeline/installation.h"

#include <cstdlib>
#include <system_error>

namespace tocsin {

std::filesystem::path share_directory() {
  if (const char* given = std::getenv("TOCSIN_SHARE"); given != nullptr && *given != '\0') return given;
  std::error_code error;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", error);
  return program.parent_path().parent_path() / "share" / "tocsin";
}

std::filesystem::path relays_file() { return share_directory() / "constituencies" / "relays.toml"; }

std::filesystem::path cache_directory() {
  const char* cache = std::getenv("XDG_CACHE_HOME");
  if (cache != nullptr && *cache == '/') return std::filesystem::path(cache) / "tocsin";
  const char* home = std::getenv("HOME");
  if (home != nullptr && *home == '/') return std::filesystem::path(home) / ".cache" / "tocsin";
  std::error_code error;
  return std::filesystem::temp_directory_path(error) / "tocsin-cache";
}

}  // namespace tocsin
