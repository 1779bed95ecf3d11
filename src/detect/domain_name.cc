#include "detect/domain_name.h"

#include <idn2.h>
#include <libpsl.h>

#include <memory>

namespace tocsin {
namespace {

constexpr std::size_t kLongestName = 253;
constexpr std::size_t kLongestLabel = 63;

const psl_ctx_t* public_suffixes() {
  // The newer of the list compiled in and the one of the package `publicsuffix`.
  static const std::unique_ptr<psl_ctx_t, decltype(&psl_free)> list(psl_latest(nullptr), &psl_free);
  return list ? list.get() : psl_builtin();
}

// Lower case of a byte that may stand in a name; 0 for one that may not.
char name_byte(char c) {
  if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.') return c;
  if (c >= 'A' && c <= 'Z') return static_cast<char>(c | 32);
  return 0;
}

bool well_formed(std::string_view name) {
  if (name.empty() || name.size() > kLongestName) return false;
  std::size_t label = 0;
  for (const char c : name) {
    if (c != '.') {
      if (++label > kLongestLabel) return false;
      continue;
    }
    if (label == 0) return false;
    label = 0;
  }
  return label != 0;
}

}  // namespace

bool normalise_domain(std::string_view name, std::string& into) {
  if (name.ends_with('.')) name.remove_suffix(1);
  if (name.empty() || name.size() > 4 * kLongestName) return false;
  into.resize(name.size());
  for (std::size_t i = 0; i < name.size(); ++i) {
    const char c = name_byte(name[i]);
    if (c == 0) {
      if (static_cast<unsigned char>(name[i]) < 0x80) return false;
      const std::string copy(name);
      if (copy.find('\0') != std::string::npos) return false;
      char* ascii = nullptr;
      const int flags = IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL;
      if (idn2_to_ascii_8z(copy.c_str(), &ascii, flags) != IDN2_OK) return false;
      into = ascii;
      idn2_free(ascii);
      return well_formed(into);
    }
    into[i] = c;
  }
  return well_formed(into);
}

bool is_public_suffix(std::string_view name) {
  if (name.find('.') == std::string_view::npos) return true;
  const psl_ctx_t* list = public_suffixes();
  return list != nullptr && psl_is_public_suffix(list, std::string(name).c_str()) != 0;
}

std::string_view registrable_domain(std::string_view name) {
  const psl_ctx_t* list = public_suffixes();
  if (list == nullptr || name.empty()) return {};
  const std::string copy(name);
  const char* domain = psl_registrable_domain(list, copy.c_str());
  return domain == nullptr ? std::string_view() : name.substr(static_cast<std::size_t>(domain - copy.c_str()));
}

}  // namespace tocsin
