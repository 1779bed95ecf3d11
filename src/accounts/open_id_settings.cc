#include <fmt/format.h>
#include <sys/stat.h>
#include <toml++/toml.h>

#include <map>

#include "accounts/open_id.h"
#include "base/text.h"

namespace tocsin::serve {

Expected<OpenIdSettings> load_open_id_settings(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) == 0 && (status.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    return failure(
        fmt::format("{}: others than its owner can read it, and it holds a secret: chmod 600 {}", path, path));
  }
  OpenIdSettings settings;
  const std::map<std::string_view, std::string*> keys{{"issuer", &settings.issuer},
                                                      {"client_id", &settings.client_id},
                                                      {"client_secret", &settings.client_secret},
                                                      {"redirect", &settings.redirect},
                                                      {"claim", &settings.claim}};
  try {
    for (const auto& [key, value] : toml::parse_file(path)) {
      const auto known = keys.find(key.str());
      const auto text = value.value_exact<std::string>();
      if (known == keys.end() || !text) {
        return failure(
            fmt::format("{}:{}: expected texts issuer, client_id, client_secret, redirect and claim, not '{}'", path,
                        key.source().begin.line, printable(key.str(), 64)));
      }
      *known->second = *text;
    }
  } catch (const toml::parse_error& error) {
    return failure(fmt::format("{}:{}: {}", path, error.source().begin.line, error.description()));
  }
  for (const auto& [key, value] : keys) {
    if (value->empty()) return failure(fmt::format("{}: {} is missing", path, key));
  }
  return settings;
}

}  // namespace tocsin::serve
