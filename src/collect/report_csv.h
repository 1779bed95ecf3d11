// The columns of CSV that reports come in.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin::collect {

enum class ReportColumn : std::uint8_t {
  kTime,
  kLast,
  kKind,
  kActorIp,
  kActorOrName,
  kActorPort,
  kActorName,
  kTargetIp,
  kTargetOrName,
  kTargetPort,
  kTargetName,
  kSiteIp,  // of the one host that the report is about: the actor's or the target's by the kind
  kSitePort,
  kSiteName,
  kUrl,
  kCve,
  kFamily,
  kGroup,
  kReporter,
  kRule,
  kCount,
  kConfidence,
  kTlp,
  kDescription,
  kTag,
  kCategory,
  kInfection,
  kColumns
};

// Which of Shadowserver's reports a file is (https://www.shadowserver.org/what-we-do/network-reporting/).
enum class ShadowserverReport : std::uint8_t {
  kNone,
  kSinkhole,
  kHttpScan,
  kBruteForce,
  kDarknet,
  kOtherEvent,  // of the form of the others; each record's `infection` may still tell
  kCompromisedWebsite,
  kPhishingUrl,
  kMalwareUrl,
};

// What a header line says. file: the source's name, which tells reports of Shadowserver with like columns apart.
struct ReportCsvHeader {
  static constexpr std::size_t kCount = static_cast<std::size_t>(ReportColumn::kColumns);
  std::array<int, kCount> at{};  // -1: there is none
  std::size_t columns = 0;
  char separator = ',';
  ShadowserverReport shadowserver = ShadowserverReport::kNone;

  bool has(ReportColumn column) const { return at[static_cast<std::size_t>(column)] >= 0; }
};

// False if the line is no header of reports.
bool read_report_csv_header(std::string_view line, std::string_view file, ReportCsvHeader& header);

inline constexpr std::size_t kMostReportFields = 512;  // of a record

}  // namespace tocsin::collect
