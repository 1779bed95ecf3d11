// What can be judged only of a whole rule.
#include <fmt/format.h>

#include <algorithm>

#include "rules/builder.h"

namespace tocsin::rules {
namespace {

// The fewest bytes in which all contents can be found: those that are relative follow each other.
std::uint64_t least_size(const BufferMatches& buffer) {
  std::uint64_t most = 0;
  std::int64_t end = 0;
  for (const Match& match : buffer.matches) {
    const auto* content = std::get_if<Content>(&match);
    if (content == nullptr || content->negated) continue;
    const auto number = [](const std::optional<Amount>& amount) {
      return amount && !amount->is_variable() ? amount->number : 0;
    };
    const std::int64_t from = content->is_relative() ? end + number(content->distance) : number(content->offset);
    end = std::max<std::int64_t>(from, 0) + static_cast<std::int64_t>(content->bytes.size());
    most = std::max(most, static_cast<std::uint64_t>(end));
  }
  return most;
}

bool is_content(const Match& match) { return std::holds_alternative<Content>(match); }

}  // namespace

Expected<void> Builder::check_buffer(const BufferMatches& buffer) const {
  if (buffer.matches.empty()) return failure(fmt::format("nothing is looked for in {}", buffer.buffer));
  int absents = 0;
  for (const Match& match : buffer.matches) {
    if (const auto* size = std::get_if<BufferSize>(&match)) {
      const std::uint64_t least = least_size(buffer);
      if (least > size->size.most()) {
        return failure(fmt::format("the contents of {} need {} bytes, more than bsize allows: it can never match",
                                   buffer.buffer, least));
      }
    }
    const auto* absent = std::get_if<Absent>(&match);
    if (absent == nullptr) continue;
    ++absents;
    if (!absent->or_else && buffer.matches.size() > 1) {
      return failure(fmt::format("{} is asked to be absent, and to have something in it", buffer.buffer));
    }
    if (absent->or_else && buffer.matches.size() == 1) return failure("absent:or_else has nothing else after it");
  }
  for (const Match& match : buffer.matches) {
    const auto* content = std::get_if<Content>(&match);
    if (absents > 0 && content != nullptr && content->fast_pattern) {
      return failure("a buffer that may be absent has no fast_pattern");
    }
  }
  return {};
}

Expected<void> Builder::check_sides() {
  const BufferMatches* to_server = nullptr;
  const BufferMatches* to_client = nullptr;
  for (const BufferMatches& buffer : rule.buffers) {
    if (buffer.side == Side::kToServer) to_server = &buffer;
    if (buffer.side == Side::kToClient) to_client = &buffer;
  }
  if (rule.direction == Direction::kTransaction) {
    if (rule.flow.side != Side::kEither) return failure("a rule with => is of both sides: flow may name none");
    if (to_server == nullptr || to_client == nullptr) {
      return failure("a rule with => needs a buffer of the client and one of the server");
    }
    return {};
  }
  if (to_server != nullptr && to_client != nullptr) {
    return failure(fmt::format("{} is of the client and {} of the server: one rule of both is written with =>",
                               to_server->buffer, to_client->buffer));
  }
  const BufferMatches* only = to_server != nullptr ? to_server : to_client;
  if (only == nullptr) {
    // The length of what only a request has.
    const bool is_of_request = std::ranges::any_of(rule.conditions, [](const Condition& condition) {
      const auto* number = std::get_if<NumberCondition>(&condition);
      return number != nullptr && number->field == "urilen";
    });
    if (is_of_request && rule.flow.side == Side::kEither) rule.flow.side = Side::kToServer;
    return {};
  }
  if (rule.flow.side != Side::kEither && rule.flow.side != only->side) {
    return failure(fmt::format("flow is to the {}, where {} never is",
                               rule.flow.side == Side::kToServer ? "server" : "client", only->buffer));
  }
  rule.flow.side = only->side;
  return {};
}

Expected<void> Builder::check_packet() const {
  if (packet_keyword_.empty()) return {};
  if (!transaction_keyword_.empty()) {
    return failure(fmt::format("{} is of one packet, {} of what several carry: no rule can be of both", packet_keyword_,
                               transaction_keyword_));
  }
  if (rule.protocol.transport == Transport::kTcpStream || rule.flow.packets == FlowCondition::Packets::kOnlyStream) {
    return failure(fmt::format("{} is of one packet, but the rule is of streams", packet_keyword_));
  }
  const auto size = std::ranges::find_if(rule.conditions, [](const Condition& condition) {
    const auto* number = std::get_if<NumberCondition>(&condition);
    return number != nullptr && number->field == "dsize";
  });
  const auto payload = std::ranges::find(rule.buffers, kPayload, &BufferMatches::buffer);
  if (size == rule.conditions.end() || payload == rule.buffers.end()) return {};
  const std::uint64_t least = least_size(*payload);
  if (least > std::get<NumberCondition>(*size).comparison.most()) {
    return failure(fmt::format("the contents need {} bytes, more than dsize allows: it can never match", least));
  }
  return {};
}

Expected<void> Builder::check_files() const {
  const bool stores =
      std::ranges::any_of(rule.conditions, [](const Condition& one) { return std::holds_alternative<FileStore>(one); });
  const bool has_data = std::ranges::find(rule.buffers, "file.data", &BufferMatches::buffer) != rule.buffers.end();
  if (has_data && rule.protocol.name == "smtp" && rule.flow.side == Side::kToClient) {
    return failure("no server of smtp sends files: flow is to the client, where file.data never is");
  }
  if (stores && rule.bypass) return failure("filestore and bypass exclude each other");
  return {};
}

Expected<void> Builder::finish() {
  if (transforms_) return failure("the transforms at the end have nothing to look at");
  if (rule.metadata.sid == 0) return failure("the rule has no sid");
  if (!rule.metadata.priority) {  // then it is the class's
    const auto type = vocabulary_.class_types.find(rule.metadata.class_type);
    if (type != vocabulary_.class_types.end()) rule.metadata.priority = type->second.priority;
  }
  int fast_patterns = 0;
  bool has_frame = false, has_other = false;
  for (const BufferMatches& buffer : rule.buffers) {
    if (const auto sound = check_buffer(buffer); !sound) return sound;
    (buffer.buffer == "frame" ? has_frame : has_other) = true;
    for (const Match& match : buffer.matches) {
      if (is_content(match) && std::get<Content>(match).fast_pattern) ++fast_patterns;
    }
  }
  if (has_frame && has_other) return failure("frame and other buffers exclude each other");
  if (fast_patterns > 1) return failure("fast_pattern may stand at one content of a rule");
  if (rule.protocol.transport == Transport::kPacketHeader &&
      std::ranges::any_of(rule.conditions, [](const Condition& one) {
        const auto* event = std::get_if<EventCondition>(&one);
        return event == nullptr || event->source != "decode-event";
      })) {
    return failure("a rule of pkthdr may ask for events of the decoder alone");
  }
  if (rule.protocol.transport == Transport::kPacketHeader && rule.conditions.empty()) {
    return failure("a rule of pkthdr asks for an event of the decoder");
  }
  if (const auto sound = check_sides(); !sound) return sound;
  if (const auto sound = check_packet(); !sound) return sound;
  return check_files();
}

}  // namespace tocsin::rules
