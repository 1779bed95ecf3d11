// What the fuzz targets share. A target is a name and a function that takes any bytes; entry.cc runs the one that is
// asked for.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace tocsin::fuzz {

using Bytes = std::span<const std::uint8_t>;

class Target {
 public:
  using Run = void (*)(Bytes bytes);
  // Of static lifetime.
  Target(std::string_view name, Run run);

  std::string_view name;
  Run run;
  Target* next;
};

inline std::string text_of(Bytes bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

// Takes the input apart: numbers first, what is left last. Past the end everything is nought or empty.
class Pieces {
 public:
  explicit Pieces(Bytes bytes) : rest_(bytes) {}
  bool empty() const { return rest_.empty(); }
  std::uint8_t number();
  std::uint16_t number16();  // the low byte first
  // So many bytes, or as many as there are.
  Bytes take(std::size_t size);
  Bytes rest() const { return rest_; }
  // The text before the next line of "---", which is taken, too; or all there is.
  std::string_view section();

 private:
  Bytes rest_;
};

// Bytes under a path, for readers of files; in memory, and gone with this.
class FileOf {
 public:
  explicit FileOf(Bytes bytes);
  explicit FileOf(std::string_view text) : FileOf({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}) {}
  FileOf(const FileOf&) = delete;
  FileOf& operator=(const FileOf&) = delete;
  ~FileOf();
  const std::string& path() const { return path_; }

 private:
  int descriptor_;
  std::string path_;
};

// Looks at every byte, so that a view of memory that is gone shows.
void look(std::string_view text);
inline void look(Bytes bytes) { look(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size())); }

}  // namespace tocsin::fuzz
