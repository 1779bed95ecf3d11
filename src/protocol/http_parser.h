// Feeds a flow to LibHTP and makes transactions of what it calls back with.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "protocol/http_settings.h"
#include "protocol/http_transaction.h"

struct htp_connp_t;
struct htp_tx_t;
struct htp_tx_data_t;

namespace tocsin::protocol {

class HttpParser final : public Parser {
 public:
  explicit HttpParser(std::shared_ptr<const HttpSettings> settings);
  ~HttpParser() override;

  bool take(Side side, Bytes bytes, Timestamp time) override;
  bool skip(Side side, std::uint64_t bytes, Timestamp time) override;
  void end(Side side, Timestamp time) override;

  // Makes LibHTP's configuration call the hooks below.
  static void hook(struct htp_cfg_t* configuration, const HttpSettings& settings);

 private:
  struct Hooks;
  using Live = std::vector<std::pair<const void*, HttpTransaction*>>;

  enum class At { kLine, kHeaders, kElsewhere };
  At at(Side side) const;
  bool take_some(Side side, Bytes bytes, std::size_t& taken);
  bool feed(Side side, const void* data, std::size_t size, Bytes behind = {});
  // The bytes before a response that are none of it.
  std::size_t leading_junk(Bytes bytes) const;
  void release(Side side);
  void settle();
  void finish(Side side);
  void check_upgrade();
  HttpTransaction* find(const htp_tx_t* tx) const;
  HttpTransaction* make(const htp_tx_t* tx);
  // That an event of now is of.
  HttpTransaction* current() const;
  void log(const char* message);
  void check_plain(Side side, Bytes bytes);
  bool is_known_coding(const htp_tx_t* tx) const;
  void check_line(htp_tx_t* tx, HttpTransaction& transaction);
  void check_chunk(const htp_tx_data_t* data, HttpTransaction& transaction, Side side) const;
  void check_flags(const htp_tx_t* tx, HttpTransaction& transaction);
  void take_uri(htp_tx_t* tx, HttpTransaction& transaction);
  void take_headers(htp_tx_t* tx, HttpTransaction& transaction, Side side);
  void synchronise(htp_tx_t* tx);

  std::shared_ptr<const HttpSettings> settings_;
  htp_connp_t* library_ = nullptr;
  std::shared_ptr<Live> live_ = std::make_shared<Live>();
  std::vector<htp_tx_t*> done_;
  std::uint64_t next_ = 0;
  Timestamp now_ = 0;
  Side feeding_ = Side::kToServer;
  std::size_t messages_ = 0;
  bool ended_[2] = {false, false};
  bool is_broken_ = false;
  bool is_full_ = false;     // of transactions that nobody took away
  bool is_refused_ = false;  // what is said is too much
  Bytes fed_, behind_;       // now, and what is known to follow it
  std::string held_[2];      // line ends of headers, behind which nothing came yet
  std::uint8_t last_fed_[2] = {0, 0};
  bool is_within_body_ = false;             // the last byte of a response that came was one of its body
  bool is_line_begun_[2] = {false, false};  // some of the first line was fed
  bool is_line_among_headers_ = false;      // that behind a "100 Continue" comes as a header too
};

}  // namespace tocsin::protocol
