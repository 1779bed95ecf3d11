// Simulated infections with a known truth: machines in households, households on leases, sightings an hour.
//
// A household is what stands behind one address: one machine or several behind a NAT. Its address changes when its
// lease ends, at a time that has nothing to do with whether a machine is on; a network's leases are of one length, or
// exponential, or half and half. The new address is drawn from a pool, so that one machine's former address can
// become another's. A machine is on for sessions and off between them, both exponential, so that it is on for its
// duty's share of the time. While it is on it beacons as a Poisson process.
//
// Noise: a share of the hours of an address is lost whole, a share of all connections is lost, machines beacon at
// different rates, the rate the estimator is told is wrong by a few percent, and stray addresses are seen once.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

#include "estimate/machines.h"

namespace tocsin::churn {

// xoshiro256** (Blackman and Vigna), seeded by splitmix64: the same on every machine, unlike std::normal_distribution.
class Random {
 public:
  explicit Random(std::uint64_t seed) {
    for (auto& word : state_) {
      seed += 0x9e3779b97f4a7c15ULL;
      std::uint64_t z = seed;
      z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
      z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
      word = z ^ (z >> 31);
    }
  }
  std::uint64_t bits() {
    const auto rotate = [](std::uint64_t x, int k) { return (x << k) | (x >> (64 - k)); };
    const std::uint64_t result = rotate(state_[1] * 5, 7) * 9, t = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= t;
    state_[3] = rotate(state_[3], 45);
    return result;
  }
  double uniform() { return static_cast<double>(bits() >> 11) * 0x1p-53; }
  std::uint32_t below(std::uint32_t n) { return static_cast<std::uint32_t>(((bits() >> 32) * n) >> 32); }
  double exponential(double mean) { return -mean * std::log1p(-uniform()); }
  double normal() { return std::sqrt(2 * exponential(1)) * std::cos(6.283185307179586 * uniform()); }
  // Exact below 30, rounded normal above.
  std::uint32_t poisson(double mean) {
    if (mean > 30) return static_cast<std::uint32_t>(std::max(0.0, std::round(mean + std::sqrt(mean) * normal())));
    const double limit = std::exp(-mean);
    double product = uniform();
    std::uint32_t n = 0;
    for (; product > limit; ++n) product *= uniform();
    return n;
  }

 private:
  std::uint64_t state_[4];
};

enum class Leases : std::uint8_t { kFixed, kExponential, kMixed, kByNetwork };

struct Cell {
  int machines = 2000;
  double lease_days = 7;
  Leases leases = Leases::kByNetwork;  // by network: the three others in turn
  int most_sharing = 1;                // machines of a household: uniform from 1 to this
  double duty = 0.5;                   // 0: uniform from 0.1 to 1, a machine its own
  double session_hours = 8;
  double rate = 10;          // connections an hour of a machine that is on
  double rate_spread = 0.1;  // standard deviation of a machine's rate, relative
  double rate_error = 0.03;  // of the rate the estimator is told, relative
  double lost_hours = 0.02;
  double strays = 0.02;  // addresses seen once, for each machine
  int days = 60;
  int networks = 4;
};

struct Run {
  std::vector<Presence> presences;
  Period window;
  double told_rate = 0;
  int machines = 0;
};

inline double lease_hours(Random& random, Leases leases, double mean) {
  if (leases == Leases::kFixed || (leases == Leases::kMixed && random.below(2) == 0)) return mean;
  return random.exponential(mean);
}

// What is left, at a random time, of the lease that is then under way.
inline double first_lease_hours(Random& random, Leases leases, double mean) {
  if (leases == Leases::kMixed) leases = random.below(2) ? Leases::kFixed : Leases::kExponential;
  return leases == Leases::kFixed ? mean * random.uniform() : random.exponential(mean);
}

inline Run simulate(const Cell& cell, std::uint64_t seed) {
  Random random(seed);
  const int hours = cell.days * 24;
  Run run;
  run.machines = cell.machines;
  run.window = {0, hours * kHour};
  run.told_rate = cell.rate * (1 - cell.lost_hours) * (1 + cell.rate_error * (2 * random.uniform() - 1));
  const std::uint32_t pool = static_cast<std::uint32_t>(cell.machines) * 50 + 1000;
  std::vector<double> on(static_cast<std::size_t>(hours));
  int left = cell.machines;
  while (left > 0) {
    const int members = std::min<int>(left, 1 + static_cast<int>(random.below(cell.most_sharing)));
    left -= members;
    std::fill(on.begin(), on.end(), 0.0);
    for (int i = 0; i < members; ++i) {
      const double duty = cell.duty > 0 ? cell.duty : 0.1 + 0.9 * random.uniform();
      const double rate = cell.rate * std::max(0.2, 1 + cell.rate_spread * random.normal());
      const double off_mean = cell.session_hours * (1 - duty) / duty;
      bool is_on = random.uniform() < duty;
      for (double t = 0; t < hours;) {
        const double end =
            duty >= 1 ? hours : std::min<double>(hours, t + random.exponential(is_on ? cell.session_hours : off_mean));
        if (is_on) {
          for (double from = t; from < end;) {
            const double to = std::min(end, std::floor(from) + 1);
            on[static_cast<std::size_t>(from)] += rate * (to - from);
            from = to;
          }
        }
        is_on = !is_on;
        t = end;
      }
    }
    // Half of the machines are in the first network, a quarter in the second, and so on.
    std::uint32_t network = 0;
    while (network + 1 < static_cast<std::uint32_t>(cell.networks) && random.below(2)) ++network;
    const Leases leases = cell.leases == Leases::kByNetwork ? static_cast<Leases>(network % 3) : cell.leases;
    const double factors[] = {1, 1.4, 0.8, 1.2};
    const double mean = cell.lease_days * 24 * factors[network % 4];
    double end = first_lease_hours(random, leases, mean);
    std::uint32_t address = random.below(pool);
    for (int hour = 0; hour < hours; ++hour) {
      while (end < hour) {
        end += std::max(1.0, lease_hours(random, leases, mean));
        address = random.below(pool);
      }
      const double expected = on[static_cast<std::size_t>(hour)];
      if (expected <= 0 || random.uniform() < cell.lost_hours) continue;
      const std::uint32_t count = random.poisson(expected);
      if (count > 0)
        run.presences.push_back({IpAddress::v4(((network + 1) << 24) + address), 100 + network, hour, count});
    }
  }
  const auto strays = static_cast<int>(cell.strays * cell.machines);
  for (int i = 0; i < strays; ++i) {
    const std::uint32_t network = random.below(static_cast<std::uint32_t>(cell.networks));
    run.presences.push_back({IpAddress::v4(((network + 1) << 24) + random.below(pool)), 100 + network,
                             random.below(static_cast<std::uint32_t>(hours)), 1});
  }
  return run;
}

}  // namespace tocsin::churn
