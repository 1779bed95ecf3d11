// Reports of other parties as CSV: a header names the columns, in any order and by several names each; docs/formats.md
// lists them. Lists without a kind are understood by their columns: a URL and a brand are phishing, a CVE and an actor
// an attempt to exploit it.
//
// Shadowserver's reports differ by file and not by a column. Their events have a source and a destination in the sense
// of packets: at a sinkhole the source is the infected host, so it is the target here and the sinkhole stands for the
// controller; at a honeypot the source attacks; of an amplification attack the source was forged and is whom it was
// meant for. https://www.shadowserver.org/what-we-do/network-reporting/
#include "collect/report_csv.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>

#include "base/text.h"
#include "collect/fields.h"
#include "collect/indicator_files.h"
#include "collect/readers.h"
#include "collect/report_fields.h"

namespace tocsin::collect {
namespace {

constexpr std::uint64_t kMostBatchInput = 16 << 20;
// A quote that is never closed must not swallow the file.
constexpr std::size_t kMostRecordLines = 64;
constexpr std::size_t kMostRecord = 64 * 1024;
constexpr int kMostTries = 4;
constexpr std::uint64_t kMostCount = 1ULL << 40;

using enum ReportColumn;

class ReportCsvReader final : public ObservationReader {
 public:
  ReportCsvReader(InputStream& input, std::uint32_t source) : input_(input), source_(source) {}

  bool read(Batch& batch) override {
    const std::size_t enough = batch.size() + kBatchSize;
    const std::uint64_t start = input_.offset();
    while (batch.size() < enough && input_.offset() - start < kMostBatchInput) {
      Line line;
      if (!next(line)) return false;
      if (line.too_long) {
        skip(line.place, "line longer than 16 MiB");
      } else if (!line.text.empty()) {
        record(std::move(line), batch);
      }
    }
    return true;
  }

 private:
  struct Line {
    Place place;
    std::string text;
    bool too_long = false;
  };

  bool next(Line& line) {
    if (!replayed_.empty()) {
      line = std::move(replayed_.front());
      replayed_.pop_front();
      return true;
    }
    line.place = {source_, input_.offset(), ++line_number_};
    const auto text = input_.line();
    if (!text) return false;
    line.too_long = input_.too_long();
    if (!line.too_long) line.text = *text;
    return true;
  }

  void skip(const Place& place, std::string_view reason) {
    ++records_;
    skips_.add(fmt::format("line {}", place.record), reason);
  }

  // Takes the record that begins with the line, and the further lines that its quotes hold.
  void record(Line&& first, Batch& batch) {
    // Files are joined with their headers left in; other lines need no look at their columns.
    if (!headed_ || first.text.starts_with(header_start_)) {
      if (read_report_csv_header(first.text, input_.name(), header_)) {
        headed_ = true;
        header_start_ = first.text.substr(0, first.text.find(header_.separator) + 1);
        return;
      }
    }
    if (first.text.starts_with('#')) return;
    if (!headed_) return skip(first.place, "a report before the line of column names");
    CsvRecord state = split_csv(first.text, header_.separator, kMostReportFields, fields_);
    if (state == CsvRecord::kOpen) {
      std::vector<Line> more;
      std::string whole = first.text;
      int tries = 0;
      while (state == CsvRecord::kOpen && more.size() < kMostRecordLines && whole.size() < kMostRecord) {
        Line line;
        if (!next(line)) break;
        whole += '\n';
        whole += line.text;
        more.push_back(std::move(line));
        // Only an odd number of quotes can close one; text that is malformed in spite of that is not tried for ever.
        if (std::ranges::count(more.back().text, '"') % 2 == 0) continue;
        if (++tries > kMostTries) break;
        state = split_csv(whole, header_.separator, kMostReportFields, fields_);
      }
      if (state == CsvRecord::kOpen) {
        skip(first.place, "a quote that is left open");
        replayed_.insert(replayed_.begin(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
        return;
      }
    }
    if (state == CsvRecord::kTooManyFields) return skip(first.place, "more than 512 fields");
    if (fields_.size() == 1 && fields_[0].empty()) return;
    if (fields_.size() < std::min<std::size_t>(header_.columns, 2)) return skip(first.place, "too few columns");
    take(first.place, batch);
  }

  std::string_view text(ReportColumn column) const {
    const int at = header_.at[static_cast<std::size_t>(column)];
    return at < 0 || static_cast<std::size_t>(at) >= fields_.size()
               ? std::string_view()
               : std::string_view(fields_[static_cast<std::size_t>(at)]);
  }

  void take(const Place& place, Batch& batch) {
    Report report;
    report.place = place;
    const std::string_view wrong = fill(report, batch.text);
    if (wrong == kPassOver) {
      ++records_;
      ++passed_over_;
      return;
    }
    if (!wrong.empty()) return skip(place, wrong);
    ++records_;
    batch.reports.push_back(report);
  }

  static constexpr std::string_view kPassOver = "passed over";

  // Empty if the report is taken; kPassOver, or what is wrong with it.
  std::string_view fill(Report& report, TextArena& arena) {
    if (const auto wrong = take_times(report); !wrong.empty()) return wrong;
    if (const auto wrong = take_ends(report, arena); !wrong.empty()) return wrong;
    report.cve = cve_in(text(kCve), false, arena);
    report.family = words(text(kFamily), arena);
    report.group = report.group.empty() ? words(text(kGroup), arena) : report.group;
    report.reporter = words(text(kReporter), arena);
    report.rule = words(text(kRule), arena);
    report.description = words(text(kDescription), arena);
    report.tlp = tlp_of(text(kTlp));
    if (const auto count = unsigned_of(text(kCount)); count && *count > 0) report.count = std::min(*count, kMostCount);
    if (const auto given = text(kConfidence); !given.empty()) {
      const auto confidence = confidence_in_words(given);
      if (!confidence) return "not a confidence";
      report.confidence = *confidence;
    }
    if (header_.shadowserver != ShadowserverReport::kNone) {
      if (const auto wrong = understand_shadowserver(report, arena); !wrong.empty()) return wrong;
    } else if (const auto wrong = take_kind(report); !wrong.empty()) {
      return wrong;
    }
    if (const auto wrong = take_site(report, arena); !wrong.empty()) return wrong;
    if (const std::string_view url = text(kUrl); url.starts_with('/')) {  // the path alone, of the site
      const std::string_view host = served_by_actor(report.kind) ? report.actor_name : report.target_name;
      if (!host.empty()) set_url(report, fmt::format("http://{}{}", host, url), arena);
    } else {
      set_url(report, url, arena);
    }
    const bool nobody = report.actor.ip.is_unspecified() && report.target.ip.is_unspecified() &&
                        report.actor_name.empty() && report.target_name.empty();
    return nobody ? "neither an actor nor a target" : std::string_view();
  }

  std::string_view take_times(Report& report) const {
    const auto time = [](std::string_view given) {
      for (const std::string_view zone : {" UTC", " GMT"}) {
        if (given.ends_with(zone)) given.remove_suffix(zone.size());
      }
      return time_of(given);
    };
    const auto first = time(text(kTime));
    if (!first) return "not a time";
    report.first = report.last = *first;
    if (const auto last = time(text(kLast)); last && *last > *first) report.last = *last;
    return {};
  }

  static std::string_view words(std::string_view given, TextArena& arena) {
    return arena.keep(bounded(given, kMostWords));
  }

  // False if something is there that is no address.
  static bool address(std::string_view given, IpAddress& into) {
    if (given.empty() || given == "-") return true;
    const auto parsed = IpAddress::parse(given);
    if (parsed) into = *parsed;
    return parsed.has_value();
  }

  std::string_view take_ends(Report& report, TextArena& arena) const {
    if (!address(text(kActorIp), report.actor.ip) || !address(text(kTargetIp), report.target.ip))
      return "not an IP address";
    report.actor.port = port_of(text(kActorPort)).value_or(0);
    report.target.port = port_of(text(kTargetPort)).value_or(0);
    report.actor_name = arena.keep(plain_name(text(kActorName)));
    report.target_name = arena.keep(plain_name(text(kTargetName)));
    if (const std::string_view actor = text(kActorOrName); !address(actor, report.actor.ip)) {
      // A name with a dot is a host's; another one is of who did it.
      if (actor.find('.') == std::string_view::npos) {
        report.group = words(actor, arena);
      } else if (report.actor_name.empty()) {
        report.actor_name = arena.keep(plain_name(actor));
      }
    }
    if (const std::string_view target = text(kTargetOrName);
        !address(target, report.target.ip) && report.target_name.empty()) {
      report.target_name = arena.keep(plain_name(target));
    }
    return {};
  }

  std::string_view take_kind(Report& report) const {
    const std::string_view given = text(kKind);
    if (!given.empty()) {
      const auto kind = kind_in_words(given);
      if (!kind) return "not a kind";
      report.kind = *kind;
    } else if (!text(kUrl).empty() && (!report.target_name.empty() || header_.has(kTargetName))) {
      report.kind = Kind::kPhishing;
    } else if (!report.cve.empty() && !report.actor.ip.is_unspecified()) {
      report.kind = Kind::kExploit;
    } else {
      return header_.has(kCve) ? "no CVE number, and no kind" : "no kind";
    }
    return {};
  }

  // The host that the report is about goes to the side that the kind names.
  std::string_view take_site(Report& report, TextArena& arena) const {
    const bool actors = served_by_actor(report.kind);
    if (!actors && !harms_a_site(report.kind)) return {};
    Endpoint& side = actors ? report.actor : report.target;
    std::string_view& name = actors ? report.actor_name : report.target_name;
    IpAddress site;
    if (!address(text(kSiteIp), site)) return "not an IP address";
    if (side.ip.is_unspecified() && !site.is_unspecified()) {
      side.ip = site;
      side.port = port_of(text(kSitePort)).value_or(0);
    }
    const std::string host = plain_name(text(kSiteName));
    if (name.empty() && !IpAddress::parse(host)) name = arena.keep(host);
    return {};
  }

  std::string_view understand_shadowserver(Report& report, TextArena& arena) const {
    const std::string_view infection = text(kInfection), tag = text(kTag);
    if (report.reporter.empty()) report.reporter = "shadowserver";
    if (report.description.empty()) report.description = words(tag.empty() ? infection : tag, arena);
    if (infection == "ddos-amplification") {
      report.rule = "event4_honeypot_ddos_amp";
      report.kind = Kind::kDenialOfService;
      report.target.ip = report.actor.ip;
      report.target.port = 0;
      report.actor = {};
      return {};
    }
    switch (header_.shadowserver) {
      case ShadowserverReport::kSinkhole:
        report.rule = "event4_sinkhole";
        report.kind = Kind::kBotnetControl;
        std::swap(report.actor, report.target);
        report.family = words(text(kFamily).empty() ? infection : text(kFamily), arena);
        return {};
      case ShadowserverReport::kHttpScan:
        report.rule = "event4_honeypot_http_scan";
        report.kind = report.cve.empty() ? Kind::kScan : Kind::kExploit;
        return {};
      case ShadowserverReport::kBruteForce:
        report.rule = "event4_honeypot_brute_force";
        report.kind = Kind::kBruteForce;
        return {};
      case ShadowserverReport::kDarknet:
        report.rule = "event4_honeypot_darknet";
        report.kind = Kind::kScan;
        if (report.family.empty()) report.family = words(infection, arena);
        return {};
      case ShadowserverReport::kCompromisedWebsite:
        return understand_website(report);
      case ShadowserverReport::kPhishingUrl:
        report.rule = "phish_url";
        report.kind = Kind::kPhishing;
        return {};
      case ShadowserverReport::kMalwareUrl:
        report.rule = "malware_url";
        report.kind = Kind::kMalwareDistribution;
        report.cve = cve_in(tag, false, arena);
        return {};
      default:
        return understand_infection(report, infection);
    }
  }

  static std::string_view understand_infection(Report& report, std::string_view infection) {
    if (infection.ends_with("brute-force")) {
      report.rule = "event4_honeypot_brute_force";
      report.kind = Kind::kBruteForce;
      return {};
    }
    if (infection != "http-scan") return kPassOver;
    report.rule = "event4_honeypot_http_scan";
    report.kind = report.cve.empty() ? Kind::kScan : Kind::kExploit;
    return {};
  }

  std::string_view understand_website(Report& report) const {
    const std::string tag = lower(text(kTag)), category = lower(text(kCategory));
    const auto says = [&](std::string_view word) {
      return tag.find(word) != std::string::npos || category.find(word) != std::string::npos;
    };
    report.rule = "compromised_website";
    report.kind = says("phishing")                                            ? Kind::kPhishing
                  : says("webshell") || says("web-shell") || says("backdoor") ? Kind::kBackdoor
                  : says("deface")                                            ? Kind::kDefacement
                                                                              : Kind::kIntrusion;
    return {};
  }

  InputStream& input_;
  std::uint32_t source_;
  std::uint64_t line_number_ = 0;
  ReportCsvHeader header_;
  bool headed_ = false;
  std::string header_start_;  // its first column, and the separator
  std::vector<std::string> fields_;
  std::deque<Line> replayed_;
};

}  // namespace

std::unique_ptr<ObservationReader> make_report_csv_reader(InputStream& input, std::uint32_t source) {
  return std::make_unique<ReportCsvReader>(input, source);
}

}  // namespace tocsin::collect
