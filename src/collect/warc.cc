// Web archives: WARC/1.0 and 1.1 (ISO 28500, https://iipc.github.io/warc-specifications/). The HTML of response and
// resource records becomes pages; all other records are passed over. Archives are compressed record by record, which
// the input stream undoes.
//
// A record says how long it is. When that is wrong, what follows the record is no blank line, or the beginning of
// another record shows inside it: the record is counted as bad and reading goes on at the next line "WARC/1.".
#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>

#include "base/text.h"
#include "collect/fields.h"
#include "collect/http_body.h"
#include "collect/readers.h"
#include "collect/report_fields.h"

namespace tocsin::collect {
namespace {

constexpr std::size_t kMostPage = 1 << 20;
constexpr std::size_t kMostBlock = 4 << 20;  // of a record that is looked at
constexpr std::size_t kMostHeaderLines = 256;
constexpr std::size_t kMostHeaderLine = 16 * 1024;
// A batch ends after so much text of pages, or so much input.
constexpr std::size_t kMostBatchText = 16 << 20;
constexpr std::uint64_t kMostBatchInput = 64 << 20;

struct Header {
  std::string type, uri, address, content_type;
  std::optional<Timestamp> date;
  std::optional<std::uint64_t> length;
};

class WarcReader final : public ObservationReader {
 public:
  WarcReader(InputStream& input, std::uint32_t source) : input_(input), source_(source) {}

  bool read(Batch& batch) override {
    const std::size_t enough = batch.size() + kBatchSize;
    const std::uint64_t start = input_.offset();
    text_ = 0;
    while (batch.size() < enough && text_ < kMostBatchText && input_.offset() - start < kMostBatchInput) {
      if (!find_record()) return false;
      ++records_;
      if (const std::string_view wrong = record(batch); !wrong.empty())
        skips_.add(fmt::format("record {}", records_), wrong);
    }
    return true;
  }

 private:
  // Goes behind the next "WARC/1." line; false at the end of the input.
  bool find_record() {
    bool lost = false;
    while (true) {
      place_ = {source_, input_.offset(), records_ + 1};
      if (rest_ > 0 && !skip_rest()) return false;
      const auto line = input_.line();
      if (!line) return false;
      if (line->starts_with("WARC/1.")) return true;
      if (line->empty() || lost) continue;
      lost = true;
      skips_.add(fmt::format("after record {}", records_), "bytes between records");
    }
  }

  // What is wrong with the record; empty if it was taken or passed over.
  std::string_view record(Batch& batch) {
    Header header;
    if (!read_header(header)) return "a header that is cut short or too long";
    if (!header.length) return "no Content-Length";
    const std::uint64_t length = *header.length;
    const auto seen = input_.peek(static_cast<std::size_t>(std::min<std::uint64_t>(length, kMostBlock)));
    std::string_view block(reinterpret_cast<const char*>(seen.data()), seen.size());
    block = block.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(length, kMostBlock)));
    if (const std::size_t next = next_record_in(block); next != std::string_view::npos) {
      input_.consume(next);
      return "a record that runs into the next";
    }
    if (block.size() < length && block.size() < kMostBlock) {
      input_.consume(block.size());
      return "a record that is cut short";
    }
    const std::string_view wrong = take(header, block, batch);
    input_.consume(block.size());
    rest_ = length - block.size();
    return wrong;
  }

  bool read_header(Header& header) {
    for (std::size_t lines = 0; lines < kMostHeaderLines; ++lines) {
      const std::uint64_t offset = input_.offset();
      const auto line = input_.line();
      if (!line || line->size() > kMostHeaderLine) return false;
      if (line->empty()) return true;
      if (line->ends_with("WARC/1.0") || line->ends_with("WARC/1.1")) {  // also where the line before was cut
        skips_.add(fmt::format("record {}", records_), "a header that is cut short or too long");
        place_ = {source_, offset, ++records_};
        header = {};
        continue;
      }
      const std::size_t colon = line->find(':');
      if (colon == std::string_view::npos) continue;
      const std::string name = lower(line->substr(0, std::min<std::size_t>(colon, 64)));
      const std::string_view value = trim(line->substr(colon + 1));
      if (name == "warc-type") header.type = lower(value.substr(0, 64));
      if (name == "warc-target-uri") header.uri = bounded(value, kMostUrl);
      if (name == "warc-ip-address") header.address = value.substr(0, 64);
      if (name == "content-type") header.content_type = lower(value.substr(0, 256));
      if (name == "warc-date") header.date = time_of(value);
      if (name == "content-length") header.length = unsigned_of(value);
    }
    return false;
  }

  // Where another record begins in a block that should be one record's.
  static std::size_t next_record_in(std::string_view block) {
    for (std::size_t at = block.find("\nWARC/1."); at != std::string_view::npos; at = block.find("\nWARC/1.", at + 1)) {
      const std::string_view after = block.substr(at + 1, 32);
      const std::size_t end = after.find('\n');
      if (end != std::string_view::npos && after.substr(end + 1).starts_with("WARC-")) return at + 1;
    }
    return std::string_view::npos;
  }

  std::string_view take(Header& header, std::string_view block, Batch& batch) {
    const bool response = header.type == "response" && header.content_type.starts_with("application/http");
    if (!response && header.type != "resource") {
      ++passed_over_;
      return {};
    }
    StoredResponse stored;
    if (response) {
      const auto parsed = stored_response(block);
      if (!parsed) return "no HTTP response";
      stored = *parsed;
    } else {
      stored.content_type = header.content_type;
      stored.body = block;
    }
    if (!is_html(stored.content_type, stored.body)) {
      ++passed_over_;
      return {};
    }
    if (!header.date) return "no WARC-Date";
    std::string_view uri = header.uri;
    // WARC/1.0 puts it between angle brackets by its grammar, though not by its examples.
    if (uri.size() > 2 && uri.starts_with('<') && uri.ends_with('>')) uri = uri.substr(1, uri.size() - 2);
    const auto host = host_of_url(uri);
    if (!host) return "no WARC-Target-URI";
    const auto body = decoded_body(stored, kMostPage, buffer_);
    if (!body) return "a content encoding that is damaged or not known";
    Page page;
    page.url = batch.text.keep(uri);
    page.html = batch.text.keep(*body);
    if (const auto address = IpAddress::parse(header.address)) {
      page.server.ip = *address;
      page.server.port = host->port != 0 ? host->port : uri.starts_with("https:") ? 443 : 80;
    }
    page.time = *header.date;
    page.place = place_;
    page.status = stored.status;
    batch.pages.push_back(page);
    text_ += body->size();
    return {};
  }

  // What of a long record was not looked at.
  bool skip_rest() {
    while (rest_ > 0) {
      const auto bytes = input_.peek(1);
      if (bytes.empty()) {
        rest_ = 0;
        skips_.add(fmt::format("record {}", records_), "a record that is cut short");
        return false;
      }
      const auto take = static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), rest_));
      input_.consume(take);
      rest_ -= take;
    }
    place_.offset = input_.offset();
    return true;
  }

  InputStream& input_;
  std::uint32_t source_;
  Place place_;
  std::uint64_t rest_ = 0;
  std::size_t text_ = 0;
  std::string buffer_;
};

}  // namespace

std::unique_ptr<ObservationReader> make_warc_reader(InputStream& input, std::uint32_t source) {
  return std::make_unique<WarcReader>(input, source);
}

}  // namespace tocsin::collect
