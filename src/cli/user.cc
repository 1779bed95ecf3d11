#include <fmt/format.h>
#include <termios.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <iostream>

#include "accounts/accounts.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/terminal.h"

namespace tocsin::cli {
namespace {

struct UserCommand {
  std::string directory, role = "analyst";
  serve::Account account;
  bool without_password = false;
};

// The terminal does not show what is typed while this lives.
class Unseen {
 public:
  Unseen() {
    is_terminal_ = ::tcgetattr(STDIN_FILENO, &before_) == 0;
    if (!is_terminal_) return;
    termios quiet = before_;
    quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
  }
  Unseen(const Unseen&) = delete;
  Unseen& operator=(const Unseen&) = delete;
  ~Unseen() {
    if (is_terminal_) ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
  }
  bool is_terminal() const { return is_terminal_; }

 private:
  termios before_{};
  bool is_terminal_ = false;
};

// From the terminal, twice; else the first line of standard input.
Expected<std::string> read_password() {
  const Unseen unseen;
  const auto line = [&](const char* prompt) {
    std::string text;
    if (unseen.is_terminal()) fmt::print(stderr, "{}: ", prompt);
    std::getline(std::cin, text);
    if (unseen.is_terminal()) fmt::print(stderr, "\n");
    return text;
  };
  const std::string password = line("Password");
  if (unseen.is_terminal() && line("The same again") != password) return failure("the two are not the same");
  if (password.empty()) return failure("a password is needed on standard input, or --without-password");
  return password;
}

struct OpenAccounts {
  Settings settings;
  std::unique_ptr<serve::StateDatabase> database;
  std::unique_ptr<serve::Accounts> accounts;
};

Expected<OpenAccounts> open_accounts(const std::string& directory) {
  auto store = open_store(directory);
  if (!store) return std::unexpected(store.error());
  OpenAccounts open;
  open.settings = std::move(store->settings);
  auto database = serve::StateDatabase::open(directory + "/state.db");
  if (!database) return std::unexpected(database.error());
  open.database = std::move(*database);
  auto accounts = serve::Accounts::open(*open.database);
  if (!accounts) return std::unexpected(accounts.error());
  open.accounts = std::move(*accounts);
  return open;
}

int done(const Expected<void>& result, serve::Accounts& accounts, const char* action, const std::string& name) {
  if (!result) return fail(result.error());
  const auto noted = accounts.note("", "command line", action, name);
  return noted ? 0 : fail(noted.error());
}

int add(UserCommand& given) {
  const auto role = serve::role_of(given.role);
  if (!role) return wrong_usage(role.error().message);
  given.account.role = *role;
  if ((*role == serve::Role::kOrganisation) == given.account.organisation.empty()) {
    return wrong_usage("the role organisation, and no other, takes --organisation NAME");
  }
  auto open = open_accounts(given.directory);
  if (!open) return fail(open.error());
  const auto& entries = open->settings.constituency.organisations;
  if (!given.account.organisation.empty() &&
      std::ranges::find(entries, given.account.organisation, &Organisation::name) == entries.end()) {
    return fail({fmt::format("the register has no organisation '{}'", printable(given.account.organisation, 200))});
  }
  std::optional<std::string> password;
  if (!given.without_password) {
    const auto read = read_password();
    if (!read) return fail(read.error());
    password = *read;
  }
  return done(open->accounts->add(given.account, password), *open->accounts, "user.add", given.account.name);
}

int list(const UserCommand& given) {
  auto open = open_accounts(given.directory);
  if (!open) return fail(open.error());
  const auto accounts = open->accounts->list();
  if (!accounts) return fail(accounts.error());
  std::vector<std::vector<std::string>> rows;
  for (const serve::Account& account : *accounts) {
    rows.push_back({account.name, std::string(serve::name_of(account.role)), account.organisation,
                    account.has_totp ? "yes" : "no", account.disabled ? "disabled" : "",
                    account.last_seen == 0 ? "never" : format_time(floor_to(account.last_seen, kSecond))});
  }
  fmt::print("{}\n", table({{"name"}, {"role"}, {"organisation"}, {"second factor"}, {""}, {"last seen"}}, rows));
  return 0;
}

int set_password(const UserCommand& given) {
  auto open = open_accounts(given.directory);
  if (!open) return fail(open.error());
  const auto password = read_password();
  if (!password) return fail(password.error());
  return done(open->accounts->set_password(given.account.name, *password), *open->accounts, "password.change",
              given.account.name);
}

int remove(const UserCommand& given) {
  auto open = open_accounts(given.directory);
  if (!open) return fail(open.error());
  return done(open->accounts->remove(given.account.name), *open->accounts, "user.remove", given.account.name);
}

}  // namespace

void add_user(CLI::App& app, Chosen& chosen) {
  auto given = std::make_shared<UserCommand>();
  CLI::App* command = app.add_subcommand("user", "Accounts of the dashboard and the API");
  command->require_subcommand(1);
  const auto sub = [&](const char* name, const char* help, int (*action)(UserCommand&), bool named) {
    CLI::App* one = command->add_subcommand(name, help);
    if (named) one->add_option("name", given->account.name, "Name of the account")->required();
    add_store_option(*one, given->directory);
    one->callback([=, &chosen] { chosen = [=] { return action(*given); }; });
    return one;
  };
  CLI::App* adding = sub("add", "Add an account; the password is asked for, or read from standard input", add, true);
  adding->add_option("--role", given->role, "press, organisation, analyst, officer or administrator")
      ->capture_default_str();
  adding->add_option("--organisation", given->account.organisation, "Of the register: whose account it is");
  adding->add_option("--email", given->account.email, "Address; also its name with OpenID Connect");
  adding->add_flag("--without-password", given->without_password, "For sign-in by OpenID Connect only");
  sub(
      "list", "List the accounts", [](UserCommand& user) { return list(user); }, false);
  sub(
      "password", "Set an account's password", [](UserCommand& user) { return set_password(user); }, true);
  sub(
      "remove", "Remove an account", [](UserCommand& user) { return remove(user); }, true);
}

}  // namespace tocsin::cli
