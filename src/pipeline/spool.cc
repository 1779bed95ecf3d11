#include "pipeline/spool.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <vector>

#include "base/file.h"

namespace tocsin {
namespace {

bool write_whole(int file, const char* bytes, std::size_t size) {
  while (size > 0) {
    const ssize_t written = write(file, bytes, size);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    bytes += written;
    size -= static_cast<std::size_t>(written);
  }
  return true;
}

}  // namespace

bool is_read_once(const std::string& path) {
  struct stat status {};
  return stat(path.c_str(), &status) == 0 &&
         (S_ISFIFO(status.st_mode) || S_ISCHR(status.st_mode) || S_ISSOCK(status.st_mode));
}

Spool::~Spool() {
  if (!path_.empty()) unlink(path_.c_str());
}

Expected<std::string> Spool::take(const std::string& path, const std::string& directory,
                                  const std::function<bool()>& interrupted) {
  const bool standard = path == "-";
  const std::string source = standard ? "standard input" : path;
  const FileDescriptor opened(standard ? -1 : open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  const int from = standard ? STDIN_FILENO : opened.number();
  if (from < 0) return failure(fmt::format("{}: {}", path, std::strerror(errno)));
  std::string name = directory + "/tocsin-input-XXXXXX";
  const FileDescriptor file(mkstemp(name.data()));
  if (!file.is_open()) return failure(fmt::format("{}: {}", directory, std::strerror(errno)));
  path_ = name;
  std::vector<char> buffer(1 << 20);
  while (!interrupted()) {
    const ssize_t got = read(from, buffer.data(), buffer.size());
    if (got == 0) break;
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return failure(fmt::format("{}: {}", source, std::strerror(errno)));
    if (!write_whole(file.number(), buffer.data(), static_cast<std::size_t>(got))) {
      return failure(fmt::format("{} to {}: {}", source, name, std::strerror(errno)));
    }
  }
  return path_;
}

}  // namespace tocsin
