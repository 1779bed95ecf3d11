// Writes flows as an IPFIX file (RFC 5655): biflows (RFC 5103) of a template for IPv4 and one for IPv6.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/expected.h"
#include "collect/observation.h"

namespace tocsin {

class IpfixWriter {
 public:
  static Expected<IpfixWriter> create(const std::string& path, std::uint32_t observation_domain);
  IpfixWriter(IpfixWriter&&) noexcept;
  IpfixWriter& operator=(IpfixWriter&&) noexcept;
  ~IpfixWriter();
  // Times to the millisecond, not before 1970. Of the flags the unions are written, of states nothing.
  Expected<void> write(const Flow& flow);
  // Without it the last flows are not in the file.
  Expected<void> finish();

 private:
  struct State;
  explicit IpfixWriter(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace tocsin
