// Protocols that are recognised and not read: rules can ask app-layer-protocol for them.
#include "base/text.h"
#include "protocol/protocols.h"
#include "protocol/values.h"

namespace tocsin::protocol {
namespace {

struct Pattern {
  Side side;
  std::string_view text;
};

class Recognised final : public Protocol {
 public:
  constexpr Recognised(std::string_view name, std::span<const Pattern> patterns) : name_(name), patterns_(patterns) {}

  std::string_view name() const override { return name_; }
  int field(std::string_view) const override { return -1; }
  Probe probe(bool is_udp, Side side, Bytes bytes, std::uint16_t) const override {
    if (is_udp) return Probe::kNo;
    Probe answer = Probe::kNo;
    const std::string_view text = text_of(bytes);
    for (const Pattern& pattern : patterns_) {
      if (pattern.side != side) continue;
      const std::string_view own = text.substr(0, pattern.text.size());
      if (!equals_ignoring_case(own, pattern.text.substr(0, own.size()))) continue;
      if (own.size() == pattern.text.size()) return Probe::kYes;
      answer = Probe::kMore;
    }
    return answer;
  }
  std::unique_ptr<Parser> parser(const Options&) const override { return nullptr; }

 private:
  std::string_view name_;
  std::span<const Pattern> patterns_;
};

constexpr Side kServer = Side::kToClient;
constexpr Pattern kImap[] = {{kServer, "* OK "},   {kServer, "* NO "},      {kServer, "* BAD "},
                             {kServer, "* LIST "}, {kServer, "* ESEARCH "}, {kServer, "* STATUS "},
                             {kServer, "* FLAGS "}};

}  // namespace

const Protocol& imap_protocol() {
  static const Recognised protocol("imap", kImap);
  return protocol;
}
}  // namespace tocsin::protocol
