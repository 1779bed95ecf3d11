// A small relation of sightings in memory, for tests that count by hand.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "base/ip_address.h"
#include "figures/figure.h"

namespace tocsin {

struct Row {
  std::string actor = "203.0.113.1";
  std::string target = "192.0.2.1";
  std::string seen = "2013-01-15 12:00:00";
  std::string actor_country = "US";
  std::string kind = "botnet-control";
  int confidence = 2;
  int count = 1;
  bool actor_inside = false;
  bool target_inside = true;
  std::string target_name = "";
  std::string actor_name = "";
  std::string family = "";
  std::string sector = "";
  int actor_asn = 64500;
  int port = 443;
  std::string detector = "indicator";
};

class SightingsTable {
 public:
  SightingsTable() {
    auto opened = Database::open(1);
    if (!opened) throw std::runtime_error(opened.error().message);
    database_ = std::move(*opened);
    run("CREATE TABLE sightings (kind VARCHAR, detector VARCHAR, rule VARCHAR, actor_ip UUID, "
        "actor_port USMALLINT, actor_name VARCHAR, actor_country VARCHAR, actor_asn UINTEGER, actor_inside BOOLEAN, "
        "target_ip UUID, target_port USMALLINT, target_name VARCHAR, target_country VARCHAR, target_asn UINTEGER, "
        "target_inside BOOLEAN, target_sector VARCHAR, target_organisation VARCHAR, target_province VARCHAR, "
        "first_seen TIMESTAMP, "
        "last_seen TIMESTAMP, \"count\" UBIGINT, confidence UTINYINT, cve VARCHAR, family VARCHAR, \"group\" VARCHAR, "
        "source VARCHAR, evidence VARCHAR, matched VARCHAR, location_version VARCHAR, tlp VARCHAR)");
  }
  void add(const Row& row) {
    run(fmt::format(
        "INSERT INTO sightings VALUES ({}, {}, 'rule', {}, 50000, {}, {}, "
        "{}, {}, {}, {}, {}, 'CZ', 64501, {}, {}, '', '', '{}', '{}', {}, {}, '', {}, '', 'source', 'evidence', "
        "'matched', '2013', '')",
        sql_text(row.kind), sql_text(row.detector), address(row.actor), sql_text(row.actor_name),
        row.actor_country.empty() ? "NULL" : sql_text(row.actor_country), row.actor_asn, row.actor_inside,
        address(row.target), row.port, sql_text(row.target_name), row.target_inside, sql_text(row.sector), row.seen,
        row.seen, row.count, row.confidence, sql_text(row.family)));
  }
  void run(const std::string& sql) {
    const auto done = database_->query(sql);
    if (!done) throw std::runtime_error(done.error().message + " in " + sql);
  }
  Database& database() { return *database_; }

 private:
  static std::string address(const std::string& text) {
    if (text.empty()) return "NULL";
    const auto ip = IpAddress::parse(text);
    if (!ip) throw std::runtime_error(text);
    return fmt::format("'{:08x}-{:04x}-{:04x}-{:04x}-{:012x}'", ip->high() >> 32, ip->high() >> 16 & 0xffff,
                       ip->high() & 0xffff, ip->low() >> 48, ip->low() & 0xffff'ffff'ffffULL);
  }
  std::unique_ptr<Database> database_;
};

}  // namespace tocsin
