// Sources: files below directories, told apart by content, opened when their time comes and read in time order.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/expected.h"
#include "collect/input.h"
#include "collect/observation.h"
#include "collect/reader.h"
#include "store/sighting_store.h"

namespace tocsin {

// A source before it is read.
struct SourceFile {
  SourceRecord record;  // id, name, path, format, sha256, bytes
  Format format = Format::kUnknown;
  std::vector<std::string> grown_from;  // ids of all sources in the store whose bytes are the first of this one
  bool known = false;                   // the store has it whole
  Timestamp first = 0;                  // time of its first observation or packet
};

// Files of paths, directories walked in the order of their names, hidden files left out. "-" stays.
Expected<std::vector<std::string>> walk(const std::vector<std::string>& paths);

// Hashes the file, compares with what the store has, recognises the format and finds the first time.
Expected<SourceFile> identify(const std::string& path, const std::vector<SourceRecord>& known);

class PacketRules;

// One source as batches of observations, whether they come from packets or from logs.
class SourceReader {
 public:
  // rules: see the packets, too, and must outlive the reader; null: none.
  static Expected<std::unique_ptr<SourceReader>> open(const SourceFile& file, std::uint32_t index,
                                                      PacketRules* rules = nullptr);
  ~SourceReader();
  // Clears the batch and fills it; false when the source has ended and the batch is empty.
  bool next(Batch& batch);
  const InputStream& input() const;
  std::uint64_t records() const;
  std::uint64_t passed_over() const;
  // Everything skipped: by the reader, by the dissectors, and a damaged end.
  Skips skips() const;

 private:
  struct State;
  explicit SourceReader(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// The time of the first thing in a batch; nothing if it is empty.
std::optional<Timestamp> first_time(const Batch& batch);

// Reads the sources in the order of their batches' times; rules, if any, see the packets. take(batch, bytes) is called
// for each batch, with the bytes of all sources read so far; it may keep the batch and leave another in its place,
// whose memory is used again. False ends the reading, as its result. ended(index, reader): one is at its end.
Expected<bool> read_in_order(const std::vector<SourceFile>& files, PacketRules* rules,
                             const std::function<bool(Batch& batch, std::uint64_t bytes)>& take,
                             const std::function<void(std::size_t, const SourceReader&)>& ended);

}  // namespace tocsin
