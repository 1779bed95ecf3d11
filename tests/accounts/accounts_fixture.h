// Accounts in a state.db of their own, with a clock that the test sets.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "accounts/accounts.h"
#include "accounts/totp.h"

namespace tocsin::serve {

inline const std::string kPassword = "correct horse battery";
inline const std::string kHere = "192.0.2.1", kElsewhere = "198.51.100.7";

class AccountsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "tocsin-accounts-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
    database_ = StateDatabase::open(folder_ / "state.db").value();
    open();
  }
  void TearDown() override {
    accounts_.reset();
    database_.reset();
    std::filesystem::remove_all(folder_);
  }
  void open() {
    accounts_ = Accounts::open(*database_, {}, [this] { return clock_.load(); }).value();
  }
  void add(const std::string& name, Role role = Role::kAnalyst, std::optional<std::string> password = kPassword) {
    const auto added = accounts_->add({.name = name, .role = role}, password);
    ASSERT_TRUE(added) << added.error().message;
  }
  std::string session(const std::string& name) { return accounts_->sign_in_trusted(name, kHere).value().session; }
  bool is_in(const std::string& session) { return accounts_->identify(session, rotated_).has_value(); }
  Refusal refusal(const std::string& name, const std::string& password, const std::string& peer = kHere,
                  const std::string& code = "") {
    const auto result = accounts_->sign_in(name, password, code, peer);
    EXPECT_FALSE(result);
    return result ? Refusal::kWrong : result.error();
  }
  std::string last_note() {
    const auto entries = accounts_->audit(0, 1).value();
    return entries.empty() ? "" : entries[0].user + "|" + entries[0].action + "|" + entries[0].what;
  }
  std::string enrol(const std::string& name) {  // returns the secret
    const std::string uri = accounts_->begin_totp(name).value();
    const std::size_t at = uri.find("secret=") + 7;
    const std::string secret = from_base32(uri.substr(at, uri.find('&') - at)).value();
    EXPECT_TRUE(accounts_->confirm_totp(name, code(secret)).value());
    return secret;
  }
  std::string code(const std::string& secret) { return totp_code(secret, clock_ / (30 * kSecond)); }

  std::filesystem::path folder_;
  std::atomic<Timestamp> clock_ = 1'700'000'000 * kSecond;
  std::unique_ptr<StateDatabase> database_;
  std::unique_ptr<Accounts> accounts_;
  std::optional<std::string> rotated_;
};

}  // namespace tocsin::serve
