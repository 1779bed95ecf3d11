// IPFIX (RFC 7011) as files have it (RFC 5655), which is a stream of its messages, and NetFlow version 9 (RFC 3954),
// which is the same in other clothes.
//
// Every message belongs to an observation domain, and each domain declares its templates; data sets name the template
// that their records follow. A data set whose template has not come yet cannot be read and is skipped: RFC 5655 asks
// for templates first, and to hold data back for a template that may never come would need memory without bound.
// Records without addresses (of interfaces, of exporters) are passed over, but options are looked at for the exporter's
// start and for sampling.
//
// The path of the bytes: ipfix_sets (framing), ipfix_templates (a template compiled to loads), ipfix_flow (meaning).
#include "collect/ipfix.h"

#include <fmt/format.h>

#include <map>

#include "collect/ipfix_flow.h"
#include "collect/readers.h"

namespace tocsin::collect {
namespace {

constexpr std::size_t kMostDomains = 65'536;

class IpfixReader : public ObservationReader {
 public:
  IpfixReader(InputStream& input, std::uint32_t source) : sets_(input, skips_), source_(source) {}

  bool read(Batch& batch) override {
    IpfixSet set;
    while (batch.size() < kBatchSize) {
      if (!sets_.next(set)) return false;
      if (set.is_templates() || set.is_options_templates()) {
        templates_.take(set, skips_);
      } else if (const IpfixTemplate* of = templates_.find(set)) {
        take_records(*of, set, batch);
      } else {
        skips_.add(fmt::format("byte {}, {} bytes", set.offset, set.body.size()), "data before its template");
      }
    }
    return true;
  }

 private:
  void take_records(const IpfixTemplate& of, const IpfixSet& set, Batch& batch) {
    ExporterState& exporter = exporter_of(set.message);
    const bool is_flow = !of.is_options() && of.has_addresses();
    if (!of.is_variable() && !is_flow && !of.is_options()) {
      const std::size_t count = set.body.size() / of.record_length();
      records_ += count;
      passed_over_ += count;
      return;
    }
    DecodedRecord record;
    std::span<const std::byte> rest = set.body;
    // What is shorter than any record is padding.
    while (rest.size() >= of.record_length()) {
      const std::uint64_t offset = set.offset + (set.body.size() - rest.size());
      const std::size_t used = of.decode(rest, record);
      if (used == 0) return skips_.add(fmt::format("byte {}", offset), "record beyond the end of its set");
      rest = rest.subspan(used);
      ++records_;
      if (is_flow) {
        take_flow(of, record, set.message, exporter, {source_, offset, records_}, batch);
      } else {
        ++passed_over_;
        if (of.is_options()) take_options(of, record, exporter);
      }
    }
  }

  void take_flow(const IpfixTemplate& of, const DecodedRecord& record, const MessageHeader& message,
                 const ExporterState& exporter, const Place& place, Batch& batch) {
    Flow& flow = batch.flows.emplace_back();
    flow.place = place;
    if (fill_flow(of, record, message, exporter, flow)) return;
    batch.flows.pop_back();
    skips_.add(fmt::format("record {}", place.record), "impossible time");
  }

  static void take_options(const IpfixTemplate& of, const DecodedRecord& record, ExporterState& exporter) {
    if (of.has(Target::kSystemInit)) exporter.started = record[Target::kSystemInit];
    exporter.sampled |= is_sampled(record);
  }

  // Beyond the bound, exporters share what the last one told.
  ExporterState& exporter_of(const MessageHeader& message) {
    const std::uint64_t key = static_cast<std::uint64_t>(message.version) << 32 | message.domain;
    if (exporter_ != nullptr && key == exporter_key_) return *exporter_;
    if (exporters_.size() >= kMostDomains && !exporters_.contains(key)) return overflow_;
    exporter_key_ = key;
    exporter_ = &exporters_[key];
    return *exporter_;
  }

  IpfixSets sets_;
  IpfixTemplates templates_;
  std::map<std::uint64_t, ExporterState> exporters_;
  ExporterState overflow_;
  std::uint64_t exporter_key_ = 0;
  ExporterState* exporter_ = nullptr;
  std::uint32_t source_;
};

}  // namespace

std::unique_ptr<ObservationReader> make_ipfix_reader(InputStream& input, std::uint32_t source) {
  return std::make_unique<IpfixReader>(input, source);
}

}  // namespace tocsin::collect
