// A store in a directory of its own, and sightings to fill it.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "store/database.h"
#include "store/sighting_store.h"

namespace tocsin {

inline Sighting sighting_of(std::uint32_t number, Timestamp time) {
  Sighting sighting;
  sighting.kind = static_cast<Kind>(number % kKinds);
  sighting.detector = "indicator";
  sighting.rule = "rule " + std::to_string(number % 7);
  sighting.actor = {IpAddress::v4(0xc6336400U + number % 250), 443};
  sighting.target = {IpAddress::v4(0x0a000000U + number), 50'000};
  sighting.first_seen = time;
  sighting.last_seen = time + kSecond;
  sighting.count = number + 1;
  return sighting;
}

inline SourceRecord source_of(const std::string& id) {
  SourceRecord source;
  source.id = id;
  source.name = "/data/" + id + ".pcap";
  source.path = source.name;
  source.format = "pcap";
  source.sha256 = hex(sha256(id));
  source.bytes = 1000;
  source.records = 10;
  return source;
}

inline std::string bytes_of(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

inline void write_bytes(const std::filesystem::path& path, const std::string& text) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << text;
}

class ScratchDirectory {
 public:
  ScratchDirectory() {
    std::string name = (std::filesystem::temp_directory_path() / "store-test-XXXXXX").string();
    path_ = ::mkdtemp(name.data()) == nullptr ? "" : name;
  }
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;
  ~ScratchDirectory() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

class StoreTest : public testing::Test {
 protected:
  static constexpr Timestamp kTime = 1'359'590'400 * kSecond;  // 2013-01-31

  void SetUp() override {
    const auto made = SightingStore::create(directory());
    ASSERT_TRUE(made) << made.error().message;
    auto opened = SightingStore::open(directory());
    ASSERT_TRUE(opened) << opened.error().message;
    store_ = std::move(*opened);
  }

  std::string directory() const { return (scratch_.path() / "store").string(); }

  std::unique_ptr<SightingStore::Run> begun() {
    auto run = store_->begin();
    EXPECT_TRUE(run) << run.error().message;
    return run ? std::move(*run) : nullptr;
  }

  // One commit of one source with rows at a time.
  CommitReport commit(SightingStore::Run& run, const std::string& source, std::uint32_t rows, Timestamp time = kTime,
                      const std::vector<std::string>& replaces = {}) {
    for (std::uint32_t i = 0; i < rows; ++i) {
      const auto appended = run.append(sighting_of(i, time + i), source, "packet " + std::to_string(i));
      EXPECT_TRUE(appended) << appended.error().message;
    }
    const auto report = run.commit({source_of(source)}, replaces);
    EXPECT_TRUE(report) << report.error().message;
    return report.value_or(CommitReport{});
  }

  Table query(const std::string& columns, const std::string& rest = "", SightingStore::Position sequence = {}) {
    const auto from = store_->from_clause(sequence);
    EXPECT_TRUE(from) << from.error().message;
    auto database = Database::open(1);
    EXPECT_TRUE(database);
    auto table = (*database)->query("SELECT " + columns + " FROM " + from.value_or("") + " " + rest);
    EXPECT_TRUE(table) << table.error().message;
    return table.value_or(Table{});
  }

  std::int64_t rows_at(SightingStore::Position sequence = {}) {
    const Table table = query("count(*)", "", sequence);
    return table.rows.empty() ? -1 : std::get<std::int64_t>(table.rows[0][0]);
  }

  std::vector<StoreFinding> findings() {
    const auto found = store_->verify();
    EXPECT_TRUE(found) << found.error().message;
    return found.value_or(std::vector<StoreFinding>{});
  }

  void expect_sound() {
    for (const StoreFinding& finding : findings()) ADD_FAILURE() << finding.where << ": " << finding.what;
  }

  ScratchDirectory scratch_;
  std::unique_ptr<SightingStore> store_;
};

}  // namespace tocsin
