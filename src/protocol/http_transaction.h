// A request and its response: what was said, kept until rules and logs are done with it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/body_brotli.h"
#include "protocol/http_body.h"
#include "protocol/http_multipart.h"
#include "protocol/http_settings.h"
#include "protocol/transaction.h"

namespace tocsin::protocol {

enum class HttpStep : std::uint8_t { kStarted, kLine, kHeaders, kBody, kTrailer };

// What rules ask for, in the order of http_fields().
enum class HttpField : int {
  kUri,
  kUriRaw,
  kMethod,
  kHost,
  kHostRaw,
  kUserAgent,
  kRequestBody,
  kResponseBody,
  kRequestLine,
  kResponseLine,
  kStatCode,
  kStatMessage,
  kCookie,
  kHeader,
  kHeaderRaw,
  kRequestHeader,
  kResponseHeader,
  kHeaderNames,
  kProtocol,
  kStart,
  kAccept,
  kAcceptEncoding,
  kAcceptLanguage,
  kConnection,
  kContentLength,
  kContentType,
  kLocation,
  kReferer,
  kServer,
  kFileData,
  kFileName,
  kFileMagic,
  kUriLength,
  kUriRawLength,
};
// The number of a keyword, or -1.
int http_field(std::string_view keyword);

class EveObject;

class HttpTransaction final : public Transaction, private Multipart::Sink {
 public:
  HttpTransaction(std::shared_ptr<const HttpSettings> settings, std::uint64_t number, Timestamp when);
  ~HttpTransaction() override;

  struct Header {
    std::string name, value;
  };
  // What is said by one side.
  struct Message {
    std::string line, protocol, raw_headers;
    std::vector<Header> headers;
    bool has_line = false, has_protocol = false;
    bool is_body_begun = false;
    bool is_ended = false;        // no more will come, complete or not
    std::uint64_t body_size = 0;  // that came, decoded
    HttpBody body;
    GrowingFile* file = nullptr;          // that is open
    std::unique_ptr<BrotliBody> decoder;  // if the body is in Brotli
    // Made when asked for.
    mutable std::string all_headers, names, start;
    mutable std::vector<std::string> single;
    mutable bool is_made = false;

    const Header* find(std::string_view name) const;
  };
  Message& of(Side side) { return messages_[static_cast<int>(side)]; }
  const Message& of(Side side) const { return messages_[static_cast<int>(side)]; }

  std::string method, uri, raw_uri, path, host, uri_host, status, status_text;
  bool has_uri = false, has_status = false, has_status_text = false, has_host = false;
  bool is_request_unseen = false;  // a response came without it
  bool is_post = false, is_put = false, is_connect = false;
  std::uint64_t message_size = 0;  // of the response, as it came
  int port = -1, status_number = 0;

  // Events are told once.
  void add_event(std::string_view event);
  void set_progress(Side side, std::uint8_t step);
  void changed(Side side) {
    ++version[static_cast<int>(side)];
    of(side).is_made = false;
  }

  void add_body(Side side, Bytes bytes);  // as it came, but for what LibHTP decodes
  void skip_body(Side side, std::uint64_t missing);
  void close_file(Side side, File::State how = File::State::kClosed);

  Value value(int field, Side side, std::size_t index) const override;
  std::string eve() const override;

  // Called when it goes.
  std::shared_ptr<std::vector<std::pair<const void*, HttpTransaction*>>> live;

 private:
  Value header_value(Side side, std::string_view name) const;
  Value text(const std::string& text, bool is_there, Side side, HttpStep step) const;
  Value absent(Side side, HttpStep step) const;
  Value made(const std::string& text, Side side) const;
  Value file(HttpField field, Side side, std::size_t index) const;
  bool is_past(Side side, HttpStep step) const {
    return progress[static_cast<int>(side)] > static_cast<std::uint8_t>(step);
  }
  // Whether all of a body is there that will be.
  bool has_whole_body(Side side) const { return of(side).is_ended || is_past(side, HttpStep::kBody); }
  const BodyLimits& limits(Side side) const {
    return side == Side::kToServer ? settings_->request : settings_->response;
  }
  void make(Side side) const;
  void write_headers(EveObject& object, Side side) const;
  void open_file(Side side, std::string name);
  void add_decoded(Side side, Bytes bytes);
  void add_to_response_file(Bytes bytes);

  void open_part(std::string name) override;
  void part_bytes(Bytes bytes) override;
  void close_part() override;
  void part_event(std::string_view event) override;

  std::shared_ptr<const HttpSettings> settings_;
  Message messages_[2];
  std::unique_ptr<Multipart> multipart_;
  mutable std::string swf_;  // unpacked, of a file of so many bytes
  mutable std::uint64_t swf_size_ = 0;
  mutable bool is_swf_ = false;
  bool has_request_body_ = false, has_response_body_ = false;
};

}  // namespace tocsin::protocol
