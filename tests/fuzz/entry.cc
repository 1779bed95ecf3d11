// The entry that all targets have in common: TOCSIN_FUZZ names the target, "list" lists them. libFuzzer's own options
// are as ever. With "talks" the arguments are captures, and what they carry is written as inputs of the protocols'
// targets below the directory TOCSIN_FUZZ_TALKS.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "fuzz.h"
#include "talks.h"

namespace tocsin::fuzz {
namespace {

Target* first = nullptr;
const Target* chosen = nullptr;
volatile std::uint8_t sink = 0;

std::vector<std::string_view> names() {
  std::vector<std::string_view> all;
  for (const Target* target = first; target != nullptr; target = target->next) all.push_back(target->name);
  std::sort(all.begin(), all.end());
  return all;
}

}  // namespace

Target::Target(std::string_view given, Run function) : name(given), run(function), next(first) { first = this; }

std::uint8_t Pieces::number() {
  const Bytes one = take(1);
  return one.empty() ? std::uint8_t{0} : one[0];
}

std::uint16_t Pieces::number16() {
  const std::uint8_t low = number();
  return static_cast<std::uint16_t>(low | number() << 8);
}

Bytes Pieces::take(std::size_t size) {
  const Bytes taken = rest_.first(std::min(size, rest_.size()));
  rest_ = rest_.subspan(taken.size());
  return taken;
}

std::string_view Pieces::section() {
  static constexpr std::string_view kEnd = "\n---\n";
  const std::string_view text(reinterpret_cast<const char*>(rest_.data()), rest_.size());
  const std::size_t end = text.find(kEnd);
  rest_ = end == std::string_view::npos ? Bytes() : rest_.subspan(end + kEnd.size());
  return text.substr(0, end == std::string_view::npos ? end : end + 1);
}

FileOf::FileOf(Bytes bytes) : descriptor_(memfd_create("input", MFD_CLOEXEC)) {
  if (descriptor_ < 0) std::abort();
  for (std::size_t at = 0; at < bytes.size();) {
    const ssize_t written = write(descriptor_, bytes.data() + at, bytes.size() - at);
    if (written <= 0) std::abort();
    at += static_cast<std::size_t>(written);
  }
  path_ = "/proc/self/fd/" + std::to_string(descriptor_);
}

FileOf::~FileOf() { close(descriptor_); }

void look(std::string_view text) {
  std::uint8_t sum = 0;
  for (const char c : text) sum = static_cast<std::uint8_t>(sum + static_cast<std::uint8_t>(c));
  sink = sum;
}

}  // namespace tocsin::fuzz

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  using namespace tocsin::fuzz;
  const char* wanted = std::getenv("TOCSIN_FUZZ");
  const std::string_view name = wanted == nullptr ? "" : wanted;
  if (name == "list") {
    for (const std::string_view one : names()) std::printf("%.*s\n", static_cast<int>(one.size()), one.data());
    std::exit(0);
  }
  if (name == "talks") {
    const char* directory = std::getenv("TOCSIN_FUZZ_TALKS");
    std::exit(directory != nullptr && write_talks({*argv + 1, *argv + *argc}, directory) ? 0 : 1);
  }
  for (const Target* target = first; target != nullptr; target = target->next) {
    if (target->name == name) chosen = target;
  }
  if (chosen == nullptr) {
    std::fprintf(stderr, "TOCSIN_FUZZ names no target: run scripts/fuzz\n");
    std::exit(1);
  }
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  tocsin::fuzz::chosen->run({data, size});
  return 0;
}
