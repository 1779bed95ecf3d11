#include "base/file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <system_error>

#include "base/hash.h"

namespace tocsin {
namespace {

constexpr std::size_t kBlock = 256 * 1024;

}  // namespace

FileDescriptor::~FileDescriptor() {
  if (number_ >= 0) close(number_);
}

Expected<void> read_blocks(const std::filesystem::path& path,
                           const std::function<bool(std::span<const std::byte>)>& take) {
  const auto error = [&path] {
    return failure(fmt::format("{}: {}", path.string(), std::generic_category().message(errno)));
  };
  const FileDescriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.is_open()) return error();
  const auto block = std::make_unique_for_overwrite<std::byte[]>(kBlock);
  for (;;) {
    const ssize_t size = read(file.number(), block.get(), kBlock);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return error();
    if (size == 0 || !take({block.get(), static_cast<std::size_t>(size)})) return {};
  }
}

Expected<FileSum> sum_of(const std::filesystem::path& path, std::uint64_t most) {
  FileSum sum;
  Sha256 hash;
  const auto read = read_blocks(path, [&](std::span<const std::byte> block) {
    const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(block.size(), most - sum.bytes));
    hash.update(block.first(size));
    sum.bytes += size;
    return sum.bytes < most;
  });
  if (!read) return std::unexpected(read.error());
  sum.sha256 = hex(hash.digest());
  return sum;
}

}  // namespace tocsin
