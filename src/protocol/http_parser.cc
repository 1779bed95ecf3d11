#include "protocol/http_parser.h"

#include <algorithm>

#include "base/text.h"
#include "protocol/http_library.h"

namespace tocsin::protocol {
namespace {

// Line ends that are held back until something follows.
constexpr std::size_t kLineEndsMost = 1024;

std::uint8_t step_of(int progress) {
  return progress >= HTP_REQUEST_COMPLETE ? Transaction::kComplete : static_cast<std::uint8_t>(progress);
}
static_assert(int{HTP_REQUEST_COMPLETE} == int{HTP_RESPONSE_COMPLETE});

}  // namespace

HttpParser::HttpParser(std::shared_ptr<const HttpSettings> settings) : settings_(std::move(settings)) {
  library_ = htp_connp_create(settings_->library.get());
  if (library_ == nullptr) {
    is_broken_ = true;
    return;
  }
  htp_connp_set_user_data(library_, this);
  htp_connp_open(library_, nullptr, 0, nullptr, 0, nullptr);
}

HttpParser::~HttpParser() {
  if (library_ != nullptr) htp_connp_destroy_all(library_);
}

HttpTransaction* HttpParser::find(const htp_tx_t* tx) const {
  // The last is the likeliest.
  for (auto one = live_->rbegin(); one != live_->rend(); ++one) {
    if (one->first == tx) return one->second;
  }
  return nullptr;
}

HttpTransaction* HttpParser::make(const htp_tx_t* tx) {
  if (settings_->most_transactions != 0 && transactions.size() > settings_->most_transactions) return nullptr;
  auto transaction = std::make_unique<HttpTransaction>(settings_, next_++, now_);
  HttpTransaction* made = transaction.get();
  made->live = live_;
  live_->emplace_back(tx, made);
  transactions.push_back(std::move(transaction));
  return made;
}

HttpTransaction* HttpParser::current() const {
  const htp_tx_t* tx = feeding_ == Side::kToServer ? htp_connp_get_in_tx(library_) : htp_connp_get_out_tx(library_);
  if (HttpTransaction* transaction = tx != nullptr ? find(tx) : nullptr) return transaction;
  return live_->empty() ? nullptr : live_->back().second;
}

void HttpParser::synchronise(htp_tx_t* tx) {
  HttpTransaction* transaction = tx != nullptr ? find(tx) : nullptr;
  if (transaction == nullptr) return;
  transaction->message_size = static_cast<std::uint64_t>(std::max<std::int64_t>(tx->response_message_len, 0));
  if (!transaction->is_request_unseen) transaction->set_progress(Side::kToServer, step_of(tx->request_progress));
  transaction->set_progress(Side::kToClient, step_of(tx->response_progress));
}

std::size_t HttpParser::leading_junk(Bytes bytes) const {
  // Lines before a response that don't look like one are left out if the next begins with an H, as later versions do.
  std::size_t at = 0;
  while (true) {
    const Bytes rest = bytes.subspan(at);
    const auto feed = std::ranges::find(rest, '\n');
    const auto end = static_cast<std::size_t>(feed - rest.begin());
    if (end + 2 >= rest.size()) return at;
    std::size_t size = end;
    while (size > 0 && is_http_space(rest[size - 1])) --size;
    std::size_t from = 0;
    while (from < size && (is_http_space(rest[from]) || rest[from] == 0)) ++from;
    const std::string_view word(reinterpret_cast<const char*>(rest.data()) + from,
                                std::min<std::size_t>(4, size - from));
    if (size == 0 || equals_ignoring_case(word, "http")) return at;
    if (rest[end + 1] != 'H' && size > 2) return at;
    at += end + 1;
  }
}

bool HttpParser::feed(Side side, const void* data, std::size_t size, Bytes behind) {
  feeding_ = side;
  fed_ = data != nullptr ? Bytes(static_cast<const std::uint8_t*>(data), size) : Bytes();
  behind_ = behind;
  if (!fed_.empty()) last_fed_[static_cast<int>(side)] = fed_.back();
  if (side == Side::kToClient) is_within_body_ = false;
  const int result = side == Side::kToServer ? htp_connp_req_data(library_, nullptr, data, size)
                                             : htp_connp_res_data(library_, nullptr, data, size);
  settle();
  if (result == HTP_STREAM_TUNNEL && side == Side::kToClient) check_upgrade();
  return result != HTP_STREAM_ERROR && !is_refused_;
}

void HttpParser::check_upgrade() {
  if (live_->empty()) return;
  for (auto one = transactions.rbegin(); one != transactions.rend(); ++one) {
    const auto& transaction = static_cast<const HttpTransaction&>(**one);
    if (transaction.status_number != 101) continue;
    const HttpTransaction::Header* upgrade = transaction.of(Side::kToClient).find("upgrade");
    if (upgrade == nullptr) return;
    if (upgrade->value == "h2c") upgrade_to = "http2";
    if (equals_ignoring_case(upgrade->value, "websocket")) upgrade_to = "websocket";
    if (upgrade_to.empty()) return;
    upgrade_port = static_cast<std::uint16_t>(std::max(transaction.port, 0));
    upgrade_left = fed_.size() - std::min(htp_connp_res_data_consumed(library_), fed_.size());
    return;
  }
}

void HttpParser::settle() {
  synchronise(htp_connp_get_in_tx(library_));
  synchronise(htp_connp_get_out_tx(library_));
  for (htp_tx_t* tx : done_) {
    synchronise(tx);
    std::erase_if(*live_, [tx](const auto& one) { return one.first == tx; });
    htp_tx_destroy(tx);
  }
  done_.clear();
  htp_conn_t* connection = htp_connp_get_connection(library_);
  while (auto* log = static_cast<htp_log_t*>(htp_list_pop(connection->messages))) {
    free(const_cast<char*>(log->msg));
    free(log);
  }
}

HttpParser::At HttpParser::at(Side side) const {
  const htp_tx_t* tx = side == Side::kToServer ? htp_connp_get_in_tx(library_) : htp_connp_get_out_tx(library_);
  if (tx == nullptr) return At::kLine;
  const int progress = side == Side::kToServer ? int{tx->request_progress} : int{tx->response_progress};
  if (progress <= HTP_REQUEST_LINE) return At::kLine;
  return progress == HTP_REQUEST_HEADERS || progress == HTP_REQUEST_TRAILER ? At::kHeaders : At::kElsewhere;
}

// LibHTP decides by the byte behind a line whether it goes on, and forgets to where that did not come with it. So line
// ends of headers are held back until something follows. First lines are given alone.
bool HttpParser::take_some(Side side, Bytes bytes, std::size_t& taken) {
  const auto size_of_line = [](Bytes text) {
    return static_cast<std::size_t>(std::ranges::find(text, '\n') - text.begin()) + 1;
  };
  const auto whole = [&](std::size_t size) {
    taken = size;
    return feed(side, bytes.data(), size, bytes.subspan(size));
  };
  bool& is_begun = is_line_begun_[static_cast<int>(side)];
  switch (at(side)) {
    case At::kElsewhere:
      is_begun = false;
      check_plain(side, bytes);
      return whole(bytes.size());
    case At::kLine: {
      if (side == Side::kToClient && !is_begun) {
        taken = leading_junk(bytes);
        if (taken != 0) return true;
      }
      const std::size_t size = size_of_line(bytes);
      is_begun = size > bytes.size();
      return whole(std::min(size, bytes.size()));
    }
    case At::kHeaders:
      break;
  }
  is_begun = false;
  // To the end, or to line ends behind which nothing is known yet.
  bool is_at_start = last_fed_[static_cast<int>(side)] == '\n';
  for (std::size_t from = 0; from < bytes.size();) {
    const std::size_t size = size_of_line(bytes.subspan(from));
    if (size > bytes.size() - from) break;
    if (is_at_start && (size == 1 || (size == 2 && bytes[from] == '\r'))) return whole(from + size);
    is_at_start = true;
    from += size;
  }
  const auto last =
      std::ranges::find_if_not(bytes.rbegin(), bytes.rend(), [](auto c) { return c == '\r' || c == '\n'; });
  const auto size = static_cast<std::size_t>(bytes.rend() - last);
  if (bytes.size() - size > kLineEndsMost) return whole(bytes.size());
  taken = size;
  return size == 0 || whole(size);
}

bool HttpParser::take(Side side, Bytes bytes, Timestamp time) {
  if (is_broken_ || library_ == nullptr) return false;
  if (bytes.empty() || ended_[static_cast<int>(side)]) return true;
  now_ = time;
  std::string& held = held_[static_cast<int>(side)];
  std::string joined;
  if (!held.empty()) {
    held.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    joined.swap(held);
    bytes = {reinterpret_cast<const std::uint8_t*>(joined.data()), joined.size()};
  }
  while (!bytes.empty() && !is_broken_) {
    std::size_t taken = 0;
    is_broken_ = !take_some(side, bytes, taken);
    if (taken == 0) {
      held.assign(reinterpret_cast<const char*>(bytes.data()), bytes.size());
      break;
    }
    bytes = bytes.subspan(taken);
    if (!upgrade_to.empty()) {
      upgrade_left += bytes.size();
      break;
    }
  }
  return !is_broken_;
}

void HttpParser::release(Side side) {
  std::string held;
  held.swap(held_[static_cast<int>(side)]);
  if (!held.empty() && !is_broken_) is_broken_ = !feed(side, held.data(), held.size());
}

bool HttpParser::skip(Side side, std::uint64_t bytes, Timestamp time) {
  if (is_broken_ || library_ == nullptr) return false;
  now_ = time;
  release(side);
  while (bytes > 0 && !is_broken_ && !ended_[static_cast<int>(side)]) {
    const std::size_t part = static_cast<std::size_t>(std::min<std::uint64_t>(bytes, 1u << 30));
    is_broken_ = !feed(side, nullptr, part);
    bytes -= part;
  }
  return !is_broken_;
}

void HttpParser::end(Side side, Timestamp time) {
  if (is_broken_ || library_ == nullptr || ended_[static_cast<int>(side)]) return;
  now_ = time;
  release(side);
  if (side == Side::kToClient) release(Side::kToServer);
  ended_[static_cast<int>(side)] = true;
  if (is_broken_) {
    finish(side);
    return;
  }
  feeding_ = side;
  fed_ = behind_ = {};
  if (side == Side::kToServer) {
    htp_connp_req_close(library_, nullptr);
  } else {
    htp_connp_close(library_, nullptr);
    ended_[0] = true;
    // What later versions do with a chunk that is cut off.
    htp_tx_t* tx = htp_connp_get_out_tx(library_);
    if (tx != nullptr && tx->response_progress == HTP_RESPONSE_BODY && is_within_body_)
      htp_tx_state_response_complete(tx);
    finish(Side::kToServer);
  }
  finish(side);
  settle();
}

void HttpParser::finish(Side side) {
  for (const auto& [tx, transaction] : *live_) {
    transaction->of(side).is_ended = true;
    transaction->close_file(side, File::State::kTruncated);
    transaction->changed(side);
  }
}

}  // namespace tocsin::protocol
