// A provider on loopback that answers as it is told: for what no real one does.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>

namespace tocsin::serve {

class ScriptedProvider {
 public:
  struct Answer {
    int status = 200;
    std::string body, header = {};
  };
  ScriptedProvider() : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    ::bind(listener_, reinterpret_cast<sockaddr*>(&address), size);
    ::listen(listener_, 16);
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    issuer_ = "http://127.0.0.1:" + std::to_string(ntohs(address.sin_port));
    thread_ = std::jthread([this] { serve(); });
  }
  ~ScriptedProvider() {
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
  }
  const std::string& issuer() const { return issuer_; }
  void answer(const std::string& path, Answer answer) {
    const std::lock_guard lock(mutex_);
    answers_[path] = std::move(answer);
  }
  int requests(const std::string& path) {
    const std::lock_guard lock(mutex_);
    return counts_[path];
  }
  std::string last_request() {
    const std::lock_guard lock(mutex_);
    return last_;
  }

 private:
  void serve() {
    for (;;) {
      const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (client < 0) return;
      respond(client);
      ::close(client);
    }
  }
  void respond(int client) {
    std::string request;
    char block[4096];
    const auto is_whole = [&] {
      const std::size_t end = request.find("\r\n\r\n");
      if (end == std::string::npos) return false;
      const std::size_t length = request.find("Content-Length: ");
      return length == std::string::npos || request.size() >= end + 4 + std::stoul(request.substr(length + 16));
    };
    while (!is_whole()) {
      const ssize_t got = ::recv(client, block, sizeof block, 0);
      if (got <= 0) return;
      request.append(block, static_cast<std::size_t>(got));
    }
    const std::size_t from = request.find(' ') + 1;
    const std::string path = request.substr(from, request.find(' ', from) - from);
    Answer answer{.status = 404, .body = "{}"};
    {
      const std::lock_guard lock(mutex_);
      ++counts_[path];
      last_ = request;
      if (const auto known = answers_.find(path); known != answers_.end()) answer = known->second;
    }
    const std::string out = "HTTP/1.1 " + std::to_string(answer.status) +
                            " X\r\nConnection: close\r\nContent-Length: " + std::to_string(answer.body.size()) +
                            "\r\n" + answer.header + "\r\n" + answer.body;
    for (std::size_t at = 0; at < out.size();) {
      const ssize_t sent = ::send(client, out.data() + at, out.size() - at, MSG_NOSIGNAL);
      if (sent <= 0) return;
      at += static_cast<std::size_t>(sent);
    }
  }

  int listener_;
  std::string issuer_;
  std::mutex mutex_;
  std::map<std::string, Answer> answers_;
  std::map<std::string, int> counts_;
  std::string last_;
  std::jthread thread_;
};

}  // namespace tocsin::serve
