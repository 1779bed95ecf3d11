#include "estimate/return_curve.h"

#include <algorithm>
#include <cmath>
#include <limits>

// The curve is S(t) (p + b exp(-t/c)); recapture.cc says why, and which S there are.

namespace tocsin {
namespace {

constexpr double kLeastPairs = 25;       // below, a sum says nothing
constexpr double kLeastShare = 0.1;      // of the sum at 12 hours: where the first fit ends
constexpr double kLeastSurvival = 0.35;  // where the second one ends: further out the tail of S rules
constexpr std::size_t kLeastPoints = 10;
constexpr std::array kShapes{1.0, 0.75, 0.5, 0.25, 0.0, -0.5, -1.0};
constexpr std::array kMemories{0.7, 1.0, 1.4, 2.0, 2.8, 4.0, 5.0, 6.0, 7.0, 8.0, 10.0, 12.0};

double survival(double t, double q) {
  if (q == 0) return std::exp(-t);
  const double base = 1 - q * t;
  return base <= 0 ? 0 : std::pow(base, 1 / q);
}

struct Curve {
  std::array<double, kLags.size()> value, weight;  // m(t)/n
  std::array<std::array<double, kLags.size()>, kMemories.size()> memory;
  std::size_t points = 0;
  double bound = 1;
};

struct Fit {
  double capture = 0, burst = 0, memory = 0, slope = 0, misfit = std::numeric_limits<double>::infinity();
};

// A curve against one S: what does not depend on the memory.
struct Against {
  std::array<double, kLags.size()> square, product;  // weight S² and weight S y
  double aa = 0, ay = 0, yy = 0;
};

// Least squares in p and b with 0 <= b <= 1 and p + b <= bound: inside, or on the edge that is nearest.
Fit fit_memory(const Curve& curve, const Against& against, std::size_t memory) {
  const auto& decay = curve.memory[memory];
  const auto& [square_of, product_of, aa, ay, yy] = against;
  double ab = 0, bb = 0, by = 0;
  for (std::size_t i = 0; i < curve.points; ++i) {
    const double part = square_of[i] * decay[i];
    ab += part;
    bb += part * decay[i];
    by += product_of[i] * decay[i];
  }
  const auto misfit = [&](double p, double b) {
    return yy - 2 * (p * ay + b * by) + p * p * aa + 2 * p * b * ab + b * b * bb;
  };
  const double det = aa * bb - ab * ab;
  double p = -1, b = -1;
  if (det > 1e-12 * aa * bb) {
    p = (ay * bb - by * ab) / det;
    b = (by * aa - ay * ab) / det;
  }
  if (p <= 0 || b < 0 || b > 1 || p + b > curve.bound) {
    // The edges b = 0, b = 1 (p whatever is left), and p + b = bound: y - bound e = p (1 - e).
    const double alone = std::clamp(aa > 0 ? ay / aa : 0.0, 0.0, curve.bound);
    const double square = aa - 2 * ab + bb;
    const double full = std::clamp(square > 0 ? (ay - by - curve.bound * (ab - bb)) / square : 0.0,
                                   std::max(0.0, curve.bound - 1), curve.bound);
    const double topped = std::clamp(aa > 0 ? (ay - ab) / aa : 0.0, 0.0, curve.bound - 1);
    p = alone;
    b = 0;
    if (misfit(full, curve.bound - full) < misfit(p, b)) {
      p = full;
      b = curve.bound - full;
    }
    if (misfit(topped, 1) < misfit(p, b)) {
      p = topped;
      b = 1;
    }
  }
  return {p, b, kMemories[memory], 0, std::max(0.0, misfit(p, b))};
}

Fit fit_slope(const Curve& curve, double q, double slope) {
  Against against;
  for (std::size_t i = 0; i < curve.points; ++i) {
    const double at = survival(slope * kLags[i], q), y = curve.value[i];
    against.square[i] = curve.weight[i] * at * at;
    against.product[i] = curve.weight[i] * at * y;
    against.aa += against.square[i];
    against.ay += against.product[i];
    against.yy += curve.weight[i] * y * y;
  }
  Fit best;
  for (std::size_t memory = 0; memory < kMemories.size(); ++memory) {
    // What a session looks like must be over well before a lease is, or the two could not be told apart.
    if (kMemories[memory] * slope > 0.6) break;
    const Fit fit = fit_memory(curve, against, memory);
    if (fit.misfit < best.misfit) best = fit;
  }
  best.slope = slope;
  return best;
}

// The misfit has one valley in the slope: a coarse walk, then a section search.
Fit fit_shape(const Curve& curve, double q) {
  Fit best = fit_slope(curve, q, 0);
  double low = 0, high = 1e-4;
  constexpr double kStep = 1.5;
  for (double slope = 1e-4; slope < 0.2; slope *= kStep) {
    const Fit fit = fit_slope(curve, q, slope);
    if (fit.misfit < best.misfit) {
      best = fit;
      low = slope / kStep;
      high = slope * kStep;
    }
  }
  constexpr double kGolden = 0.6180339887498949;
  for (int i = 0; i < 10; ++i) {
    const double a = high - kGolden * (high - low), b = low + kGolden * (high - low);
    const Fit at_a = fit_slope(curve, q, a), at_b = fit_slope(curve, q, b);
    if (at_a.misfit < at_b.misfit) {
      high = b;
      if (at_a.misfit < best.misfit) best = at_a;
    } else {
      low = a;
      if (at_b.misfit < best.misfit) best = at_b;
    }
  }
  return best;
}

// Weights exp(-misfit/2), with misfits scaled so that the best fits as well as noise lets it.
std::optional<Fit> fit_curve(const Curve& curve) {
  std::array<Fit, kShapes.size()> fits;
  double least = std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < kShapes.size(); ++i) {
    fits[i] = fit_shape(curve, kShapes[i]);
    least = std::min(least, fits[i].misfit);
  }
  if (!std::isfinite(least)) return std::nullopt;
  const double scale = 2 * std::max(1e-7, least / static_cast<double>(curve.points));
  Fit mean;
  mean.misfit = least;
  double sum = 0;
  for (const Fit& fit : fits) {
    const double weight = std::exp(-(fit.misfit - least) / scale);
    sum += weight;
    mean.capture += weight * fit.capture;
    mean.burst += weight * fit.burst;
    mean.memory += weight * fit.memory;
    mean.slope += weight * fit.slope;
  }
  mean.capture /= sum;
  mean.burst /= sum;
  mean.memory /= sum;
  mean.slope /= sum;
  return mean;
}

}  // namespace

std::optional<ReturnFit> fit_returns(const std::array<double, kLags.size()>& sums,
                                     const std::array<double, kLags.size()>& counted, double n, std::uint32_t hours,
                                     double bound) {
  if (hours < 72 || n <= 0) return std::nullopt;
  Curve curve;
  curve.bound = bound;
  const double reference = sums[9] / (hours - 12.0);
  for (std::size_t i = 0; i < kLags.size() && kLags[i] < hours / 2; ++i) {
    const double sum = sums[i] / (hours - kLags[i]);
    if (counted[i] < kLeastPairs || sum < kLeastShare * reference) break;
    curve.value[i] = sum / n * hours;
    // Relative errors alike, and lags by how many hours they stand for.
    const double wide = i == 0 ? 1 : std::min<double>(kLags[i] - kLags[i - 1], 24);
    curve.weight[i] = std::sqrt(wide) / curve.value[i];
    curve.points = i + 1;
  }
  if (curve.points < kLeastPoints) return std::nullopt;
  for (std::size_t memory = 0; memory < kMemories.size(); ++memory) {
    for (std::size_t i = 0; i < curve.points; ++i) {
      curve.memory[memory][i] = std::exp(-static_cast<double>(kLags[i]) / kMemories[memory]);
    }
  }
  auto fit = fit_curve(curve);
  if (!fit) return std::nullopt;
  std::size_t points = kLeastPoints;
  while (points < curve.points && curve.value[points] > kLeastSurvival * fit->capture) ++points;
  if (points < curve.points) {
    curve.points = points;
    fit = fit_curve(curve);
    if (!fit) return std::nullopt;
  }
  double weights = 0;
  for (std::size_t i = 0; i < curve.points; ++i) weights += curve.weight[i] * curve.value[i] * curve.value[i];
  return ReturnFit{fit->capture, fit->burst, fit->memory, fit->slope, std::sqrt(fit->misfit / weights)};
}

}  // namespace tocsin
