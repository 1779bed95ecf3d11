#include "protocol/mime.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <map>

#include "base/digest.h"
#include "base/text.h"

namespace tocsin::protocol {
namespace {

constexpr std::size_t kLongestLine = 998, kLongestEncodedLine = 76, kLongestHeaderName = 75,
                      kLongestHeaderValue = 2'000, kLongestBoundary = 254, kLongestToken = 255;
// What is kept of a mail is bounded.
constexpr std::size_t kMostHeaders = 1'024, kMostHeaderBytes = 256 * 1'024, kMostUrls = 1'024, kMostAttachments = 1'024,
                      kMostBoundaries = 64, kLongestUrlLine = 8'192;

// By letter: its six bits where the first, second, third and fourth of a group has them; all bits: it is none of
// base64.
constexpr std::uint32_t kNoLetter = ~std::uint32_t{0};
constexpr auto kBase64Bits = [] {
  std::array<std::array<std::uint32_t, 256>, 4> bits{};
  for (auto& of_place : bits) of_place.fill(kNoLetter);
  constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (std::uint32_t i = 0; i < kLetters.size(); ++i) {
    for (std::size_t place = 0; place < 4; ++place) {
      bits[place][static_cast<std::uint8_t>(kLetters[i])] = i << (18 - 6 * place);
    }
  }
  return bits;
}();

int base64_value(char c) { return static_cast<int>(kBase64Bits[3][static_cast<std::uint8_t>(c)]); }

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

std::string_view without_blanks(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") + 1 - begin);
}

std::size_t find_ignoring_case(std::string_view text, std::string_view part) {
  const auto small = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  const auto same = [small](char a, char b) { return small(a) == small(b); };
  // Of schemes: their colon is the rarest, and memchr finds it.
  if (const std::size_t colon = part.find(':'); colon != std::string_view::npos) {
    for (std::size_t at = text.find(':', colon); at != std::string_view::npos; at = text.find(':', at + 1)) {
      const std::size_t begin = at - colon;
      if (part.size() > text.size() - begin) break;
      if (std::equal(part.begin(), part.end(), text.begin() + static_cast<std::ptrdiff_t>(begin), same)) return begin;
    }
    return std::string_view::npos;
  }
  const auto found = std::search(text.begin(), text.end(), part.begin(), part.end(), same);
  return found == text.end() ? std::string_view::npos : static_cast<std::size_t>(found - text.begin());
}

// Parameters by their names in lower case.
std::map<std::string, std::string> parameters(std::string_view value) {
  std::map<std::string, std::string> all;
  std::size_t at = value.find(';');
  while (at != std::string_view::npos && all.size() < 64) {
    ++at;
    const std::size_t equals = value.find_first_of("=;", at);
    if (equals == std::string_view::npos) break;
    if (value[equals] == ';') {
      at = equals;
      continue;
    }
    const std::string name = lower(without_blanks(value.substr(at, equals - at)));
    std::size_t begin = value.find_first_not_of(" \t", equals + 1);
    if (begin == std::string_view::npos) break;
    std::string text;
    if (value[begin] == '"') {
      std::size_t i = begin + 1;
      for (; i < value.size() && value[i] != '"'; ++i) {
        if (value[i] == '\\' && i + 1 < value.size()) ++i;
        text += value[i];
      }
      at = value.find(';', std::min(i, value.size()));
    } else {
      at = value.find(';', begin);
      text = without_blanks(value.substr(begin, at == std::string_view::npos ? at : at - begin));
    }
    all.emplace(name, std::move(text));
  }
  return all;
}

}  // namespace

bool Base64Decoder::decode(std::string_view text, std::string& out) {
  bool is_right = true;
  const std::size_t before = out.size();
  out.resize_and_overwrite(before + text.size() / 4 * 3 + 3, [&](char* to, std::size_t) {
    char* end = to + before;
    is_right = decode(text, end);
    return static_cast<std::size_t>(end - to);
  });
  return is_right;
}

bool Base64Decoder::decode(std::string_view text, char*& out) {
  bool is_right = true;
  const auto bits_of = [](std::size_t place, char c) { return kBase64Bits[place][static_cast<std::uint8_t>(c)]; };
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (letters_ == 0) {
      // Whole groups, as most are.
      for (; at + 4 <= text.size(); at += 4) {
        const std::uint32_t bits =
            bits_of(0, text[at]) | bits_of(1, text[at + 1]) | bits_of(2, text[at + 2]) | bits_of(3, text[at + 3]);
        if (bits == kNoLetter) break;
        *out++ = static_cast<char>(bits >> 16);
        *out++ = static_cast<char>(bits >> 8);
        *out++ = static_cast<char>(bits);
      }
      if (at == text.size()) break;
    }
    const char c = text[at];
    int value = base64_value(c);
    if (c == '=') {
      if (letters_ < 2) {
        is_right = letters_ == 0 && is_right;
        continue;
      }
      value = 0;
      ++padding_;
    } else if (value < 0) {
      continue;
    } else if (padding_ > 0) {
      is_right = false;
      letters_ = padding_ = 0;
      bits_ = 0;
    }
    bits_ = bits_ << 6 | static_cast<std::uint32_t>(value);
    if (++letters_ < 4) continue;
    for (int i = 0; i < 3 - padding_; ++i) *out++ = static_cast<char>(bits_ >> (16 - 8 * i) & 0xff);
    letters_ = padding_ = 0;
    bits_ = 0;
  }
  return is_right;
}

void Base64Decoder::finish(std::string& out) {
  if (letters_ >= 2) decode(std::string_view("==").substr(0, static_cast<std::size_t>(4 - letters_)), out);
  *this = {};
}

std::string mime_parameter(std::string_view value, std::string_view name) {
  const auto all = parameters(value);
  if (const auto found = all.find(std::string(name)); found != all.end()) return found->second;
  std::string text;
  for (int i = 0; i < 64; ++i) {
    const auto section = all.find(fmt::format("{}*{}", name, i));
    if (section == all.end()) break;
    text += section->second;
  }
  return text;
}

void Mail::FreeDigest::operator()(EVP_MD_CTX* digest) const { EVP_MD_CTX_free(digest); }

Mail::Mail(const MimeSettings& settings) : settings_(settings) {
  if (!settings_.body_md5) return;
  digest_.reset(EVP_MD_CTX_new());
  if (digest_) EVP_DigestInit_ex(digest_.get(), digest_of(DigestKind::kMd5), nullptr);
}

Mail::~Mail() = default;

std::vector<std::string_view> Mail::values(std::string_view name) const {
  std::vector<std::string_view> all;
  const std::size_t count = main_headers_ > 0 ? main_headers_ : headers_.size();
  for (std::size_t i = 0; i < count; ++i) {
    if (equals_ignoring_case(headers_[i].name, name)) all.emplace_back(headers_[i].value);
  }
  return all;
}

std::optional<std::string_view> Mail::next_value(std::string_view name, std::size_t& place) const {
  const std::size_t count = main_headers_ > 0 ? main_headers_ : headers_.size();
  while (place < count) {
    const Header& header = headers_[place++];
    if (equals_ignoring_case(header.name, name)) return header.value;
  }
  return std::nullopt;
}

void Mail::line(std::string_view text, std::string_view line_end) {
  if (text.size() > kLongestLine) event("mime_long_line");
  if (state_ == State::kBody) {
    if (digest_) {
      EVP_DigestUpdate(digest_.get(), text.data(), text.size());
      EVP_DigestUpdate(digest_.get(), line_end.data(), line_end.size());
    }
    body_line(text, line_end);
    return;
  }
  // Of the headers of parts, too: they are the body's.
  if (digest_ && main_headers_ > 0) {
    EVP_DigestUpdate(digest_.get(), text.data(), text.size());
    EVP_DigestUpdate(digest_.get(), line_end.data(), line_end.size());
  }
  header_line(text);
}

void Mail::add_header(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return;
  const std::string_view name = text.substr(0, colon);
  const std::size_t begin = text.find_first_not_of(" \t", colon + 1);
  const std::string_view value = begin == std::string_view::npos ? std::string_view() : text.substr(begin);
  if (name.size() > kLongestHeaderName) event("mime_long_header_name");
  if (value.size() > kLongestHeaderValue) event("mime_long_header_value");
  header_bytes_ += text.size();
  if (headers_.size() >= kMostHeaders || header_bytes_ > kMostHeaderBytes) return;
  headers_.push_back({std::string(name), std::string(value)});
}

void Mail::header_line(std::string_view text) {
  if (text.empty()) {
    headers_are_over();
    return;
  }
  if (state_ == State::kHeader && (text[0] == ' ' || text[0] == '\t')) {
    header_bytes_ += text.size();
    if (headers_.size() > main_headers_ && header_bytes_ <= kMostHeaderBytes) headers_.back().value += text.substr(1);
    return;
  }
  const std::size_t before = headers_.size();
  add_header(text);
  if (headers_.size() > before) state_ = State::kHeader;
}

void Mail::headers_are_over() {
  const bool is_message = read_headers();
  if (main_headers_ == 0) main_headers_ = headers_.size();
  if (is_message) {
    restart();
    return;
  }
  state_ = State::kBody;
  if (!file_name_.empty()) open_file(file_name_);
}

void Mail::name_file(std::string_view value, std::string_view parameter) {
  if (!file_name_.empty()) return;
  std::string name = mime_parameter(value, parameter);
  if (name.empty()) return;
  if (name.size() > kLongestToken) {
    event("mime_long_filename");
    name.resize(kLongestToken);
  }
  if (attachments.size() < kMostAttachments) attachments.push_back(name);
  file_name_ = std::move(name);
}

// What the headers of a part say of it; true: a message follows, with headers of its own.
bool Mail::read_headers() {
  bool is_message = false;
  for (std::size_t i = main_headers_; i < headers_.size(); ++i) {
    const Header& header = headers_[i];
    if (equals_ignoring_case(header.name, "content-disposition")) {
      name_file(header.value, "filename");
    } else if (equals_ignoring_case(header.name, "content-transfer-encoding")) {
      if (equals_ignoring_case(header.value, "base64")) {
        encoding_ = Encoding::kBase64;
      } else if (equals_ignoring_case(header.value, "quoted-printable")) {
        encoding_ = Encoding::kQuotedPrintable;
      }
    } else if (equals_ignoring_case(header.name, "content-type")) {
      name_file(header.value, "name");
      const std::string boundary = mime_parameter(header.value, "boundary");
      if (!boundary.empty()) {
        if (boundary.size() > kLongestBoundary) event("mime_long_boundary");
        if (boundaries_.size() < kMostBoundaries) boundaries_.push_back("--" + boundary);
      }
      const std::string_view kind = std::string_view(header.value).substr(0, header.value.find(';'));
      is_text_ = kind == "text/plain" || kind == "text/html";
      is_message = kind.starts_with("message/");
    }
  }
  return is_message;
}

void Mail::restart() {
  state_ = State::kStart;
  headers_.resize(std::min(headers_.size(), main_headers_));
  header_bytes_ = 0;
  encoding_ = Encoding::kPlain;
  decoder_ = {};
  file_name_.clear();
  held_.clear();
  url_line_.clear();
  is_text_ = true;
}

void Mail::part_is_over() {
  if (encoding_ == Encoding::kBase64 && settings_.base64) {
    std::string rest;
    decoder_.finish(rest);
    if (!rest.empty() && !file_name_.empty()) file_bytes(rest);
  }
  if (!file_name_.empty()) close_file();
}

void Mail::body_line(std::string_view text, std::string_view line_end) {
  if (!boundaries_.empty() && text.starts_with(boundaries_.back())) {
    const bool is_last = text.substr(boundaries_.back().size()).starts_with("--");
    part_is_over();
    if (is_last) boundaries_.pop_back();
    restart();
    return;
  }
  if (file_name_.empty() && !is_text_) return;
  switch (encoding_) {
    case Encoding::kPlain:
      find_urls(text, line_end);
      if (file_name_.empty()) break;
      if (!held_.empty()) file_bytes(held_);
      file_bytes(text);
      held_ = line_end;
      break;
    case Encoding::kBase64: {
      if (!settings_.base64) break;
      if (text.size() > kLongestEncodedLine) event("mime_long_enc_line");
      decoded_.clear();
      if (!decoder_.decode(text, decoded_)) event("mime_invalid_base64");
      find_urls(decoded_, {});
      if (!file_name_.empty() && !decoded_.empty()) file_bytes(decoded_);
      break;
    }
    case Encoding::kQuotedPrintable:
      if (file_name_.empty()) {
        find_urls(text, line_end);
      } else if (settings_.quoted_printable) {
        quoted_printable(text, line_end);
      }
      break;
  }
}

void Mail::quoted_printable(std::string_view text, std::string_view line_end) {
  if (text.size() > kLongestEncodedLine) event("mime_long_enc_line");
  // What a piece of a line left: the beginning of an escape, or the end of an empty line.
  std::string joined = std::move(held_);
  held_.clear();
  const bool has_escape = joined.starts_with('=');
  const std::size_t kept = has_escape ? 0 : joined.size();
  joined += text;
  std::string decoded = joined.substr(0, kept);
  bool goes_on = false;
  std::size_t at = kept;
  while (at < joined.size()) {
    if (joined[at] != '=') {
      decoded += joined[at++];
      continue;
    }
    if (at + 1 == joined.size() && !line_end.empty()) {
      goes_on = true;
      break;
    }
    if (at + 2 >= joined.size()) {
      if (line_end.empty()) {
        held_ = joined.substr(at);
      } else {
        event("mime_invalid_qp");
      }
      break;
    }
    const int high = hex_value(joined[at + 1]), low = hex_value(joined[at + 2]);
    if (high >= 0 && low >= 0) {
      decoded += static_cast<char>(high << 4 | low);
    } else {
      event("mime_invalid_qp");
    }
    at += 3;
  }
  if (text.empty() && !has_escape) {
    held_ = line_end;
  } else if (!goes_on) {
    decoded += line_end;
  }
  find_urls(decoded, {});
  if (!decoded.empty()) file_bytes(decoded);
}

void Mail::find_urls(std::string_view text, std::string_view line_end) {
  if (!settings_.urls || (text.empty() && line_end.empty())) return;
  if (url_line_.empty() && line_end.ends_with('\n')) {
    extract_urls(text);  // a whole line; none goes beyond its end
    return;
  }
  const std::size_t before = url_line_.size();
  url_line_ += text;
  url_line_ += line_end;
  if (url_line_.size() > kLongestUrlLine || url_line_.back() == '\n') {
    extract_urls(url_line_);
    url_line_.clear();
    return;
  }
  // What was there before has no end of a line but at its beginning.
  const void* end = memrchr(url_line_.data() + before, '\n', url_line_.size() - before);
  if (end == nullptr) return;
  const auto size = static_cast<std::size_t>(static_cast<const char*>(end) - url_line_.data());
  extract_urls(std::string_view(url_line_).substr(0, size));
  url_line_.erase(0, size);
}

void Mail::extract_urls(std::string_view text) {
  for (const std::string& scheme : settings_.schemes) {
    std::string_view rest = text;
    std::size_t at;
    while (urls.size() < kMostUrls && (at = find_ignoring_case(rest, scheme)) != std::string_view::npos) {
      rest = rest.substr(at);
      const std::string_view url = rest.substr(0, rest.find_first_of(" \"'<>]\t\r\n"));
      urls.emplace_back(settings_.log_url_scheme ? url : url.substr(std::min(scheme.size(), url.size())));
      rest = rest.substr(std::max<std::size_t>(url.size(), 1));
    }
  }
}

void Mail::finish() {
  if (digest_ && state_ == State::kBody) {
    unsigned char sum[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    EVP_DigestFinal_ex(digest_.get(), sum, &size);
    for (unsigned i = 0; i < size; ++i) body_md5 += fmt::format("{:02x}", sum[i]);
    digest_.reset();
  }
  find_urls("\n", {});
}

}  // namespace tocsin::protocol
