// A decoded record of IPFIX or NetFlow 9 as a flow.
#pragma once

#include "collect/ipfix_templates.h"
#include "collect/observation.h"

namespace tocsin::collect {

// What an exporter told of itself in its options.
struct ExporterState {
  std::uint64_t started = 0;  // systemInitTimeMilliseconds; 0: not told
  bool sampled = false;
};

bool is_sampled(const DecodedRecord& record);

// Fills all but the place; false if its times cannot be.
bool fill_flow(const IpfixTemplate& of, const DecodedRecord& record, const MessageHeader& message,
               const ExporterState& exporter, Flow& flow);

}  // namespace tocsin::collect
