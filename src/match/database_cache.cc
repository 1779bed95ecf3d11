#include "match/database_cache.h"

#include <hs/hs.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <span>
#include <vector>

#include "base/file.h"
#include "base/hash.h"

namespace tocsin::match {
namespace {

constexpr std::size_t kLargest = std::size_t{1} << 30, kMostFiles = 32, kSum = 32;

std::string name_of(const std::string& key) { return key + ".contents"; }

// Of this user, and nobody else may write to it; a link is not followed.
bool is_own(const std::filesystem::path& path, mode_t kind) {
  struct stat of {};
  return lstat(path.c_str(), &of) == 0 && (of.st_mode & S_IFMT) == kind && of.st_uid == geteuid() &&
         (of.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

std::string sum_of(std::string_view bytes) {
  const Digest digest = sha256(bytes);
  return {digest.begin(), digest.end()};
}

// The oldest go.
void make_room(const std::filesystem::path& directory) {
  std::vector<std::pair<std::filesystem::file_time_type, std::filesystem::path>> files;
  std::error_code error;
  for (std::filesystem::directory_iterator at(directory, error), end; !error && at != end; at.increment(error)) {
    if (at->path().extension() != ".contents") continue;
    std::error_code unknown;
    files.emplace_back(at->last_write_time(unknown), at->path());
  }
  if (files.size() < kMostFiles) return;
  std::ranges::sort(files);
  for (std::size_t i = 0; i + kMostFiles <= files.size(); ++i) std::filesystem::remove(files[i].second, error);
}

}  // namespace

bool DatabaseCache::is_ours() const { return !directory_.empty() && is_own(directory_, S_IFDIR); }

hs_database* DatabaseCache::find(const std::string& key) const {
  const std::filesystem::path path = directory_ / name_of(key);
  if (!is_ours() || !is_own(path, S_IFREG)) return nullptr;
  std::string bytes;
  const auto read = read_blocks(path.string(), [&](std::span<const std::byte> block) {
    bytes.append(reinterpret_cast<const char*>(block.data()), block.size());
    return bytes.size() <= kLargest;
  });
  if (!read || bytes.size() <= kSum || bytes.size() > kLargest) return nullptr;
  const std::string_view body = std::string_view(bytes).substr(kSum);
  if (bytes.compare(0, kSum, sum_of(body)) != 0) return nullptr;
  hs_database_t* database = nullptr;  // its version and machine are looked at, too
  return hs_deserialize_database(body.data(), body.size(), &database) == HS_SUCCESS ? database : nullptr;
}

void DatabaseCache::keep(const std::string& key, const hs_database* database) const {
  if (directory_.empty()) return;
  std::error_code error;
  if (std::filesystem::create_directories(directory_, error)) {
    std::filesystem::permissions(directory_, std::filesystem::perms::owner_all, error);
  }
  if (!is_ours()) return;
  char* made = nullptr;
  std::size_t size = 0;
  if (hs_serialize_database(database, &made, &size) != HS_SUCCESS) return;
  const std::unique_ptr<char, void (*)(void*)> bytes(made, &std::free);
  if (size > kLargest - kSum) return;
  make_room(directory_);
  // Under another name first, so that a file which is there is whole.
  const std::filesystem::path temporary = directory_ / (key + "." + std::to_string(getpid()) + ".part");
  std::ofstream out(temporary, std::ios::binary);
  out << sum_of({made, size});
  out.write(made, static_cast<std::streamsize>(size));
  out.close();
  std::filesystem::permissions(temporary, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write,
                               error);
  if (out) std::filesystem::rename(temporary, directory_ / name_of(key), error);
  if (!out || error) std::filesystem::remove(temporary, error);
}

}  // namespace tocsin::match
