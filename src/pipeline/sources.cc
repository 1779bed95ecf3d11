#include "pipeline/sources.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <limits>
#include <set>
#include <utility>

#include "base/file.h"
#include "dissect/dissector.h"
#include "pipeline/packet_rules.h"

namespace tocsin {
namespace fs = std::filesystem;

Expected<std::vector<std::string>> walk(const std::vector<std::string>& paths) {
  std::vector<std::string> files;
  for (const std::string& path : paths) {
    std::error_code error;
    if (path == "-" || !fs::is_directory(path, error)) {
      if (path != "-" && !fs::exists(path, error)) return failure(fmt::format("{}: no such file or directory", path));
      files.push_back(path);
      continue;
    }
    std::vector<std::string> found;
    fs::recursive_directory_iterator entry(path, fs::directory_options::skip_permission_denied, error);
    if (error) return failure(fmt::format("{}: {}", path, error.message()));
    for (; entry != fs::recursive_directory_iterator(); entry.increment(error)) {
      if (error) return failure(fmt::format("{}: {}", path, error.message()));
      const bool hidden = entry->path().filename().string().starts_with('.');
      if (hidden && entry->is_directory(error)) entry.disable_recursion_pending();
      if (!hidden && entry->is_regular_file(error)) found.push_back(entry->path().string());
    }
    std::ranges::sort(found);
    files.insert(files.end(), found.begin(), found.end());
  }
  return files;
}

std::optional<Timestamp> first_time(const Batch& batch) {
  Timestamp first = std::numeric_limits<Timestamp>::max();
  for (const Flow& flow : batch.flows) first = std::min(first, flow.first);
  const auto of = [&first](const auto& transactions) {
    for (const auto& transaction : transactions) first = std::min(first, transaction.time);
  };
  of(batch.dns);
  of(batch.http);
  of(batch.tls);
  of(batch.alerts);
  for (const Report& report : batch.reports) first = std::min(first, report.first);
  of(batch.pages);
  if (batch.size() == 0) return std::nullopt;
  return first;
}

Expected<SourceFile> identify(const std::string& path, const std::vector<SourceRecord>& known) {
  SourceFile file;
  std::set<std::uint64_t> lengths;
  for (const SourceRecord& record : known) lengths.insert(record.bytes);
  Sha256 hash;
  std::uint64_t size = 0;
  const auto read = read_blocks(path, [&](std::span<const std::byte> block) {
    // Stop at each length that some known source has, to see whether this one begins with it.
    while (!block.empty()) {
      std::size_t piece = block.size();
      if (const auto next = lengths.upper_bound(size); next != lengths.end()) {
        piece = static_cast<std::size_t>(std::min<std::uint64_t>(piece, *next - size));
      }
      hash.update(block.first(piece));
      block = block.subspan(piece);
      size += piece;
      if (!lengths.contains(size)) continue;
      const std::string digest = hex(hash.digest());
      for (const SourceRecord& record : known) {
        if (record.bytes == size && record.sha256 == digest) file.grown_from.push_back(record.id);
      }
    }
    return true;
  });
  if (!read) return std::unexpected(read.error());
  file.record.sha256 = hex(hash.digest());
  file.record.id = file.record.sha256.substr(0, 16);
  file.record.name = path;
  std::error_code error;
  file.record.path = fs::absolute(path, error).lexically_normal().string();
  file.record.bytes = size;
  file.known = std::ranges::any_of(known, [&](const SourceRecord& r) { return r.sha256 == file.record.sha256; });
  std::erase(file.grown_from, file.record.id);
  auto input = InputStream::open(path);
  if (!input) return std::unexpected(input.error());
  file.format = recognise((*input)->peek(64 * 1024));
  file.record.format = name_of(file.format);
  if ((*input)->fault() && file.format == Format::kUnknown) return std::unexpected(*(*input)->fault());
  if (file.known || file.format == Format::kUnknown || file.format == Format::kEmpty) return file;
  if (const auto packets = make_packet_reader(file.format, **input, 0)) {
    std::vector<Packet> batch;
    packets->read(batch);
    if (!batch.empty()) file.first = batch.front().time;
  } else if (const auto reader = make_observation_reader(file.format, **input, 0)) {
    Batch batch;
    reader->read(batch);
    file.first = first_time(batch).value_or(0);
  }
  return file;
}

struct SourceReader::State {
  std::unique_ptr<InputStream> input;
  std::unique_ptr<PacketReader> packets;
  std::unique_ptr<ObservationReader> observations;
  PacketDissector dissector;
  PacketRules* rules = nullptr;
  std::vector<Packet> packet_batch;
  bool ended = false;
};

SourceReader::SourceReader(std::unique_ptr<State> state) : state_(std::move(state)) {}
SourceReader::~SourceReader() = default;

Expected<std::unique_ptr<SourceReader>> SourceReader::open(const SourceFile& file, std::uint32_t index,
                                                           PacketRules* rules) {
  auto input = InputStream::open(file.record.path, file.record.bytes);
  if (!input) return std::unexpected(input.error());
  auto state = std::make_unique<State>();
  state->input = std::move(*input);
  state->rules = rules;
  state->packets = make_packet_reader(file.format, *state->input, index);
  if (!state->packets) state->observations = make_observation_reader(file.format, *state->input, index);
  state->ended = !state->packets && !state->observations;
  return std::unique_ptr<SourceReader>(new SourceReader(std::move(state)));
}

bool SourceReader::next(Batch& batch) {
  batch.clear();
  State& s = *state_;
  while (batch.size() == 0 && !s.ended) {
    if (s.packets) {
      s.ended = !s.packets->read(s.packet_batch);
      s.dissector.dissect(s.packet_batch, batch);
      if (s.rules != nullptr) s.rules->take(s.packet_batch, batch);
      if (s.ended) s.dissector.finish(batch);
    } else {
      s.ended = !s.observations->read(batch);
    }
  }
  return batch.size() > 0;
}

const InputStream& SourceReader::input() const { return *state_->input; }

std::uint64_t SourceReader::records() const {
  if (state_->packets) return state_->packets->records();
  return state_->observations ? state_->observations->records() : 0;
}

std::uint64_t SourceReader::passed_over() const {
  return state_->observations ? state_->observations->passed_over() : 0;
}

Skips SourceReader::skips() const {
  Skips all;
  if (state_->packets) {
    all = state_->packets->skips();
    all.add(state_->dissector.skips());
  } else if (state_->observations) {
    all = state_->observations->skips();
  }
  if (const auto& fault = state_->input->fault()) all.add("end", fault->message);
  return all;
}

namespace {

constexpr std::size_t kMostOpen = 256;

struct Active {
  std::size_t index = 0;
  std::unique_ptr<SourceReader> reader;
  Batch batch;
  Timestamp first = 0;
};

}  // namespace

Expected<bool> read_in_order(const std::vector<SourceFile>& files, PacketRules* rules,
                             const std::function<bool(Batch& batch, std::uint64_t bytes)>& take,
                             const std::function<void(std::size_t, const SourceReader&)>& ended) {
  std::vector<std::size_t> waiting(files.size());
  for (std::size_t i = 0; i < files.size(); ++i) waiting[i] = i;
  // Latest first, so that the next to open is at the back.
  std::ranges::stable_sort(waiting, [&](std::size_t a, std::size_t b) { return files[a].first > files[b].first; });
  std::vector<std::unique_ptr<Active>> active;
  Batch spare;  // of a source that has ended: its memory serves the next
  std::uint64_t done_bytes = 0;
  while (!waiting.empty() || !active.empty()) {
    const auto earliest =
        std::ranges::min_element(active, {}, [](const auto& a) { return std::pair(a->first, a->index); });
    // No more files are open at once than a process may have; order across more than that is by their beginnings.
    if (!waiting.empty() && active.size() < kMostOpen &&
        (earliest == active.end() || files[waiting.back()].first <= (*earliest)->first)) {
      auto opened = std::make_unique<Active>();
      opened->index = waiting.back();
      waiting.pop_back();
      const SourceFile& file = files[opened->index];
      auto reader = SourceReader::open(file, static_cast<std::uint32_t>(opened->index), rules);
      if (!reader) return std::unexpected(reader.error());
      opened->reader = std::move(*reader);
      opened->first = file.first;
      std::swap(opened->batch, spare);
      if (opened->reader->next(opened->batch)) {
        opened->first = std::max(file.first, *first_time(opened->batch));
        active.push_back(std::move(opened));
      } else {
        ended(opened->index, *opened->reader);
      }
      continue;
    }
    Active& source = **earliest;
    std::uint64_t bytes = done_bytes;
    for (const auto& each : active) bytes += each->reader->input().raw_offset();
    if (!take(source.batch, bytes)) return false;
    if (source.reader->next(source.batch)) {
      source.first = std::max(source.first, *first_time(source.batch));
    } else {
      ended(source.index, *source.reader);
      done_bytes += files[source.index].record.bytes;
      std::swap(source.batch, spare);
      active.erase(earliest);
    }
  }
  if (rules != nullptr) {
    spare.clear();
    rules->finish(spare);
    if (spare.size() > 0) return take(spare, done_bytes);
  }
  return true;
}

}  // namespace tocsin
