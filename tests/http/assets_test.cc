#include "http/assets.h"

#include <gmock/gmock.h>
#include <unistd.h>
#include <zlib.h>

#include <filesystem>
#include <fstream>

#include "client.h"
#include "http/content_coding.h"

namespace tocsin::serve {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

std::string gunzip(const std::string& bytes) {
  z_stream stream{};
  inflateInit2(&stream, 16 + MAX_WBITS);
  std::string in = bytes, out(1 << 24, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(in.data());
  stream.avail_in = static_cast<uInt>(in.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const int state = inflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  inflateEnd(&stream);
  return state == Z_STREAM_END ? out : "not gzip";
}

class Page : public testing::Test {
 protected:
  void SetUp() override {
    directory_ = fs::temp_directory_path() / ("tocsin-page-" + std::to_string(::getpid()));
    fs::create_directories(directory_ / "page" / "assets");
    write("page/index.html", "<!doctype html>");
    write("page/assets/app-1a2b.js", "plain");
    write("page/assets/app-1a2b.js.br", "brotli");
    write("page/assets/app-1a2b.js.gz", "gzip");
    write("page/logo.svg", "<svg/>");
    write("page/alone.gz", "alone");
    write("secret.txt", "secret");
    fs::create_symlink("../secret.txt", directory_ / "page" / "link.txt");
  }
  void TearDown() override { fs::remove_all(directory_); }

  void write(const std::string& name, const std::string& text) {
    std::ofstream(directory_ / name, std::ios::binary) << text;
  }
  Expected<Assets> load() { return Assets::load(directory_ / "page"); }

  fs::path directory_;
};

Request get(const std::string& path, Fields headers = {}) {
  Request request;
  request.method = "GET";
  request.path = path;
  request.headers = std::move(headers);
  return request;
}

std::string field(const Response& response, std::string_view name) {
  for (const auto& [key, value] : response.headers) {
    if (key == name) return value;
  }
  return {};
}

TEST_F(Page, ServesItsFiles) {
  const Assets assets = load().value();
  for (const char* path : {"/", "/index.html", "/sightings", "/cases/7", "/a/b/c"}) {
    const Response page = assets.get(get(path));
    ASSERT_EQ(page.status, 200U) << path;
    EXPECT_EQ(*page.shared, "<!doctype html>") << path;
    EXPECT_EQ(field(page, "Content-Type"), "text/html; charset=utf-8");
    EXPECT_EQ(field(page, "Cache-Control"), "no-cache");
    EXPECT_THAT(field(page, "Content-Security-Policy"), HasSubstr("script-src 'self';"));
    EXPECT_THAT(field(page, "Content-Security-Policy"), HasSubstr("frame-ancestors 'none'"));
    EXPECT_THAT(field(page, "Content-Security-Policy"), testing::Not(HasSubstr("unsafe")));
  }
  EXPECT_EQ(field(assets.get(get("/logo.svg")), "Content-Type"), "image/svg+xml");
  EXPECT_EQ(*assets.get(get("/alone.gz")).shared, "alone");  // nothing's compressed form
}

TEST_F(Page, ServesNothingElse) {
  const Assets assets = load().value();
  for (const char* path : {"/missing.js", "/assets/missing", "/assets/", "/link.txt", "/../secret.txt",
                           "/assets/../../secret.txt", "/assets/app-1a2b.js.br", "/.git"}) {
    EXPECT_EQ(assets.get(get(path)).status, 404U) << path;
  }
  Request request = get("/");
  request.method = "POST";
  EXPECT_EQ(assets.get(request).status, 405U);
}

TEST_F(Page, ChoosesTheFormThatTheClientTakes) {
  const Assets assets = load().value();
  const auto form = [&](Fields headers) { return assets.get(get("/assets/app-1a2b.js", std::move(headers))); };
  EXPECT_EQ(*form({}).shared, "plain");
  EXPECT_EQ(field(form({}), "Content-Encoding"), "");
  EXPECT_EQ(field(form({}), "Vary"), "Accept-Encoding");
  EXPECT_EQ(field(form({}), "Cache-Control"), "public, max-age=31536000, immutable");
  EXPECT_EQ(*form({{"accept-encoding", "gzip, deflate, br"}}).shared, "brotli");
  EXPECT_EQ(field(form({{"accept-encoding", "br"}}), "Content-Encoding"), "br");
  EXPECT_EQ(*form({{"accept-encoding", "gzip, br;q=0"}}).shared, "gzip");
  EXPECT_EQ(*form({{"accept-encoding", "gzip"}, {"accept-encoding", "br"}}).shared, "brotli");
  EXPECT_EQ(field(form({{"accept-encoding", "br"}}), "Content-Type"), "text/javascript; charset=utf-8");

  const std::string tag = field(form({{"accept-encoding", "br"}}), "ETag");
  EXPECT_NE(tag, field(form({}), "ETag"));
  const Response known = form({{"accept-encoding", "br"}, {"if-none-match", tag}});
  EXPECT_EQ(known.status, 304U);
  EXPECT_FALSE(known.shared);
  EXPECT_EQ(form({{"if-none-match", tag}}).status, 200U);  // another form
}

TEST_F(Page, IsRefusedWithoutIndexOrOverItsLimit) {
  fs::remove(directory_ / "page" / "index.html");
  EXPECT_THAT(load().error().message, HasSubstr("index.html"));
  write("page/index.html", "x");
  fs::resize_file(directory_ / "page" / "logo.svg", (64 << 20) + 1);
  EXPECT_THAT(load().error().message, HasSubstr("64 MiB"));
  EXPECT_FALSE(Assets::load(directory_ / "nowhere"));
}

TEST_F(Page, IsNotReachedAroundThroughTheServer) {
  const Assets assets = load().value();
  Running server([&](const Request& request) { return assets.get(request); });
  for (const char* target :
       {"/../secret.txt", "/%2e%2e/secret.txt", "/assets/%2E%2E/%2e%2e/secret.txt", "/..%2fsecret.txt",
        "/%2e%2e%5csecret.txt", "/assets/..;/..;/secret.txt", "//secret.txt"}) {
    const auto reply = Client(server.port()).get(target);
    ASSERT_TRUE(reply);
    EXPECT_THAT(reply->body, testing::Not(HasSubstr("secret"))) << target;
    EXPECT_GE(reply->status, 400U) << target;
  }
  const auto page = Client(server.port()).get("/");
  EXPECT_THAT(page->get("content-security-policy"), HasSubstr("script-src 'self'"));
}

TEST(ContentCoding, IsWhatTheClientTakes) {
  EXPECT_TRUE(accepts("gzip", "gzip"));
  EXPECT_TRUE(accepts("br;q=1.0, GZIP;q=0.5", "gzip"));
  EXPECT_TRUE(accepts("*", "gzip"));
  EXPECT_TRUE(accepts("*;q=0, gzip", "gzip"));
  EXPECT_FALSE(accepts("", "gzip"));
  EXPECT_FALSE(accepts("gzip;q=0", "gzip"));
  EXPECT_FALSE(accepts("gzip; q=0.000, *", "gzip"));
  EXPECT_FALSE(accepts("xgzip, gzipx", "gzip"));
  EXPECT_FALSE(accepts("*;q=0", "gzip"));
}

TEST(ContentCoding, MakesGzip) {
  for (const std::size_t size : {0U, 1U, 1000U, 10'000'000U}) {
    std::string text(size, 'x');
    for (std::size_t i = 0; i < size; i += 7) text[i] = static_cast<char>(i * i);
    EXPECT_TRUE(gunzip(gzip(text, 6)) == text) << size;
  }
}

TEST(ContentCoding, CompressesASharedBodyOnce) {
  GzipCache cache;
  const auto body = std::make_shared<const std::string>(100'000, 'x');
  const auto first = cache.compressed(body);
  std::vector<std::jthread> threads;
  for (int i = 0; i < 4; ++i) threads.emplace_back([&] { EXPECT_EQ(cache.compressed(body), first); });
  threads.clear();
  // Another body in the same place is another body.
  for (int i = 0; i < 300; ++i) {
    const std::string text(2000, static_cast<char>('a' + i % 26));
    ASSERT_EQ(gunzip(*cache.compressed(std::make_shared<const std::string>(text))).substr(0, 1), text.substr(0, 1));
  }
}

TEST(ContentCoding, IsDoneByTheServerForLongText) {
  const std::string text = "\"" + std::string(5000, 'x') + "\"";
  const auto shared = std::make_shared<const std::string>(text);
  Running server([&](const Request& request) {
    Response response = json(text);
    if (request.path == "/short") response.body = "{}";
    if (request.path == "/shared") response.shared = shared;
    if (request.path == "/image") response.headers[0].second = "image/png";
    if (request.path == "/secret") response.headers.emplace_back("Cache-Control", "no-store");
    if (request.path == "/coded") response.headers.emplace_back("Content-Encoding", "br");
    if (request.path == "/cookie") response.headers.emplace_back("Vary", "Cookie");
    response.headers.emplace_back("ETag", "\"1\"");
    return response;
  });
  Client client(server.port());
  for (const char* path : {"/", "/shared", "/shared"}) {
    const auto reply = client.get(path, "Accept-Encoding: gzip\r\n");
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->get("content-encoding"), "gzip") << path;
    EXPECT_EQ(reply->get("vary"), "Accept-Encoding");
    EXPECT_EQ(reply->get("etag"), "W/\"1\"");
    EXPECT_TRUE(gunzip(reply->body) == text);
  }
  EXPECT_EQ(client.get("/cookie")->get("vary"), "Cookie, Accept-Encoding");
  EXPECT_EQ(client.get("/")->get("etag"), "\"1\"");
  EXPECT_EQ(client.get("/")->body, text);
  for (const char* path : {"/short", "/image", "/secret"}) {
    EXPECT_EQ(client.get(path, "Accept-Encoding: gzip\r\n")->get("content-encoding"), "") << path;
  }
  const auto coded = client.get("/coded", "Accept-Encoding: gzip\r\n");
  EXPECT_EQ(coded->get("content-encoding"), "br");
  EXPECT_EQ(coded->body, text);
}

}  // namespace
}  // namespace tocsin::serve
