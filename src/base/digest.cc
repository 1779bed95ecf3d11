#include "base/digest.h"

#include <openssl/evp.h>

#include <memory>

namespace tocsin {
namespace {

struct Free {
  void operator()(EVP_MD* digest) const { EVP_MD_free(digest); }
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};

struct Fetched {
  std::unique_ptr<EVP_MD, Free> kinds[3] = {
      std::unique_ptr<EVP_MD, Free>(EVP_MD_fetch(nullptr, "MD5", nullptr)),
      std::unique_ptr<EVP_MD, Free>(EVP_MD_fetch(nullptr, "SHA1", nullptr)),
      std::unique_ptr<EVP_MD, Free>(EVP_MD_fetch(nullptr, "SHA256", nullptr)),
  };
};

}  // namespace

const EVP_MD* digest_of(DigestKind kind) {
  thread_local const Fetched fetched;
  return fetched.kinds[static_cast<int>(kind)].get();
}

DigestValue digest(DigestKind kind, std::span<const std::uint8_t> bytes) {
  thread_local const std::unique_ptr<EVP_MD_CTX, Free> context(EVP_MD_CTX_new());
  DigestValue value;
  const EVP_MD* with = digest_of(kind);
  unsigned size = 0;
  if (with == nullptr || !context || EVP_DigestInit_ex(context.get(), with, nullptr) != 1 ||
      EVP_DigestUpdate(context.get(), bytes.data(), bytes.size()) != 1 ||
      EVP_DigestFinal_ex(context.get(), value.bytes.data(), &size) != 1) {
    return {};
  }
  value.size = size;
  return value;
}

}  // namespace tocsin
