// The classic capture format of libpcap (pcap-savefile(5), draft-ietf-opsawg-pcap).
//
// A record's length is the only way to the next record, so one damaged length would lose the rest of the file. After
// an impossible header the reader therefore looks, byte by byte, for the next place where two headers in a row (or one
// that ends with the file) are possible: lengths within the file's snapshot length, and a time within a day of the last
// good packet's. That costs one pass over what is skipped.
//
// Nothing is copied: packets are views of the stream's own buffer, which keeps its bytes until the next peek.
#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "collect/readers.h"

namespace tocsin {
namespace collect {
namespace {

constexpr std::size_t kWindow = 1 << 20;
constexpr std::uint32_t kMicroseconds = 0xa1b2c3d4, kNanoseconds = 0xa1b23c4d, kModified = 0xa1b2cd34;
constexpr std::size_t kFileHeader = 24;

class PcapReader : public PacketReader {
 public:
  PcapReader(InputStream& input, std::uint32_t source) : input_(input), source_(source) {}

  bool read(std::vector<Packet>& packets) override {
    packets.clear();
    while (packets.empty() && !ended_) {
      input_.consume(used_);
      used_ = 0;
      window_ = input_.peek(kWindow);
      whole_ = window_.size() < kWindow;
      if (!begun_ && !begin()) return false;
      // Only here, where no packet is a view of the window: it may move the window on.
      if (lost_) resynchronise();
      if (!ended_) take_packets(packets);
      if (ended_) break;
    }
    return !packets.empty();
  }

 private:
  struct Record {
    std::uint32_t seconds, fraction, captured, original;
  };

  std::uint32_t word(std::size_t at) const {
    std::uint32_t value;
    std::memcpy(&value, window_.data() + at, sizeof value);
    return swapped_ ? __builtin_bswap32(value) : value;
  }

  bool begin() {
    begun_ = true;
    if (window_.size() < kFileHeader) {
      if (!window_.empty()) skips_.add("the file's header", "truncated file header");
      ended_ = true;
      return false;
    }
    if (!take_file_header()) {
      skips_.add("the file's header", "not a capture of libpcap");
      ended_ = true;
      return false;
    }
    return true;
  }

  bool take_file_header() {
    swapped_ = false;
    std::uint32_t magic = word(used_);
    if (magic != kMicroseconds && magic != kNanoseconds && magic != kModified) {
      swapped_ = true;
      magic = word(used_);
    }
    if (magic != kMicroseconds && magic != kNanoseconds && magic != kModified) return false;
    magic_ = magic;
    nanoseconds_ = magic == kNanoseconds;
    // The modified format of some old Linux captures has eight bytes more of no interest in each record's header.
    header_ = magic == kModified ? 24 : 16;
    // A snapshot length of 0, or one beyond any packet, says nothing.
    const std::uint32_t snap = word(used_ + 16);
    snap_length_ = snap == 0 || snap > kMostPacket ? kMostPacket : snap;
    link_type_ = word(used_ + 20) & 0xffff;
    used_ += kFileHeader;
    return true;
  }

  Record record_at(std::size_t at) const { return {word(at), word(at + 4), word(at + 8), word(at + 12)}; }

  // A capture appended to another one: its header stands where a record's would.
  bool file_header_at(std::size_t at) const {
    return word(at) == magic_ && word(at + 8) == 0 && word(at + 12) == 0 &&
           (word(at + 4) == (swapped_ ? 0x00020004U : 0x00040002U) || word(at + 4) == 0x00020004U);
  }

  void take_packets(std::vector<Packet>& packets) {
    const std::uint64_t base = input_.offset();
    while (packets.size() < kBatchSize) {
      const std::size_t left = window_.size() - used_;
      if (left < header_) {
        if (whole_) end(left, "truncated packet header");
        return;
      }
      if (left >= kFileHeader && file_header_at(used_)) {
        take_file_header();
        continue;
      }
      const Record record = record_at(used_);
      if (record.captured > kMostPacket) {
        ++records_;
        skips_.add(fmt::format("packet {}", records_), "impossible packet length");
        ++used_;
        lost_ = true;
        return;
      }
      if (left - header_ < record.captured) {
        if (whole_) end(left, "truncated packet");
        return;
      }
      ++records_;
      Packet& packet = packets.emplace_back();
      packet.time = time_of(record);
      packet.original_length = std::max(record.original, record.captured);
      packet.link_type = link_type_;
      packet.place = {source_, base + used_, records_};
      packet.data = window_.subspan(used_ + header_, record.captured);
      last_seconds_ = record.seconds;
      used_ += header_ + record.captured;
    }
  }

  Timestamp time_of(const Record& record) const {
    return record.seconds * kSecond + (nanoseconds_ ? record.fraction / 1000 : record.fraction);
  }

  void end(std::size_t left, std::string_view reason) {
    if (left > 0) {
      ++records_;
      skips_.add(fmt::format("packet {}", records_), reason);
    }
    used_ = window_.size();
    ended_ = true;
  }

  bool possible(std::size_t at) const {
    const Record record = record_at(at);
    const std::uint32_t apart =
        record.seconds > last_seconds_ ? record.seconds - last_seconds_ : last_seconds_ - record.seconds;
    return record.captured > 0 && record.captured <= snap_length_ && record.captured <= record.original &&
           record.original <= kMostPacket && record.fraction < (nanoseconds_ ? 1'000'000'000U : 1'000'000U) &&
           (last_seconds_ == 0 || apart <= 86'400);
  }

  // Moves used_ to the next place that can be a record, or to the end of the window to go on from there. A place is
  // judged only if the window holds all of its record and the header after it.
  void resynchronise() {
    lost_ = false;
    const std::size_t need = header_ + snap_length_ + header_;
    while (used_ + header_ <= window_.size()) {
      if (possible(used_)) {
        const std::size_t next = used_ + header_ + record_at(used_).captured;
        if (whole_ && next == window_.size()) return;
        if (next + header_ <= window_.size() && possible(next)) return;
      }
      ++used_;
      // Consumed before the window gets too short to judge; at its end, the last bytes are judged as they are.
      if (!whole_ && window_.size() - used_ < need) {
        input_.consume(used_);
        used_ = 0;
        window_ = input_.peek(kWindow);
        whole_ = window_.size() < kWindow;
      }
    }
    used_ = window_.size();
    if (whole_) ended_ = true;
  }

  InputStream& input_;
  std::uint32_t source_;
  std::span<const std::byte> window_;
  std::size_t used_ = 0;
  std::size_t header_ = 16;
  std::uint32_t magic_ = 0;
  std::uint32_t link_type_ = 0;
  std::uint32_t snap_length_ = kMostPacket;
  std::uint32_t last_seconds_ = 0;
  bool swapped_ = false;
  bool nanoseconds_ = false;
  bool begun_ = false;
  bool whole_ = false;  // the window reaches the end of the input
  bool lost_ = false;   // the next record's place is not known
  bool ended_ = false;
};

}  // namespace

std::unique_ptr<PacketReader> make_pcap_reader(InputStream& input, std::uint32_t source) {
  return std::make_unique<PcapReader>(input, source);
}

}  // namespace collect

struct PcapWriter::State {
  std::string path;
  std::FILE* file = nullptr;

  State() = default;
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() {
    if (file != nullptr) std::fclose(file);
  }
};

PcapWriter::PcapWriter(std::unique_ptr<State> state) : state_(std::move(state)) {}
PcapWriter::PcapWriter(PcapWriter&&) noexcept = default;
PcapWriter::~PcapWriter() = default;

Expected<PcapWriter> PcapWriter::create(const std::string& path, std::uint32_t link_type) {
  auto state = std::make_unique<State>();
  state->path = path;
  state->file = std::fopen(path.c_str(), "wbe");
  if (state->file == nullptr) return failure(fmt::format("{}: {}", path, std::strerror(errno)));
  // Magic, version 2.4 (two 16-bit halves), time zone, accuracy, snapshot length, link type.
  const std::uint32_t version = std::endian::native == std::endian::little ? 0x00040002U : 0x00020004U;
  const std::uint32_t header[6] = {collect::kMicroseconds, version, 0, 0, collect::kMostPacket, link_type};
  if (std::fwrite(header, sizeof header, 1, state->file) != 1)
    return failure(fmt::format("{}: {}", path, std::strerror(errno)));
  return PcapWriter(std::move(state));
}

Expected<void> PcapWriter::write(const Packet& packet) {
  const Timestamp second = floor_to(packet.time, kSecond);
  const std::uint32_t header[4] = {static_cast<std::uint32_t>(second / kSecond),
                                   static_cast<std::uint32_t>(packet.time - second),
                                   static_cast<std::uint32_t>(packet.data.size()), packet.original_length};
  if (std::fwrite(header, sizeof header, 1, state_->file) != 1 ||
      (!packet.data.empty() && std::fwrite(packet.data.data(), packet.data.size(), 1, state_->file) != 1))
    return failure(fmt::format("{}: {}", state_->path, std::strerror(errno)));
  return {};
}

}  // namespace tocsin
