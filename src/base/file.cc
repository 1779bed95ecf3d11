#include "base/file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <system_error>

namespace tocsin {
namespace {

constexpr std::size_t kBlock = 256 * 1024;

struct Descriptor {
  int number;
  explicit Descriptor(int opened) : number(opened) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (number >= 0) close(number);
  }
};

}  // namespace

Expected<void> read_blocks(const std::filesystem::path& path,
                           const std::function<bool(std::span<const std::byte>)>& take) {
  const auto error = [&path] {
    return failure(fmt::format("{}: {}", path.string(), std::generic_category().message(errno)));
  };
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.number < 0) return error();
  const auto block = std::make_unique_for_overwrite<std::byte[]>(kBlock);
  for (;;) {
    const ssize_t size = read(file.number, block.get(), kBlock);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return error();
    if (size == 0 || !take({block.get(), static_cast<std::size_t>(size)})) return {};
  }
}

}  // namespace tocsin
