// NTP, versions 3 and 4 (RFC 5905): every message is a transaction.
#include <algorithm>

#include "protocol/eve_object.h"
#include "protocol/protocols.h"
#include "protocol/values.h"

namespace tocsin::protocol {
namespace {

enum Field : int { kVersion, kMode, kStratum, kReference };
constexpr std::pair<std::string_view, int> kFields[] = {
    {"ntp.version", kVersion}, {"ntp.mode", kMode}, {"ntp.stratum", kStratum}, {"ntp.reference_id", kReference}};
constexpr std::string_view kModes[] = {"reserved", "symmetric_active", "symmetric_passive", "client",
                                       "server",   "broadcast",        "control",           "private"};
constexpr std::size_t kMostTransactions = 1000, kSize = 48;

class NtpTransaction final : public Transaction {
 public:
  NtpTransaction(Bytes message, Side side) : first_(message[0]), stratum_(message[1]), side_(side) {
    reference_ = text_of(message.subspan(12, 4));
    progress[0] = progress[1] = kComplete;
    is_skipped[static_cast<int>(other(side))] = true;
  }
  Value value(int field, Side side, std::size_t index) const override {
    if (side != side_ || index > 0) return absent_value();
    switch (field) {
      case kVersion:
        return whole_number(first_ >> 3 & 7U);
      case kMode:
        return whole_number(first_ & 7U);
      case kStratum:
        return whole_number(stratum_);
      case kReference:
        return whole_value(reference_);
      default:
        return absent_value();
    }
  }
  std::string eve() const override {
    EveObject out;
    out.open("ntp");
    out.number("version", first_ >> 3 & 7U);
    out.number("mode", first_ & 7U);
    out.number("stratum", stratum_);
    out.hex("reference_id", bytes_of(reference_));
    out.close();
    return out.take();
  }

 private:
  std::uint8_t first_, stratum_;
  std::string reference_;
  Side side_;
};

bool is_message(Bytes bytes) {
  if (bytes.size() < kSize) return false;
  const int version = bytes[0] >> 3 & 7, mode = bytes[0] & 7;
  return (version == 3 || version == 4) && mode >= 1 && mode <= 5;
}

class NtpParser final : public Parser {
 public:
  bool take(Side side, Bytes bytes, Timestamp time) override {
    if (!is_message(bytes)) {
      tell_last("ntp.malformed_data");
      return false;
    }
    keep(std::make_unique<NtpTransaction>(bytes, side), time, kMostTransactions);
    return true;
  }
  bool skip(Side, std::uint64_t, Timestamp) override { return false; }
  void end(Side, Timestamp) override {}
};

class Ntp final : public Protocol {
 public:
  std::string_view name() const override { return "ntp"; }
  int field(std::string_view keyword) const override { return number_in(kFields, keyword); }
  std::optional<std::uint64_t> number_of(int field, std::string_view word) const override {
    const auto found = std::ranges::find(kModes, word);
    if (field != kMode || found == std::end(kModes)) return std::nullopt;
    return static_cast<std::uint64_t>(found - std::begin(kModes));
  }
  Probe probe(bool, Side, Bytes, std::uint16_t) const override { return Probe::kNo; }
  std::string_view ports(bool is_udp) const override { return is_udp ? "123" : ""; }
  Probe recognise_on_port(const Beginning& beginning) const override {
    return beginning.is_udp && is_message(beginning.bytes) ? Probe::kYes : Probe::kNo;
  }
  std::unique_ptr<Parser> parser(const Options&) const override { return std::make_unique<NtpParser>(); }
};

}  // namespace

const Protocol& ntp_protocol() {
  static const Ntp protocol;
  return protocol;
}

}  // namespace tocsin::protocol
