#include "base/base64.h"

#include <openssl/evp.h>

namespace tocsin {

std::string base64(std::span<const std::uint8_t> bytes) {
  // One more for the zero that is written behind the text.
  std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');
  EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()), bytes.data(), static_cast<int>(bytes.size()));
  text.pop_back();
  return text;
}

}  // namespace tocsin
