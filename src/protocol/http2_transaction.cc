#include "protocol/http2_transaction.h"

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "protocol/dns_message.h"
#include "protocol/http_range.h"
#include "protocol/mime.h"

namespace tocsin::protocol {
namespace {

// Of a message over TCP, too, the length has two bytes.
constexpr std::size_t kLongestDns = 65'535;

// RFC 4648, section 5; what is none of its letters ends it.
std::string from_base64url(std::string_view text) {
  constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string letters(text.substr(0, text.find_first_not_of(kLetters)));
  std::ranges::replace(letters, '-', '+');
  std::ranges::replace(letters, '_', '/');
  std::string bytes;
  Base64Decoder decoder;
  decoder.decode(letters, bytes);
  decoder.finish(bytes);
  return bytes;
}

constexpr std::size_t kFramesMost = 1024, kHeaderBytesMost = 256 * 1024, kEventsMost = 255, kSizesMost = 256;

}  // namespace

Http2Transaction::Http2Transaction(std::shared_ptr<const HttpSettings> settings, std::uint64_t number, Timestamp when,
                                   std::uint32_t stream, std::shared_ptr<Streams> streams)
    : settings_(std::move(settings)), stream_(stream), streams_(std::move(streams)) {
  id = number;
  time = when;
  if (stream_ != 0) (*streams_)[stream_] = this;
}

Http2Transaction::~Http2Transaction() {
  if (const auto found = streams_->find(stream_); found != streams_->end() && found->second == this)
    streams_->erase(found);
}

void Http2Transaction::add_event(std::string_view event) {
  if (events.size() >= kEventsMost || std::ranges::find(events, event) != events.end()) return;
  Transaction::event(event);
}

void Http2Transaction::advance(Side side, Http2Step step) {
  std::uint8_t& now = progress[static_cast<int>(side)];
  if (static_cast<std::uint8_t>(step) <= now) return;
  now = static_cast<std::uint8_t>(step);
  changed(side);
  const auto closed = static_cast<std::uint8_t>(Http2Step::kClosed);
  if (progress[0] == closed && progress[1] == closed) complete();
}

void Http2Transaction::complete() {
  progress[0] = progress[1] = kComplete;
  changed(Side::kToServer);
  changed(Side::kToClient);
}

void Http2Transaction::forget(Side side) {
  half(side).made.clear();
  half(side).single.clear();
  changed(side);
}

void Http2Transaction::add_frame(Side side, Http2Frame frame) {
  if (half(side).frames.size() >= kFramesMost) {
    add_event("http2.too_many_frames");
    return;
  }
  half(side).frames.push_back(std::move(frame));
  changed(side);
}

void Http2Transaction::check_headers(Side side, const std::vector<Http2Header>& headers) {
  const Http2Header *authority = nullptr, *host = nullptr;
  for (const Http2Header& header : headers) {
    if (equals_ignoring_case(header.name, ":authority")) authority = &header;
    if (equals_ignoring_case(header.name, "host")) host = &header;
    if (header.name != "content-encoding") continue;
    Half& of = half(side);
    if (header.value == "br") of.brotli = std::make_unique<BrotliBody>(settings_->bomb_limit);
    if (header.value == "gzip" || header.value == "deflate")
      of.inflate = std::make_unique<InflateBody>(header.value == "gzip", settings_->bomb_limit);
  }
  if (authority == nullptr) return;
  if (authority->value.find('@') != std::string::npos) add_event("http2.userinfo_in_uri");
  if (host != nullptr && !equals_ignoring_case(authority->value, host->value))
    add_event("http2.authority_host_mismatch");
}

void Http2Transaction::add_headers(Side side, HeaderUnpacker::Block block) {
  Half& of = half(side);
  if (block.is_broken) add_event("http2.invalid_header");
  check_headers(side, block.headers);
  for (Http2Header& header : block.headers) {
    of.header_bytes += header.name.size() + header.value.size() + sizeof header;
    if (of.header_bytes > kHeaderBytesMost) break;
    of.headers.push_back(std::move(header));
  }
  for (const std::uint64_t size : block.sizes) {
    if (of.sizes.size() < kSizesMost) of.sizes.push_back(size);
  }
  forget(side);
  look_for_dns(side);
}

// A question stands in the path of a GET, or, like every answer, in a body of its own type.
void Http2Transaction::look_for_dns(Side side) {
  Half& of = half(side);
  if (of.dns || of.dns_bytes) return;
  for (const Http2Header& header : of.headers) {
    if (header.name == "content-type" && lower(header.value) == "application/dns-message") {
      of.dns_bytes.emplace();
    } else if (side == Side::kToServer && header.name == ":path") {
      for (const std::string_view begin : {"?dns=", "&dns="}) {
        const std::size_t at = header.value.find(begin);
        if (at != std::string::npos) read_dns(side, from_base64url(std::string_view(header.value).substr(at + 5)));
      }
    }
  }
}

void Http2Transaction::read_dns(Side side, std::string_view bytes) {
  half(side).dns = dns::transaction_of({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()}, side);
  if (!half(side).dns) return;
  for (const std::string_view event : half(side).dns->events) add_event(event);
  changed(side);
}

void Http2Transaction::add_data(Side side, Bytes bytes, bool is_last) {
  Half& of = half(side);
  bool is_broken = false, is_bomb = false;
  const auto give = [&](Bytes decoded) { add_decoded(side, decoded); };
  if (of.brotli) {
    const auto result = of.brotli->decode(bytes, give);
    is_broken = result == BrotliBody::Result::kBroken;
    is_bomb = result == BrotliBody::Result::kBomb;
  } else if (of.inflate) {
    const auto result = of.inflate->decode(bytes, give);
    is_broken = result == InflateBody::Result::kBroken;
    is_bomb = result == InflateBody::Result::kBomb;
  } else {
    give(bytes);
  }
  if (is_broken) add_event("http2.failed_decompression");
  if (is_bomb) add_event("http2.compression_bomb");
  if (is_last && of.file != nullptr) {
    of.file->close();
    of.file = nullptr;
  }
  if (is_last && of.dns_bytes) read_dns(side, *std::exchange(of.dns_bytes, std::nullopt));
  changed(side);
}

void Http2Transaction::add_decoded(Side side, Bytes bytes) {
  Half& of = half(side);
  if (!of.had_file) {
    of.had_file = true;
    auto made = std::make_unique<GrowingFile>(settings_->files, std::string(), side, id);
    of.file = made.get();
    const auto range = std::ranges::find(of.headers, "content-range", &Http2Header::name);
    if (side == Side::kToClient && range != of.headers.end()) {
      const auto read = parse_content_range(range->value);
      if (!read || read->start > read->end || (read->end > 0 && read->size > 0 && read->end > read->size - 1)) {
        add_event("http2.invalid_range");
      } else if (read->end > 0) {
        made->start = static_cast<std::uint64_t>(read->start);
        made->end = static_cast<std::uint64_t>(read->end);
      }
    }
    files.push_back(std::move(made));
  }
  if (of.file != nullptr) of.file->append(bytes);
  if (of.dns_bytes && of.dns_bytes->size() + bytes.size() <= kLongestDns) {
    of.dns_bytes->append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  }
}

}  // namespace tocsin::protocol
