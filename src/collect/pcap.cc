// The classic capture format: tcpdump.org "PCAP Capture File Format" (draft-ietf-opsawg-pcap). Either byte order,
// micro- and nanoseconds.

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "collect/readers.h"

namespace tocsin {
namespace {

class PcapReader : public PacketReader {
 public:
  PcapReader(InputStream& input, std::uint32_t source) : input_(input), source_(source) {}

  bool read(std::vector<Packet>& packets) override {
    packets.clear();
    buffer_.clear();
    const bool more = started_ || start() ? read_packets(packets) : false;
    buffer_.settle(packets);
    return more;
  }

 private:
  std::uint32_t u32(const std::byte* at) const {
    std::uint32_t value;
    std::memcpy(&value, at, sizeof value);
    return swapped_ ? __builtin_bswap32(value) : value;
  }

  bool start() {
    const auto head = input_.peek(24);
    if (head.size() < 24) {
      skips_.add("header", "file header cut short");
      return false;
    }
    std::uint32_t magic;
    std::memcpy(&magic, head.data(), sizeof magic);
    swapped_ = magic == 0xd4c3b2a1 || magic == 0x4d3cb2a1;
    nanoseconds_ = magic == 0xa1b23c4d || magic == 0x4d3cb2a1;
    link_type_ = u32(head.data() + 20) & 0xffff;  // the upper bits tell of a frame check sequence
    input_.consume(24);
    started_ = true;
    return true;
  }

  bool read_packets(std::vector<Packet>& packets) {
    while (!buffer_.full()) {
      auto head = input_.peek(16);
      if (head.empty()) return false;
      const std::string where = head.size() < 16 ? fmt::format("packet {}", records_ + 1) : "";
      if (head.size() < 16) {
        skips_.add(where, "record header cut short");
        input_.consume(head.size());
        return false;
      }
      const std::uint32_t captured = u32(head.data() + 8);
      if (captured > kMostFrame) {
        // Where the next record begins is lost with this one's length.
        skips_.add(fmt::format("packet {}", records_ + 1), "absurd length; the rest of the capture is not read");
        return false;
      }
      Packet packet;
      packet.place = {source_, input_.offset(), ++records_};
      const std::uint32_t fraction = u32(head.data() + 4);
      packet.time = static_cast<Timestamp>(u32(head.data())) * kSecond + (nanoseconds_ ? fraction / 1000 : fraction);
      packet.original_length = u32(head.data() + 12);
      packet.link_type = link_type_;
      const auto record = input_.peek(16 + captured);
      if (record.size() < 16 + captured) {
        skips_.add(fmt::format("packet {}", records_), "packet cut short by the end of the file");
        input_.consume(record.size());
        return false;
      }
      buffer_.add(record.subspan(16, captured));
      packets.push_back(packet);
      input_.consume(16 + captured);
    }
    return true;
  }

  InputStream& input_;
  std::uint32_t source_;
  PacketBuffer buffer_;
  bool started_ = false, swapped_ = false, nanoseconds_ = false;
  std::uint32_t link_type_ = 0;
};

}  // namespace

std::unique_ptr<PacketReader> make_pcap_reader(InputStream& input, std::uint32_t source) {
  return std::make_unique<PcapReader>(input, source);
}

struct PcapWriter::State {
  std::FILE* file = nullptr;
  std::string path;
  State() = default;
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() {
    if (file != nullptr) std::fclose(file);
  }
  Expected<void> put(const void* bytes, std::size_t size) {
    if (std::fwrite(bytes, 1, size, file) == size) return {};
    return failure(fmt::format("{}: {}", path, std::strerror(errno)));
  }
};

PcapWriter::PcapWriter(std::unique_ptr<State> state) : state_(std::move(state)) {}
PcapWriter::PcapWriter(PcapWriter&&) noexcept = default;
PcapWriter::~PcapWriter() = default;

Expected<PcapWriter> PcapWriter::create(const std::string& path, std::uint32_t link_type) {
  auto state = std::make_unique<State>();
  state->path = path;
  state->file = std::fopen(path.c_str(), "wb");
  if (state->file == nullptr) return failure(fmt::format("{}: {}", path, std::strerror(errno)));
  const std::array<std::uint32_t, 6> header{0xa1b2c3d4, 0x00040002, 0, 0, kMostFrame, link_type};
  if (const auto done = state->put(header.data(), sizeof header); !done) return std::unexpected(done.error());
  return PcapWriter(std::move(state));
}

Expected<void> PcapWriter::write(const Packet& packet) {
  const Timestamp second = floor_to(packet.time, kSecond);
  const std::array<std::uint32_t, 4> header{
      static_cast<std::uint32_t>(second / kSecond), static_cast<std::uint32_t>(packet.time - second),
      static_cast<std::uint32_t>(packet.data.size()), packet.original_length};
  if (const auto done = state_->put(header.data(), sizeof header); !done) return done;
  return state_->put(packet.data.data(), packet.data.size());
}

}  // namespace tocsin
