// Readers: from a source's bytes to observations, or to packets for the dissectors.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/expected.h"
#include "base/time.h"
#include "collect/input.h"
#include "collect/observation.h"

namespace tocsin {

enum class Format {
  kUnknown,
  kEmpty,
  kPcap,
  kPcapng,
  kBinetflow,
  kZeekTsv,
  kZeekJson,
  kEve,
  kIpfix,
  kAccessLog,
  kReportCsv,
  kMispEvent,
  kWarc,
};
std::string_view name_of(Format format);

// By content alone. head: the first bytes (64 KiB if there are so many), decompressed.
Format recognise(std::span<const std::byte> head);

class ObservationReader {
 public:
  virtual ~ObservationReader() = default;
  // Appends at most about kBatchSize observations; false when the source has ended (the batch may still have some).
  // Never throws on input; bad records go to skips().
  virtual bool read(Batch& batch) = 0;
  const Skips& skips() const { return skips_; }
  // Records that are well formed but of a type that is not taken (a Zeek log of another kind, an EVE stats line).
  std::uint64_t passed_over() const { return passed_over_; }
  std::uint64_t records() const { return records_; }

 protected:
  Skips skips_;
  std::uint64_t passed_over_ = 0;
  std::uint64_t records_ = 0;
};

// One link-layer frame as captured. data is valid until the reader's next read.
struct Packet {
  Timestamp time = 0;
  std::uint32_t original_length = 0;
  std::uint32_t link_type = 0;  // LINKTYPE_ value of tcpdump.org/linktypes
  Place place;
  std::span<const std::byte> data;
};

class PacketReader {
 public:
  virtual ~PacketReader() = default;
  // Fills `packets` with the next at most kBatchSize packets (cleared first); false at the end.
  virtual bool read(std::vector<Packet>& packets) = 0;
  const Skips& skips() const { return skips_; }
  std::uint64_t records() const { return records_; }

 protected:
  Skips skips_;
  std::uint64_t records_ = 0;
};

// source: the index that Places carry. nullptr when the format is not of that sort.
std::unique_ptr<PacketReader> make_packet_reader(Format format, InputStream& input, std::uint32_t source);
std::unique_ptr<ObservationReader> make_observation_reader(Format format, InputStream& input, std::uint32_t source);

// Writes the classic pcap format (microseconds, link type of the first packet).
class PcapWriter {
 public:
  static Expected<PcapWriter> create(const std::string& path, std::uint32_t link_type);
  PcapWriter(PcapWriter&&) noexcept;
  ~PcapWriter();
  Expected<void> write(const Packet& packet);

 private:
  struct State;
  explicit PcapWriter(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace tocsin
