// How many machines are behind the addresses. An address is not a machine: one machine has many addresses over two
// months (leases end), and one address may hide many machines (NAT). The essay is in machines.cc; the method's measured
// bias and coverage are in docs/machines.md.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/ip_address.h"
#include "base/time.h"

namespace tocsin {

// An address was sighted in an hour.
struct Presence {
  IpAddress ip;
  std::uint32_t network = 0;  // AS number; 0: unknown
  std::int64_t hour = 0;      // since 1970-01-01 UTC
  std::uint32_t count = 1;    // connections in that hour; the same address and hour may come again, counts add up
};

struct MachinesOptions {
  // Connections an hour of one machine that is on, as the sensor sees them; 0: unknown, and then a network whose
  // addresses seem to be shared is not estimated.
  double rate = 0;
  double rate_error = 0.05;  // how far that may be wrong, relative
  // One machine an address is known (the sightings carry no usable counts, but the network does not share).
  bool unshared = false;
  // Presences kept; beyond it addresses are sampled by their hash, which bounds the memory (8 bytes each, twice).
  std::size_t capacity = 16'000'000;
};

struct MachinesEstimate {
  double addresses = 0;             // distinct, in the window
  bool addresses_exact = true;      // false: so many that they were sampled
  std::optional<double> machines;   // on average at a time; unset if abstained
  std::optional<double> low, high;  // 95 % interval
  std::string method;
  std::vector<std::string> assumptions;
  std::string abstained;      // why not, empty if it did not
  std::uint64_t ignored = 0;  // presences outside the window, or without an address
  double sampled = 1;         // share of the addresses that the estimate rests on
};

// Takes presences in any order, in batches; bounded memory, and the same answer in any order.
class MachinesEstimator {
 public:
  // window: whole hours count, at most 400 days of them.
  MachinesEstimator(Period window, const MachinesOptions& options);
  ~MachinesEstimator();
  MachinesEstimator(MachinesEstimator&&) noexcept;
  MachinesEstimator& operator=(MachinesEstimator&&) noexcept;

  void add(std::span<const Presence> presences);
  MachinesEstimate estimate();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

MachinesEstimate estimate_machines(std::span<const Presence> presences, Period window,
                                   const MachinesOptions& options = {});

}  // namespace tocsin
