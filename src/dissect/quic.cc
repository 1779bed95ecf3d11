#include "dissect/quic.h"

#include "protocol/protocols.h"

namespace tocsin::dissect {
namespace {

// A hello with keys that resist quantum computers takes two packets, each of which may be sent again.
constexpr int kMostPackets = 8;

std::string_view text_of(const protocol::Transaction& transaction, int field) {
  const protocol::Bytes bytes = transaction.value(field, protocol::Side::kToServer, 0).bytes;
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

const Options& options() {
  static const Options all = [] {
    Options made;
    made.set("app-layer.protocols.quic.ja3-fingerprints", "yes");
    // What sensors are fed is also changed, made up or replayed; a name asked for is told all the same.
    made.set("app-layer.protocols.quic.verify", "no");
    return made;
  }();
  return all;
}

}  // namespace

QuicHellos::QuicHellos(std::size_t most) : most_(most) {}
QuicHellos::~QuicHellos() = default;

void QuicHellos::take(Bytes payload, const Endpoint& client, const Endpoint& server, Timestamp time, const Place& place,
                      Batch& out) {
  static const int kName = protocol::quic_protocol().field("quic.sni");
  static const int kJa3 = protocol::quic_protocol().field("ja3.hash");
  static const int kJa4 = protocol::quic_protocol().field("ja4.hash");
  const Ends ends{client, server};
  auto at = begun_.find(ends);
  if (at == begun_.end()) {
    while (begun_.size() >= most_ || order_.size() >= 2 * most_) {
      begun_.erase(order_.front());
      order_.pop_front();
    }
    order_.push_back(ends);
    at = begun_.emplace(ends, Begun{protocol::quic_protocol().parser(options()), time, place}).first;
  }
  Begun& begun = at->second;
  const protocol::Bytes bytes(reinterpret_cast<const std::uint8_t*>(payload.data()), payload.size());
  const bool goes_on = begun.parser->take(protocol::Side::kToServer, bytes, time);
  for (const auto& transaction : begun.parser->transactions) {
    if (text_of(*transaction, kJa4).empty()) continue;  // no hello came in it
    TlsHandshake& handshake = out.tls.emplace_back();
    handshake.client = client;
    handshake.server = server;
    handshake.time = begun.time;
    handshake.place = begun.place;
    handshake.server_name = out.text.keep(text_of(*transaction, kName));
    handshake.ja3 = out.text.keep(text_of(*transaction, kJa3));
    begun_.erase(at);
    return;
  }
  begun.parser->transactions.clear();
  if (!goes_on || ++begun.packets == kMostPackets) begun_.erase(at);
}

void QuicHellos::clear() {
  begun_.clear();
  order_.clear();
}

}  // namespace tocsin::dissect
