#include <fmt/format.h>

#include "collect/readers.h"

namespace tocsin::collect {
namespace {
// A batch also ends after so much input, so that long lines do not make a batch of gigabytes and a file of nothing but
// records that are passed over does not keep its caller waiting.
constexpr std::uint64_t kMostBatchInput = 16 << 20;
}  // namespace

bool LineReader::read(Batch& batch) {
  const std::size_t enough = batch.size() + kBatchSize;
  const std::uint64_t start = input_.offset();
  while (batch.size() < enough && input_.offset() - start < kMostBatchInput) {
    const Place place{source_, input_.offset(), ++line_number_};
    const auto line = input_.line();
    if (!line) return give_rest(batch);
    if (line->empty()) continue;
    const Outcome outcome = input_.too_long() ? bad("line longer than 16 MiB") : take(*line, place, batch);
    if (outcome == Outcome::kNoRecord) continue;
    ++records_;
    if (outcome == Outcome::kPassedOver) ++passed_over_;
    if (outcome == Outcome::kBad) skips_.add(fmt::format("line {}", line_number_), reason_);
  }
  return true;
}

}  // namespace tocsin::collect
