// Where the tests find the location databases: share/tocsin/location of the build tree that they are in.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>

namespace tocsin {

inline std::string location_directory() {
  const std::filesystem::path bin = std::filesystem::read_symlink("/proc/self/exe").parent_path();
  for (const auto& root : {bin.parent_path(), bin.parent_path().parent_path()}) {
    const auto directory = root / "share" / "tocsin" / "location";
    if (std::filesystem::exists(directory)) return directory.string();
  }
  return (bin.parent_path() / "share/tocsin/location").string();
}

// A directory of its own for a test, removed with it.
class ScratchDirectory {
 public:
  ScratchDirectory() {
    std::string name = (std::filesystem::temp_directory_path() / "tocsin-locate-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ~ScratchDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;
  std::string path() const { return path_; }

 private:
  std::string path_;
};

// Where the databases must be: a build without them is broken, so a test that lacks them fails in CI.
#define NEEDS_LOCATION_DATA()                                                                        \
  if (!std::filesystem::exists(location_directory() + "/location.db")) {                             \
    if (std::getenv("CI") != nullptr) FAIL() << "no location databases in " << location_directory(); \
    GTEST_SKIP() << "no location databases in " << location_directory();                             \
  }

}  // namespace tocsin
