#include "match/candidates.h"

#include <map>

#include "base/stages.h"

namespace tocsin::match {
namespace {

int class_of(std::uint8_t protocol) { return protocol == packet::kTcp ? 0 : protocol == packet::kUdp ? 1 : 2; }

}  // namespace

bool is_of(rules::Side wanted, Side side) {
  return wanted == rules::Side::kEither || (wanted == rules::Side::kToServer) == (side == Side::kToServer);
}

const Searcher* Candidates::add(std::vector<Searcher::Pattern> patterns, Compiled& compiled) {
  if (patterns.empty()) return nullptr;
  auto made = Searcher::make(patterns, memory_, &cache_);
  if (!made) {
    compiled.faults.push_back({"", 0, 0, 0, made.error().message, true});
    has_failed_ = true;
    return nullptr;
  }
  searchers_.push_back(std::move(*made));
  return searchers_.back().get();
}

Candidates::Candidates(Compiled& compiled, std::span<const protocol::Protocol* const> protocols, bool search,
                       const std::string& cache)
    : cache_(cache) {
  transactions_.resize(protocols.size());
  std::vector<Searcher::Pattern> payload[3][2];
  std::map<int, std::vector<Searcher::Pattern>> of_packets;
  std::map<std::pair<int, int>, std::vector<Searcher::Pattern>> of_buffers;  // buffer and side
  std::vector<rules::Applications> applications;
  for (const protocol::Protocol* protocol : protocols) applications.push_back(applications_of(*protocol));
  for (const auto& rule : compiled.rules) {
    if (!search) rule->fast = nullptr;
    const std::uint32_t number = rule->number;
    if (rule->type == RuleType::kIpOnly) {
      addresses_.push_back(number);
      continue;
    }
    if (rule->type == RuleType::kEventOnly) {
      events_.push_back(number);
      continue;
    }
    const Where where =
        rule->fast == nullptr ? Where::kPayload : compiled.buffers[static_cast<std::size_t>(rule->fast_buffer)].where;
    const bool fast_on_packet = where == Where::kPayload || where == Where::kPacketBuffer;
    if (!rule->of_transaction()) {
      if (rule->fast == nullptr) {
        for (std::size_t i = 0; i < 256; ++i)
          if (rule->any_protocol || rule->protocols[i]) packets_[i].push_back(number);
        if (rule->any_protocol) packets_[256].push_back(number);
      } else if (where == Where::kPacketBuffer) {
        of_packets[rule->fast_buffer].push_back(
            {std::string(fast_bytes(*rule->fast)), rule->fast->ignore_case, number});
      } else {
        for (const Side side : {Side::kToServer, Side::kToClient}) {
          if (!is_of(rule->side, side)) continue;
          for (int kind = 0; kind < 3; ++kind) {
            const bool fits =
                rule->any_protocol ||
                (kind == 0   ? rule->protocols[packet::kTcp]
                 : kind == 1 ? rule->protocols[packet::kUdp]
                             : (std::bitset<256>(rule->protocols).reset(packet::kTcp).reset(packet::kUdp).any()));
            if (fits)
              payload[kind][static_cast<int>(side)].push_back(
                  {std::string(fast_bytes(*rule->fast)), rule->fast->ignore_case, number});
          }
        }
      }
      continue;
    }
    for (std::size_t i = 0; i < protocols.size(); ++i) {
      if ((applications[i] & rule->rule->protocol.applications) == 0) continue;
      for (const Side side : {Side::kToServer, Side::kToClient}) {
        if (!rule->is_transactional && !is_of(rule->side, side)) continue;
        if (rule->fast == nullptr || fast_on_packet)
          transactions_[i][static_cast<std::size_t>(side)].rules.push_back(number);
      }
    }
    if (rule->fast == nullptr || fast_on_packet) continue;
    for (const Side side : {Side::kToServer, Side::kToClient}) {
      if (is_of(rule->fast_side, side))
        of_buffers[{rule->fast_buffer, static_cast<int>(side)}].push_back(
            {std::string(fast_bytes(*rule->fast)), rule->fast->ignore_case, number});
    }
  }
  for (int kind = 0; kind < 3; ++kind)
    for (int side = 0; side < 2; ++side) payload_[kind][side] = add(std::move(payload[kind][side]), compiled);
  for (auto& [buffer, patterns] : of_packets)
    if (const Searcher* searcher = add(std::move(patterns), compiled)) packet_searches_.push_back({buffer, searcher});
  for (auto& [key, patterns] : of_buffers) {
    const Searcher* searcher = add(std::move(patterns), compiled);
    if (searcher == nullptr) continue;
    const Buffer& buffer = compiled.buffers[static_cast<std::size_t>(key.first)];
    const Field& field = compiled.fields[static_cast<std::size_t>(buffer.field)];
    for (std::size_t i = 0; i < protocols.size(); ++i) {
      const bool is_file = buffer.where == Where::kFileData || buffer.where == Where::kFileName ||
                           buffer.where == Where::kFileMagic || buffer.where == Where::kFrame;
      if (field.numbers[i] >= 0 || is_file)
        transactions_[i][static_cast<std::size_t>(key.second)].searches.push_back({key.first, searcher});
    }
  }
}

const std::vector<std::uint32_t>& Candidates::of_packets(const packet::Packet& packet) const {
  return packets_[packet.ip_version == 0 ? 256 : packet.protocol];
}

void Candidates::search_payload(const packet::Packet& packet, Side side, Bytes bytes, SearchMemory& memory,
                                std::vector<std::uint32_t>& rules) const {
  const InStage stage(Stage::kPrefilter);
  const Searcher* searcher = payload_[class_of(packet.protocol)][static_cast<int>(side)];
  if (searcher != nullptr && !bytes.empty()) searcher->search(bytes, memory, rules);
}

}  // namespace tocsin::match
