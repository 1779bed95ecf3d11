// What the server does with those who ask too much of it, or take too long.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <atomic>
#include <latch>

#include "client.h"

namespace tocsin::serve {
namespace {

using std::chrono::seconds;
using testing::HasSubstr;

Response hello(const Request&) { return json("{}"); }

TEST(Limits, RefusesALongHeader) {
  ServerOptions options;
  options.header_limit = 1024;
  Running server(hello, options);
  const std::string start = "GET / HTTP/1.1\r\nHost: a\r\n";
  const std::string many = [] {
    std::string fields;
    for (int i = 0; i < 1000; ++i) fields += "X: y\r\n";
    return fields;
  }();
  for (const std::string& request :
       {start + "X: " + std::string(2000, 'x') + "\r\n\r\n", start + many + "\r\n", start + std::string(5000, 'x'),
        "GET /" + std::string(5000, 'x'), std::string(100'000, 'x')}) {
    Client client(server.port());
    client.send(request);
    const auto reply = client.reply();
    ASSERT_TRUE(reply) << request.substr(0, 60);
    EXPECT_EQ(reply->status, 431U) << request.substr(0, 60);
    EXPECT_TRUE(client.closed());
  }
  EXPECT_EQ(Client(server.port()).get("/", "X: " + std::string(900, 'x') + "\r\n")->status, 200U);
}

TEST(Limits, RefusesALongBody) {
  ServerOptions options;
  options.body_limit = 1000;
  Running server(hello, options);
  const std::string start = "POST / HTTP/1.1\r\nHost: a\r\n";
  for (const std::string& request :
       {start + "Content-Length: 1001\r\n\r\n" + std::string(1001, 'x'),
        start + "Content-Length: 1001\r\nExpect: 100-continue\r\n\r\n",
        start + "Content-Length: 18446744073709551615\r\n\r\n",
        start + "Transfer-Encoding: chunked\r\n\r\n3e9\r\n" + std::string(1001, 'x') + "\r\n0\r\n\r\n",
        start + "Transfer-Encoding: chunked\r\n\r\n3e8\r\n" + std::string(1000, 'x') + "\r\n1\r\nx\r\n0\r\n\r\n",
        start + "Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n"}) {
    Client client(server.port());
    client.send(request);
    const auto reply = client.reply();
    ASSERT_TRUE(reply) << request.substr(0, 100);
    EXPECT_EQ(reply->status, 413U) << request.substr(0, 100);
    EXPECT_TRUE(client.closed());
  }
  Client client(server.port());
  client.send(start + "Content-Length: 1000\r\n\r\n" + std::string(1000, 'x'));
  EXPECT_EQ(client.reply()->status, 200U);
}

TEST(Limits, TakesLongBodiesOnlyOfThoseItKnows) {
  ServerOptions options;
  options.stranger_body_limit = 100;
  options.body_limit = 1000;
  std::atomic<int> asked = 0;
  Running server([](const Request& request) { return json(std::to_string(request.body.size())); }, options,
                 std::chrono::seconds(10),
                 [&](const Request& request) {
                   ++asked;
                   const std::string* const name = request.header("name");
                   if (name != nullptr && *name == "fails") throw std::runtime_error("as a test has it");
                   return name != nullptr && *name == "friend" && request.peer == "127.0.0.1";
                 });
  const std::string stranger = "POST / HTTP/1.1\r\nHost: a\r\n", known = stranger + "Name: friend\r\n";
  const auto chunked = [](std::size_t size) {
    return "Transfer-Encoding: chunked\r\n\r\n32\r\n" + std::string(50, 'x') + fmt::format("\r\n{:x}\r\n", size - 50) +
           std::string(size - 50, 'x') + "\r\n0\r\n\r\n";
  };
  const auto plain = [](std::size_t size) {
    return fmt::format("Content-Length: {}\r\n\r\n", size) + std::string(size, 'x');
  };
  for (const std::string& request :
       {stranger + plain(101), stranger + "Content-Length: 101\r\nExpect: 100-continue\r\n\r\n",
        stranger + chunked(101), stranger + "Name: fails\r\n" + plain(101), known + plain(1001),
        known + chunked(1001)}) {
    Client client(server.port());
    client.send(request);
    const auto reply = client.reply();
    ASSERT_TRUE(reply) << request.substr(0, 100);
    EXPECT_EQ(reply->status, 413U) << request.substr(0, 100);
    EXPECT_TRUE(client.closed());
  }
  EXPECT_EQ(asked, 5);  // one was too long for anybody
  Client client(server.port());
  for (const auto& [request, size] : {std::pair{stranger + plain(100), "100"},
                                      {stranger + chunked(100), "100"},
                                      {known + plain(1000), "1000"},
                                      {known + chunked(1000), "1000"}}) {
    client.send(request + "GET / HTTP/1.1\r\nHost: a\r\n\r\n");  // what follows is not lost while it asks
    EXPECT_EQ(client.reply()->body, size);
    EXPECT_EQ(client.reply()->body, "0");
  }
  client.send(known + "Content-Length: 1000\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(client.reply()->status, 100U);
  client.send(std::string(1000, 'x'));
  EXPECT_EQ(client.reply()->body, "1000");
  EXPECT_EQ(asked, 9);
}

TEST(Limits, RefusesChunksWithoutEndOfTheirLines) {
  Running server(hello);
  const std::string start = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (const std::string& request :
       {start + "1;x=" + std::string(200'000, 'x'), start + "0\r\nX: " + std::string(200'000, 'x')}) {
    Client client(server.port());
    client.send(request);
    const auto reply = client.reply();
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->status, 400U);
    EXPECT_TRUE(client.closed());
  }
}

// Sends a byte now and then until the server has had enough.
void dribble(Client& client, std::string_view bytes) {
  for (int i = 0; i < kPatience / 50; ++i) {
    if (!client.send(bytes) || client.closed(50)) return;
  }
  FAIL() << "the server listens forever";
}

TEST(Limits, ClosesOnASlowHeader) {
  ServerOptions options;
  options.header_time = seconds(1);
  Running server(hello, options);
  Client first(server.port());
  first.send("GET / HTTP/1.1\r\n");
  dribble(first, "X: y\r\n");

  // Also after a request that was well.
  Client second(server.port());
  ASSERT_TRUE(second.get("/"));
  second.send("GET / HTTP/1.1\r\n");
  dribble(second, "X: y\r\n");
  EXPECT_TRUE(soon([&] { return server->counts().timed_out == 2; }));
}

TEST(Limits, ClosesOnASilentClient) {
  ServerOptions options;
  options.header_time = seconds(1);
  Running server(hello, options);
  Client client(server.port());
  EXPECT_TRUE(client.closed());
  EXPECT_TRUE(soon([&] { return server->counts().timed_out == 1; }));
}

TEST(Limits, ClosesOnASlowBody) {
  ServerOptions options;
  options.body_time = seconds(1);
  Running server(hello, options);
  Client client(server.port());
  client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n");
  dribble(client, "x");
  EXPECT_TRUE(soon([&] { return server->counts().timed_out == 1; }));
  EXPECT_EQ(server->counts().requests, 0U);
}

TEST(Limits, ClosesAnIdleConnection) {
  ServerOptions options;
  options.idle_time = seconds(1);
  Running server(hello, options);
  Client client(server.port());
  ASSERT_TRUE(client.get("/"));
  EXPECT_TRUE(client.closed());
  EXPECT_EQ(server->counts().timed_out, 0U);  // nothing wrong with it
}

TEST(Limits, ClosesOnAClientThatDoesNotRead) {
  const auto body = std::make_shared<const std::string>(64 << 20, 'x');
  ServerOptions options;
  options.write_time = seconds(1);
  Running server(
      [&](const Request&) {
        Response response;
        response.shared = body;
        return response;
      },
      options);
  Client client(server.port(), 4096);
  client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_TRUE(soon([&] { return server->counts().timed_out == 1; }));
  EXPECT_TRUE(soon([&] { return server->counts().open == 0; }));
  EXPECT_LT(server->counts().bytes_sent, body->size());
}

TEST(Limits, GivesAPeerItsShareOfConnections) {
  ServerOptions options;
  options.connections_of_peer = 3;
  Running server(hello, options);
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 3; ++i) {
    clients.push_back(std::make_unique<Client>(server.port()));
    ASSERT_TRUE(clients.back()->get("/"));
  }
  EXPECT_TRUE(Client(server.port()).closed());
  EXPECT_EQ(server->counts().refused, 1U);
  clients.pop_back();
  EXPECT_TRUE(soon([&] { return Client(server.port()).get("/").has_value(); }));
}

TEST(Limits, ClosesWhoWaitsLongestForANewConnection) {
  ServerOptions options;
  options.connections = 3;
  Running server(hello, options);
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 3; ++i) {
    clients.push_back(std::make_unique<Client>(server.port()));
    ASSERT_TRUE(clients.back()->get("/"));
  }
  ASSERT_TRUE(clients[0]->get("/"));  // now the second has waited longest
  Client fourth(server.port());
  ASSERT_TRUE(fourth.get("/"));
  EXPECT_TRUE(clients[1]->closed());
  EXPECT_TRUE(clients[0]->get("/"));
  EXPECT_TRUE(clients[2]->get("/"));
}

TEST(Limits, RefusesAConnectionWhenAllAreBusy) {
  ServerOptions options;
  options.connections = 2;
  std::latch go(1);
  Running server(
      [&](const Request&) {
        go.wait();
        return json("{}");
      },
      options);
  Client first(server.port()), second(server.port());
  for (Client* const client : {&first, &second}) client->send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  ASSERT_TRUE(soon([&] { return server->counts().requests == 2; }));
  EXPECT_TRUE(Client(server.port()).closed());
  go.count_down();
  EXPECT_TRUE(first.reply());
  EXPECT_TRUE(second.reply());
}

TEST(Limits, SaysThatItIsBusyWhenTheQueueIsFull) {
  ServerOptions options;
  options.workers = 1;
  options.queue = 1;
  std::latch go(1);
  std::atomic<int> begun = 0;
  Running server(
      [&](const Request&) {
        ++begun;
        go.wait();
        return json("{}");
      },
      options);
  const std::string request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
  Client worked_on(server.port()), waits(server.port()), refused(server.port());
  worked_on.send(request);
  ASSERT_TRUE(soon([&] { return begun == 1; }));
  waits.send(request);
  ASSERT_TRUE(soon([&] { return server->counts().requests == 2; }));
  const auto reply = refused.get("/");
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->status, 503U);
  EXPECT_NE(reply->get("retry-after"), "");
  EXPECT_EQ(server->counts().refused, 1U);
  go.count_down();
  EXPECT_EQ(worked_on.reply()->status, 200U);
  EXPECT_EQ(waits.reply()->status, 200U);
  EXPECT_EQ(refused.get("/")->status, 200U);  // on the same connection
}

// One worker, which is kept busy until told.
class BusyServer {
 public:
  explicit BusyServer(ServerOptions options = {}) : server_(answering(), one_worker(options), grace(), {}, is_prompt) {
    busy_.send("GET /first HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_TRUE(soon([this] { return worked_on_ == 1; }));
  }
  ~BusyServer() { release(); }
  void release() {
    if (!is_released_) go_.count_down();
    is_released_ = true;
  }
  void queue(Client& client) {
    const std::uint64_t before = server_->counts().requests;
    client.send("GET /later HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_TRUE(soon([&] { return server_->counts().requests == before + 1; }));
  }
  std::uint16_t port() const { return server_.port(); }
  int worked_on() const { return worked_on_; }
  std::uint64_t refused() { return server_->counts().refused; }

 private:
  static ServerOptions one_worker(ServerOptions options) {
    options.workers = 1;
    return options;
  }
  static std::chrono::seconds grace() { return std::chrono::seconds(10); }
  static bool is_prompt(const Request& request) { return request.path == "/prompt"; }
  Handler answering() {
    return [this](const Request& request) {
      if (request.path == "/prompt") return json("{}");
      ++worked_on_;
      go_.wait();
      return json("{}");
    };
  }

  std::latch go_{1};
  bool is_released_ = false;
  std::atomic<int> worked_on_ = 0;
  Running server_;
  Client busy_{server_.port()};
};

TEST(Limits, DoesNotWorkForClientsThatHaveGone) {
  ServerOptions options;
  options.queue_time_half_closed = std::chrono::milliseconds(0);
  BusyServer server(options);
  for (const bool is_reset : {true, false}) {
    auto gone = std::make_unique<Client>(server.port());
    server.queue(*gone);
    if (is_reset) gone->reset();
  }
  Client stays(server.port());
  server.queue(stays);
  server.release();
  EXPECT_EQ(stays.reply()->status, 200U);
  EXPECT_EQ(server.worked_on(), 2);
  EXPECT_EQ(server.refused(), 2U);
}

TEST(Limits, SaysThatItIsBusyWhenARequestWaitedTooLong) {
  ServerOptions options;
  options.queue_time = std::chrono::seconds(2);  // the request that keeps the worker busy waits less
  BusyServer server(options);
  Client late(server.port());
  server.queue(late);
  std::this_thread::sleep_for(options.queue_time + std::chrono::milliseconds(10));
  server.release();
  const auto reply = late.reply();
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->status, 503U);
  EXPECT_NE(reply->get("retry-after"), "");
  EXPECT_EQ(reply->get("content-type"), "application/problem+json");
  EXPECT_EQ(server.worked_on(), 1);
  EXPECT_EQ(late.get("/prompt")->status, 200U);  // on the same connection
}

TEST(Limits, AnswersWhatIsPromptWhileAllWorkersAreBusy) {
  BusyServer server;
  Client waits(server.port()), prompt(server.port());
  server.queue(waits);
  const auto reply = prompt.get("/prompt");
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->status, 200U);
  EXPECT_EQ(server.worked_on(), 1);
}

}  // namespace
}  // namespace tocsin::serve
