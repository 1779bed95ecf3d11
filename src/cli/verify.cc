#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/base64.h"
#include "base/text.h"
#include "cli/command.h"
#include "publish/report.h"
#include "publish/signature.h"

namespace tocsin::cli {
namespace {
namespace fs = std::filesystem;

struct VerifyCommand {
  std::string directory, brief, public_key;
  bool json = false;
};

// What was found, in the order in which it is told.
struct Findings {
  std::vector<StoreFinding> wrong;
  std::vector<std::string> good;
  std::string public_key;  // of the signature; empty if there is none
  void add(const std::string& where, const std::vector<std::string>& what) {
    for (const std::string& each : what) wrong.push_back({where, each});
  }
};

// Checks the signature beside the brief. Who must have signed: the key given, else the store's own.
Expected<void> check_signature_of(const VerifyCommand& given, Findings& findings) {
  std::optional<PublicKey> known;
  if (!given.public_key.empty()) {
    const auto key = public_key_from(given.public_key);
    if (!key) return std::unexpected(key.error());
    known = *key;
  } else {
    const auto key = public_key_in(given.directory);
    if (!key) return std::unexpected(key.error());
    known = *key;
  }
  const fs::path path = signature_path_of(given.brief);
  std::error_code error;
  if (!fs::exists(path, error)) {
    const std::string none = fmt::format("no signature lies beside it ({})", path.filename().string());
    if (given.public_key.empty()) {
      findings.good.push_back(fmt::format("{}: {}.", given.brief, none));
    } else {
      findings.add(given.brief, {none});
    }
    return {};
  }
  const auto check = check_signature(given.brief, known);
  if (!check) return std::unexpected(check.error());
  findings.add(path.string(), check->wrong);
  findings.public_key = base64(check->public_key);
  findings.good.push_back(fmt::format("The signature of {} is good, by the key {}{}.", given.brief, findings.public_key,
                                      !known                     ? ", which nothing here vouches for"
                                      : given.public_key.empty() ? ", this store's"
                                                                 : ", as given"));
  for (const std::string& name : check->missing) {
    findings.good.push_back(fmt::format("{} was signed too, but is not here.", name));
  }
  return {};
}

Expected<void> check_store(const VerifyCommand& given, Findings& findings) {
  auto open = open_store(given.directory);
  if (!open) return std::unexpected(open.error());
  const auto found = open->store->verify();
  if (!found) return std::unexpected(found.error());
  findings.wrong.insert(findings.wrong.end(), found->begin(), found->end());
  const auto head = open->store->head();
  if (!head) return std::unexpected(head.error());
  findings.good.push_back(fmt::format("The store is sound: ledger line {}, {}.", head->sequence,
                                      head->hash.empty() ? "empty" : head->hash));
  if (given.brief.empty() || !found->empty()) return {};
  std::ifstream file(given.brief, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  if (!file) return failure(fmt::format("{}: can't be read", given.brief));
  const auto different = differences(text.str(), open->catalogue, *open->store, *open->database);
  if (!different) return failure(fmt::format("{}: {}", given.brief, different.error().message));
  findings.add(given.brief, *different);
  findings.good.push_back(
      fmt::format("Every figure of {} is what the segments say, recomputed by a second path.", given.brief));
  return {};
}

int tell(const Findings& findings, bool json) {
  const bool sound = findings.wrong.empty();
  if (json) {
    nlohmann::json list = nlohmann::json::array();
    for (const StoreFinding& finding : findings.wrong) {
      list.push_back({{"where", finding.where}, {"what", finding.what}});
    }
    nlohmann::json out{{"sound", sound}, {"findings", list}};
    if (!findings.public_key.empty()) out["public_key"] = findings.public_key;
    fmt::print("{}\n", out.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
    return sound ? 0 : 1;
  }
  for (const StoreFinding& finding : findings.wrong) {
    fmt::print("{}: {}\n", printable(finding.where), printable(finding.what, 3000));
  }
  if (!sound) return 1;
  for (const std::string& good : findings.good) fmt::print("{}\n", printable(good, 3000));
  return 0;
}

int verify(const VerifyCommand& given) {
  Findings findings;
  std::error_code error;
  // Who received a brief has no store: the signature can be checked all the same.
  const bool alone = !given.brief.empty() && !given.public_key.empty() &&
                     !fs::exists(fs::path(given.directory) / "tocsin.toml", error);
  if (alone) {
    findings.good.emplace_back("There is no store here: the figures were not recomputed.");
  } else if (const auto checked = check_store(given, findings); !checked) {
    return fail(checked.error());
  }
  if (!given.brief.empty()) {
    if (const auto checked = check_signature_of(given, findings); !checked) return fail(checked.error());
  }
  return tell(findings, given.json);
}

}  // namespace

void add_verify(CLI::App& app, Chosen& chosen) {
  auto given = std::make_shared<VerifyCommand>();
  CLI::App* command = app.add_subcommand(
      "verify", "Check the ledger and the segments, recompute a brief from them, and check its signature");
  command->add_option("brief", given->brief, "A brief as JSON, to compare with")->check(CLI::ExistingFile);
  add_store_option(*command, given->directory);
  command->add_option("--public-key", given->public_key,
                      "Who must have signed the brief: Base64, or a file (default: the store's own key)");
  command->add_flag("--json", given->json, "Print JSON");
  command->callback([=, &chosen] { chosen = [=] { return verify(*given); }; });
}

}  // namespace tocsin::cli
