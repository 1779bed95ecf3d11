#include "accounts/passwords.h"

#include <fmt/format.h>
#include <sodium.h>

#include <algorithm>
#include <array>
#include <thread>

#include "accounts/secrets.h"

namespace tocsin::serve {
namespace {

constexpr unsigned long long kPasses = 3;
constexpr std::size_t kMemory = std::size_t{64} << 20;
constexpr std::size_t kAtOnce = 2;

}  // namespace

class PasswordHasher::Turn {
 public:
  Turn(PasswordHasher& hasher, bool may_be_turned_away) : hasher_(hasher) {
    std::unique_lock lock(hasher_.mutex_);
    if (may_be_turned_away && hasher_.running_ >= kAtOnce && hasher_.waiting_ >= hasher_.line_) return;
    ++hasher_.waiting_;
    hasher_.freed_.wait(lock, [&] { return hasher_.running_ < kAtOnce; });
    --hasher_.waiting_;
    ++hasher_.running_;
    has_come_ = true;
  }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;
  ~Turn() {
    if (!has_come_) return;
    {
      const std::lock_guard lock(hasher_.mutex_);
      --hasher_.running_;
    }
    hasher_.freed_.notify_one();
  }
  bool has_come() const { return has_come_; }

 private:
  PasswordHasher& hasher_;
  bool has_come_ = false;
};

// The server has twice as many threads as cores, at least four: half of them, or one, stay free of passwords.
PasswordHasher::PasswordHasher()
    : line_(std::max<std::size_t>(std::thread::hardware_concurrency(), kAtOnce + 1) - kAtOnce),
      // The form of a hash with these costs, of no known password.
      dummy_(fmt::format("$argon2id$v=19$m={},t={},p=1${}${}", kMemory / 1024, kPasses,
                         to_base64url(std::string(16, 0)), to_base64url(std::string(32, 0)))) {}

PasswordHasher::Verdict PasswordHasher::verify(const std::string& stored, const std::string& password) {
  const Turn turn(*this, true);
  if (!turn.has_come()) return Verdict::kBusy;
  const std::string& against = stored.empty() ? dummy_ : stored;
  const bool is_right = crypto_pwhash_argon2id_str_verify(against.c_str(), password.data(), password.size()) == 0;
  return is_right && !stored.empty() ? Verdict::kRight : Verdict::kWrong;
}

Expected<std::string> PasswordHasher::hash(const std::string& password) {
  const Turn turn(*this, false);
  std::array<char, crypto_pwhash_argon2id_STRBYTES> out{};
  if (crypto_pwhash_argon2id_str(out.data(), password.data(), password.size(), kPasses, kMemory) != 0) {
    return failure("cannot hash a password: out of memory");
  }
  return std::string(out.data());
}

bool PasswordHasher::is_outdated(const std::string& stored) {
  return crypto_pwhash_argon2id_str_needs_rehash(stored.c_str(), kPasses, kMemory) != 0;
}

}  // namespace tocsin::serve
