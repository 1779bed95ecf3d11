// Files that protocols carry, as they come: a window of their bytes, their hashes, their kind.
//
//   auto file = std::make_unique<GrowingFile>(settings, name, side, transaction.id);
//   GrowingFile* open = file.get();
//   transaction.files.push_back(std::move(file));
//   open->append(bytes); ... open->close();
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/options.h"
#include "protocol/transaction.h"

namespace tocsin::protocol {

// From options "files.md5", "files.sha1", "files.sha256", "files.magic" (flags: what rules or logs ask for),
// "files.window" (bytes kept behind what has come, 256 KiB) and "files.stream-depth" (bytes after which a file counts
// as truncated; 0: none).
struct FileSettings {
  bool md5 = false, sha1 = false, sha256 = false, magic = false;
  std::uint64_t window = 256 * 1024;
  std::uint64_t depth = 0;

  static FileSettings of(const Options& options);
};

class GrowingFile final : public File {
 public:
  GrowingFile(const FileSettings& settings, std::string name, Side side, std::uint64_t transaction);
  ~GrowingFile() override;

  // Beyond the window the beginning goes, but never anything of this call's own bytes: a reader that looks after each
  // misses nothing. Nothing happens to a file that is not open.
  void append(Bytes bytes);
  // So many bytes are missing here. The hashes are then of nothing, and are not told.
  void skip(std::uint64_t bytes);
  // The end: kClosed, or why not. Hashes are made of a closed one only.
  void close(State how = State::kClosed);
  bool is_open() const { return state == State::kOpen; }

 private:
  struct Hash;
  FileSettings settings_;
  std::unique_ptr<Hash> hash_;
};

// What kind of file it is, as libmagic calls it; remembered in file.magic. Empty while too little of it is known.
const std::string& identify(File& file);
// The same of bytes alone.
std::string magic_of(std::string_view bytes);

// The last part of a path, whichever way its slashes lean.
std::string_view base_name(std::string_view path);

}  // namespace tocsin::protocol
