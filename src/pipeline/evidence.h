// From a sighting back to the bytes: the packets as a pcap, the lines of a log.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/expected.h"
#include "base/ip_address.h"
#include "base/time.h"
#include "collect/observation.h"
#include "store/sighting_store.h"

namespace tocsin {

// Where in a source a row was found, as its column `evidence` says it; none if the text does not.
std::string evidence_text(const Place& place);
std::optional<Place> place_of(const std::string& evidence);

struct EvidenceRequest {
  IpAddress actor;  // unspecified: any
  IpAddress target;
  Timestamp first_seen = 0;
  Timestamp last_seen = 0;
  std::uint64_t offset = 0;  // of the first record
  std::uint64_t record = 0;  // its number
};

struct Evidence {
  std::string line;           // of a log: the record itself; of IPFIX: its fields as text
  std::string pcap;           // path of the capture written
  std::uint64_t packets = 0;  // in it
};

// For each request, what the source holds. Packets between the two addresses from first to last seen are written to
// DIRECTORY/<number>.pcap, none if directory is empty. An error if the source is gone or has changed.
Expected<std::vector<Evidence>> fetch_evidence(const SourceRecord& source, const std::vector<EvidenceRequest>& requests,
                                               const std::vector<std::string>& pcap_paths);

// What a row of sightings rests on.
struct RowEvidence {
  std::string source;  // id
  EvidenceRequest request;
  std::string pcap;  // path for its packets, empty for none
};
// For each row, what its source holds or why it can't be had; each source is opened and checked once. Of a source that
// is not among these: nothing.
std::vector<Expected<Evidence>> fetch_evidence(const std::vector<SourceRecord>& sources,
                                               const std::vector<RowEvidence>& rows);

}  // namespace tocsin
