#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "http_flow.h"

namespace tocsin::protocol {
namespace {

struct Case {
  const char* event;
  const char* client;
  const char* server;
};
#define GET "GET / HTTP/1.1\r\nHost: h\r\n\r\n"

class HttpEvents : public testing::TestWithParam<Case> {};

TEST_P(HttpEvents, AreTold) {
  HttpFlow flow;
  flow.client(GetParam().client).server(GetParam().server).end();
  EXPECT_TRUE(flow.has_event(GetParam().event));
  HttpFlow sound;
  sound.client(GET).server("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi").end();
  EXPECT_THAT(sound[0].events, testing::IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(
    All, HttpEvents,
    testing::Values(
        Case{"http.missing_host_header", "GET / HTTP/1.1\r\n\r\n", ""},
        Case{"http.host_header_ambiguous", "GET http://a/ HTTP/1.1\r\nHost: b\r\n\r\n", ""},
        Case{"http.request_header_host_invalid", "GET / HTTP/1.1\r\nHost: a..b\r\n\r\n", ""},
        Case{"http.request_uri_host_invalid", "GET http://a..b/ HTTP/1.1\r\nHost: a..b\r\n\r\n", ""},
        Case{"http.request_field_missing_colon", "GET / HTTP/1.1\r\nHost: h\r\nno colon\r\n\r\n", ""},
        Case{"http.invalid_request_field_folding", "GET / HTTP/1.1\r\n a: b\r\nHost: h\r\n\r\n", ""},
        Case{"http.request_header_invalid", "GET / HTTP/1.1\r\nHost: h\r\na(b: c\r\n\r\n", ""},
        Case{"http.request_invalid_empty_name", "GET / HTTP/1.1\r\nHost: h\r\n: c\r\n\r\n", ""},
        Case{"http.request_invalid_lws_after_name", "GET / HTTP/1.1\r\nHost: h\r\na : c\r\n\r\n", ""},
        Case{"http.request_header_repetition", "GET / HTTP/1.1\r\nHost: h\r\na: b\r\na: c\r\n\r\n", ""},
        Case{"http.request_auth_unrecognized", "GET / HTTP/1.1\r\nHost: h\r\nAuthorization: x\r\n\r\n", ""},
        Case{"http.invalid_request_chunk_len", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nxx\r\n",
             ""},
        Case{"http.request_chunk_extension",
             "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1;x\r\na\r\n0\r\n\r\n", ""},
        Case{"http.invalid_transfer_encoding_value_in_request",
             "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: x\r\n\r\n", ""},
        Case{"http.invalid_content_length_field_in_request", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: x\r\n\r\n",
             ""},
        Case{"http.duplicate_content_length_field_in_request",
             "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\na", ""},
        Case{"http.content_length_extra_data_end", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1x\r\n\r\na", ""},
        Case{"http.content_length_extra_data_start", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: x1\r\n\r\na", ""},
        Case{"http.method_delim_non_compliant", "GET\t/ HTTP/1.1\r\nHost: h\r\n\r\n", ""},
        Case{"http.uri_delim_non_compliant", "GET /\tHTTP/1.1\r\nHost: h\r\n\r\n", ""},
        Case{"http.request_line_leading_whitespace", " GET / HTTP/1.1\r\nHost: h\r\n\r\n", ""},
        Case{"http.request_line_missing_protocol", "GET /\r\nHost: h\r\n\r\n", ""},
        Case{"http.request_line_unknown_method_no_protocol", "QQQ /\r\n", ""},
        Case{"http.request_line_unknown_method_invalid_protocol", "QQQ / XTTP\r\n\r\n", ""},
        Case{"http.request_line_unknown_method", "QQQ\r\n", ""},
        Case{"http.response_line_invalid_protocol", GET, "HTTP/x 200 OK\r\n\r\n"},
        Case{"http.response_line_invalid_response_status", GET, "HTTP/1.1 2000 OK\r\n\r\n"},
        Case{"http.response_field_missing_colon", GET, "HTTP/1.1 200 OK\r\nno colon\r\n\r\n"},
        Case{"http.response_header_repetition", GET, "HTTP/1.1 200 OK\r\na: b\r\na: c\r\n\r\n"},
        Case{"http.response_header_name_not_token", GET, "HTTP/1.1 200 OK\r\na(b: c\r\n\r\n"},
        Case{"http.response_invalid_empty_name", GET, "HTTP/1.1 200 OK\r\n: c\r\n\r\n"},
        Case{"http.invalid_response_field_folding", GET, "HTTP/1.1 200 OK\r\n a: c\r\n\r\n"},
        Case{"http.invalid_response_chunk_len", GET, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxx\r\n"},
        Case{"http.response_chunk_extension", GET,
             "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;x\r\na\r\n0\r\n\r\n"},
        Case{"http.invalid_content_length_field_in_response", GET, "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"},
        Case{"http.duplicate_content_length_field_in_response", GET,
             "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\na"},
        Case{"http.response_abnormal_transfer_encoding", GET,
             "HTTP/1.1 200 OK\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"},
        Case{"http.response_chunked_old_proto", GET, "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
        Case{"http.response_multipart_byteranges", GET,
             "HTTP/1.1 206 OK\r\nContent-Type: multipart/byteranges; boundary=x\r\n\r\n"},
        Case{"http.response_body_unexpected", GET, "HTTP/1.1 204 OK\r\nContent-Length: 1\r\n\r\na"},
        Case{"http.switching_proto_with_content_length", GET,
             "HTTP/1.1 101 OK\r\nContent-Length: 1\r\nUpgrade: x\r\n\r\na"},
        Case{"http.abnormal_ce_header", GET, "HTTP/1.1 200 OK\r\nContent-Encoding: xyz\r\n\r\na"},
        Case{"http.too_many_encoding_layers", GET, "HTTP/1.1 200 OK\r\nContent-Encoding: gzip, gzip, gzip\r\n\r\na"},
        Case{"http.gzip_decompression_failed", GET, "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\nnot gzip"},
        Case{"http.100_continue_already_seen", GET,
             "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"},
        Case{"http.unable_to_match_response_to_request", "", "HTTP/1.1 200 OK\r\n\r\n"}),
    [](const auto& one) { return std::string(one.param.event).substr(5); });

TEST(HttpEvent, OfFieldsBeyondTheLimit) {
  HttpFlow flow;
  flow.client("GET / HTTP/1.1\r\nHost: h\r\na: " + std::string(20'000, 'x')).client(std::string(20'000, 'x'));
  EXPECT_TRUE(flow.has_event("http.request_field_too_long"));
  EXPECT_FALSE(flow.is_alive());
}

TEST(HttpEvent, IsNotToldOfSeveralContinuesButOnce) {
  HttpFlow flow;
  flow.client(GET).server(
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
  EXPECT_TRUE(flow.is_alive());
  EXPECT_EQ(flow.response("file.data"), "hi");
  EXPECT_EQ(flow.response("http.stat_code"), "200");
}

TEST(HttpEvent, OfTooManyMessages) {
  HttpFlow flow;
  for (int i = 0; i < 400; ++i) flow.client("GET\t/ HTTP/1.1\r\nno colon\r\n\r\n");
  EXPECT_TRUE(flow.has_event("http.too_many_warnings"));
}

}  // namespace
}  // namespace tocsin::protocol
