// A talk: what the two sides of a flow say, as input of a fuzz target. A byte says how its pieces are told apart:
//   control: bit 0 the side (1: to the client), bit 1 so many bytes are lost instead, bit 2 that side ends after it
//   size: two bytes, the low one first, and so many bytes
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "fuzz.h"
#include "protocol/transaction.h"

namespace tocsin::fuzz {

struct Said {
  protocol::Side side = protocol::Side::kToServer;
  bool is_lost = false, is_end = false;
  Bytes bytes;
  std::size_t lost = 0;
};
void for_each_said(Bytes talk, const std::function<void(const Said&)>& take);
std::string talk_of(const std::vector<Said>& all);

// All that rules and logs may ask of a parser's transactions.
void look_at(protocol::Parser& parser);

// The talks of captures, each by its protocol, in directory/PROTOCOL/.
bool write_talks(const std::vector<std::string>& captures, const std::string& directory);

}  // namespace tocsin::fuzz
