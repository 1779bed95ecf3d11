#include "engine/file_store.h"

#include <gtest/gtest.h>

#include <fstream>

#include "base/hash.h"

namespace tocsin::engine {
namespace {

namespace fs = std::filesystem;

struct Scratch {
  Scratch() : path(fs::path(testing::TempDir()) / "tocsin-file-store-test") { fs::remove_all(path); }
  ~Scratch() { fs::remove_all(path); }
  fs::path path;
};

fs::path place_of(const fs::path& directory, std::string_view bytes) {
  const Digest digest = sha256(bytes);
  const std::string name = hex(digest);
  return directory / name.substr(0, 2) / name;
}

TEST(FileStore, KeepsAFileUnderItsHashWhenItIsWhole) {
  const Scratch scratch;
  FileStore store(scratch.path, false, 1000);
  protocol::File file;
  file.is_stored = true;
  file.bytes = "hello ";
  EXPECT_EQ(store.take(file), 0u);
  file.bytes += "world";
  file.state = protocol::File::State::kClosed;
  EXPECT_EQ(store.take(file), 1u);
  std::ifstream in(place_of(scratch.path, "hello world"));
  std::string kept;
  std::getline(in, kept);
  EXPECT_EQ(kept, "hello world");
}

TEST(FileStore, KeepsWhatTheWindowOfAFileLetGo) {
  const Scratch scratch;
  FileStore store(scratch.path, true, 1000);
  protocol::File file;
  file.bytes = "first";
  store.take(file);
  file.bytes = "second";
  file.offset = 5;
  file.state = protocol::File::State::kTruncated;
  store.take(file);
  EXPECT_TRUE(fs::exists(place_of(scratch.path, "firstsecond")));
}

TEST(FileStore, GivesUpTheOldestWhereAllTogetherAreTooMuch) {
  const Scratch scratch;
  FileStore store(scratch.path, true, 1000, 1500);
  std::vector<protocol::File> files(3);
  for (protocol::File& file : files) {
    file.bytes = std::string(600, static_cast<char>('a' + (&file - files.data())));
    store.take(file);
    EXPECT_LE(store.pending_bytes(), 1500u);
  }
  EXPECT_EQ(store.failures(), 1u);
  for (protocol::File& file : files) {
    file.state = protocol::File::State::kClosed;
    store.take(file);
  }
  EXPECT_FALSE(fs::exists(place_of(scratch.path, files[0].bytes)));
  EXPECT_TRUE(fs::exists(place_of(scratch.path, files[2].bytes)));
  EXPECT_EQ(store.pending_bytes(), 0u);
}

TEST(FileStore, ForgetsFilesThatWillNotBeWhole) {
  const Scratch scratch;
  FileStore store(scratch.path, true, 1000);
  protocol::File file;
  file.bytes = "begun";
  store.take(file);
  EXPECT_EQ(store.pending_bytes(), 5u);
  store.forget(file);
  EXPECT_EQ(store.pending_bytes(), 0u);
}

TEST(FileStore, LeavesFilesThatNobodyAskedFor) {
  const Scratch scratch;
  FileStore store(scratch.path, false, 1000);
  protocol::File file;
  file.bytes = "x";
  file.state = protocol::File::State::kClosed;
  EXPECT_EQ(store.take(file), 0u);
  EXPECT_FALSE(fs::exists(scratch.path));
}

TEST(FileStore, CutsWhatIsLongerThanItsLimit) {
  const Scratch scratch;
  FileStore store(scratch.path, true, 4);
  protocol::File file;
  file.bytes = "abcdef";
  file.state = protocol::File::State::kClosed;
  store.take(file);
  EXPECT_TRUE(fs::exists(place_of(scratch.path, "abcd")));
}

}  // namespace
}  // namespace tocsin::engine
