// TFTP's requests (RFC 1350): what is read or written, and how.
#include "base/text.h"
#include "protocol/eve_object.h"
#include "protocol/protocols.h"
#include "protocol/values.h"

namespace tocsin::protocol {
namespace {

constexpr std::size_t kMostTransactions = 10'000;

class TftpTransaction final : public Transaction {
 public:
  TftpTransaction(bool is_read, std::string file, std::string mode)
      : is_read_(is_read), file_(std::move(file)), mode_(std::move(mode)) {
    progress[0] = progress[1] = kComplete;
  }
  Value value(int, Side, std::size_t) const override { return absent_value(); }
  std::string eve() const override {
    EveObject out;
    out.open("tftp");
    out.text("packet", is_read_ ? "read" : "write");
    out.text("file", file_);
    out.text("mode", mode_);
    out.close();
    return out.take();
  }

 private:
  bool is_read_;
  std::string file_, mode_;
};

class TftpParser final : public Parser {
 public:
  bool take(Side, Bytes bytes, Timestamp time) override {
    if (bytes.size() < 4 || bytes[0] != 0 || (bytes[1] != 1 && bytes[1] != 2)) return true;
    const std::string_view text = text_of(bytes).substr(2);
    const std::size_t end = text.find('\0');
    if (end == std::string_view::npos) return true;
    const std::string mode = lower(text.substr(end + 1, text.find('\0', end + 1) - end - 1));
    if (mode != "netascii" && mode != "mail" && mode != "octet") return true;
    keep(std::make_unique<TftpTransaction>(bytes[1] == 1, std::string(text.substr(0, end)), mode), time,
         kMostTransactions);
    return true;
  }
  bool skip(Side, std::uint64_t, Timestamp) override { return true; }
  void end(Side, Timestamp) override {}
};

class Tftp final : public Protocol {
 public:
  std::string_view name() const override { return "tftp"; }
  int field(std::string_view) const override { return -1; }
  Probe probe(bool, Side, Bytes, std::uint16_t) const override { return Probe::kNo; }
  std::string_view ports(bool is_udp) const override { return is_udp ? "69" : ""; }
  Probe recognise_on_port(const Beginning& beginning) const override {
    const Bytes bytes = beginning.bytes;
    if (!beginning.is_udp || bytes.size() < 4 || bytes[0] != 0) return Probe::kNo;
    return bytes[1] >= 1 && bytes[1] <= 5 ? Probe::kYes : Probe::kNo;
  }
  std::unique_ptr<Parser> parser(const Options&) const override { return std::make_unique<TftpParser>(); }
};

}  // namespace

const Protocol& tftp_protocol() {
  static const Tftp protocol;
  return protocol;
}

}  // namespace tocsin::protocol
