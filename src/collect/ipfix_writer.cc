#include "collect/ipfix_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>
#include <vector>

namespace tocsin {
namespace {

constexpr std::size_t kHeader = 16, kSetHeader = 4;
constexpr std::size_t kMostMessage = 65'535;
constexpr std::uint16_t kTemplate4 = 256, kTemplate6 = 257;
constexpr std::uint16_t kReverse = 0x8000;  // marks elements of RFC 5103 below
constexpr std::uint32_t kReversePen = 29305;

struct Field {
  std::uint16_t id, length;
};
// What follows the addresses, the same in both templates but for the ICMP element.
constexpr std::array<Field, 13> kFields{{{7, 2},
                                         {11, 2},
                                         {4, 1},
                                         {6, 1},
                                         {kReverse | 6, 1},
                                         {32, 2},
                                         {239, 1},
                                         {152, 8},
                                         {153, 8},
                                         {1, 8},
                                         {2, 8},
                                         {kReverse | 1, 8},
                                         {kReverse | 2, 8}}};
constexpr std::size_t kCommon = 58;
constexpr std::size_t kMostRecord = kCommon + 32;

template <typename T>
std::byte* put(std::byte* at, T value) {
  for (std::size_t i = 0; i < sizeof value; ++i)
    at[i] = static_cast<std::byte>(value >> 8 * (sizeof value - 1 - i) & 0xff);
  return at + sizeof value;
}

std::byte* put_template(std::byte* at, std::uint16_t id, bool v6) {
  at = put(at, id);
  at = put(at, static_cast<std::uint16_t>(kFields.size() + 2));
  for (const unsigned element : {v6 ? 27U : 8U, v6 ? 28U : 12U}) {
    at = put(at, static_cast<std::uint16_t>(element));
    at = put(at, static_cast<std::uint16_t>(v6 ? 16 : 4));
  }
  for (const Field& field : kFields) {
    at = put(at, field.id == 32 && v6 ? std::uint16_t{139} : field.id);
    at = put(at, field.length);
    if ((field.id & kReverse) != 0) at = put(at, kReversePen);
  }
  return at;
}

std::uint64_t milliseconds(Timestamp time) { return static_cast<std::uint64_t>(std::max<Timestamp>(time, 0)) / 1000; }

}  // namespace

struct IpfixWriter::State {
  std::string path;
  std::FILE* file = nullptr;
  std::uint32_t domain = 0;
  std::uint32_t written = 0;  // records before this message
  std::uint32_t records = 0;  // in this message
  Timestamp latest = 0;       // end of a flow, of all so far
  std::vector<std::byte> buffer = std::vector<std::byte>(kMostMessage + 1);
  std::byte* at = nullptr;
  std::byte* set = nullptr;  // header of the open one
  std::uint16_t set_id = 0;
  bool templates = false;  // written in this message

  State() = default;
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() {
    if (file != nullptr) std::fclose(file);
  }

  std::size_t used() const { return static_cast<std::size_t>(at - buffer.data()); }

  void begin_message() {
    at = buffer.data() + kHeader;
    set = nullptr;
    set_id = 0;
    records = 0;
    templates = false;
  }

  void put_templates() {
    begin_set(2);
    at = put_template(at, kTemplate4, false);
    at = put_template(at, kTemplate6, true);
    close_set();
    templates = true;
  }

  void begin_set(std::uint16_t id) {
    close_set();
    set = at;
    set_id = id;
    at = put(at, id) + 2;
  }

  void close_set() {
    if (set != nullptr) put(set + 2, static_cast<std::uint16_t>(at - set));
    set = nullptr;
    set_id = 0;
  }

  Expected<void> end_message() {
    close_set();
    if (records == 0 && !templates) return {};
    std::byte* header = put(buffer.data(), std::uint16_t{10});
    header = put(header, static_cast<std::uint16_t>(used()));
    // Sent when the last flow had ended, so that a file depends on nothing but its flows.
    header = put(header, static_cast<std::uint32_t>(std::min<Timestamp>((latest + kSecond - 1) / kSecond, 0xffffffff)));
    header = put(header, written);
    put(header, domain);
    if (std::fwrite(buffer.data(), 1, used(), file) != used()) return error();
    written += records;
    begin_message();
    return {};
  }

  std::unexpected<Error> error() const { return failure(fmt::format("{}: {}", path, std::strerror(errno))); }
};

IpfixWriter::IpfixWriter(std::unique_ptr<State> state) : state_(std::move(state)) {}
IpfixWriter::IpfixWriter(IpfixWriter&&) noexcept = default;
IpfixWriter& IpfixWriter::operator=(IpfixWriter&&) noexcept = default;
IpfixWriter::~IpfixWriter() = default;

Expected<IpfixWriter> IpfixWriter::create(const std::string& path, std::uint32_t observation_domain) {
  auto state = std::make_unique<State>();
  state->path = path;
  state->domain = observation_domain;
  state->file = std::fopen(path.c_str(), "wbe");
  if (state->file == nullptr) return state->error();
  state->begin_message();
  state->put_templates();
  return IpfixWriter(std::move(state));
}

Expected<void> IpfixWriter::write(const Flow& flow) {
  State& s = *state_;
  if (s.used() + kSetHeader + kMostRecord > kMostMessage) {
    if (const auto ended = s.end_message(); !ended) return std::unexpected(ended.error());
  }
  const bool v4 = flow.initiator.ip.is_v4() && flow.responder.ip.is_v4();
  const std::uint16_t id = v4 ? kTemplate4 : kTemplate6;
  if (s.set_id != id) s.begin_set(id);
  const std::size_t skipped = v4 ? 12 : 0;
  std::byte* at = s.at;
  for (const IpAddress* ip : {&flow.initiator.ip, &flow.responder.ip}) {
    std::memcpy(at, ip->bytes().data() + skipped, 16 - skipped);
    at += 16 - skipped;
  }
  const bool icmp = flow.protocol == kIcmp || flow.protocol == kIcmp6;
  at = put(at, icmp ? std::uint16_t{0} : flow.initiator.port);
  at = put(at, icmp ? std::uint16_t{0} : flow.responder.port);
  at = put(at, flow.protocol);
  at = put(at, flow.initiator_flags);
  at = put(at, flow.responder_flags);
  at = put(at, static_cast<std::uint16_t>(icmp ? (flow.initiator.port & 0xff) << 8 | (flow.responder.port & 0xff) : 0));
  at = put(at, std::uint8_t{1});  // the source is the initiator
  at = put(at, milliseconds(flow.first));
  at = put(at, milliseconds(flow.last));
  at = put(at, flow.initiator_bytes);
  at = put(at, flow.initiator_packets);
  at = put(at, flow.responder_bytes);
  at = put(at, flow.responder_packets);
  s.at = at;
  ++s.records;
  s.latest = std::max(s.latest, flow.last);
  return {};
}

Expected<void> IpfixWriter::finish() {
  State& s = *state_;
  if (s.file == nullptr) return {};
  if (const auto ended = s.end_message(); !ended) return std::unexpected(ended.error());
  if (std::fclose(std::exchange(s.file, nullptr)) != 0) return s.error();
  return {};
}

}  // namespace tocsin
