// What is taken from LibHTP's transactions, and what is odd about them: its own warnings, and what later versions of it
// see that this one does not.
#include <algorithm>
#include <memory>

#include "base/text.h"
#include "protocol/http_events.h"
#include "protocol/http_library.h"
#include "protocol/http_parser.h"

namespace tocsin::protocol {
namespace {

constexpr std::size_t kMessagesMost = 512;

}  // namespace

void HttpParser::log(const char* message) {
  if (messages_ >= kMessagesMost) return;
  HttpTransaction* transaction = current();
  std::string_view event = http_event(message, feeding_ == Side::kToServer);
  if (event == "http.abnormal_ce_header") {
    const htp_tx_t* tx = feeding_ == Side::kToServer ? htp_connp_get_in_tx(library_) : htp_connp_get_out_tx(library_);
    if (std::string_view(message).starts_with("C-E unknown setting") && tx != nullptr && is_known_coding(tx))
      event = {};
  }
  if (++messages_ == kMessagesMost && transaction) transaction->add_event("http.too_many_warnings");
  // That one is of the transaction which is yet to be made for it.
  if (event.empty() || transaction == nullptr || event == "http.unable_to_match_response_to_request") return;
  transaction->add_event(event);
}

bool HttpParser::is_known_coding(const htp_tx_t* tx) const {
  // What later versions know beside what this one does.
  const htp_header_t* header =
      header_of(feeding_ == Side::kToServer ? tx->request_headers : tx->response_headers, "content-encoding");
  if (header == nullptr) return false;
  std::string_view list = view_of(header->value);
  if (equals_ignoring_case(list, "br")) return true;
  while (!list.empty()) {
    const std::size_t size = std::min(list.find_first_of(", "), list.size());
    const std::string token = lower(list.substr(0, size));
    list.remove_prefix(std::min(size + 1, list.size()));
    if (!token.empty() && token != "identity" && token != "none" && token != "inflate" && token != "lzma" &&
        token.find("gzip") == std::string::npos && token.find("deflate") == std::string::npos)
      return false;
  }
  return true;
}

void HttpParser::check_line(htp_tx_t* tx, HttpTransaction& transaction) {
  const std::string& protocol = transaction.of(Side::kToServer).protocol;
  if (tx->request_protocol_number > 0 && protocol.find_first_of(" \t") != std::string::npos)
    transaction.add_event("http.protocol_contains_extra_data");
  if (!tx->is_protocol_0_9) return;
  // A request of one line has nothing behind it but few blanks; else it only lacks the protocol.
  constexpr std::size_t kJunkMost = 16;
  Bytes rest = fed_.subspan(std::min(htp_connp_req_data_consumed(library_), fed_.size()));
  if (rest.empty()) rest = behind_;
  const auto blanks = static_cast<std::size_t>(std::ranges::find_if_not(rest, is_http_space) - rest.begin());
  if (blanks == rest.size() && blanks <= kJunkMost) return;
  tx->is_protocol_0_9 = 0;
  transaction.add_event("http.request_line_missing_protocol");
}

void HttpParser::check_chunk(const htp_tx_data_t* data, HttpTransaction& transaction, Side side) const {
  const htp_tx_t* tx = data->tx;
  const auto coding = side == Side::kToServer ? tx->request_transfer_coding : tx->response_transfer_coding;
  if (coding != HTP_CODING_CHUNKED || data->data <= fed_.data() || data->data >= fed_.data() + fed_.size()) return;
  // The line before it, if it came with it, is the chunk's length.
  const std::string_view before(reinterpret_cast<const char*>(fed_.data()),
                                static_cast<std::size_t>(data->data - fed_.data()));
  if (!before.ends_with('\n')) return;
  const std::size_t begin = before.rfind('\n', before.size() - 2);
  const std::string_view line = before.substr(begin == std::string_view::npos || before.size() < 2 ? 0 : begin);
  if (line.find(';') == std::string_view::npos) return;
  transaction.add_event(side == Side::kToServer ? "http.request_chunk_extension" : "http.response_chunk_extension");
}

void HttpParser::check_flags(const htp_tx_t* tx, HttpTransaction& transaction) {
  constexpr std::pair<std::uint64_t, std::string_view> kFlags[] = {
      {HTP_REQUEST_INVALID_T_E, "http.invalid_transfer_encoding_value_in_request"},
      {HTP_REQUEST_INVALID_C_L, "http.invalid_content_length_field_in_request"},
      {HTP_HOST_MISSING, "http.missing_host_header"},
      {HTP_HOST_AMBIGUOUS, "http.host_header_ambiguous"},
      {HTP_HOSTU_INVALID, "http.request_uri_host_invalid"},
      {HTP_HOSTH_INVALID, "http.request_header_host_invalid"},
      {HTP_HEADERS_TOO_MANY, "http.request_too_many_headers"},
  };
  for (const auto& [flag, event] : kFlags) {
    if ((tx->flags & flag) != 0) transaction.add_event(event);
  }
  if (tx->request_auth_type == HTP_AUTH_UNRECOGNIZED) {
    const htp_header_t* header = header_of(tx->request_headers, "authorization");
    const std::string_view value = header != nullptr ? view_of(header->value) : std::string_view();
    if (!equals_ignoring_case(value.substr(0, 6), "bearer")) transaction.add_event("http.request_auth_unrecognized");
  }
  if (tx->is_protocol_0_9 && tx->request_method_number == HTP_M_UNKNOWN &&
      (tx->request_protocol_number == HTP_PROTOCOL_INVALID || tx->request_protocol_number == HTP_PROTOCOL_UNKNOWN)) {
    transaction.add_event("http.request_line_invalid");
  }
}

// A body that claims to be packed and is plain text: LibHTP would make something of it as well.
void HttpParser::check_plain(Side side, Bytes bytes) {
  constexpr std::size_t kEnough = 16, kMost = 64;
  htp_tx_t* tx = side == Side::kToServer ? htp_connp_get_in_tx(library_) : htp_connp_get_out_tx(library_);
  HttpTransaction* transaction = find(tx);
  if (transaction == nullptr || transaction->of(side).is_body_begun) return;
  auto& coding = side == Side::kToServer ? tx->request_content_encoding : tx->response_content_encoding_processing;
  if (coding != HTP_COMPRESSION_GZIP && coding != HTP_COMPRESSION_DEFLATE) return;
  const auto transfer = side == Side::kToServer ? tx->request_transfer_coding : tx->response_transfer_coding;
  if (transfer == HTP_CODING_CHUNKED) {
    const auto end = std::ranges::find(bytes, '\n');
    if (end == bytes.end()) return;
    bytes = bytes.subspan(static_cast<std::size_t>(end - bytes.begin()) + 1);
  }
  if (bytes.empty()) return;
  transaction->of(side).is_body_begun = true;
  if (bytes.size() < kEnough) return;
  const auto is_text = [](std::uint8_t c) { return (c >= ' ' && c < 0x7f) || c == '\r' || c == '\n' || c == '\t'; };
  if (!std::ranges::all_of(bytes.first(std::min(kMost, bytes.size())), is_text)) return;
  coding = HTP_COMPRESSION_NONE;
  transaction->add_event("http.gzip_decompression_failed");
}

void HttpParser::take_uri(htp_tx_t* tx, HttpTransaction& transaction) {
  transaction.raw_uri = text_of(tx->request_uri);
  transaction.has_uri = tx->request_uri != nullptr;
  const htp_uri_t* parts = tx->parsed_uri;
  if (parts == nullptr) return;
  transaction.path = text_of(parts->path);
  transaction.uri_host = text_of(parts->hostname);

  const auto decode = [&](bstr* part) {
    const std::size_t before = bstr_len(part);
    std::uint64_t flags = 0;
    htp_urldecode_inplace(settings_->library.get(), HTP_DECODER_URL_PATH, part, &flags);
    return bstr_len(part) < before;
  };
  std::string& uri = transaction.uri;
  uri.clear();
  if (settings_->whole_uri) {
    if (parts->scheme != nullptr) uri.append(view_of(parts->scheme)).append("://");
    if (parts->username != nullptr || parts->password != nullptr)
      uri.append(view_of(parts->username)).append(":").append(view_of(parts->password)).append("@");
    uri.append(view_of(parts->hostname));
    const bstr* port = tx->parsed_uri_raw != nullptr ? tx->parsed_uri_raw->port : nullptr;
    if (port != nullptr) uri.append(":").append(view_of(port));
  }
  const auto copy = [](const bstr* part) {
    return std::unique_ptr<bstr, decltype(&bstr_free)>(bstr_dup(part), bstr_free);
  };
  if (parts->path != nullptr) {
    const auto path = copy(parts->path);
    if (settings_->double_decode_path && decode(path.get())) transaction.add_event("http.double_encoded_uri");
    uri += view_of(path.get());
  }
  if (parts->query != nullptr) {
    const auto query = copy(parts->query);
    decode(query.get());
    if (settings_->double_decode_query && decode(query.get())) transaction.add_event("http.double_encoded_uri");
    uri.append("?").append(view_of(query.get()));
  }
  if (parts->fragment != nullptr) uri.append("#").append(view_of(parts->fragment));
}

void HttpParser::take_headers(htp_tx_t* tx, HttpTransaction& transaction, Side side) {
  HttpTransaction::Message& message = transaction.of(side);
  const htp_table_t* table = side == Side::kToServer ? tx->request_headers : tx->response_headers;
  message.headers.clear();
  const std::size_t count = table != nullptr ? htp_table_size(table) : 0;
  message.headers.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    const auto* header = static_cast<const htp_header_t*>(htp_table_get_index(table, i, nullptr));
    message.headers.push_back({text_of(header->name), text_of(header->value)});
  }
  if (const htp_header_t* coding = header_of(table, "content-encoding");
      coding != nullptr && equals_ignoring_case(view_of(coding->value), "br") && message.body_size == 0)
    message.decoder = std::make_unique<BrotliBody>(settings_->bomb_limit);
  if (side == Side::kToServer) {
    transaction.host = lower(view_of(tx->request_hostname));
    transaction.has_host = tx->request_hostname != nullptr;
    transaction.port = tx->request_port_number;
    if (transaction.is_connect && transaction.host.find_first_of("/?#") == 0) {
      // What it asks for is no host.
      const HttpTransaction::Header* header = message.find("host");
      transaction.uri_host.clear();
      transaction.host = header != nullptr ? lower(header->value.substr(0, header->value.find(':'))) : std::string();
      transaction.has_host = header != nullptr;
    }
  } else if ((tx->flags & HTP_HEADERS_TOO_MANY) != 0) {
    transaction.add_event("http.response_too_many_headers");
  }
  transaction.changed(side);
}

}  // namespace tocsin::protocol
