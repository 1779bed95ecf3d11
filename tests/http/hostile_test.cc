// Twenty thousand requests that no client would send.
#include <gtest/gtest.h>

#include <random>

#include "client.h"
#include "http/request_reader.h"

namespace tocsin::serve {
namespace {

class Mutator {
 public:
  std::string next() {
    static const std::vector<std::string> kSeeds{
        "GET /api/v1/figures/a?from=2013-01-01&by=day HTTP/1.1\r\nHost: a\r\nCookie: x=y\r\n\r\n",
        "POST /api/v1/cases HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\nContent-Type: "
        "application/json\r\n\r\n{\"a\":[1,2]}",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\nX: y\r\n\r\n",
        "HEAD http://a:1/%C3%A9 HTTP/1.1\r\nHost: a:1\r\nConnection: keep-alive, x\r\n\r\n",
        "GET / HTTP/1.0\r\nExpect: 100-continue\r\nX: a\r\n b\r\n\r\n",
    };
    static const std::vector<std::string> kPieces{
        "\r\n",
        "\n",
        "\r",
        "\r\n\r\n",
        "%00",
        "%2e%2e/",
        "/../",
        "Content-Length: 1\r\n",
        "chunked",
        ":",
        " ",
        "\t",
        "0",
        "ffffffffffffffff",
        "Host: b\r\n",
        "Transfer-Encoding: ",
        "HTTP/1.1",
        "\xff",
        std::string(1, '\0'),
        "?&=",
        "*",
        "[::1]:99999",
        "-1",
        std::string(300, 'A'),
    };
    std::string text = pick(kSeeds);
    for (std::size_t changes = 1 + random_() % 4; changes > 0; --changes) {
      const std::size_t at = text.empty() ? 0 : random_() % text.size();
      switch (random_() % 6) {
        case 0:
          if (!text.empty()) text[at] = static_cast<char>(random_());
          break;
        case 1:
          text.insert(at, pick(kPieces));
          break;
        case 2:
          text.erase(at, random_() % 8);
          break;
        case 3:
          text.resize(at);
          break;
        case 4:
          text.insert(at, text.substr(at, random_() % 40));
          break;
        default:
          text += pick(kSeeds);
      }
    }
    return text;
  }

 private:
  const std::string& pick(const std::vector<std::string>& all) { return all[random_() % all.size()]; }
  std::mt19937_64 random_{20130201};  // NOLINT(bugprone-random-generator-seed): the same each time
};

TEST(Hostile, DoesNotStopTheServer) {
  Running server([](const Request& request) {
    // What reaches a handler is as http.h says.
    EXPECT_TRUE(request.path.starts_with('/'));
    EXPECT_EQ(request.path.find('\0'), std::string::npos);
    EXPECT_EQ((request.path + "/").find("/../"), std::string::npos);
    if (request.query.size() % 2 == 0) return json(std::string(2000, 'x'));
    Response response;
    response.stream = [](BodyWriter& writer) { writer.write("x"); };
    return response;
  });
  Mutator mutator;
  for (int i = 0; i < 10'000; ++i) {
    Client client(server.port());
    ASSERT_TRUE(client.connected()) << i;
    const std::string first = mutator.next();
    client.send(first + mutator.next());
    if (i % 5 == 0) {
      client.reset();
    } else {
      client.half_close();
      ASSERT_TRUE(client.closed()) << i;
    }
  }
  const auto reply = Client(server.port()).get("/");
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->status, 200U);
  EXPECT_TRUE(soon([&] { return server->counts().open == 0; }));
  EXPECT_GT(server->counts().requests, 1000U);
  EXPECT_GT(server->counts().malformed, 1000U);
}

// In whatever pieces bytes come, the same requests are made of them.
TEST(Hostile, IsReadAlikeInPieces) {
  Mutator mutator;
  std::mt19937 random(1);  // NOLINT(bugprone-random-generator-seed)
  const auto read = [](std::string_view bytes, auto size_of_next) {
    RequestReader reader(4096, 4096, 4096);
    std::string seen;
    while (true) {
      while (reader.stage() == RequestReader::Stage::kComplete) {
        const Request request = reader.request();
        seen += request.method + " " + request.path + " " + std::to_string(request.headers.size()) + request.body + "|";
        reader.next();
      }
      if (bytes.empty() || reader.stage() == RequestReader::Stage::kRefused) break;
      const std::size_t some = std::min<std::size_t>(size_of_next(), bytes.size());
      reader.take(bytes.substr(0, some));
      bytes.remove_prefix(some);
    }
    return seen;  // whether it refuses the last one already, or waits for its end, may differ
  };
  for (int i = 0; i < 20'000; ++i) {
    const std::string bytes = mutator.next();
    const std::string whole = read(bytes, [] { return 1'000'000; });
    ASSERT_EQ(read(bytes, [&] { return 1 + random() % 20; }), whole) << i << ": " << bytes;
  }
}

}  // namespace
}  // namespace tocsin::serve
