// Answers without an end in sight, and the end of the server itself.
#include <gmock/gmock.h>

#include <atomic>
#include <latch>

#include "client.h"

namespace tocsin::serve {
namespace {

using std::chrono::seconds;
using testing::HasSubstr;

const std::string kGet = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

Response streamed(std::function<void(BodyWriter&)> body) {
  Response response;
  response.headers = {{"Content-Type", "text/csv"}};
  response.stream = std::move(body);
  return response;
}

TEST(Stream, SendsAllAndKeepsTheConnection) {
  Running server([](const Request&) {
    return streamed([](BodyWriter& writer) {
      for (int i = 0; i < 10'000; ++i) ASSERT_TRUE(writer.write(std::to_string(i) + "\n"));
      ASSERT_TRUE(writer.write(std::string(1'000'000, 'x')));
    });
  });
  Client client(server.port());
  for (int i = 0; i < 2; ++i) {
    const auto reply = client.get("/");
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->get("transfer-encoding"), "chunked");
    EXPECT_EQ(reply->get("content-length"), "");
    EXPECT_EQ(reply->body.size(), 48'890U + 1'000'000U);
    EXPECT_EQ(reply->body.substr(0, 8), "0\n1\n2\n3\n");
  }
  client.send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n" + kGet);
  EXPECT_EQ(client.reply(true)->status, 200U);
  EXPECT_EQ(client.reply()->body.size(), 1'048'890U);
}

TEST(Stream, EndsWithTheConnectionInOldHttp) {
  Running server([](const Request&) { return streamed([](BodyWriter& writer) { writer.write("abc"); }); });
  Client client(server.port());
  client.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  const auto reply = client.reply();
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->get("transfer-encoding"), "");
  EXPECT_EQ(reply->get("connection"), "close");
  EXPECT_EQ(reply->body, "abc");
}

TEST(Stream, SendsAtOnceWhatIsThere) {
  std::latch read(1);
  Running server([&](const Request&) {
    return streamed([&](BodyWriter& writer) {
      writer.write("first");
      read.wait();
      writer.write("second");
    });
  });
  Client client(server.port());
  client.send(kGet);
  ASSERT_TRUE(client.head());
  EXPECT_EQ(client.chunk(), "first");
  read.count_down();
  EXPECT_EQ(client.chunk(), "second");
  EXPECT_EQ(client.chunk(), "");
}

TEST(Stream, WaitsForTheClient) {
  constexpr std::size_t kAll = 64 << 20;
  std::atomic<std::size_t> written = 0;
  Running server([&](const Request&) {
    return streamed([&](BodyWriter& writer) {
      const std::string block(65536, 'x');
      while (written < kAll && writer.write(block)) written += block.size();
    });
  });
  Client client(server.port(), 65536);
  client.send(kGet);
  ASSERT_TRUE(client.head());
  // Until it stands still.
  std::size_t before = 0;
  ASSERT_TRUE(soon([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    return std::exchange(before, written) == written && written > 0;
  }));
  EXPECT_LT(written, kAll / 2);
  std::size_t read = 0;
  for (std::optional<std::string> chunk; (chunk = client.chunk()) && !chunk->empty();) read += chunk->size();
  EXPECT_EQ(read, kAll);
}

TEST(Stream, TellsThatTheClientIsGone) {
  std::atomic<bool> told = false;
  Running server([&](const Request&) {
    return streamed([&](BodyWriter& writer) {
      while (writer.write(std::string(10'000, 'x'))) {
      }
      told = true;
    });
  });
  Client client(server.port());
  client.send(kGet);
  ASSERT_TRUE(client.head());
  client.reset();
  EXPECT_TRUE(soon([&] { return told.load(); }));
  EXPECT_TRUE(soon([&] { return server->counts().open == 0; }));
}

TEST(Stream, BreaksOffSoThatTheClientKnows) {
  Running server([](const Request&) {
    return streamed([](BodyWriter& writer) {
      writer.write("some");
      throw std::runtime_error("the store is gone");
    });
  });
  Client client(server.port());
  client.send(kGet);
  EXPECT_FALSE(client.reply());
  EXPECT_TRUE(client.closed());
}

TEST(Stream, LetsNotManyInAtOnceAndHoldsUpNobodyElse) {
  ServerOptions options;
  options.streams = 2;
  options.workers = 1;
  std::latch go(1);
  std::atomic<int> begun = 0;
  Running server(
      [&](const Request& request) {
        if (request.path != "/stream") return json("{}");
        return streamed([&](BodyWriter& writer) {
          ++begun;
          go.wait();
          writer.write("x");
        });
      },
      options);
  Client first(server.port()), second(server.port()), third(server.port());
  for (Client* const client : {&first, &second}) client->send("GET /stream HTTP/1.1\r\nHost: a\r\n\r\n");
  ASSERT_TRUE(soon([&] { return begun == 2; }));
  const auto reply = third.get("/stream");
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->status, 503U);
  EXPECT_NE(reply->get("retry-after"), "");
  EXPECT_EQ(third.get("/")->status, 200U);
  go.count_down();
  EXPECT_EQ(first.reply()->body, "x");
  EXPECT_EQ(second.reply()->body, "x");
  EXPECT_TRUE(soon([&] { return third.get("/stream")->status == 200; }));
}

Response follow(const Request&) {
  Response response;
  response.events = true;
  return response;
}

TEST(Events, ReachEverySubscriber) {
  Running server(follow);
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 20; ++i) {
    clients.push_back(std::make_unique<Client>(server.port()));
    clients.back()->send(kGet);
    const auto head = clients.back()->head();
    ASSERT_TRUE(head);
    EXPECT_EQ(head->get("content-type"), "text/event-stream");
    EXPECT_EQ(head->get("cache-control"), "no-store");
    EXPECT_EQ(clients.back()->chunk(), ":\n\n");
  }
  EXPECT_EQ(server->counts().subscribers, 20U);
  server->broadcast("counts\nevent: forged", "{\"a\":1,\n\"b\":2}\r\nc\rd");
  server->broadcast("sensors", "{}");
  for (const auto& client : clients) {
    EXPECT_EQ(client->chunk(), "event: countsevent: forged\ndata: {\"a\":1,\ndata: \"b\":2}\ndata: c\ndata: d\n\n");
    EXPECT_EQ(client->chunk(), "event: sensors\ndata: {}\n\n");
  }
  clients.resize(5);
  EXPECT_TRUE(soon([&] { return server->counts().subscribers == 5; }));
}

TEST(Events, LeaveBehindWhoDoesNotKeepUp) {
  Running server(follow);
  Client slow(server.port(), 4096), quick(server.port());
  for (Client* const client : {&slow, &quick}) {
    client->send(kGet);
    ASSERT_TRUE(client->head());
    ASSERT_TRUE(client->chunk());
  }
  ASSERT_EQ(server->counts().subscribers, 2U);
  const std::string event(500'000, 'x');
  for (int i = 0; i < 200 && server->counts().subscribers == 2; ++i) {
    server->broadcast("counts", event);
    ASSERT_TRUE(quick.chunk());
  }
  EXPECT_TRUE(soon([&] { return server->counts().subscribers == 1; }));
  server->broadcast("counts", "1");
  EXPECT_EQ(quick.chunk(), "event: counts\ndata: 1\n\n");
}

TEST(Events, HaveSomanySubscribersAndNoMore) {
  ServerOptions options;
  options.subscribers = 1;
  Running server(follow, options);
  auto first = std::make_unique<Client>(server.port());
  first->send(kGet);
  ASSERT_EQ(first->head()->status, 200U);
  Client second(server.port());
  EXPECT_EQ(second.get("/")->status, 503U);
  first.reset();
  EXPECT_TRUE(soon([&] { return server->counts().subscribers == 0; }));
  second.send(kGet);
  EXPECT_EQ(second.head()->status, 200U);
}

TEST(Stop, AnswersWhatIsUnderWay) {
  std::latch begun(1), go(1);
  Running server([&](const Request& request) {
    if (request.path == "/slow") {
      begun.count_down();
      go.wait();
    }
    return json("{}");
  });
  Client slow(server.port()), idle(server.port());
  ASSERT_TRUE(idle.get("/"));
  slow.send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n" + kGet);
  begun.wait();
  server->stop();
  EXPECT_TRUE(idle.closed());
  EXPECT_TRUE(soon([&] { return !Client(server.port()).connected(); }));
  go.count_down();
  const auto reply = slow.reply();
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->status, 200U);
  EXPECT_EQ(reply->get("connection"), "close");
  EXPECT_TRUE(slow.closed());
  server.stop();
}

TEST(Stop, EndsEventsAtOnceAndStreamsAfterItsGrace) {
  std::atomic<bool> told = false;
  Running server(
      [&](const Request& request) {
        if (request.path == "/events") return follow(request);
        return streamed([&](BodyWriter& writer) {
          while (writer.write("x")) std::this_thread::sleep_for(std::chrono::milliseconds(1));
          told = true;
        });
      },
      {}, seconds(1));
  Client events(server.port()), stream(server.port());
  events.send("GET /events HTTP/1.1\r\nHost: a\r\n\r\n");
  stream.send(kGet);
  ASSERT_TRUE(events.head());
  ASSERT_TRUE(stream.head());
  server->stop();
  EXPECT_TRUE(events.closed());
  EXPECT_FALSE(told);
  EXPECT_EQ(stream.chunk()->substr(0, 1), "x");
  server.stop();
  EXPECT_TRUE(stream.closed());
  EXPECT_TRUE(soon([&] { return told.load(); }));
}

TEST(Stop, DoesNotWaitForAHandlerBeyondItsGrace) {
  std::latch begun(1), go(1);
  Running server(
      [&](const Request&) {
        begun.count_down();
        go.wait();
        return json("{}");
      },
      {}, seconds(0));
  Client client(server.port());
  client.send(kGet);
  begun.wait();
  server.stop();  // returns, though the handler does not
  EXPECT_TRUE(client.closed());
  go.count_down();
}

TEST(Stop, MayComeBeforeItRuns) {
  ServerOptions options;
  options.port = 0;
  auto server = Server::listen(options, follow);
  ASSERT_TRUE(server);
  (*server)->stop();
  (*server)->run();
}

}  // namespace
}  // namespace tocsin::serve
