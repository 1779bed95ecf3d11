// No shell stands between: the arguments are given as they are. The page comes from a file in a fresh directory beside
// the result, which also takes the PDF until it is whole and what WeasyPrint complains of. A page that makes it hang is
// ended after two minutes.
#include "publish/pdf.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <fstream>
#include <sstream>
#include <system_error>
#include <thread>

#include "base/text.h"

extern char** environ;  // NOLINT(readability-redundant-declaration): POSIX has no header for it

namespace tocsin {
namespace {
namespace fs = std::filesystem;

constexpr std::chrono::seconds kPatience{120};
constexpr std::string_view kRemedy =
    "install WeasyPrint (Debian: apt-get install weasyprint fonts-noto-cjk), or ask for --format html and print that "
    "from a browser";

// Removed with what is in it when the work is done.
class ScratchDirectory {
 public:
  explicit ScratchDirectory(const fs::path& beside) {
    std::string name = (beside / ".pdf-XXXXXX").string();
    if (::mkdtemp(name.data())) path_ = name;
  }
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;
  ~ScratchDirectory() {
    std::error_code ignored;
    if (!path_.empty()) fs::remove_all(path_, ignored);
  }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

Expected<pid_t> start(const fs::path& page, const fs::path& pdf, const fs::path& complaints) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, complaints.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  std::string program = "weasyprint";
  std::string quiet = "-q";
  std::string encoding = "--encoding=utf-8";
  std::string from = page.string();
  std::string to = pdf.string();
  std::array<char*, 6> arguments{program.data(), quiet.data(), encoding.data(), from.data(), to.data(), nullptr};
  pid_t child = 0;
  const int wrong = posix_spawnp(&child, program.c_str(), &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (wrong == ENOENT) return failure(fmt::format("weasyprint, which makes the PDF, is missing: {}", kRemedy));
  if (wrong != 0) {
    return failure(fmt::format("weasyprint could not be run: {}: {}", std::generic_category().message(wrong), kRemedy));
  }
  return child;
}

// The exit status; -1 if it had to be ended.
int wait_for(pid_t child) {
  const auto end = std::chrono::steady_clock::now() + kPatience;
  int status = 0;
  for (;;) {
    const pid_t done = ::waitpid(child, &status, WNOHANG);
    if (done == child) return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    if (done < 0 && errno != EINTR) return -1;
    if (std::chrono::steady_clock::now() > end) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  ::kill(child, SIGKILL);
  ::waitpid(child, &status, 0);
  return -1;
}

std::string beginning_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::array<char, 400> text{};
  file.read(text.data(), text.size());
  return printable(std::string_view(text.data(), static_cast<std::size_t>(file.gcount())), text.size());
}

}  // namespace

Expected<void> write_pdf(const std::string& html, const fs::path& path) {
  const fs::path beside = path.has_parent_path() ? path.parent_path() : fs::path(".");
  const ScratchDirectory scratch(beside);
  const std::string trouble = fmt::format("{}: could not be written", path.string());
  if (scratch.path().empty()) return failure(trouble);
  const fs::path page = scratch.path() / "brief.html";
  const fs::path pdf = scratch.path() / "brief.pdf";
  const fs::path complaints = scratch.path() / "complaints";
  std::ofstream file(page, std::ios::binary);
  file << html;
  file.close();
  if (!file) return failure(trouble);
  const auto child = start(page, pdf, complaints);
  if (!child) return std::unexpected(child.error());
  const int status = wait_for(*child);
  if (status == 127) return failure(fmt::format("weasyprint, which makes the PDF, is missing: {}", kRemedy));
  if (status != 0) {
    return failure(fmt::format("{}: weasyprint did not make it ({}): {}", path.string(),
                               status < 0 ? "ended before it was done" : fmt::format("exit status {}", status),
                               beginning_of(complaints)));
  }
  std::error_code error;
  fs::rename(pdf, path, error);
  if (error) return failure(fmt::format("{}: {}", path.string(), error.message()));
  return {};
}

}  // namespace tocsin
