#include "http/listener.h"

#include <poll.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>
#include <cerrno>
#include <mutex>
#include <optional>
#include <thread>
#include <type_traits>
#include <vector>

#include "base/text.h"
#include "http/tls_context.h"

namespace tocsin::serve {

namespace net = boost::asio;
namespace beast = boost::beast;
using net::ip::tcp;

namespace {

constexpr std::chrono::seconds kFinishTime{2};
constexpr std::size_t kMostDropped = 4 << 20;

std::string text_of(net::ip::address address) {
  if (address.is_v6() && address.to_v6().is_v4_mapped()) {
    address = net::ip::make_address_v4(net::ip::v4_mapped, address.to_v6());
  }
  return address.to_string();
}

// Stream: beast::tcp_stream, or TLS over it.
template <typename Stream>
class StreamTransport final : public Transport {
  static constexpr bool kTls = !std::is_same_v<Stream, beast::tcp_stream>;

 public:
  template <typename... Arguments>
  StreamTransport(std::string peer, Arguments&&... arguments)
      : stream_(std::forward<Arguments>(arguments)...),
        peer_(std::move(peer)),
        socket_(lowest().socket().native_handle()) {}

  void handshake(Clock::time_point deadline, Done done) override {
    if constexpr (kTls) {
      lowest().expires_at(deadline);
      stream_.async_handshake(net::ssl::stream_base::server,
                              [done = std::move(done)](beast::error_code error) { done(moved(error, 0)); });
    } else {
      net::post(stream_.get_executor(), [done = std::move(done)] { done({.ok = true}); });
    }
  }

  void read_some(std::span<char> into, Clock::time_point deadline, Done done) override {
    lowest().expires_at(deadline);
    stream_.async_read_some(
        net::buffer(into.data(), into.size()),
        [done = std::move(done)](beast::error_code error, std::size_t bytes) { done(moved(error, bytes)); });
  }

  void write_some(const Pieces& pieces, Clock::time_point deadline, Done done) override {
    // Those that are empty last: TLS writes no more than the first buffer when the rest is long.
    std::array<net::const_buffer, std::tuple_size_v<Pieces>> buffers;
    std::size_t used = 0;
    for (const std::string_view piece : pieces) {
      if (!piece.empty()) buffers[used++] = net::buffer(piece.data(), piece.size());
    }
    lowest().expires_at(deadline);
    stream_.async_write_some(
        buffers, [done = std::move(done)](beast::error_code error, std::size_t bytes) { done(moved(error, bytes)); });
  }

  void finish(Done done) override {
    lowest().expires_after(kFinishTime);
    if constexpr (kTls) {
      stream_.async_shutdown([this, done = std::move(done)](beast::error_code error) mutable {
        if (error == beast::error::timeout) return done({.timed_out = true});
        finish_socket(std::move(done));
      });
    } else {
      finish_socket(std::move(done));
    }
  }

  void close() override {
    const std::lock_guard lock(closing_);
    closed_ = true;
    lowest().close();
  }

  Far far() const override {
    const std::lock_guard lock(closing_);
    if (closed_) return Far::kGone;
    pollfd end{socket_, POLLRDHUP, 0};
    if (::poll(&end, 1, 0) <= 0) return Far::kOpen;
    return (end.revents & POLLRDHUP) != 0 && (end.revents & (POLLHUP | POLLERR)) == 0 ? Far::kSendsNoMore : Far::kGone;
  }
  void post(std::function<void()> work) override { net::post(stream_.get_executor(), std::move(work)); }
  const std::string& peer() const override { return peer_; }
  bool secure() const override { return kTls; }

 private:
  static Moved moved(beast::error_code error, std::size_t bytes) {
    return {.bytes = bytes, .ok = !error, .timed_out = error == beast::error::timeout};
  }

  beast::tcp_stream& lowest() { return beast::get_lowest_layer(stream_); }

  void finish_socket(Done done) {
    beast::error_code ignored;
    lowest().socket().shutdown(tcp::socket::shutdown_send, ignored);
    dropped_.resize(16384);
    drop(std::move(done), 0);
  }

  void drop(Done done, std::size_t so_far) {
    lowest().async_read_some(net::buffer(dropped_), [this, done = std::move(done), so_far](beast::error_code error,
                                                                                           std::size_t bytes) mutable {
      if (error || so_far + bytes > kMostDropped) return done({});
      drop(std::move(done), so_far + bytes);
    });
  }

  Stream stream_;
  std::string peer_;
  const int socket_;
  mutable std::mutex closing_;  // so that far() never asks of a number that is another's by now
  bool closed_ = false;
  std::vector<char> dropped_;
};

using PlainTransport = StreamTransport<beast::tcp_stream>;
using TlsTransport = StreamTransport<beast::ssl_stream<beast::tcp_stream>>;

}  // namespace

struct Listener::State {
  net::io_context context;
  tcp::acceptor acceptor{net::make_strand(context)};
  std::optional<net::ssl::context> tls;
  std::function<void(std::unique_ptr<Transport>)> accepted;
  std::uint16_t port = 0;

  void accept() {
    acceptor.async_accept(net::make_strand(context), [this](beast::error_code error, tcp::socket socket) {
      if (!acceptor.is_open()) return;
      if (error == net::error::no_descriptors || error == net::error::no_memory ||
          error == net::error::no_buffer_space) {
        return accept_later();  // at once, it would only fail again
      }
      if (!error) take(std::move(socket));
      accept();
    });
  }

  void accept_later() {
    auto timer = std::make_shared<net::steady_timer>(acceptor.get_executor(), std::chrono::milliseconds(50));
    timer->async_wait([this, timer](beast::error_code) {
      if (acceptor.is_open()) accept();
    });
  }

  void take(tcp::socket socket) {
    beast::error_code error;
    const tcp::endpoint peer = socket.remote_endpoint(error);
    if (error) return;  // gone already
    socket.set_option(tcp::no_delay(true), error);
    if (tls) {
      accepted(std::make_unique<TlsTransport>(text_of(peer.address()), std::move(socket), *tls));
    } else {
      accepted(std::make_unique<PlainTransport>(text_of(peer.address()), std::move(socket)));
    }
  }

  Expected<void> open(const ServerOptions& options) {
    beast::error_code error;
    const std::string text = options.address == "localhost" ? "127.0.0.1" : options.address;
    const net::ip::address address = net::ip::make_address(text, error);
    if (error) return failure("'" + printable(options.address) + "' is not an IP address to listen on");
    if (options.certificate.empty() != options.key.empty()) {
      return failure("a certificate and its key are both needed for TLS; one of them is missing");
    }
    if (options.certificate.empty() && !options.behind_proxy && !address.is_loopback()) {
      return failure("refusing to listen on " + text +
                     " without TLS, where passwords could be read on the way: give a certificate and its key, or "
                     "listen on 127.0.0.1, or say that a proxy with TLS stands before");
    }
    if (!options.certificate.empty()) {
      Expected<TlsContext> made = make_tls_context(options.certificate, options.key);
      if (!made) return std::unexpected(made.error());
      tls.emplace(made->release());
    }
    const tcp::endpoint endpoint(address, options.port);
    const auto fail = [&](const char* what) {
      return failure(std::string(what) + text + " port " + std::to_string(options.port) + ": " + error.message());
    };
    acceptor.open(endpoint.protocol(), error);
    if (error) return fail("cannot open a socket for ");
    acceptor.set_option(tcp::acceptor::reuse_address(true), error);
    if (address.is_v6()) acceptor.set_option(net::ip::v6_only(false), error);
    acceptor.bind(endpoint, error);
    if (error) return fail("cannot listen on ");
    acceptor.listen(net::socket_base::max_listen_connections, error);
    if (error) return fail("cannot listen on ");
    port = acceptor.local_endpoint(error).port();
    return {};
  }
};

Listener::Listener(std::unique_ptr<State> state) : state_(std::move(state)) {}
Listener::~Listener() = default;

Expected<std::unique_ptr<Listener>> Listener::open(const ServerOptions& options) {
  auto state = std::make_unique<State>();
  const Expected<void> opened = state->open(options);
  if (!opened) return std::unexpected(opened.error());
  return std::unique_ptr<Listener>(new Listener(std::move(state)));
}

std::uint16_t Listener::port() const { return state_->port; }

void Listener::run(std::size_t threads, std::function<void(std::unique_ptr<Transport>)> accepted) {
  state_->accepted = std::move(accepted);
  net::post(state_->acceptor.get_executor(), [this] {
    if (state_->acceptor.is_open()) state_->accept();
  });
  const auto work = net::make_work_guard(state_->context);
  std::vector<std::jthread> others;
  for (std::size_t i = 1; i < threads; ++i) others.emplace_back([this] { state_->context.run(); });
  state_->context.run();
}

void Listener::stop_accepting() {
  net::post(state_->acceptor.get_executor(), [this] {
    beast::error_code ignored;
    state_->acceptor.close(ignored);
  });
}

void Listener::quit() { state_->context.stop(); }

void Listener::every(std::chrono::milliseconds time, std::function<bool()> work) {
  auto timer = std::make_shared<net::steady_timer>(net::make_strand(state_->context), time);
  timer->async_wait([this, timer, time, work = std::move(work)](beast::error_code error) {
    if (!error && work()) every(time, work);
  });
}

}  // namespace tocsin::serve
