#include "protocol/http_events.h"

namespace tocsin::protocol {
namespace {

struct Row {
  std::string_view beginning, request, response;
  constexpr Row(std::string_view text, std::string_view both) : beginning(text), request(both), response(both) {}
  constexpr Row(std::string_view text, std::string_view of_request, std::string_view of_response)
      : beginning(text), request(of_request), response(of_response) {}
};

// The first row that fits counts.
constexpr Row kRows[] = {
    {"GZip decompressor:", "http.gzip_decompression_failed"},
    {"LZMA decompressor: memory limit reached", "http.lzma_memlimit_reached"},
    {"LZMA decompression disabled", "http.lzma_decompression_disabled"},
    {"Compression bomb: multiple encoding with lzma", "http.request_too_many_lzma_layers",
     "http.response_too_many_lzma_layers"},
    {"Compression bomb:", "http.compression_bomb"},
    {"Too many response content encoding layers", "http.too_many_encoding_layers"},
    {"C-E ", "http.abnormal_ce_header"},

    {"Request field invalid: colon missing", "http.request_field_missing_colon"},
    {"Request field invalid: empty name", "http.request_invalid_empty_name"},
    {"Request field invalid: LWS after name", "http.request_invalid_lws_after_name"},
    {"Request header name is not a token", "http.request_header_invalid"},
    {"Invalid request field folding", "http.invalid_request_field_folding"},
    {"Request buffer over the limit", "http.request_field_too_long"},
    {"Request chunk encoding: Invalid chunk length", "http.invalid_request_chunk_len"},
    {"Ambiguous request C-L value", "http.duplicate_content_length_field_in_request"},
    {"Unexpected request body", "http.request_body_unexpected"},
    {"Request body data callback returned error", "http.request_body_data_callback_error"},

    {"Request line: leading whitespace", "http.request_line_leading_whitespace"},
    {"Request line: non-compliant delimiter between Method and URI", "http.method_delim_non_compliant"},
    {"Request line: URI contains non-compliant delimiter", "http.uri_delim_non_compliant"},
    {"Request line: unknown method only", "http.request_line_unknown_method"},
    {"Request line: unknown method and no protocol", "http.request_line_unknown_method_no_protocol"},
    {"Request line: unknown method and invalid protocol", "http.request_line_unknown_method_invalid_protocol"},
    {"Request line: missing protocol", "http.request_line_missing_protocol"},
    {"Request line incomplete", "http.request_line_incomplete"},

    {"Response field invalid: missing colon", "http.response_field_missing_colon"},
    {"Response field invalid: empty name", "http.response_invalid_empty_name"},
    {"Response field invalid: LWS after name", "http.response_invalid_lws_after_name"},
    {"Response header name is not a token", "http.response_header_name_not_token"},
    {"Response header value contains null", "http.response_header_invalid"},
    {"Invalid response field folding", "http.invalid_response_field_folding"},
    {"Response the buffer limit", "http.response_field_too_long"},
    {"Response chunk encoding: Invalid chunk length", "http.invalid_response_chunk_len"},
    {"Invalid C-L field in response", "http.invalid_content_length_field_in_response"},
    {"Ambiguous response C-L value", "http.duplicate_content_length_field_in_response"},
    {"Already seen 100-Continue", "http.100_continue_already_seen"},
    {"Unable to match response to request", "http.unable_to_match_response_to_request"},
    {"Transfer-encoding has abnormal chunked value", "http.response_abnormal_transfer_encoding"},
    {"Chunked transfer-encoding on HTTP/0.9 or HTTP/1.0", "http.response_chunked_old_proto"},
    {"C-T multipart/byteranges in responses not supported", "http.response_multipart_byteranges"},
    {"Unexpected response body", "http.response_body_unexpected"},
    {"Unexpected Response body", "http.response_body_unexpected"},
    {"Invalid response line: invalid protocol", "http.response_line_invalid_protocol"},
    {"Invalid response line: invalid response status", "http.response_line_invalid_response_status"},
    {"Switching Protocol with Content-Length", "http.switching_proto_with_content_length"},
    {"Weird response end of lines mix", "http.deformed_eol"},
    {"[Internal Error] Invalid tx progress", "http.response_body_internal_error"},

    {"Repetition for header", "http.request_header_repetition", "http.response_header_repetition"},
    {"C-L value with extra data in the beg", "http.content_length_extra_data_start"},
    {"C-L value with extra data in the end", "http.content_length_extra_data_end"},
    {"Inbound parser is in", "http.parser_state_error"},
    {"Outbound parser is in", "http.parser_state_error"},
    {"Missing outbound transaction data", "http.missing_outbound_transaction_data"},
    {"Missing inbound transaction data", "http.missing_inbound_transaction_data"},
    {"Zero-length data chunks are not allowed", "http.zero_length_data_chunks"},
    {"Connection is already open", "http.connection_already_open"},
    {"Gaps are not allowed during this state", "http.invalid_gap"},
};

}  // namespace

std::string_view http_event(std::string_view message, bool is_request) {
  for (const Row& row : kRows) {
    if (message.starts_with(row.beginning)) return is_request ? row.request : row.response;
  }
  return {};
}

}  // namespace tocsin::protocol
