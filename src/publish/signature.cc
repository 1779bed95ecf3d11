#include "publish/signature.h"

#include <fmt/format.h>
#include <sodium.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/base64.h"
#include "base/hash.h"
#include "base/text.h"
#include "store/files.h"

namespace tocsin {
namespace {
namespace fs = std::filesystem;

using Json = nlohmann::ordered_json;

constexpr std::uintmax_t kLargestSignature = 1 << 20;
constexpr std::size_t kMostFiles = 1000;

// One line of the signed text each, and no way out of the directory.
bool good_name(const std::string& name) {
  return !name.empty() && name.size() <= 255 && name != "." && name != ".." &&
         std::ranges::all_of(name, [](char c) { return c > ' ' && c < 0x7f && c != '/' && c != '\\'; });
}

bool is_hex(const std::string& text, std::size_t size) {
  return text.size() == size && text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

const Json& member(const Json& object, const char* key) {
  if (!object.is_object() || !object.contains(key)) throw std::runtime_error(fmt::format("{} is missing", key));
  return object.at(key);
}

std::string text(const Json& object, const char* key) {
  const Json& value = member(object, key);
  if (!value.is_string()) throw std::runtime_error(fmt::format("{}: a text was expected", key));
  return value.get<std::string>();
}

BriefSignature signature_of(const Json& json) {
  BriefSignature out;
  if (text(json, "algorithm") != "Ed25519") throw std::runtime_error("algorithm: \"Ed25519\" was expected");
  const auto key = parse_public_key(text(json, "public_key"));
  if (!key) throw std::runtime_error("public_key: " + key.error().message);
  out.public_key = *key;
  const Json& files = member(json, "files");
  if (!files.is_array() || files.empty() || files.size() > kMostFiles) {
    throw std::runtime_error(fmt::format("files: a list of 1 to {} was expected", kMostFiles));
  }
  for (const Json& file : files) {
    SignedFile& each = out.files.emplace_back(SignedFile{text(file, "name"), text(file, "sha256")});
    if (!good_name(each.name)) throw std::runtime_error("files: a name without directories was expected");
    if (!is_hex(each.sha256, 64)) throw std::runtime_error("files: a SHA-256 in hexadecimal was expected");
    if (out.files.size() > 1 && out.files[out.files.size() - 2].name >= each.name) {
      throw std::runtime_error("files: they were expected by name, each once");
    }
  }
  const Json& ledger = member(json, "ledger");
  if (!member(ledger, "sequence").is_number_unsigned()) {
    throw std::runtime_error("ledger.sequence: a whole number was expected");
  }
  out.ledger.sequence = ledger.at("sequence").get<std::uint64_t>();
  out.ledger.hash = text(ledger, "hash");
  if (!out.ledger.hash.empty() && !is_hex(out.ledger.hash, 64)) {
    throw std::runtime_error("ledger.hash: 64 hexadecimal digits were expected");
  }
  const std::string signature = text(json, "signature");
  std::size_t size = 0;
  if (sodium_base642bin(out.signature.data(), out.signature.size(), signature.data(), signature.size(), nullptr, &size,
                        nullptr, sodium_base64_VARIANT_ORIGINAL) != 0 ||
      size != out.signature.size()) {
    throw std::runtime_error("signature: 64 bytes in Base64 were expected");
  }
  return out;
}

// The ledger's line that a brief's JSON names; empty text if it names none.
std::string ledger_of(const fs::path& brief) {
  const auto content = store::read_whole(brief);
  const Json json = content ? Json::parse(*content, nullptr, false) : Json();
  const auto ledger = json.is_object() ? json.find("ledger") : json.end();
  if (!json.is_object() || ledger == json.end() || !ledger->is_object() || !ledger->contains("sequence")) return "";
  return fmt::format(
      "{} {}", ledger->at("sequence").dump(-1, ' ', false, Json::error_handler_t::replace),
      ledger->contains("hash") && ledger->at("hash").is_string() ? ledger->at("hash").get<std::string>() : "");
}

}  // namespace

std::string signed_text(const std::vector<SignedFile>& files, const SightingStore::Head& ledger) {
  std::string out = fmt::format("tocsin-brief-signature-1\nledger {} {}\n", ledger.sequence, ledger.hash);
  for (const SignedFile& file : files) out += fmt::format("file {} {}\n", file.sha256, file.name);
  return out;
}

Expected<std::string> sign_files(const SigningKey& key, const fs::path& directory, std::vector<std::string> names,
                                 const SightingStore::Head& ledger) {
  std::ranges::sort(names);
  names.erase(std::unique(names.begin(), names.end()), names.end());
  std::vector<SignedFile> files;
  for (const std::string& name : names) {
    if (!good_name(name)) return failure(fmt::format("{}: is no name of a file to sign", printable(name, 300)));
    const auto sum = sum_of(directory / name);
    if (!sum) return std::unexpected(sum.error());
    files.push_back({name, sum->sha256});
  }
  Json json;
  json["algorithm"] = "Ed25519";
  json["public_key"] = base64(key.public_key());
  json["files"] = Json::array();
  for (const SignedFile& file : files) json["files"].push_back({{"name", file.name}, {"sha256", file.sha256}});
  json["ledger"] = {{"sequence", ledger.sequence}, {"hash", ledger.hash}};
  json["signature"] = base64(key.sign(signed_text(files, ledger)));
  return json.dump(2) + "\n";
}

Expected<BriefSignature> parse_signature(const std::string& json) {
  try {
    return signature_of(Json::parse(json));
  } catch (const Json::exception&) {
    return failure("is no signature of tocsin report: this is not JSON");
  } catch (const std::runtime_error& error) {
    return failure(fmt::format("is no signature of tocsin report: {}", printable(error.what(), 200)));
  }
}

fs::path signature_path_of(const fs::path& brief) {
  fs::path path = brief;
  return path.replace_extension(".sig.json");
}

Expected<SignatureCheck> check_signature(const fs::path& brief, const std::optional<PublicKey>& known) {
  const fs::path path = signature_path_of(brief);
  if (sodium_init() < 0) return failure("libsodium could not be made ready");
  std::error_code error;
  if (fs::file_size(path, error) > kLargestSignature && !error) {
    return failure(fmt::format("{}: is no signature of tocsin report: at most 1 MiB was expected", path.string()));
  }
  const auto content = store::read_whole(path);
  if (!content) return std::unexpected(content.error());
  const auto signature = parse_signature(*content);
  if (!signature) return failure(fmt::format("{}: {}", path.string(), signature.error().message));
  SignatureCheck check;
  check.public_key = signature->public_key;
  if (known && *known != signature->public_key) {
    check.wrong.push_back(
        fmt::format("signed with the key {}, not with {}", base64(signature->public_key), base64(*known)));
  }
  const std::string message = signed_text(signature->files, signature->ledger);
  if (crypto_sign_verify_detached(signature->signature.data(), reinterpret_cast<const unsigned char*>(message.data()),
                                  message.size(), signature->public_key.data()) != 0) {
    check.wrong.emplace_back("the signature is not one of these hashes and this ledger line");
  }
  bool found = false;
  for (const SignedFile& file : signature->files) {
    const fs::path beside = path.parent_path() / file.name;
    const bool itself = file.name == brief.filename().string();
    found = found || itself;
    if (!fs::exists(beside, error)) {
      check.missing.push_back(file.name);
      continue;
    }
    const auto sum = sum_of(beside);
    if (!sum) {
      check.wrong.push_back(sum.error().message);
    } else if (sum->sha256 != file.sha256) {
      check.wrong.push_back(fmt::format("{} has been changed since it was signed", file.name));
    }
  }
  if (!found) check.wrong.push_back(fmt::format("{} is not among the files signed", brief.filename().string()));
  if (ledger_of(brief) != fmt::format("{} {}", signature->ledger.sequence, signature->ledger.hash)) {
    check.wrong.emplace_back("the signature is of another ledger line than the brief");
  }
  return check;
}

}  // namespace tocsin
