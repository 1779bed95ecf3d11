// A mail, line by line: headers, parts, what is attached (RFC 5322, 2045, 2046, 2183, 2231).
#pragma once

#include <openssl/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tocsin::protocol {

// Base64 as mail has it (RFC 2045, 6.8): what is none of its letters is passed over.
class Base64Decoder {
 public:
  // false: padding where it can't be.
  bool decode(std::string_view text, std::string& out);
  void finish(std::string& out);

 private:
  bool decode(std::string_view text, char*& out);  // there is room for all of it
  std::uint32_t bits_ = 0;
  int letters_ = 0, padding_ = 0;
};

struct MimeSettings {
  bool base64 = true, quoted_printable = true, urls = true, log_url_scheme = false, body_md5 = false;
  std::vector<std::string> schemes = {"http://"};
};

class Mail {
 public:
  explicit Mail(const MimeSettings& settings);
  ~Mail();

  // A line without its end, and its end; a line may come in pieces, all but the last without an end.
  void line(std::string_view text, std::string_view line_end);
  void finish();
  bool is_in_body() const { return state_ == State::kBody; }

  struct Header {
    std::string name, value;
  };
  // Of the mail itself, not of its parts.
  std::vector<std::string_view> values(std::string_view name) const;
  // The next value at or behind a place among the headers, which moves behind it.
  std::optional<std::string_view> next_value(std::string_view name, std::size_t& place) const;
  std::size_t main_headers() const { return main_headers_; }
  bool has_body() const { return main_headers_ > 0 || state_ == State::kBody; }

  std::vector<std::string> attachments, urls;
  std::string body_md5;
  // Names of events without "smtp.".
  std::function<void(std::string_view)> event;
  std::function<void(const std::string& name)> open_file;
  std::function<void(std::string_view bytes)> file_bytes;
  std::function<void()> close_file;

 private:
  enum class State { kStart, kHeader, kBody };
  enum class Encoding { kPlain, kBase64, kQuotedPrintable };
  struct FreeDigest {
    void operator()(EVP_MD_CTX* digest) const;
  };

  void header_line(std::string_view text);
  void add_header(std::string_view text);
  void headers_are_over();
  bool read_headers();
  void body_line(std::string_view text, std::string_view line_end);
  void part_is_over();
  void quoted_printable(std::string_view text, std::string_view line_end);
  void find_urls(std::string_view text, std::string_view line_end);
  void extract_urls(std::string_view text);
  void name_file(std::string_view value, std::string_view parameter);
  void restart();

  MimeSettings settings_;
  State state_ = State::kStart;
  std::vector<Header> headers_;
  std::size_t main_headers_ = 0, header_bytes_ = 0;
  std::vector<std::string> boundaries_;
  Encoding encoding_ = Encoding::kPlain;
  Base64Decoder decoder_;
  std::string file_name_, held_, url_line_, decoded_;
  bool is_text_ = true;
  std::unique_ptr<EVP_MD_CTX, FreeDigest> digest_;
};

// A parameter of a header's value (`boundary` of `multipart/mixed; boundary="x"`), put together of its sections; empty:
// it has none.
std::string mime_parameter(std::string_view value, std::string_view name);

}  // namespace tocsin::protocol
