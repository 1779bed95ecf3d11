#include "collect/observation.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace tocsin {
namespace {
constexpr std::size_t kBlock = 256 * 1024;
constexpr std::array<std::string_view, 14> kStates{"",     "S0",   "S1",     "SF",    "REJ", "S2",  "S3",
                                                   "RSTO", "RSTR", "RSTOS0", "RSTRH", "SH",  "SHR", "OTH"};
}  // namespace

std::string_view TextArena::keep(std::string_view text) {
  if (text.empty()) return {};
  if (used_ + text.size() > size_ || blocks_.empty()) {
    size_ = std::max(kBlock, text.size());
    blocks_.push_back(std::make_unique_for_overwrite<char[]>(size_));
    used_ = 0;
  }
  char* at = blocks_.back().get() + used_;
  std::memcpy(at, text.data(), text.size());
  used_ += text.size();
  return {at, text.size()};
}

void TextArena::clear() {
  // One block stays for the next batch.
  if (blocks_.empty()) return;
  if (size_ == kBlock) std::swap(blocks_.front(), blocks_.back());
  const bool reusable = size_ == kBlock;
  blocks_.resize(reusable ? 1 : 0);
  used_ = 0;
  if (!reusable) size_ = 0;
}

void Batch::clear() {
  flows.clear();
  dns.clear();
  http.clear();
  tls.clear();
  alerts.clear();
  reports.clear();
  pages.clear();
  text.clear();
}

std::string_view name_of(ConnState state) { return kStates[static_cast<std::size_t>(state)]; }

ConnState conn_state_of(std::string_view name) {
  const auto found = std::ranges::find(kStates, name);
  return found == kStates.end() ? ConnState::kUnknown : static_cast<ConnState>(found - kStates.begin());
}

}  // namespace tocsin
