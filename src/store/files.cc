#include "store/files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace tocsin::store {

Error system_error(std::string_view action, const std::filesystem::path& path, int number) {
  const std::string reason = std::generic_category().message(number);
  // EFBIG is a limit on the size of files (ulimit -f), which fills up just as a disk does.
  if (number == ENOSPC || number == EDQUOT || number == EFBIG) {
    return {fmt::format("the disk is full: cannot {} {} ({}); the store is intact, free some space and run again",
                        action, path.string(), reason)};
  }
  return {fmt::format("cannot {} {}: {}", action, path.string(), reason)};
}

Error database_error(std::string_view action, const Error& error) {
  for (const int number : {ENOSPC, EDQUOT, EFBIG}) {
    if (error.message.find(std::generic_category().message(number)) != std::string::npos) {
      return {fmt::format("the disk is full: cannot {} ({}); the store is intact, free some space and run again",
                          action, error.message)};
    }
  }
  return {fmt::format("cannot {}: {}", action, error.message)};
}

Expected<std::string> read_whole(const std::filesystem::path& path) {
  std::string text;
  const auto read = read_blocks(path, [&text](std::span<const std::byte> block) {
    text.append(reinterpret_cast<const char*>(block.data()), block.size());
    return true;
  });
  if (!read) return std::unexpected(read.error());
  return text;
}

Expected<void> sync(const std::filesystem::path& path) {
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.is_open()) return std::unexpected(system_error("open", path, errno));
  if (::fsync(file.number()) != 0) return std::unexpected(system_error("sync", path, errno));
  return {};
}

}  // namespace tocsin::store
