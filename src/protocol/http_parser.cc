#include "protocol/http_parser.h"

#include <htp/htp.h>

#include <algorithm>

#include "base/text.h"
#include "protocol/http_events.h"

namespace tocsin::protocol {
namespace {

// More of a side's headers than this is an attack.
constexpr std::size_t kHeadersMost = 2 * 1024 * 1024;
constexpr std::size_t kMessagesMost = 512;
// Line ends that are held back until something follows.
constexpr std::size_t kLineEndsMost = 1024;

std::string text_of(const bstr* string) {
  if (string == nullptr) return {};
  return {reinterpret_cast<const char*>(bstr_ptr(string)), bstr_len(string)};
}
std::string_view view_of(const bstr* string) {
  if (string == nullptr) return {};
  return {reinterpret_cast<const char*>(bstr_ptr(string)), bstr_len(string)};
}

std::uint8_t step_of(int progress) {
  return progress >= HTP_REQUEST_COMPLETE ? Transaction::kComplete : static_cast<std::uint8_t>(progress);
}
static_assert(int{HTP_REQUEST_COMPLETE} == int{HTP_RESPONSE_COMPLETE});

// Whether a comma-separated list has a word.
bool has_token(std::string_view list, std::string_view token) {
  while (true) {
    const std::size_t comma = list.find(',');
    if (equals_ignoring_case(trim(list.substr(0, comma)), token)) return true;
    if (comma == std::string_view::npos) return false;
    list.remove_prefix(comma + 1);
  }
}

const htp_header_t* header_of(const htp_table_t* table, const char* name) {
  return table != nullptr ? static_cast<const htp_header_t*>(htp_table_get_c(table, name)) : nullptr;
}

bool is_space(std::uint8_t c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

}  // namespace

// LibHTP calls back with a transaction; the parser is the connection's user data.
struct HttpParser::Hooks {
  static HttpParser* parser(const htp_tx_t* tx) {
    return tx != nullptr ? static_cast<HttpParser*>(htp_connp_get_user_data(tx->connp)) : nullptr;
  }

  static int request_start(htp_tx_t* tx) {
    // LibHTP ignores what is answered here, and would begin the same request again and again; its line is refused.
    HttpParser* self = parser(tx);
    self->is_full_ = self->make(tx) == nullptr;
    return HTP_OK;
  }

  static int response_start(htp_tx_t* tx) {
    HttpParser* self = parser(tx);
    HttpTransaction* transaction = self->find(tx);
    if (transaction == nullptr) {
      // A response without a request.
      transaction = self->make(tx);
      if (transaction == nullptr) return HTP_ERROR;
      transaction->add_event("http.unable_to_match_response_to_request");
      transaction->raw_uri = text_of(tx->request_uri);
      transaction->has_uri = tx->request_uri != nullptr;
      if (tx->parsed_uri != nullptr) transaction->path = text_of(tx->parsed_uri->path);
      transaction->is_request_unseen = true;
      transaction->set_progress(Side::kToServer, Transaction::kComplete);
    }
    return HTP_OK;
  }

  static int uri_normalize(htp_tx_t* tx) {
    // A blank at the end of the line's URI is no part of it.
    for (bstr* part : {tx->parsed_uri->fragment, tx->parsed_uri->query, tx->parsed_uri->path}) {
      if (part == nullptr) continue;
      while (bstr_len(part) > 0 && bstr_char_at_end(part, 0) == ' ') bstr_chop(part);
      break;
    }
    return HTP_OK;
  }

  static int request_line(htp_tx_t* tx) {
    HttpParser* self = parser(tx);
    HttpTransaction* transaction = self->find(tx);
    if (transaction == nullptr) return self->is_full_ ? HTP_ERROR : HTP_OK;
    HttpTransaction::Message& message = transaction->of(Side::kToServer);
    message.line = text_of(tx->request_line);
    message.has_line = tx->request_line != nullptr;
    message.protocol = text_of(tx->request_protocol);
    message.has_protocol = !message.protocol.empty();
    transaction->method = text_of(tx->request_method);
    transaction->is_post = tx->request_method_number == HTP_M_POST;
    transaction->is_put = tx->request_method_number == HTP_M_PUT;
    transaction->is_connect = tx->request_method_number == HTP_M_CONNECT;
    self->take_uri(tx, *transaction);
    self->check_line(tx, *transaction);
    self->check_flags(tx, *transaction);
    transaction->changed(Side::kToServer);
    return HTP_OK;
  }

  static int header_data(htp_tx_data_t* data, Side side) {
    HttpParser* self = parser(data->tx);
    HttpTransaction* transaction = self ? self->find(data->tx) : nullptr;
    if (transaction == nullptr || data->data == nullptr || data->len == 0) return HTP_OK;
    std::string& raw = transaction->of(side).raw_headers;
    if (raw.size() + data->len > kHeadersMost) {
      transaction->add_event(side == Side::kToServer ? "http.request_too_many_headers"
                                                     : "http.response_too_many_headers");
      self->is_refused_ = true;
      return HTP_ERROR;
    }
    std::string_view text(reinterpret_cast<const char*>(data->data), data->len);
    if (side == Side::kToClient && self->is_line_among_headers_) {
      const std::size_t end = text.find('\n');
      self->is_line_among_headers_ = end == std::string_view::npos;
      text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
    raw.append(text);
    transaction->changed(side);
    return HTP_OK;
  }
  static int request_header_data(htp_tx_data_t* data) { return header_data(data, Side::kToServer); }
  static int response_header_data(htp_tx_data_t* data) { return header_data(data, Side::kToClient); }

  static int request_headers(htp_tx_t* tx) {
    HttpParser* self = parser(tx);
    HttpTransaction* transaction = self->find(tx);
    if (transaction == nullptr) return HTP_OK;
    // Later versions find "chunked" among several codings, and go on with a request they call invalid.
    const htp_header_t* coding = header_of(tx->request_headers, "transfer-encoding");
    if (coding != nullptr && tx->request_transfer_coding == HTP_CODING_INVALID &&
        has_token(view_of(coding->value), "chunked")) {
      tx->request_transfer_coding = HTP_CODING_CHUNKED;
      tx->flags &= ~(HTP_REQUEST_INVALID_T_E | HTP_REQUEST_INVALID);
    }
    self->take_headers(tx, *transaction, Side::kToServer);
    self->check_flags(tx, *transaction);
    tx->flags &= ~HTP_REQUEST_INVALID;
    return HTP_OK;
  }

  static int request_trailer(htp_tx_t* tx) {
    if (HttpTransaction* transaction = parser(tx)->find(tx))
      parser(tx)->take_headers(tx, *transaction, Side::kToServer);
    return HTP_OK;
  }

  static int body_data(htp_tx_data_t* data, Side side) {
    HttpParser* self = parser(data->tx);
    HttpTransaction* transaction = self ? self->find(data->tx) : nullptr;
    if (transaction == nullptr || data->len == 0) return HTP_OK;
    // Of what is decompressed nothing is known, and a body that is cut off is the likeliest.
    if (side == Side::kToClient)
      self->is_within_body_ = data->tx->response_content_encoding_processing != HTP_COMPRESSION_NONE ||
                              data->data + data->len == self->fed_.data() + self->fed_.size();
    if (data->data == nullptr) {
      transaction->skip_body(side, data->len);
    } else {
      self->check_chunk(data, *transaction, side);
      transaction->add_body(side, {data->data, data->len});
    }
    return HTP_OK;
  }
  static int request_body_data(htp_tx_data_t* data) { return body_data(data, Side::kToServer); }
  static int response_body_data(htp_tx_data_t* data) { return body_data(data, Side::kToClient); }

  static int request_complete(htp_tx_t* tx) {
    HttpParser* self = parser(tx);
    HttpTransaction* transaction = self->find(tx);
    if (transaction == nullptr) return HTP_OK;
    self->check_flags(tx, *transaction);
    transaction->close_file(Side::kToServer);
    transaction->set_progress(Side::kToServer, Transaction::kComplete);
    return HTP_OK;
  }

  static int response_line(htp_tx_t* tx) {
    HttpParser* self = parser(tx);
    HttpTransaction* transaction = self->find(tx);
    if (transaction == nullptr) return HTP_OK;
    if (tx->seen_100continue != 0) {
      // Told when another one comes, which later versions don't give up at.
      if (tx->response_status_number == 100) transaction->add_event("http.100_continue_already_seen");
      tx->seen_100continue = 0;
      transaction->of(Side::kToClient).raw_headers.clear();
      self->is_line_among_headers_ = true;
    }
    HttpTransaction::Message& message = transaction->of(Side::kToClient);
    message.line = text_of(tx->response_line);
    message.has_line = tx->response_line != nullptr;
    message.protocol = text_of(tx->response_protocol);
    message.has_protocol = !message.protocol.empty();
    transaction->status = text_of(tx->response_status);
    transaction->has_status = tx->response_status != nullptr;
    transaction->status_text = text_of(tx->response_message);
    transaction->has_status_text = tx->response_message != nullptr;
    transaction->status_number = tx->response_status_number;
    transaction->changed(Side::kToClient);
    return HTP_OK;
  }

  static int response_headers(htp_tx_t* tx) {
    if (HttpTransaction* transaction = parser(tx)->find(tx))
      parser(tx)->take_headers(tx, *transaction, Side::kToClient);
    return HTP_OK;
  }

  static int response_complete(htp_tx_t* tx) {
    HttpParser* self = parser(tx);
    HttpTransaction* transaction = self->find(tx);
    if (transaction == nullptr) return HTP_OK;
    transaction->message_size = static_cast<std::uint64_t>(std::max<std::int64_t>(tx->response_message_len, 0));
    transaction->close_file(Side::kToClient);
    transaction->set_progress(Side::kToClient, Transaction::kComplete);
    if (transaction->is_connect && tx->response_status_number >= 200 && tx->response_status_number < 300 &&
        transaction->id == 0) {
      self->upgrade_to = "any";
      self->upgrade_port = static_cast<std::uint16_t>(std::max(tx->request_port_number, 0));
    }
    return HTP_OK;
  }

  static int transaction_complete(htp_tx_t* tx) {
    HttpParser* self = parser(tx);
    if (std::ranges::find(self->done_, tx) == self->done_.end()) self->done_.push_back(tx);
    return HTP_OK;
  }

  static int log(htp_log_t* log) {
    if (log == nullptr || log->msg == nullptr) return HTP_OK;
    if (auto* self = static_cast<HttpParser*>(htp_connp_get_user_data(log->connp))) self->log(log->msg);
    return HTP_OK;
  }
};

void HttpParser::hook(htp_cfg_t* configuration, const HttpSettings&) {
  htp_config_register_log(configuration, Hooks::log);
  htp_config_register_request_start(configuration, Hooks::request_start);
  htp_config_register_request_uri_normalize(configuration, Hooks::uri_normalize);
  htp_config_register_request_line(configuration, Hooks::request_line);
  htp_config_register_request_header_data(configuration, Hooks::request_header_data);
  htp_config_register_request_trailer_data(configuration, Hooks::request_header_data);
  htp_config_register_request_headers(configuration, Hooks::request_headers);
  htp_config_register_request_trailer(configuration, Hooks::request_trailer);
  htp_config_register_request_body_data(configuration, Hooks::request_body_data);
  htp_config_register_request_complete(configuration, Hooks::request_complete);
  htp_config_register_response_start(configuration, Hooks::response_start);
  htp_config_register_response_line(configuration, Hooks::response_line);
  htp_config_register_response_header_data(configuration, Hooks::response_header_data);
  htp_config_register_response_trailer_data(configuration, Hooks::response_header_data);
  htp_config_register_response_headers(configuration, Hooks::response_headers);
  htp_config_register_response_trailer(configuration, Hooks::response_headers);
  htp_config_register_response_body_data(configuration, Hooks::response_body_data);
  htp_config_register_response_complete(configuration, Hooks::response_complete);
  htp_config_register_transaction_complete(configuration, Hooks::transaction_complete);
}

HttpParser::HttpParser(std::shared_ptr<const HttpSettings> settings) : settings_(std::move(settings)) {
  library_ = htp_connp_create(settings_->library.get());
  if (library_ == nullptr) {
    is_broken_ = true;
    return;
  }
  htp_connp_set_user_data(library_, this);
  htp_connp_open(library_, nullptr, 0, nullptr, 0, nullptr);
}

HttpParser::~HttpParser() {
  if (library_ != nullptr) htp_connp_destroy_all(library_);
}

HttpTransaction* HttpParser::find(const htp_tx_t* tx) const {
  // The last is the likeliest.
  for (auto one = live_->rbegin(); one != live_->rend(); ++one) {
    if (one->first == tx) return one->second;
  }
  return nullptr;
}

HttpTransaction* HttpParser::make(const htp_tx_t* tx) {
  if (settings_->most_transactions != 0 && transactions.size() > settings_->most_transactions) return nullptr;
  auto transaction = std::make_unique<HttpTransaction>(settings_, next_++, now_);
  HttpTransaction* made = transaction.get();
  made->live = live_;
  live_->emplace_back(tx, made);
  transactions.push_back(std::move(transaction));
  return made;
}

HttpTransaction* HttpParser::current() const {
  const htp_tx_t* tx = feeding_ == Side::kToServer ? htp_connp_get_in_tx(library_) : htp_connp_get_out_tx(library_);
  if (HttpTransaction* transaction = tx != nullptr ? find(tx) : nullptr) return transaction;
  return live_->empty() ? nullptr : live_->back().second;
}

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
  const auto blanks = static_cast<std::size_t>(std::ranges::find_if_not(rest, is_space) - rest.begin());
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

void HttpParser::synchronise(htp_tx_t* tx) {
  HttpTransaction* transaction = tx != nullptr ? find(tx) : nullptr;
  if (transaction == nullptr) return;
  transaction->message_size = static_cast<std::uint64_t>(std::max<std::int64_t>(tx->response_message_len, 0));
  if (!transaction->is_request_unseen) transaction->set_progress(Side::kToServer, step_of(tx->request_progress));
  transaction->set_progress(Side::kToClient, step_of(tx->response_progress));
}

std::size_t HttpParser::leading_junk(Bytes bytes) const {
  // Lines before a response that don't look like one are left out if the next begins with an H, as later versions do.
  std::size_t at = 0;
  while (true) {
    const Bytes rest = bytes.subspan(at);
    const auto feed = std::ranges::find(rest, '\n');
    const auto end = static_cast<std::size_t>(feed - rest.begin());
    if (end + 2 >= rest.size()) return at;
    std::size_t size = end;
    while (size > 0 && is_space(rest[size - 1])) --size;
    std::size_t from = 0;
    while (from < size && (is_space(rest[from]) || rest[from] == 0)) ++from;
    const std::string_view word(reinterpret_cast<const char*>(rest.data()) + from,
                                std::min<std::size_t>(4, size - from));
    if (size == 0 || equals_ignoring_case(word, "http")) return at;
    if (rest[end + 1] != 'H' && size > 2) return at;
    at += end + 1;
  }
}

bool HttpParser::feed(Side side, const void* data, std::size_t size, Bytes behind) {
  feeding_ = side;
  fed_ = data != nullptr ? Bytes(static_cast<const std::uint8_t*>(data), size) : Bytes();
  behind_ = behind;
  if (!fed_.empty()) last_fed_[static_cast<int>(side)] = fed_.back();
  if (side == Side::kToClient) is_within_body_ = false;
  const int result = side == Side::kToServer ? htp_connp_req_data(library_, nullptr, data, size)
                                             : htp_connp_res_data(library_, nullptr, data, size);
  settle();
  if (result == HTP_STREAM_TUNNEL && side == Side::kToClient) check_upgrade();
  return result != HTP_STREAM_ERROR && !is_refused_;
}

void HttpParser::check_upgrade() {
  if (live_->empty()) return;
  for (auto one = transactions.rbegin(); one != transactions.rend(); ++one) {
    const auto& transaction = static_cast<const HttpTransaction&>(**one);
    if (transaction.status_number != 101) continue;
    const HttpTransaction::Header* upgrade = transaction.of(Side::kToClient).find("upgrade");
    if (upgrade == nullptr) return;
    if (upgrade->value == "h2c") upgrade_to = "http2";
    if (equals_ignoring_case(upgrade->value, "websocket")) upgrade_to = "websocket";
    if (upgrade_to.empty()) return;
    upgrade_port = static_cast<std::uint16_t>(std::max(transaction.port, 0));
    upgrade_left = fed_.size() - std::min(htp_connp_res_data_consumed(library_), fed_.size());
    return;
  }
}

void HttpParser::settle() {
  synchronise(htp_connp_get_in_tx(library_));
  synchronise(htp_connp_get_out_tx(library_));
  for (htp_tx_t* tx : done_) {
    synchronise(tx);
    std::erase_if(*live_, [tx](const auto& one) { return one.first == tx; });
    htp_tx_destroy(tx);
  }
  done_.clear();
  htp_conn_t* connection = htp_connp_get_connection(library_);
  while (auto* log = static_cast<htp_log_t*>(htp_list_pop(connection->messages))) {
    free(const_cast<char*>(log->msg));
    free(log);
  }
}

HttpParser::At HttpParser::at(Side side) const {
  const htp_tx_t* tx = side == Side::kToServer ? htp_connp_get_in_tx(library_) : htp_connp_get_out_tx(library_);
  if (tx == nullptr) return At::kLine;
  const int progress = side == Side::kToServer ? int{tx->request_progress} : int{tx->response_progress};
  if (progress <= HTP_REQUEST_LINE) return At::kLine;
  return progress == HTP_REQUEST_HEADERS || progress == HTP_REQUEST_TRAILER ? At::kHeaders : At::kElsewhere;
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

// LibHTP decides by the byte behind a line whether it goes on, and forgets to where that did not come with it. So line
// ends of headers are held back until something follows. First lines are given alone.
bool HttpParser::take_some(Side side, Bytes bytes, std::size_t& taken) {
  const auto size_of_line = [](Bytes text) {
    return static_cast<std::size_t>(std::ranges::find(text, '\n') - text.begin()) + 1;
  };
  const auto whole = [&](std::size_t size) {
    taken = size;
    return feed(side, bytes.data(), size, bytes.subspan(size));
  };
  bool& is_begun = is_line_begun_[static_cast<int>(side)];
  switch (at(side)) {
    case At::kElsewhere:
      is_begun = false;
      check_plain(side, bytes);
      return whole(bytes.size());
    case At::kLine: {
      if (side == Side::kToClient && !is_begun) {
        taken = leading_junk(bytes);
        if (taken != 0) return true;
      }
      const std::size_t size = size_of_line(bytes);
      is_begun = size > bytes.size();
      return whole(std::min(size, bytes.size()));
    }
    case At::kHeaders:
      break;
  }
  is_begun = false;
  // To the end, or to line ends behind which nothing is known yet.
  bool is_at_start = last_fed_[static_cast<int>(side)] == '\n';
  for (std::size_t from = 0; from < bytes.size();) {
    const std::size_t size = size_of_line(bytes.subspan(from));
    if (size > bytes.size() - from) break;
    if (is_at_start && (size == 1 || (size == 2 && bytes[from] == '\r'))) return whole(from + size);
    is_at_start = true;
    from += size;
  }
  const auto last =
      std::ranges::find_if_not(bytes.rbegin(), bytes.rend(), [](auto c) { return c == '\r' || c == '\n'; });
  const auto size = static_cast<std::size_t>(bytes.rend() - last);
  if (bytes.size() - size > kLineEndsMost) return whole(bytes.size());
  taken = size;
  return size == 0 || whole(size);
}

bool HttpParser::take(Side side, Bytes bytes, Timestamp time) {
  if (is_broken_ || library_ == nullptr) return false;
  if (bytes.empty() || ended_[static_cast<int>(side)]) return true;
  now_ = time;
  std::string& held = held_[static_cast<int>(side)];
  std::string joined;
  if (!held.empty()) {
    held.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    joined.swap(held);
    bytes = {reinterpret_cast<const std::uint8_t*>(joined.data()), joined.size()};
  }
  while (!bytes.empty() && !is_broken_) {
    std::size_t taken = 0;
    is_broken_ = !take_some(side, bytes, taken);
    if (taken == 0) {
      held.assign(reinterpret_cast<const char*>(bytes.data()), bytes.size());
      break;
    }
    bytes = bytes.subspan(taken);
    if (!upgrade_to.empty()) {
      upgrade_left += bytes.size();
      break;
    }
  }
  return !is_broken_;
}

void HttpParser::release(Side side) {
  std::string held;
  held.swap(held_[static_cast<int>(side)]);
  if (!held.empty() && !is_broken_) is_broken_ = !feed(side, held.data(), held.size());
}

bool HttpParser::skip(Side side, std::uint64_t bytes, Timestamp time) {
  if (is_broken_ || library_ == nullptr) return false;
  now_ = time;
  release(side);
  while (bytes > 0 && !is_broken_ && !ended_[static_cast<int>(side)]) {
    const std::size_t part = static_cast<std::size_t>(std::min<std::uint64_t>(bytes, 1u << 30));
    is_broken_ = !feed(side, nullptr, part);
    bytes -= part;
  }
  return !is_broken_;
}

void HttpParser::end(Side side, Timestamp time) {
  if (is_broken_ || library_ == nullptr || ended_[static_cast<int>(side)]) return;
  now_ = time;
  release(side);
  if (side == Side::kToClient) release(Side::kToServer);
  ended_[static_cast<int>(side)] = true;
  if (is_broken_) {
    finish(side);
    return;
  }
  feeding_ = side;
  fed_ = behind_ = {};
  if (side == Side::kToServer) {
    htp_connp_req_close(library_, nullptr);
  } else {
    htp_connp_close(library_, nullptr);
    ended_[0] = true;
    // What later versions do with a chunk that is cut off.
    htp_tx_t* tx = htp_connp_get_out_tx(library_);
    if (tx != nullptr && tx->response_progress == HTP_RESPONSE_BODY && is_within_body_)
      htp_tx_state_response_complete(tx);
    finish(Side::kToServer);
  }
  finish(side);
  settle();
}

void HttpParser::finish(Side side) {
  for (const auto& [tx, transaction] : *live_) {
    transaction->of(side).is_ended = true;
    transaction->close_file(side, File::State::kTruncated);
    transaction->changed(side);
  }
}

}  // namespace tocsin::protocol
