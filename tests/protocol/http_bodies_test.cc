#include <brotli/encode.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include "http_flow.h"

namespace tocsin::protocol {
namespace {

const std::string kRoot = "app-layer.protocols.http.libhtp.default-config.";

std::string gzip(std::string_view text) {
  z_stream stream{};
  deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&stream, text.size()) + 32, 0);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

std::string brotli(std::string_view text) {
  std::size_t size = BrotliEncoderMaxCompressedSize(text.size()) + 64;
  std::string out(size, 0);
  BrotliEncoderCompress(5, 22, BROTLI_MODE_GENERIC, text.size(), reinterpret_cast<const std::uint8_t*>(text.data()),
                        &size, reinterpret_cast<std::uint8_t*>(out.data()));
  out.resize(size);
  return out;
}

std::string response(std::string_view headers, std::string_view body) {
  return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" + std::string(headers) + "\r\n" +
         std::string(body);
}
std::string post(std::string_view headers, std::string_view body, std::string_view method = "POST") {
  return std::string(method) + " /up/load.bin?x HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\n" + std::string(headers) + "\r\n" + std::string(body);
}
constexpr std::string_view kGet = "GET /dir/file.txt?q HTTP/1.1\r\nHost: h\r\n\r\n";

TEST(HttpBodies, AreUnpacked) {
  const std::string text = "what is inside " + std::string(3000, 'x') + " of it";
  for (const auto& [name, packed] : {std::pair{"gzip", gzip(text)}, std::pair{"br", brotli(text)},
                                     std::pair{"gzip, gzip", gzip(gzip(text))}, std::pair{"identity", text}}) {
    HttpFlow flow;
    const std::string message = response(std::string("Content-Encoding: ") + name + "\r\n", packed);
    flow.client(kGet);
    for (const char byte : message) flow.server({&byte, 1});
    EXPECT_EQ(flow.response("file.data"), text) << name;
    EXPECT_TRUE(flow[0].events.empty()) << name << flow[0].events[0];
  }
}

TEST(HttpBodies, AreAsTheyCameWhereTheyAreNotWhatTheyClaim) {
  for (const char* name : {"gzip", "br", "deflate"}) {
    HttpFlow flow;
    flow.client(kGet).server(
        response(std::string("Content-Encoding: ") + name + "\r\n", "plain, and not what it says"));
    EXPECT_EQ(flow.response("file.data"), "plain, and not what it says") << name;
  }
}

TEST(HttpBodies, OfTextAreTakenForText) {
  const std::string text = R"({"sdk_version":11026,"app_package":"com.example","device_id":"350672920106648"})";
  HttpFlow flow;
  flow.client(post("Content-Encoding: gzip\r\n", text));
  EXPECT_EQ(flow.request("http.request_body"), text);
  flow.server("HTTP/1.1 200 OK\r\nContent-Encoding: deflate\r\nTransfer-Encoding: chunked\r\n\r\n");
  flow.server("14\r\nthis is but a text..\r\n0\r\n\r\n");
  EXPECT_EQ(flow.response("file.data"), "this is but a text..");
}

TEST(HttpBodies, OfChunksAreWhole) {
  HttpFlow flow;
  flow.client(kGet).server(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n2\r\nde\r\n0\r\nT: t\r\n\r\n");
  EXPECT_EQ(flow.response("file.data"), "abcde");
  EXPECT_TRUE(flow.has_event("http.response_chunk_extension"));
  EXPECT_TRUE(flow[0].is_complete());
  HttpFlow request;
  request.client("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n");
  EXPECT_EQ(request.request("http.request_body"), "abc");
  EXPECT_FALSE(request.has_event("http.invalid_transfer_encoding_value_in_request"));
}

TEST(HttpBodies, WaitUntilThereIsEnoughToLookAt) {
  const std::initializer_list<std::pair<std::string, std::string>> settings = {
      {kRoot + "response-body-minimal-inspect-size", "10"}};
  HttpFlow flow(settings);
  flow.client(kGet).server("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n123456789");
  EXPECT_EQ(flow.response("file.data"), "?");
  flow.server("0");
  EXPECT_EQ(flow.response("file.data"), "1234567890");
  EXPECT_EQ(flow.value("file.data", Side::kToClient).presence, Presence::kGrowing);
  HttpFlow cut(settings);
  cut.client(kGet).server("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n123").end();
  EXPECT_EQ(cut.response("file.data"), "123");
  HttpFlow inlined({{"stream.inline", "yes"}});
  inlined.client(kGet).server("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n1");
  EXPECT_EQ(inlined.response("file.data"), "1");
}

TEST(HttpBodies, EndAtTheLimit) {
  HttpFlow flow({{kRoot + "request-body-limit", "5"}, {kRoot + "response-body-limit", "6"}});
  flow.client(post("", "0123456789")).server(response("", "0123456789"));
  EXPECT_EQ(flow.request("http.request_body"), "01234");
  EXPECT_EQ(flow.response("file.data"), "012345");
  ASSERT_EQ(flow[0].files.size(), 2u);
  EXPECT_EQ(flow[0].files[1]->size, 6u);
}

TEST(HttpBodies, EndAtNoLimitWhereTheirFileIsToBeStored) {
  HttpFlow flow({{kRoot + "response-body-limit", "6"}});
  flow.client(kGet).server("HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n123");
  flow[0].files.at(0)->is_stored = true;
  flow.server("456").server("789abc");
  EXPECT_EQ(flow[0].files[0]->bytes, "123456789abc");
  EXPECT_EQ(flow[0].files[0]->state, File::State::kClosed);
}

TEST(HttpBodies, AreFilesOfTheirPathOrTheNameTheyAreGiven) {
  HttpFlow flow({{"files.md5", "yes"}});
  flow.client(post("", "abc", "PUT"));
  flow.server(response("Content-Disposition: attachment; x=\"filename=no\"; FileName=\"a b.exe\"\r\n", "MZ"));
  ASSERT_EQ(flow[0].files.size(), 2u);
  EXPECT_EQ(flow[0].files[0]->name, "/up/load.bin");
  EXPECT_EQ(flow[0].files[0]->side, Side::kToServer);
  EXPECT_EQ(flow[0].files[0]->md5, "900150983cd24fb0d6963f7d28e17f72");
  EXPECT_EQ(flow[0].files[0]->state, File::State::kClosed);
  EXPECT_EQ(flow[0].files[1]->name, "a b.exe");
  EXPECT_EQ(flow.request("file.name"), "/up/load.bin");
  EXPECT_EQ(flow.response("file.name"), "a b.exe");
}

TEST(HttpBodies, TellTheRangeTheyAreOf) {
  HttpFlow flow;
  flow.client(kGet).server(response("Content-Range: bytes 2-4/10\r\n", "abc"));
  EXPECT_EQ(flow[0].files.at(0)->start, 2u);
  EXPECT_EQ(flow[0].files.at(0)->end, 4u);
  HttpFlow bad;
  bad.client(kGet).server(response("Content-Range: bytes 7-4/10\r\n", "abc"));
  EXPECT_TRUE(bad.has_event("http.range_invalid"));
}

constexpr std::string_view kForm =
    "--b\r\nContent-Disposition: form-data; name=\"t\"\r\n\r\ntext\r\n"
    "--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"one.txt\"\r\nContent-Type: text/plain\r\n\r\n"
    "first\r\n-\r\n--a\r\n\r\n--b\r\nContent-Disposition: form-data; filename=two\r\n\r\nsecond\r\n--b--\r\n";

TEST(HttpBodies, OfFormsHaveTheFilesInThem) {
  for (const bool in_pieces : {false, true}) {
    HttpFlow flow;
    const std::string message = post("Content-Type: multipart/form-data; boundary=\"b\"\r\n", kForm);
    if (in_pieces) {
      for (const char byte : message) flow.client({&byte, 1});
    } else {
      flow.client(message);
    }
    ASSERT_EQ(flow[0].files.size(), 2u);
    EXPECT_EQ(flow[0].files[0]->name, "one.txt");
    EXPECT_EQ(flow[0].files[0]->bytes, "first\r\n-\r\n--a\r\n");
    EXPECT_EQ(flow[0].files[0]->state, File::State::kClosed);
    EXPECT_EQ(flow[0].files[1]->name, "two");
    EXPECT_EQ(flow[0].files[1]->bytes, "second");
    EXPECT_EQ(flow.request("http.request_body"), kForm);
    EXPECT_EQ(flow.text("file.data", Side::kToServer, 0, 1), "second");
    EXPECT_EQ(flow.text("file.data", Side::kToServer, 0, 2), "-");
  }
}

TEST(HttpBodies, OfFormsAreFilesAsFarAsTheyCame) {
  const std::string message = post("Content-Type: multipart/form-data; boundary=b\r\n", kForm);
  for (std::size_t size = 0; size < message.size(); ++size) {
    HttpFlow flow;
    flow.client(message.substr(0, size)).end();
    if (flow.count() == 0) continue;
    for (const auto& file : flow[0].files) EXPECT_NE(file->state, File::State::kOpen) << size;
  }
}

TEST(HttpBodies, OfFormsSayWhatIsWrongWithThem) {
  HttpFlow flow;
  flow.client(post("Content-Type: multipart/form-data; boundary=b\r\n",
                   "--b\r\nno colon\r\n\r\nx\r\n--b\r\nContent-Disposition: a; filename=f\r\n\r\n--b--\r\n"));
  EXPECT_TRUE(flow.has_event("http.multipart_invalid_header"));
  EXPECT_TRUE(flow.has_event("http.multipart_no_filedata"));
}

TEST(HttpBodies, OfFlashAreUnpackedIfAskedFor) {
  std::string content = "what is in the film";
  std::string packed(200, 0);
  uLongf size = packed.size();
  compress(reinterpret_cast<Bytef*>(packed.data()), &size, reinterpret_cast<const Bytef*>(content.data()),
           content.size());
  const std::string film = std::string("CWS\x0a\x13\0\0\0", 8) + packed.substr(0, size);
  HttpFlow flow({{kRoot + "swf-decompression.enabled", "yes"}});
  flow.client(kGet).server(response("", film));
  EXPECT_EQ(flow.response("file.data"), std::string("FWS\x0a\x13\0\0\0", 8) + content);
  HttpFlow plain;
  plain.client(kGet).server(response("", film));
  EXPECT_EQ(plain.response("file.data"), film);
}

TEST(HttpBodies, MayHaveGaps) {
  HttpFlow flow({{kRoot + "response-body-minimal-inspect-size", "0"}});
  flow.client(kGet).server("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc").lose(Side::kToClient, 4).server("hij");
  EXPECT_TRUE(flow.is_alive());
  ASSERT_EQ(flow[0].files.size(), 1u);
  EXPECT_TRUE(flow[0].files[0]->has_gaps);
  EXPECT_EQ(flow[0].files[0]->size, 10u);
  EXPECT_EQ(flow.response("file.data"), "hij");
  EXPECT_EQ(flow.value("file.data", Side::kToClient).offset, 7u);
  EXPECT_TRUE(flow[0].is_complete());
}

TEST(HttpBodies, StayWithinBoundsWithoutALimit) {
  HttpFlow flow({{kRoot + "response-body-limit", "0"}, {kRoot + "request-body-limit", "0"}});
  const std::string piece(100'000, 'x');
  flow.client("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000000\r\n\r\n");
  for (int i = 0; i < 200; ++i) {
    flow.client(piece);
    ASSERT_LE(flow.value("http.request_body", Side::kToServer).bytes.size(), 500'000u);
    ASSERT_LE(flow[0].files.at(0)->bytes.size(), 1'000'000u);
  }
  EXPECT_EQ(flow[0].files[0]->size, 20'000'000u);
}

TEST(HttpBodies, ThatAreBombsAreNotUnpackedFarther) {
  const std::string zeros(64 * 1024 * 1024, 0);
  for (const auto& [name, packed] : {std::pair{"gzip, gzip", gzip(gzip(zeros))}, std::pair{"br", brotli(zeros)}}) {
    HttpFlow flow({{kRoot + "response-body-limit", "0"}});
    flow.client(kGet).server(response(std::string("Content-Encoding: ") + name + "\r\n", packed));
    EXPECT_TRUE(flow.has_event("http.compression_bomb")) << name;
    ASSERT_EQ(flow[0].files.size(), 1u);
    EXPECT_LT(flow[0].files[0]->size, 16'000'000u) << name;
  }
}

}  // namespace
}  // namespace tocsin::protocol
