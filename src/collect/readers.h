// The makers of the readers, one a format, and what the readers of line formats share.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "collect/reader.h"

namespace tocsin::collect {

std::unique_ptr<PacketReader> make_pcap_reader(InputStream& input, std::uint32_t source);
std::unique_ptr<PacketReader> make_pcapng_reader(InputStream& input, std::uint32_t source);
std::unique_ptr<ObservationReader> make_binetflow_reader(InputStream& input, std::uint32_t source);
std::unique_ptr<ObservationReader> make_zeek_tsv_reader(InputStream& input, std::uint32_t source);
std::unique_ptr<ObservationReader> make_zeek_json_reader(InputStream& input, std::uint32_t source);
std::unique_ptr<ObservationReader> make_eve_reader(InputStream& input, std::uint32_t source);
std::unique_ptr<ObservationReader> make_ipfix_reader(InputStream& input, std::uint32_t source);
std::unique_ptr<ObservationReader> make_access_log_reader(InputStream& input, std::uint32_t source);
std::unique_ptr<ObservationReader> make_report_csv_reader(InputStream& input, std::uint32_t source);
std::unique_ptr<ObservationReader> make_misp_event_reader(InputStream& input, std::uint32_t source);
std::unique_ptr<ObservationReader> make_warc_reader(InputStream& input, std::uint32_t source);

// No link-layer frame is longer: tcpdump's and Wireshark's largest snapshot length.
inline constexpr std::uint32_t kMostPacket = 256 * 1024;

// One record a line. A subclass gets every line that is not blank and says what it was.
class LineReader : public ObservationReader {
 public:
  LineReader(InputStream& input, std::uint32_t source) : input_(input), source_(source) {}
  bool read(Batch& batch) final;

 protected:
  enum class Outcome { kTaken, kPassedOver, kBad, kNoRecord };
  // For kBad, reason_ says why. The line lives until the call ends.
  virtual Outcome take(std::string_view line, const Place& place, Batch& batch) = 0;
  // The source has ended: appends at most about kBatchSize of what is held; false if nothing is held any more.
  virtual bool give_rest(Batch&) { return false; }
  Outcome bad(std::string_view reason) {
    reason_ = reason;
    return Outcome::kBad;
  }

 private:
  InputStream& input_;
  std::uint32_t source_;
  std::uint64_t line_number_ = 0;
  std::string_view reason_;
};

}  // namespace tocsin::collect
