// A segment's columns, in their order:
//
//   kind                VARCHAR    "botnet-control"
//   detector            VARCHAR
//   rule                VARCHAR
//   actor_ip            UUID       16 bytes, IPv4 mapped into IPv6; NULL: unspecified
//   actor_port          USMALLINT
//   actor_name          VARCHAR    NULL: none
//   actor_country       VARCHAR    ISO 3166-1 alpha-2; NULL: unknown
//   actor_asn           UINTEGER   NULL: unknown
//   actor_inside        BOOLEAN    of the constituency
//   target_ip … target_inside      the same of the target
//   target_sector       VARCHAR    NULL: none
//   target_organisation VARCHAR    NULL: none
//   target_province     VARCHAR    NULL: none
//   first_seen          TIMESTAMP  UTC, microseconds
//   last_seen           TIMESTAMP
//   count               UBIGINT    of what the detector counts
//   confidence          UTINYINT   1 suspected, 2 probable, 3 confirmed
//   cve, family, group  VARCHAR    NULL: none
//   source              VARCHAR    id of the source in the ledger
//   evidence            VARCHAR    where in the source
//   matched             VARCHAR
//   location_version    VARCHAR
//   tlp                 VARCHAR    NULL: none
//
// A relation of segments has before them `id`, which no segment holds: sighting_id_sql() of the row.
#pragma once

#include <cstddef>
#include <iterator>
#include <string>

namespace tocsin::store {

struct SegmentColumn {
  const char* name;
  const char* sql;  // its type
};

inline constexpr SegmentColumn kSegmentColumns[] = {
    {"kind", "VARCHAR"},
    {"detector", "VARCHAR"},
    {"rule", "VARCHAR"},
    {"actor_ip", "UUID"},
    {"actor_port", "USMALLINT"},
    {"actor_name", "VARCHAR"},
    {"actor_country", "VARCHAR"},
    {"actor_asn", "UINTEGER"},
    {"actor_inside", "BOOLEAN"},
    {"target_ip", "UUID"},
    {"target_port", "USMALLINT"},
    {"target_name", "VARCHAR"},
    {"target_country", "VARCHAR"},
    {"target_asn", "UINTEGER"},
    {"target_inside", "BOOLEAN"},
    {"target_sector", "VARCHAR"},
    {"target_organisation", "VARCHAR"},
    {"target_province", "VARCHAR"},
    {"first_seen", "TIMESTAMP"},
    {"last_seen", "TIMESTAMP"},
    {"count", "UBIGINT"},
    {"confidence", "UTINYINT"},
    {"cve", "VARCHAR"},
    {"family", "VARCHAR"},
    {"group", "VARCHAR"},
    {"source", "VARCHAR"},
    {"evidence", "VARCHAR"},
    {"matched", "VARCHAR"},
    {"location_version", "VARCHAR"},
    {"tlp", "VARCHAR"},
};
inline constexpr std::size_t kSegmentWidth = std::size(kSegmentColumns);

// "kind", "detector", …: for SELECT; typed, "kind" VARCHAR, …: for CREATE TABLE.
std::string segment_columns();
std::string typed_segment_columns();

}  // namespace tocsin::store
