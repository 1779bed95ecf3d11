#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <charconv>
#include <csignal>

#include "base/text.h"
#include "cli/command.h"
#include "cli/terminal.h"
#include "pipeline/installation.h"
#include "serve/service.h"

namespace tocsin::cli {
namespace {

struct ServeCommand {
  std::string directory, listen = "127.0.0.1:8443", openid;
  bool api_only = false;
  serve::ServiceOptions service;
  unsigned every = 60;
};

// "127.0.0.1:8443", "[::1]:8443", "8443".
Expected<void> read_listen(const std::string& text, serve::ServerOptions& options) {
  const std::size_t colon = text.rfind(':');
  std::string address = colon == std::string::npos ? "" : text.substr(0, colon);
  const std::string port = colon == std::string::npos ? text : text.substr(colon + 1);
  if (address.starts_with('[') && address.ends_with(']')) address = address.substr(1, address.size() - 2);
  if (!address.empty()) options.address = address;
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), options.port);
  if (error != std::errc{} || end != port.data() + port.size()) {
    return failure(fmt::format("--listen takes ADDRESS:PORT, such as 127.0.0.1:8443, not '{}'", printable(text, 64)));
  }
  return {};
}

void say_watched(const Expected<WatchReport>& report) {
  if (!report) {
    fmt::print(stderr, "tocsin: {}\n", printable(report.error().message, 2000));
    return;
  }
  if (report->commit.rows == 0 && !report->skipped()) return;
  fmt::print(stderr, "{} read: {} rows of sightings in line {} of the ledger{}\n",
             format_time(floor_to(now(), kSecond)), with_thousands(static_cast<std::int64_t>(report->commit.rows)),
             report->commit.sequence, report->skipped() ? "; some input was skipped" : "");
}

int run(ServeCommand& given) {
  if (const auto read = read_listen(given.listen, given.service.server); !read) {
    return wrong_usage(read.error().message);
  }
  if (given.service.server.certificate.empty() != given.service.server.key.empty()) {
    return wrong_usage("--certificate and --key belong together");
  }
  if (!given.openid.empty()) {
    auto settings = serve::load_open_id_settings(given.openid);
    if (!settings) return fail(settings.error());
    given.service.open_id = std::move(*settings);
  }
  catch_interrupts();
  std::signal(SIGPIPE, SIG_IGN);
  given.service.interrupted = interrupted;
  auto open = open_store(given.directory);
  if (!open) return fail(open.error());
  if (!given.api_only) given.service.page = (share_directory() / "web").string();
  given.service.every = std::chrono::seconds(given.every);
  const bool tls = !given.service.server.certificate.empty();
  serve::ServiceEvents events;
  events.listening = [&](std::uint16_t port, bool has_accounts) {
    const bool v6 = given.service.server.address.find(':') != std::string::npos;
    fmt::print("Tocsin serves {} at {}://{}{}{}:{}/ — Ctrl-C ends it.\n", printable(open->settings.constituency.name),
               tls ? "https" : "http", v6 ? "[" : "", given.service.server.address, v6 ? "]" : "", port);
    if (!has_accounts) {
      fmt::print(
          "Nobody can sign in yet. Add the first administrator: tocsin user add NAME --role administrator "
          "--store {}\n",
          given.directory);
    }
    std::fflush(stdout);
  };
  events.watched = say_watched;
  const auto served = serve::run_service(*open->store, open->settings, open->catalogue, given.service, events);
  return served ? 0 : fail(served.error());
}

}  // namespace

void add_serve(CLI::App& app, Chosen& chosen) {
  auto given = std::make_shared<ServeCommand>();
  CLI::App* command = app.add_subcommand("serve", "The dashboard and the API");
  add_store_option(*command, given->directory);
  command->add_option("--listen", given->listen, "ADDRESS:PORT; port 0 takes a free one")->capture_default_str();
  command->add_option("--certificate", given->service.server.certificate, "PEM file with the chain of certificates")
      ->check(CLI::ExistingFile);
  command->add_option("--key", given->service.server.key, "PEM file with its private key")->check(CLI::ExistingFile);
  command->add_flag("--behind-proxy", given->service.server.behind_proxy,
                    "A proxy before it speaks TLS, and sets X-Forwarded-For and X-Forwarded-Proto: trust them");
  command
      ->add_option("--openid", given->openid,
                   "TOML file of an OpenID Connect provider: issuer, client_id, client_secret, redirect, claim")
      ->check(CLI::ExistingFile);
  command->add_flag("--api-only", given->api_only, "Without the page");
  command->add_option("--watch", given->service.watched, "Sources to read into the store, again and again");
  command->add_option("--every", given->every, "Seconds between two readings of them")
      ->capture_default_str()
      ->check(CLI::Range(1, 86400));
  command->callback([=, &chosen] { chosen = [=] { return run(*given); }; });
}

}  // namespace tocsin::cli
