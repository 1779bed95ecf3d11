// A record of an IPFIX or NetFlow 9 file as a line of text: evidence for people.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "collect/input.h"
#include "collect/ipfix_sets.h"
#include "collect/ipfix_templates.h"

namespace tocsin::collect {

// Describes records of one source, asked for in ascending order, by their Place::record.
class IpfixDescriber {
 public:
  explicit IpfixDescriber(InputStream& input) : sets_(input, skips_) {}
  // "sourceIPv4Address=192.0.2.1 destinationIPv4Address=… protocolIdentifier=6 …", at most about 4 KiB; nullopt if
  // there is no such record, or it has been passed.
  std::optional<std::string> describe(std::uint64_t record);

 private:
  bool next_set();

  Skips skips_;
  IpfixSets sets_;
  IpfixTemplates templates_;
  IpfixSet set_;
  const IpfixTemplate* template_ = nullptr;  // of set_
  std::span<const std::byte> rest_;          // of set_
  std::uint64_t passed_ = 0;                 // records before rest_
};

// Reads on to that record, counted from where the input is.
std::optional<std::string> describe_ipfix_record(InputStream& input, std::uint64_t record);

}  // namespace tocsin::collect
