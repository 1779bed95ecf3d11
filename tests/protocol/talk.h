// Feeding an application from a test: who says what, and what came of it.
#pragma once

#include <gtest/gtest.h>

#include <initializer_list>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/application.h"

namespace tocsin::protocol::testing {

inline Bytes bytes(std::string_view text) { return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}; }
inline std::string text(Bytes bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }
inline std::string of(std::initializer_list<int> bytes) {
  std::string text;
  for (const int byte : bytes) text += static_cast<char>(byte);
  return text;
}

struct Said {
  Side side;
  std::string bytes;
};

class Talk {
 public:
  explicit Talk(bool is_udp = false, std::uint16_t server_port = 0, Options set = {})
      : options(std::move(set)), settings(options), application(settings, is_udp, 40'000, server_port) {}

  Talk& client(std::string_view said) {
    application.take(Side::kToServer, bytes(said), 0);
    return *this;
  }
  Talk& server(std::string_view said) {
    application.take(Side::kToClient, bytes(said), 0);
    return *this;
  }
  Talk& say(const std::vector<Said>& all) {
    for (const Said& one : all) application.take(one.side, bytes(one.bytes), 0);
    return *this;
  }
  Talk& end() {
    application.end(Side::kToServer, 0);
    application.end(Side::kToClient, 0);
    return *this;
  }

  std::string protocol() const {
    return application.protocol() ? std::string(application.protocol()->name()) : std::string();
  }
  std::size_t count() { return application.parser() ? application.parser()->transactions.size() : 0; }
  Transaction& transaction(std::size_t index = 0) { return *application.parser()->transactions.at(index); }
  Value value(std::string_view keyword, Side side = Side::kToServer, std::size_t index = 0, std::size_t of = 0) {
    const int field = application.protocol()->field(keyword);
    EXPECT_GE(field, 0) << keyword;
    return transaction(of).value(field, side, index);
  }
  std::string at(std::string_view keyword, Side side = Side::kToServer, std::size_t index = 0, std::size_t of = 0) {
    return text(value(keyword, side, index, of).bytes);
  }
  bool has_event(std::string_view name) {
    for (const std::string_view event : application.events) {
      if (event == name) return true;
    }
    for (std::size_t i = 0; i < count(); ++i) {
      for (const std::string_view event : transaction(i).events) {
        if (event == name) return true;
      }
    }
    return false;
  }

  Options options;
  ProtocolSettings settings;
  Application application;
};

// Every message cut short at every byte, then everything byte by byte, then with a byte changed anywhere, then noise:
// nothing is to crash, and EVE is written of all that comes.
inline void torment(const std::vector<Said>& all, bool is_udp, std::uint16_t port, const Options& options = {}) {
  const auto look = [](Talk& talk) {
    talk.end();
    for (std::size_t i = 0; i < talk.count(); ++i) {
      (void)talk.transaction(i).eve();
      for (int field = 0; field < 80; ++field) {
        for (const Side side : {Side::kToServer, Side::kToClient}) {
          for (std::size_t k = 0; k < 3; ++k) (void)talk.transaction(i).value(field, side, k);
        }
      }
    }
  };
  for (std::size_t message = 0; message < all.size(); ++message) {
    for (std::size_t cut = 0; cut < std::min<std::size_t>(all[message].bytes.size(), 600); ++cut) {
      std::vector<Said> some(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(message));
      some.push_back({all[message].side, all[message].bytes.substr(0, cut)});
      Talk talk(is_udp, port, options);
      talk.say(some);
      if (!is_udp) talk.application.skip(all[message].side, 10, 0);
      look(talk);
    }
  }
  if (!is_udp) {
    Talk talk(false, port, options);
    for (const Said& one : all) {
      for (const char c : one.bytes) talk.say({{one.side, std::string(1, c)}});
    }
    look(talk);
  }
  std::minstd_rand random(7);
  for (int round = 0; round < 400; ++round) {
    std::vector<Said> changed = all;
    for (Said& one : changed) {
      if (one.bytes.empty()) continue;
      for (int i = 0; i < 3; ++i) one.bytes[random() % one.bytes.size()] = static_cast<char>(random());
    }
    Talk talk(is_udp, port, options);
    talk.say(changed);
    look(talk);
  }
  for (int round = 0; round < 100; ++round) {
    Talk talk(is_udp, port, options);
    talk.say(all);
    for (int i = 0; i < 5; ++i) {
      std::string noise(random() % 300, '\0');
      for (char& c : noise) c = static_cast<char>(random());
      talk.say({{random() % 2 ? Side::kToServer : Side::kToClient, noise}});
    }
    look(talk);
  }
}

}  // namespace tocsin::protocol::testing
