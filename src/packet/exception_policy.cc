#include "packet/exception_policy.h"

namespace tocsin::packet {

ExceptionPolicy policy_of(const Options& options, std::string_view name, bool is_inline, bool can_be_of_flow) {
  std::string text = options.text(name);
  if (text.empty()) {
    text = options.text("exception-policy", is_inline ? "drop-flow" : "ignore");
    if (!is_inline && text.starts_with("drop-")) text = "ignore";
  }
  if (text == "auto") text = is_inline ? "drop-flow" : "ignore";
  if (text == "drop-packet") return ExceptionPolicy::kDropPacket;
  if (text == "drop-flow") return can_be_of_flow ? ExceptionPolicy::kDropFlow : ExceptionPolicy::kDropPacket;
  if (text == "pass-packet") return ExceptionPolicy::kPassPacket;
  if (text == "pass-flow") return can_be_of_flow ? ExceptionPolicy::kPassFlow : ExceptionPolicy::kPassPacket;
  if (text == "bypass") return can_be_of_flow ? ExceptionPolicy::kBypass : ExceptionPolicy::kPassPacket;
  if (text == "reject" || text == "reject-both") return ExceptionPolicy::kReject;
  return ExceptionPolicy::kIgnore;
}

std::span<const std::string_view> policy_names(bool can_be_of_flow) {
  static constexpr std::string_view kOfPackets[] = {"pass_packet", "drop_packet", "reject"};
  static constexpr std::string_view kOfFlows[] = {"pass_packet", "drop_packet", "reject",
                                                  "pass_flow",   "drop_flow",   "bypass"};
  return can_be_of_flow ? std::span<const std::string_view>(kOfFlows) : kOfPackets;
}

std::string_view name_of(ExceptionPolicy policy) {
  switch (policy) {
    case ExceptionPolicy::kNone:
      return "";
    case ExceptionPolicy::kIgnore:
      return "ignore";
    case ExceptionPolicy::kDropPacket:
      return "drop_packet";
    case ExceptionPolicy::kDropFlow:
      return "drop_flow";
    case ExceptionPolicy::kPassPacket:
      return "pass_packet";
    case ExceptionPolicy::kPassFlow:
      return "pass_flow";
    case ExceptionPolicy::kBypass:
      return "bypass";
    case ExceptionPolicy::kReject:
      return "reject";
  }
  return "";
}

}  // namespace tocsin::packet
