// Lists of one value a line, Maltrail's trails, and CSV.
//
// A file is CSV if its first line (past comments) has a comma and either names one of the columns that hold a value or
// begins with a value; without such names the columns are value, family and source, as Maltrail's sensor keeps them.
// Quoted fields are those of RFC 4180 and may hold line ends.
#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>
#include <optional>

#include "base/text.h"
#include "base/time.h"
#include "collect/fields.h"
#include "collect/indicator_files.h"

namespace tocsin {
namespace {

constexpr std::size_t kMostRecord = 64 * 1024;
constexpr std::size_t kMostRecordLines = 64;
constexpr std::size_t kMostFields = 256;

enum Column : std::size_t {
  kValue,
  kFamily,
  kGroup,
  kKindName,
  kConfidenceName,
  kFrom,
  kUntil,
  kSource,
  kTlp,
  kColumns
};

struct ColumnName {
  std::string_view name;
  Column column;
};
// The first name of a column that a header has is the one taken.
constexpr std::array<ColumnName, 34> kColumnNames{{
    {"indicator", kValue},
    {"value", kValue},
    {"ioc", kValue},
    {"ip", kValue},
    {"ip_address", kValue},
    {"address", kValue},
    {"domain", kValue},
    {"hostname", kValue},
    {"url", kValue},
    {"hash", kValue},
    {"md5", kValue},
    {"sha1", kValue},
    {"sha256", kValue},
    {"family", kFamily},
    {"malware", kFamily},
    {"malware_family", kFamily},
    {"group", kGroup},
    {"actor", kGroup},
    {"threat_actor", kGroup},
    {"kind", kKindName},
    {"confidence", kConfidenceName},
    {"valid_from", kFrom},
    {"first_seen", kFrom},
    {"valid_until", kUntil},
    {"expires", kUntil},
    {"last_seen", kUntil},
    {"source", kSource},
    {"feed", kSource},
    {"tlp", kTlp},
    {"dst_ip", kValue},
    {"cidr", kValue},
    {"prefix", kValue},
    {"network", kValue},
    {"ip-dst", kValue},
}};

std::string_view without_comment(std::string_view line) {
  for (std::size_t at = line.find('#'); at != std::string_view::npos; at = line.find('#', at + 1)) {
    if (at == 0 || line[at - 1] == ' ' || line[at - 1] == '\t') return trim(line.substr(0, at));
  }
  return trim(line);
}

// Fields of one record, the first of them if there are too many; false if a quote is left open.
bool split_fields(std::string_view record, std::vector<std::string>& fields) {
  return collect::split_csv(record, ',', kMostFields, fields) != collect::CsvRecord::kOpen;
}

class CsvReader {
 public:
  explicit CsvReader(IndicatorTaker& taker) : taker_(taker) {}

  bool begin(std::string_view first) {
    if (first.find(',') == std::string_view::npos || !split_fields(first, fields_)) return false;
    std::array<std::size_t, kColumns> rank;
    rank.fill(kColumnNames.size());
    for (std::size_t i = 0; i < fields_.size(); ++i) {
      for (std::size_t n = 0; n < kColumnNames.size(); ++n) {
        const auto& [name, column] = kColumnNames[n];
        if (equals_ignoring_case(fields_[i], name)) {
          // Any of several value columns may be the filled one; of the others the first name that is known wins.
          if (column == kValue) value_columns_.push_back(i);
          if (n < rank[column]) {
            rank[column] = n;
            at_[column] = i;
            inclusive_until_ = column == kUntil ? name == "last_seen" : inclusive_until_;
          }
        }
      }
    }
    if (!value_columns_.empty()) return true;
    if (!classify_indicator(fields_[0], scratch_)) return false;
    value_columns_.push_back(0);
    at_[kFamily] = 1;
    if (fields_.size() > 2) at_[kSource] = 2;
    headless_ = true;
    return true;
  }
  bool headless() const { return headless_; }
  // Whether every quote of the record is closed.
  bool complete(std::string_view text) {
    return text.find('"') == std::string_view::npos || split_fields(text, fields_);
  }

  void record(std::string_view text, std::uint64_t line) {
    if (!split_fields(text, fields_)) return taker_.skip(line, "a quote that is left open");
    Indicator indicator = taker_.start();
    if (const auto family = field(kFamily); !family.empty()) indicator.family = family;
    if (const auto group = field(kGroup); !group.empty()) indicator.group = group;
    if (const auto source = field(kSource); !source.empty()) indicator.source = source;
    if (const auto tlp = field(kTlp); !tlp.empty()) {
      indicator.tlp = tlp_of(tlp);
      if (indicator.tlp.empty()) return taker_.skip(line, "not a Traffic Light Protocol label");
    }
    if (const auto name = field(kKindName); !name.empty()) {
      const auto kind = kind_of(lower(name));
      if (!kind) return taker_.skip(line, "not a kind");
      indicator.kind = *kind;
    } else if (const auto implied = kind_of(indicator.family.substr(0, indicator.family.find(" (")));
               headless_ && implied) {  // "phishing (openphish)"
      indicator.kind = *implied;
    }
    if (const auto name = field(kConfidenceName); !name.empty() && !confidence(name, indicator.confidence)) {
      return taker_.skip(line, "not a confidence");
    }
    if (!time(field(kFrom), indicator.valid.from, false)) return taker_.skip(line, "not a time");
    if (!time(field(kUntil), indicator.valid.to, true)) return taker_.skip(line, "not a time");
    bool found = false;
    for (const std::size_t column : value_columns_) {
      if (column >= fields_.size() || fields_[column].empty()) continue;
      found = true;
      taker_.give(fields_[column], indicator, line);
    }
    if (!found) taker_.skip(line, "no value in the record");
  }

 private:
  std::string_view field(Column column) const {
    return at_[column] && *at_[column] < fields_.size() ? std::string_view(fields_[*at_[column]]) : std::string_view();
  }

  static bool confidence(std::string_view text, Confidence& confidence) {
    if (const auto named = confidence_of(lower(text))) {
      confidence = *named;
      return true;
    }
    unsigned number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size() || number > 100) return false;
    // The scale of STIX 2.1, appendix A: low below 30, high from 70.
    confidence = number < 30 ? Confidence::kSuspected : number < 70 ? Confidence::kProbable : Confidence::kConfirmed;
    return true;
  }

  // A day as an end is meant with all of it.
  bool time(std::string_view text, Timestamp& into, bool end) const {
    if (text.empty()) return true;
    const bool number = text.size() >= 9 && text.find_first_not_of("0123456789.") == std::string_view::npos;
    const auto parsed = number ? parse_epoch(text) : parse_time(text);
    if (!parsed) return false;
    into = *parsed;
    if (end) into += text.size() == 10 && !number ? kDay : inclusive_until_ ? 1 : 0;
    return true;
  }

  IndicatorTaker& taker_;
  std::vector<std::string> fields_;
  std::string scratch_;
  std::vector<std::size_t> value_columns_;
  std::array<std::optional<std::size_t>, kColumns> at_;
  bool inclusive_until_ = false;
  bool headless_ = false;
};

void read_csv(InputStream& input, CsvReader& csv, std::uint64_t line, IndicatorTaker& taker) {
  std::string record;
  while (auto text = input.line()) {
    ++line;
    const std::uint64_t first = line;
    if (trim(*text).empty() || text->starts_with('#')) continue;
    if (text->size() > kMostRecord) {
      taker.skip(first, "a record of more than 64 KiB");
      continue;
    }
    if (csv.complete(*text)) {
      csv.record(*text, first);
      continue;
    }
    record.assign(*text);
    bool closed = false;
    for (std::size_t added = 0; !closed && added < kMostRecordLines && record.size() <= kMostRecord; ++added) {
      text = input.line();
      if (!text) break;
      ++line;
      record += '\n';
      record += text->substr(0, kMostRecord + 1);
      closed = csv.complete(record);
    }
    if (closed) {
      csv.record(record, first);
      continue;
    }
    // A stray quote: its own line is lost, those that it swallowed are not.
    std::uint64_t number = first;
    for (std::size_t at = 0; at <= record.size(); ++number) {
      const std::size_t end = std::min(record.find('\n', at), record.size());
      if (end > at) csv.record(std::string_view(record).substr(at, end - at), number);
      at = end + 1;
    }
  }
}

}  // namespace

void read_indicator_lines(InputStream& input, IndicatorTaker& taker) {
  taker.report.format = "plain list";
  Indicator indicator = taker.start();
  std::string family;
  std::uint64_t number = 0;
  bool begun = false;
  while (auto line = input.line()) {
    ++number;
    std::string_view text = *line;
    if (number == 1 && text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
    text = trim(text);
    if (text.empty()) continue;
    if (text.front() == '#') {
      if (!begun && (text.find("Maltrail developers") != std::string_view::npos || text.starts_with("# Aliases:"))) {
        taker.report.format = "Maltrail trail";
        if (indicator.family.empty()) family = std::filesystem::path(taker.report.path).stem().string();
        if (family.ends_with(".txt")) family.resize(family.size() - 4);  // trail.txt.gz
        if (!family.empty()) indicator.family = family;
      }
      continue;
    }
    if (!begun) {
      begun = true;
      CsvReader csv(taker);
      if (csv.begin(text)) {
        taker.report.format = "CSV";
        if (csv.headless()) csv.record(text, number);
        return read_csv(input, csv, number, taker);
      }
    }
    text = without_comment(text);
    if (input.too_long()) {
      taker.skip(number, "a line of more than 16 MiB");
    } else if (!text.empty()) {
      taker.give(text, indicator, number);
    }
  }
}

}  // namespace tocsin
