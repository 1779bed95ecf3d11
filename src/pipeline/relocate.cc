#include "pipeline/relocate.h"

#include <fmt/format.h>

#include <algorithm>

namespace tocsin {
namespace {

// In this order in each row asked for.
enum Column : std::size_t {
  kKind,
  kDetector,
  kRule,
  kActorIp,
  kActorPort,
  kActorName,
  kTargetIp,
  kTargetPort,
  kTargetName,
  kFirstSeen,
  kLastSeen,
  kCount,
  kConfidence,
  kCve,
  kFamily,
  kGroup,
  kTlp,
  kMatched,
  kEvidence,
  kSource
};
constexpr std::string_view kColumns =
    "kind, detector, rule, actor_ip, actor_port, actor_name, target_ip, target_port, target_name, first_seen, "
    "last_seen, CAST(\"count\" AS BIGINT), confidence, cve, family, \"group\", tlp, matched, evidence, source";

class StoredRow {
 public:
  explicit StoredRow(const std::vector<Cell>& cells) : cells_(cells) {}
  std::string text(Column column) const {
    const auto* value = std::get_if<std::string>(&cells_[column]);
    return value == nullptr ? std::string() : *value;
  }
  std::int64_t number(Column column) const {
    const auto* value = std::get_if<std::int64_t>(&cells_[column]);
    return value == nullptr ? 0 : *value;
  }
  Endpoint endpoint(Column ip, Column port) const {
    return {IpAddress::parse(text(ip)).value_or(IpAddress()), static_cast<std::uint16_t>(number(port))};
  }

 private:
  const std::vector<Cell>& cells_;
};

Expected<Sighting> sighting_of(const StoredRow& row) {
  const auto kind = kind_of(row.text(kKind));
  if (!kind) return std::unexpected(kind.error());
  Sighting sighting;
  sighting.kind = *kind;
  sighting.confidence = static_cast<Confidence>(row.number(kConfidence));
  sighting.detector = row.text(kDetector);
  sighting.rule = row.text(kRule);
  sighting.actor = row.endpoint(kActorIp, kActorPort);
  sighting.actor_name = row.text(kActorName);
  sighting.target = row.endpoint(kTargetIp, kTargetPort);
  sighting.target_name = row.text(kTargetName);
  sighting.first_seen = row.number(kFirstSeen);
  sighting.last_seen = row.number(kLastSeen);
  sighting.count = static_cast<std::uint64_t>(row.number(kCount));
  sighting.cve = row.text(kCve);
  sighting.family = row.text(kFamily);
  sighting.group = row.text(kGroup);
  sighting.tlp = row.text(kTlp);
  sighting.matched = row.text(kMatched);
  return sighting;
}

}  // namespace

Expected<std::uint64_t> relocate(SightingStore& store, const Locator& locator, const Constituency& constituency,
                                 int database) {
  auto writer = store.begin();
  if (!writer) return std::unexpected(writer.error());
  const auto sources = store.sources();
  if (!sources) return std::unexpected(sources.error());
  auto engine = Database::open();
  if (!engine) return std::unexpected(engine.error());
  const auto segments = store.segments();
  if (!segments) return std::unexpected(segments.error());
  std::vector<std::string> paths;
  std::uint64_t expected = 0;
  for (const Segment& segment : *segments) {
    paths.push_back(segment.path);
    expected += segment.rows;
  }
  std::vector<std::string> ids;
  for (const SourceRecord& source : *sources) ids.push_back(source.id);
  std::ranges::sort(ids);
  std::uint64_t written = 0, seen = 0;
  // Rows are of the same sightings as before: what makes one does not depend on location.
  const auto streamed =
      (*engine)->stream(fmt::format("SELECT {} FROM {}", kColumns, segments_clause(paths)), {}, [&](const Table& rows) {
        seen += rows.rows.size();
        for (const auto& cells : rows.rows) {
          const StoredRow row(cells);
          const std::string source = row.text(kSource);
          // What no source of the ledger has, the commit below does not replace.
          if (!std::ranges::binary_search(ids, source)) continue;
          auto sighting = sighting_of(row);
          if (!sighting) return Expected<void>(std::unexpected(sighting.error()));
          locate_sighting(*sighting, locator, constituency, database);
          if (auto done = (*writer)->append(std::move(*sighting), source, row.text(kEvidence)); !done) return done;
          ++written;
        }
        return Expected<void>();
      });
  if (!streamed) return std::unexpected(streamed.error());
  if (seen != expected) {
    return failure(
        fmt::format("the segments hold {} rows where the ledger says {}; 'tocsin verify' says more", seen, expected));
  }
  if (written == 0) return 0;
  if (const auto done = (*writer)->commit(*sources, ids); !done) return std::unexpected(done.error());
  return written;
}

}  // namespace tocsin
