// What LibHTP calls back with.
#include <algorithm>

#include "base/text.h"
#include "protocol/http_library.h"
#include "protocol/http_parser.h"

namespace tocsin::protocol {
namespace {

// More of a side's headers than this is an attack.
constexpr std::size_t kHeadersMost = 2 * 1024 * 1024;

// Whether a comma-separated list has a word.
bool has_token(std::string_view list, std::string_view token) {
  while (true) {
    const std::size_t comma = list.find(',');
    if (equals_ignoring_case(trim(list.substr(0, comma)), token)) return true;
    if (comma == std::string_view::npos) return false;
    list.remove_prefix(comma + 1);
  }
}

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
      self->is_within_body_ =
          data->tx->response_content_encoding_processing != HTP_COMPRESSION_NONE ||
          (data->data != nullptr && data->data + data->len == self->fed_.data() + self->fed_.size());
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

}  // namespace tocsin::protocol
