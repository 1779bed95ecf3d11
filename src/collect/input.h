// A source's bytes: a file or standard input ("-"), decompressed (gzip, xz, zstd, by content), read in order in
// bounded memory; and what was skipped of them.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/expected.h"

namespace tocsin {

// Bad records of one source: how many of each sort, and where the first ones are.
class Skips {
 public:
  // where: "line 12" or "packet 7"; what: a constant phrase such as "truncated header".
  void add(std::string_view where, std::string_view what);
  void add(const Skips& others);
  std::uint64_t count() const { return count_; }
  const std::map<std::string, std::uint64_t>& by_reason() const { return by_reason_; }
  // "where: what" of the first 20.
  const std::vector<std::string>& examples() const { return examples_; }

 private:
  std::uint64_t count_ = 0;
  std::map<std::string, std::uint64_t> by_reason_;
  std::vector<std::string> examples_;
};

class InputStream {
 public:
  // most: raw bytes of the file to read at most, so that what a live file gains meanwhile is left for another time.
  static Expected<std::unique_ptr<InputStream>> open(const std::string& path,
                                                     std::uint64_t most = std::numeric_limits<std::uint64_t>::max());
  // The bytes themselves, for tests and nested use.
  static std::unique_ptr<InputStream> of_bytes(std::string bytes, std::string name = "memory");
  ~InputStream();

  // At least `least` bytes without consuming them, fewer only at the end of the input. The view is valid until the
  // next call. least may be up to 16 MiB.
  std::span<const std::byte> peek(std::size_t least);
  void consume(std::size_t bytes);
  // The next line without its end (LF or CRLF), nullopt at the end of the input. A line longer than 16 MiB is cut to
  // that and the rest of it is dropped: too_long() then says so for this line.
  std::optional<std::string_view> line();
  bool too_long() const;

  // Bytes consumed so far, decompressed.
  std::uint64_t offset() const;
  // Bytes read from the file so far, as they are in it, and the file's size if known: for progress.
  std::uint64_t raw_offset() const;
  std::optional<std::uint64_t> raw_size() const;
  // A fault in the bytes below (I/O error, damaged compression), after which the input ends early.
  const std::optional<Error>& fault() const;
  const std::string& name() const;

 private:
  struct State;
  explicit InputStream(std::unique_ptr<State> state);
  std::string_view long_line();
  std::unique_ptr<State> state_;
};

}  // namespace tocsin
