// What a rule asks of a packet and its flow.
#pragma once

#include <optional>
#include <string>

#include "match/compiled.h"
#include "match/inspector.h"
#include "packet/packet.h"
#include "stream/streams.h"

namespace tocsin::match {

struct FlowMemory;  // match/memory.h
class Reputation;   // match/reputation.h

struct PacketContext {
  const packet::Packet* packet = nullptr;
  const stream::Followed* followed = nullptr;
  const FlowMemory* memory = nullptr;  // null: no flow
  const CountryOf* country_of = nullptr;
  const Reputation* reputation = nullptr;
  bool protocol_was_found_now = false;
  bool is_protocol_only = false;  // the rule that asks
};

}  // namespace tocsin::match
