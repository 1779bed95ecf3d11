#include "serve/index_files.h"

#include <fmt/format.h>
#include <unistd.h>

#include <fstream>
#include <iterator>

#include "base/hash.h"

namespace tocsin::serve {
namespace {

namespace fs = std::filesystem;

// Another form of the files, or another way to make what is in them, is another number.
constexpr std::uint64_t kForm = 1;
constexpr std::size_t kSumSize = sizeof(std::uint64_t);

std::string sum_of(std::string_view bytes) {
  const std::uint64_t sum = hash64(bytes, kForm);
  return {reinterpret_cast<const char*>(&sum), sizeof sum};
}

}  // namespace

std::optional<std::string> IndexFiles::get(const std::string& name) const {
  if (directory_.empty()) return std::nullopt;
  std::ifstream file(path_of(name), std::ios::binary);
  if (!file) return std::nullopt;
  std::string bytes(std::istreambuf_iterator<char>(file), {});
  if (file.bad() || bytes.size() < kSumSize) return std::nullopt;
  const std::string sum = bytes.substr(0, kSumSize);
  bytes.erase(0, kSumSize);
  return sum == sum_of(bytes) ? std::optional(std::move(bytes)) : std::nullopt;
}

void IndexFiles::keep(const std::string& name, std::string_view bytes) const {
  if (directory_.empty()) return;
  std::error_code failed;
  if (fs::create_directories(directory_, failed)) {
    // Whose addresses there are is not for everybody on this machine.
    fs::permissions(directory_, fs::perms::owner_all, failed);
  }
  const fs::path written = directory_ / fmt::format("{}.{}.{}.part", name, kind_, ::getpid());
  {
    std::ofstream file(written, std::ios::binary | std::ios::trunc);
    file << sum_of(bytes) << bytes;
    if (!file.flush()) {
      fs::remove(written, failed);
      return;
    }
  }
  fs::rename(written, path_of(name), failed);
  if (failed) fs::remove(written, failed);
}

void IndexFiles::forget_others(const std::set<std::string>& names) const {
  if (directory_.empty()) return;
  std::error_code failed;
  for (const auto& file : fs::directory_iterator(directory_, failed)) {
    const fs::path& path = file.path();
    const bool is_left_over = path.extension() == ".part";
    if (!is_left_over && (path.extension() != "." + kind_ || names.contains(path.stem().string()))) continue;
    std::error_code ignored;
    fs::remove(path, ignored);
  }
}

std::string segment_name(const std::string& path) { return fs::path(path).stem().string(); }

}  // namespace tocsin::serve
