// A server that runs beside the test, and a client that says exactly what it is told to.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include "base/file.h"
#include "base/text.h"
#include "http/server.h"

namespace tocsin::serve {

inline constexpr int kPatience = 20'000;  // milliseconds, for what must come

struct Reply {
  unsigned status = 0;
  Fields headers;  // names in lower case
  std::string body;

  std::string get(std::string_view name) const {
    for (const auto& [key, value] : headers) {
      if (key == name) return value;
    }
    return {};
  }
};

class Client {
 public:
  explicit Client(std::uint16_t port, int receive_buffer = 0) {
    socket_ = FileDescriptor(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (receive_buffer > 0) {
      setsockopt(socket_.number(), SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    }
    const timeval patience{kPatience / 1000, 0};
    setsockopt(socket_.number(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(socket_.number(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(socket_.number(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  }

  bool connected() const { return connected_; }
  int number() const { return socket_.number(); }

  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(socket_.number(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }

  void half_close() { ::shutdown(socket_.number(), SHUT_WR); }
  void reset() {
    const linger hard{1, 0};
    setsockopt(socket_.number(), SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    socket_ = {};
  }

  // Reads what there is into the buffer; false at the end or after patience.
  bool more(int patience = kPatience) {
    pollfd waiting{socket_.number(), POLLIN, 0};
    if (::poll(&waiting, 1, patience) <= 0) return false;
    char bytes[65536];
    const ssize_t got = ::recv(socket_.number(), bytes, sizeof bytes, 0);
    if (got <= 0) {
      ended_ = true;
      return false;
    }
    buffer_.append(bytes, static_cast<std::size_t>(got));
    return true;
  }

  std::optional<std::string> until(std::string_view mark) {
    std::size_t at;
    while ((at = buffer_.find(mark)) == std::string::npos) {
      if (!more()) return std::nullopt;
    }
    std::string text = buffer_.substr(0, at + mark.size());
    buffer_.erase(0, at + mark.size());
    return text;
  }

  // The next reply, none if the server closes before its end.
  std::optional<Reply> reply(bool to_head = false) {
    std::optional<Reply> reply = head();
    if (!reply || to_head || reply->status == 204 || reply->status == 304 || reply->status == 100) return reply;
    if (reply->get("transfer-encoding") == "chunked") {
      while (true) {
        const std::optional<std::string> chunk = this->chunk();
        if (!chunk) return std::nullopt;
        if (chunk->empty()) return reply;
        reply->body += *chunk;
      }
    }
    const std::string length = reply->get("content-length");
    if (length.empty()) {
      while (more()) {
      }
      reply->body.swap(buffer_);
      return ended_ ? reply : std::nullopt;
    }
    const std::size_t size = std::stoul(length);
    while (buffer_.size() < size) {
      if (!more()) return std::nullopt;
    }
    reply->body = buffer_.substr(0, size);
    buffer_.erase(0, size);
    return reply;
  }

  std::optional<Reply> head() {
    const std::optional<std::string> text = until("\r\n\r\n");
    if (!text || !text->starts_with("HTTP/1.1 ")) return std::nullopt;
    Reply reply;
    reply.status = static_cast<unsigned>(std::atoi(text->c_str() + 9));
    std::size_t at = text->find("\r\n") + 2;
    while (at + 2 < text->size()) {
      const std::size_t end = text->find("\r\n", at);
      const std::string line = text->substr(at, end - at);
      const std::size_t colon = line.find(": ");
      reply.headers.emplace_back(lower(line.substr(0, colon)), line.substr(colon + 2));
      at = end + 2;
    }
    return reply;
  }

  std::optional<std::string> chunk() {  // empty: the last
    const std::optional<std::string> size = until("\r\n");
    if (!size) return std::nullopt;
    const std::size_t bytes = std::stoul(*size, nullptr, 16);
    while (buffer_.size() < bytes + 2) {
      if (!more()) return std::nullopt;
    }
    std::string chunk = buffer_.substr(0, bytes);
    buffer_.erase(0, bytes + 2);
    return chunk;
  }

  std::optional<Reply> get(const std::string& target, const std::string& fields = {}) {
    send("GET " + target + " HTTP/1.1\r\nHost: localhost\r\n" + fields + "\r\n");
    return reply();
  }

  bool closed(int patience = kPatience) {  // nothing but the end comes
    while (!ended_ && more(patience)) {
    }
    return ended_;
  }

 private:
  FileDescriptor socket_;
  bool connected_ = false, ended_ = false;
  std::string buffer_;
};

// Runs until it is destroyed.
class Running {
 public:
  explicit Running(Handler handler, ServerOptions options = {}, std::chrono::seconds grace = std::chrono::seconds(10),
                   Knows knows = {}, IsPrompt is_prompt = {}) {
    options.port = 0;
    Expected<std::unique_ptr<Server>> made =
        Server::listen(options, std::move(handler), std::move(knows), std::move(is_prompt));
    if (!made) {
      ADD_FAILURE() << made.error().message;
      std::abort();
    }
    server_ = std::move(*made);
    thread_ = std::jthread([this, grace] { server_->run(grace); });
  }
  ~Running() { stop(); }
  void stop() {
    server_->stop();
    if (thread_.joinable()) thread_.join();
  }
  Server& operator*() { return *server_; }
  Server* operator->() { return server_.get(); }
  std::uint16_t port() const { return server_->port(); }

 private:
  std::unique_ptr<Server> server_;
  std::jthread thread_;
};

// Waits for what other threads are about to make true.
template <typename Condition>
bool soon(Condition condition) {
  for (int i = 0; i < kPatience / 5; ++i) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return condition();
}

}  // namespace tocsin::serve
