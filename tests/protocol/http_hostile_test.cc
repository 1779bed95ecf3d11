// What no browser sends: pieces of every size, bytes that were changed, floods.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "http_flow.h"

namespace tocsin::protocol {
namespace {

constexpr std::string_view kRequest =
    "POST /a%20b?c=%41 HTTP/1.1\r\nHost: h:80\r\nContent-Type: multipart/form-data; boundary=b\r\nCookie: c\r\n"
    "Content-Length: 83\r\nExpect: 100-continue\r\n\r\n"
    "--b\r\nContent-Disposition: form-data; name=f; filename=\"f\"\r\n\r\nbytes\r\n--b--\r\n12345678"
    "GET /2 HTTP/1.1\r\nHost: h\r\n\r\n";
constexpr std::string_view kResponse =
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Encoding: identity\r\n"
    "Content-Range: bytes 1-2/10\r\nContent-Disposition: attachment; filename=\"x\"\r\n folded\r\n\r\n"
    "5\r\nabcde\r\n3;x=y\r\nfgh\r\n0\r\nTrailer: t\r\n\r\nHTTP/1.0 404 No\r\n\r\nuntil the end";

// Asks for all there is.
std::string everything(HttpFlow& flow) {
  std::string all;
  for (std::size_t i = 0; i < flow.count(); ++i) {
    for (const Side side : {Side::kToServer, Side::kToClient}) {
      for (int field = -1; field < 40; ++field) {
        if (field == http_protocol().field("file.magic")) continue;  // slow, and of libmagic
        for (std::size_t index = 0; index < 3; ++index) {
          const Value value = flow[i].value(field, side, index);
          all += static_cast<char>('0' + static_cast<int>(value.presence));
          all.append(reinterpret_cast<const char*>(value.bytes.data()), value.bytes.size());
        }
      }
    }
    all += flow[i].eve();
    for (const auto& file : flow[i].files) all += file->name + file->bytes;
  }
  return all;
}

TEST(HttpHostile, PiecesMakeNoDifference) {
  HttpFlow whole;
  whole.client(kRequest).server(kResponse).end();
  const std::string expected = everything(whole);
  ASSERT_EQ(whole.count(), 2u);
  for (const std::size_t size : {1, 2, 3, 7, 50}) {
    HttpFlow flow;
    for (std::size_t at = 0; at < kRequest.size(); at += size) flow.client(kRequest.substr(at, size));
    for (std::size_t at = 0; at < kResponse.size(); at += size) flow.server(kResponse.substr(at, size));
    flow.end();
    const std::string got = everything(flow);
    const auto [a, b] = std::ranges::mismatch(got, expected);
    EXPECT_TRUE(got == expected) << size << " at " << a - got.begin() << ": " << got.substr(a - got.begin(), 80)
                                 << " for " << expected.substr(a - got.begin(), 80);
  }
}

TEST(HttpHostile, CutAnywhereItEnds) {
  for (std::size_t size = 0; size <= kRequest.size(); ++size) {
    HttpFlow flow;
    flow.client(kRequest.substr(0, size));
    everything(flow);
    flow.end();
    everything(flow);
  }
  for (std::size_t size = 0; size <= kResponse.size(); ++size) {
    HttpFlow flow;
    flow.client(kRequest).server(kResponse.substr(0, size)).end();
    for (std::size_t i = 0; i < flow.count(); ++i) {
      for (const auto& file : flow[i].files) EXPECT_NE(file->state, File::State::kOpen) << size;
    }
    everything(flow);
  }
}

TEST(HttpHostile, WithGapsAnywhereItGoesOn) {
  for (std::size_t at = 0; at < kResponse.size(); at += 3) {
    HttpFlow flow;
    flow.client(kRequest).server(kResponse.substr(0, at)).lose(Side::kToClient, 5);
    flow.server(kResponse.substr(at)).lose(Side::kToServer, 1'000'000'000'000).client(kRequest).end();
    everything(flow);
  }
}

TEST(HttpHostile, ChangedBytesDoNoHarm) {
  std::mt19937 random(7);
  const auto change = [&](std::string_view text) {
    std::string changed(text);
    const int count = static_cast<int>(random() % 12);
    for (int i = 0; i < count; ++i) {
      const std::size_t at = random() % changed.size();
      switch (random() % 4) {
        case 0:
          changed[at] = static_cast<char>(random());
          break;
        case 1:
          changed.erase(at, random() % 20);
          break;
        case 2:
          changed.insert(at, changed.substr(random() % changed.size(), random() % 40));
          break;
        default:
          changed[at] = "\r\n:; \0%/"[random() % 8];
          break;
      }
      if (changed.empty()) changed = "x";
    }
    return changed;
  };
  for (int round = 0; round < 3'000; ++round) {
    HttpFlow flow;
    const std::string request = change(kRequest), response = change(kResponse);
    std::size_t sent = 0, answered = 0;
    while (sent < request.size() || answered < response.size()) {
      const std::size_t size = 1 + random() % 200;
      if (random() % 2 == 0 && sent < request.size()) {
        flow.client(std::string_view(request).substr(sent, size));
        sent += size;
      } else if (answered < response.size()) {
        flow.server(std::string_view(response).substr(answered, size));
        answered += size;
      } else {
        sent += size;
      }
      if (random() % 50 == 0) flow.lose(random() % 2 == 0 ? Side::kToServer : Side::kToClient, random() % 100);
      // Transactions may be taken away at any time.
      if (random() % 40 == 0 && flow.count() != 0) flow.parser().transactions.pop_front();
    }
    everything(flow);
    flow.end();
    everything(flow);
  }
}

TEST(HttpHostile, RandomBytesDoNoHarm) {
  std::mt19937 random(8);
  for (int round = 0; round < 1'000; ++round) {
    HttpFlow flow;
    for (int i = 0; i < 8; ++i) {
      std::string bytes(random() % 300, 0);
      for (char& byte : bytes) byte = static_cast<char>(random());
      flow.send(random() % 2 == 0 ? Side::kToServer : Side::kToClient, bytes);
    }
    flow.end();
    everything(flow);
  }
}

TEST(HttpHostile, FloodsOfRequestsAreRefused) {
  HttpFlow flow;
  std::string many;
  for (int i = 0; i < 100'000; ++i) many += "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
  flow.client(many);
  EXPECT_FALSE(flow.is_alive());
  EXPECT_LE(flow.count(), 513u);
  flow.client("GET / HTTP/1.1\r\n\r\n").end();
  EXPECT_LE(flow.count(), 513u);
}

TEST(HttpHostile, FloodsOfHeadersAreRefused) {
  HttpFlow flow;
  flow.client("GET / HTTP/1.1\r\nHost: h\r\n");
  for (int i = 0; i < 2'000'000 && flow.is_alive(); ++i) flow.client("h" + std::to_string(i) + ": v\r\n");
  EXPECT_FALSE(flow.is_alive());
  HttpFlow response;
  response.client("GET / HTTP/1.1\r\nHost: h\r\n\r\n").server("HTTP/1.1 200 OK\r\n");
  for (int i = 0; i < 2'000'000 && response.is_alive(); ++i) response.server("h: " + std::string(1000, 'v') + "\r\n");
  EXPECT_FALSE(response.is_alive());
}

TEST(HttpHostile, LongConnectionsDoNotGrow) {
  HttpFlow flow;
  for (int i = 0; i < 20'000; ++i) {
    flow.client("GET / HTTP/1.1\r\nHost: h\r\n\r\n").server("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx");
    ASSERT_EQ(flow.count(), 1u);
    ASSERT_TRUE(flow[0].is_complete());
    flow.parser().transactions.clear();
  }
  EXPECT_TRUE(flow.is_alive());
}

}  // namespace
}  // namespace tocsin::protocol
