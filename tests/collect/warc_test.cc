#include <gtest/gtest.h>
#include <zlib.h>

#include "collect/http_body.h"
#include "read_all.h"

namespace tocsin::testing {
namespace {

std::string deflated(const std::string& text, int window) {
  z_stream stream{};
  deflateInit2(&stream, 9, Z_DEFLATED, window, 8, Z_DEFAULT_STRATEGY);
  std::string out(text.size() + 256, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(out.size() - stream.avail_out);
  deflateEnd(&stream);
  return out;
}

std::string record(const std::string& type, const std::string& block, const std::string& more = "",
                   const std::string& content = "application/http; msgtype=response") {
  return "WARC/1.0\r\nWARC-Type: " + type +
         "\r\nWARC-Target-URI: https://www.site.example/a\r\nWARC-Date: 2024-03-01T10:00:00Z\r\n"
         "WARC-IP-Address: 203.0.113.80\r\nContent-Type: " +
         content + "\r\n" + more + "Content-Length: " + std::to_string(block.size()) + "\r\n\r\n" + block + "\r\n\r\n";
}

std::string response(const std::string& body, const std::string& headers = "", const std::string& status = "200 OK") {
  return "HTTP/1.1 " + status + "\r\nContent-Type: text/html; charset=utf-8\r\n" + headers + "\r\n" + body;
}

const std::string kPage = "<html><title>Hello</title><p>words</p></html>";

TEST(Warc, ReadsHtmlOfResponses) {
  const std::string info = record("warcinfo", "software: x\r\n", "", "application/warc-fields");
  const auto all = observations_of(info + record("request", "GET / HTTP/1.1\r\n\r\n") +
                                   record("response", response(kPage)) + record("revisit", response("")) +
                                   record("response", "HTTP/1.1 200 OK\r\nContent-Type: image/png\r\n\r\nPNG"));
  EXPECT_EQ(all->skips.count(), 0U);
  EXPECT_EQ(all->records, 5U);
  EXPECT_EQ(all->passed_over, 4U);
  ASSERT_EQ(all->batch.pages.size(), 1U);
  const Page& page = all->batch.pages[0];
  EXPECT_EQ(page.html, kPage);
  EXPECT_EQ(page.url, "https://www.site.example/a");
  EXPECT_EQ(page.server, (Endpoint{*IpAddress::parse("203.0.113.80"), 443}));
  EXPECT_EQ(page.time, *parse_time("2024-03-01T10:00:00Z"));
  EXPECT_EQ(page.status, 200);
  EXPECT_EQ(page.place.record, 3U);
  EXPECT_EQ(page.place.source, 3U);
}

TEST(Warc, ReadsGzipByRecordAndResources) {
  const std::string text = deflated(record("response", response(kPage, "", "404 Not Found")), 31) +
                           deflated(record("resource", kPage, "", "text/html"), 31);
  const auto input = InputStream::of_bytes(text);
  ASSERT_EQ(recognise(input->peek(65'536)), Format::kWarc);
  const auto all = observations_of(*input, Format::kWarc);
  ASSERT_EQ(all->batch.pages.size(), 2U);
  EXPECT_EQ(all->batch.pages[0].status, 404);
  EXPECT_EQ(all->batch.pages[1].html, kPage);
}

TEST(Warc, UndoesTransferAndContentEncodings) {
  const std::string gz = "Content-Encoding: gzip\r\n", deflate = "Content-Encoding: deflate\r\n";
  const std::string chunked = "Transfer-Encoding: chunked\r\n";
  const auto chunks = [](const std::string& text) {
    return "5;x=y\r\n" + text.substr(0, 5) + "\r\n" + std::string(1, "0123456789abcdef"[(text.size() - 5) / 16]) +
           std::string(1, "0123456789abcdef"[(text.size() - 5) % 16]) + "\r\n" + text.substr(5) + "\r\n0\r\n\r\n";
  };
  for (const std::string& block :
       {response(deflated(kPage, 31), gz), response(deflated(kPage, 15), deflate),
        response(deflated(kPage, -15), deflate), response(chunks(kPage), chunked),
        response(chunks(deflated(kPage, 31)), gz + chunked), response(kPage, gz), response(kPage, chunked)}) {
    const auto all = observations_of(record("response", block));
    ASSERT_EQ(all->batch.pages.size(), 1U) << block.substr(0, 120);
    EXPECT_EQ(all->batch.pages[0].html, kPage);
  }
  const auto brotli = observations_of(record("response", response("\x8b\x02\x80", "Content-Encoding: br\r\n")));
  EXPECT_EQ(brotli->batch.pages.size(), 0U);
  EXPECT_EQ(brotli->skips.count(), 1U);
}

TEST(Warc, BoundsAPageThatUnpacksToMuch) {
  const std::string bomb = deflated("<p>" + std::string(50'000'000, 'a'), 31);
  const auto all = observations_of(record("response", response(bomb, "Content-Encoding: gzip\r\n")));
  ASSERT_EQ(all->batch.pages.size(), 1U);
  EXPECT_EQ(all->batch.pages[0].html.size(), 1U << 20);
  const auto huge = observations_of(record("response", response("<p>" + std::string(20'000'000, 'a'))) +
                                    record("response", response(kPage)));
  ASSERT_EQ(huge->batch.pages.size(), 2U);
  EXPECT_EQ(huge->batch.pages[0].html.size(), 1U << 20);
  EXPECT_EQ(huge->skips.count(), 0U);
}

TEST(Warc, EndsABatchAfterSomeText) {
  std::string text;
  for (int i = 0; i < 40; ++i) text += record("response", response("<p>" + std::string(2'000'000, 'a')));
  const auto input = InputStream::of_bytes(text);
  const auto reader = make_observation_reader(Format::kWarc, *input, 0);
  Batch batch;
  EXPECT_TRUE(reader->read(batch));
  EXPECT_LE(batch.pages.size(), 17U);
}

TEST(Warc, GoesOnAfterDamage) {
  const std::string good = record("response", response(kPage));
  std::string too_long = good, too_short = good, no_length = good, bad_date = good;
  too_long.replace(too_long.find("Content-Length: ") + 16, 2, "9999");
  too_short.replace(too_short.find("Content-Length: ") + 16, 3, "60");
  no_length.replace(no_length.find("Content-Length"), 14, "Content-Breadth");
  bad_date.replace(bad_date.find("2024-03"), 4, "xxxx");
  for (const std::string& bad :
       {too_long, too_short, no_length, bad_date, good.substr(0, 100), std::string("junk\n")}) {
    const auto all = observations_of(good + bad + good + good);
    EXPECT_GE(all->batch.pages.size(), 3U) << bad.substr(0, 400);
    EXPECT_GE(all->skips.count(), 1U) << bad.substr(0, 400);
  }
}

TEST(Warc, SurvivesCutsAndNoise) {
  const std::string text = record("response", response("5\r\n<html\r\n0\r\n\r\n", "Transfer-Encoding: chunked\r\n")) +
                           record("response", response(deflated(kPage, 31), "Content-Encoding: gzip\r\n"));
  for (std::size_t size = 0; size <= text.size(); ++size) observations_of(text.substr(0, size), Format::kWarc);
  for (std::size_t at = 0; at < text.size(); ++at) {
    for (const char with : {'\0', '\n', '9', ':', '\xff', '<'}) {
      std::string damaged = text;
      damaged[at] = with;
      observations_of(damaged, Format::kWarc);
    }
  }
  for (std::uint64_t seed = 0; seed < 100; ++seed) observations_of(text + noise(3000, seed) + text, Format::kWarc);
}

}  // namespace
}  // namespace tocsin::testing
