// Bodies of HTTP and the files made of them.
#include <algorithm>
#include <charconv>

#include "base/text.h"
#include "protocol/http_range.h"
#include "protocol/http_transaction.h"

namespace tocsin::protocol {
namespace {

constexpr std::size_t kNameMost = 4096, kFilesMost = 1024;

// The name in a Content-Disposition; what is not escaped and not in quotes ends at a semicolon.
std::string_view disposition_name(std::string_view value) {
  constexpr std::string_view kName = "filename=";
  while (!value.empty() && (value.front() == ' ' || (value.front() >= '\t' && value.front() <= '\r')))
    value.remove_prefix(1);
  std::size_t from = 0, quotes = 0;
  for (std::size_t i = 1; i < value.size(); ++i) {
    const bool is_escaped = value[i - 1] == '\\';
    if (!is_escaped && value[i] == '"') ++quotes;
    const bool is_last = i + 1 == value.size();
    if (!((!is_escaped && value[i] == ';') || is_last) || quotes % 2 != 0) continue;
    std::string_view token = value.substr(from, i - from + (is_last ? 1 : 0));
    from = i + 1;
    while (from < value.size() && (value[from] == ' ' || (value[from] >= '\t' && value[from] <= '\r'))) {
      ++from;
      ++i;
    }
    if (token.size() <= kName.size() || !equals_ignoring_case(token.substr(0, kName.size()), kName)) continue;
    token.remove_prefix(kName.size());
    if (token.starts_with('"')) token.remove_prefix(1);
    if (token.ends_with('"')) token.remove_suffix(1);
    return token;
  }
  return {};
}

}  // namespace

std::optional<HttpRange> parse_content_range(std::string_view value) {
  const auto skip = [&value] {
    while (value.starts_with(' ')) value.remove_prefix(1);
  };
  const auto number = [&value](std::int64_t& into) {
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), into);
    if (error != std::errc() || into < 0) return false;
    value.remove_prefix(static_cast<std::size_t>(end - value.data()));
    return true;
  };
  HttpRange range;
  skip();
  value.remove_prefix(std::min(value.find(' '), value.size()));  // the unit
  skip();
  if (value.starts_with('*')) {
    value.remove_prefix(1);
  } else {
    if (!number(range.start) || !value.starts_with('-')) return std::nullopt;
    value.remove_prefix(1);
    if (!number(range.end)) return std::nullopt;
  }
  if (!value.starts_with('/')) return std::nullopt;
  value.remove_prefix(1);
  if (value.starts_with('*')) return range.start >= 0 ? std::optional(range) : std::nullopt;
  if (!number(range.size)) return std::nullopt;
  return range;
}

void HttpTransaction::open_file(Side side, std::string name) {
  if (files.size() >= kFilesMost) return;
  if (name.size() > kNameMost) {
    name.resize(kNameMost);
    add_event("http.file_name_too_long");
  }
  auto made = std::make_unique<GrowingFile>(settings_->files, std::move(name), side, id);
  of(side).file = made.get();
  files.push_back(std::move(made));
}

void HttpTransaction::close_file(Side side, File::State how) {
  Message& message = of(side);
  if (!message.file) return;
  message.file->close(how);
  message.file = nullptr;
  changed(side);
}

void HttpTransaction::add_body(Side side, Bytes bytes) {
  BrotliBody* const decoder = of(side).decoder.get();
  if (decoder == nullptr) {
    add_decoded(side, bytes);
    return;
  }
  const auto result = decoder->decode(bytes, [&](Bytes decoded) { add_decoded(side, decoded); });
  if (result == BrotliBody::Result::kBomb) add_event("http.compression_bomb");
}

void HttpTransaction::add_decoded(Side side, Bytes bytes) {
  Message& message = of(side);
  // What a rule wants stored is stored whole.
  const bool is_stored = message.file != nullptr && message.file->is_stored;
  const std::uint64_t within =
      is_stored ? bytes.size() : HttpBody::within(limits(side), message.body_size, bytes.size());
  changed(side);
  if (within == 0) {
    close_file(side, File::State::kTruncated);
    return;
  }
  bytes = bytes.first(within);
  message.body_size += within;
  if (side == Side::kToClient) {
    add_to_response_file(bytes);
    return;
  }
  message.body.append(limits(side), bytes);
  if (!has_request_body_) {
    has_request_body_ = true;
    if (const Header* type = message.find("content-type"); is_post && type) multipart_ = Multipart::of(type->value);
    if ((is_post || is_put) && !multipart_ && !path.empty()) open_file(side, path);
  }
  if (multipart_) {
    multipart_->take(bytes, *this);
  } else if (message.file) {
    message.file->append(bytes);
  }
}

void HttpTransaction::skip_body(Side side, std::uint64_t missing) {
  Message& message = of(side);
  message.body.skip(missing);
  message.body_size += missing;
  if (message.file) message.file->skip(missing);
  changed(side);
}

void HttpTransaction::add_to_response_file(Bytes bytes) {
  Message& message = of(Side::kToClient);
  if (!has_response_body_) {
    has_response_body_ = true;
    std::string_view name;
    if (const Header* disposition = message.find("content-disposition")) name = disposition_name(disposition->value);
    if (name.empty()) name = path;
    if (!name.empty()) open_file(Side::kToClient, std::string(name));
    if (const Header* header = message.find("content-range"); header && message.file) {
      const auto range = parse_content_range(header->value);
      if (!range ||
          (range->end > 0 && range->size > 0 && (range->start > range->end || range->end > range->size - 1))) {
        add_event("http.range_invalid");
      } else if (range->end > 0 && range->size > 0 && !(range->start == 0 && range->end == range->size - 1)) {
        message.file->start = static_cast<std::uint64_t>(range->start);
        message.file->end = static_cast<std::uint64_t>(range->end);
      }
    }
  }
  if (message.file) message.file->append(bytes);
}

void HttpTransaction::open_part(std::string name) { open_file(Side::kToServer, std::move(name)); }
void HttpTransaction::part_bytes(Bytes bytes) {
  if (GrowingFile* file = of(Side::kToServer).file) file->append(bytes);
}
void HttpTransaction::close_part() { close_file(Side::kToServer); }
void HttpTransaction::part_event(std::string_view event) { add_event(event); }

}  // namespace tocsin::protocol
