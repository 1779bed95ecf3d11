#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "cli/command.h"
#include "engine/engine.h"
#include "pipeline/packet_rules.h"
#include "rules/config_files.h"
#include "rules/keyword.h"
#include "rules/parser.h"

namespace tocsin::cli {
namespace {

struct RulesCommand {
  std::vector<std::string> files, variables;
  std::string classification, references;
  bool json = false;
};

Expected<rules::Vocabulary> vocabulary_of(const RulesCommand& given) {
  rules::Vocabulary vocabulary;
  vocabulary.variables = rules::variables_of(engine::default_options());
  for (const std::string& variable : given.variables) {
    const std::size_t equals = variable.find('=');
    if (equals == 0 || equals == std::string::npos) return failure("--var needs NAME=VALUE");
    vocabulary.variables[variable.substr(0, equals)] = variable.substr(equals + 1);
  }
  if (!given.classification.empty()) {
    if (const auto read = rules::read_classification(given.classification, vocabulary); !read)
      return std::unexpected(read.error());
  }
  if (!given.references.empty()) {
    if (const auto read = rules::read_references(given.references, vocabulary); !read)
      return std::unexpected(read.error());
  }
  return vocabulary;
}

int check(const RulesCommand& given) {
  const auto vocabulary = vocabulary_of(given);
  if (!vocabulary) return fail(vocabulary.error());
  rules::RuleSet set;
  for (const std::string& file : given.files) {
    if (const auto done = set.read_file(file, *vocabulary); !done) return fail(done.error());
  }
  set.check_together();
  const std::uint64_t refused = set.refused();
  // What is understood may still lack something to run: a file, a language, a protocol that is read.
  const auto read = std::make_shared<const rules::RuleSet>(std::move(set));
  const std::vector<rules::Fault> lacks =
      match::Inspector(read, engine::default_options(), nullptr, protocol::protocols(), countries_when_asked())
          .faults();
  const auto cant_run = static_cast<std::uint64_t>(
      std::ranges::count_if(lacks, [](const rules::Fault& fault) { return !fault.is_warning; }));
  std::vector<rules::Fault> all = read->faults;
  all.insert(all.end(), lacks.begin(), lacks.end());
  if (given.json) {
    nlohmann::json faults = nlohmann::json::array();
    for (const rules::Fault& fault : all) {
      faults.push_back({{"file", printable(fault.file, 4096)},
                        {"line", fault.line},
                        {"column", fault.column},
                        {"sid", fault.sid},
                        {"warning", fault.is_warning},
                        {"message", fault.message}});
    }
    fmt::print("{}\n", nlohmann::json{{"read", read->read},
                                      {"understood", read->read - refused},
                                      {"run", read->read - refused - cant_run},
                                      {"faults", faults}}
                           .dump());
  } else {
    for (const rules::Fault& fault : all) fmt::print("{}\n", fault.text());
    const auto shown = [](std::uint64_t number) { return with_thousands(static_cast<std::int64_t>(number)); };
    fmt::print("{} rules read, {} not understood, {} can't run, {} run\n", shown(read->read), shown(refused),
               shown(cant_run), shown(read->read - refused - cant_run));
  }
  return refused + cant_run == 0 ? 0 : 3;
}

}  // namespace

void add_rules(CLI::App& app, Chosen& chosen) {
  auto given = std::make_shared<RulesCommand>();
  CLI::App* command = app.add_subcommand("rules", "Rules in the language of Suricata");
  command->require_subcommand(1);
  CLI::App* checking = command->add_subcommand("check", "Say which rules are understood, and of the others why not");
  checking->add_option("files", given->files, "Files of rules")->required();
  checking->add_flag("--json", given->json, "As JSON");
  checking->add_option("--classification", given->classification, "A classification.config: classes and priorities");
  checking->add_option("--references", given->references, "A reference.config: kinds of references");
  checking->add_option("--var", given->variables, "NAME=VALUE: a variable of addresses or ports, without $");
  checking->callback([=, &chosen] { chosen = [=] { return check(*given); }; });
  CLI::App* listing = command->add_subcommand("keywords", "Print the keywords that are understood, as Markdown");
  listing->callback([&chosen] {
    chosen = [] {
      fmt::print("{}", rules::keywords_as_markdown());
      return 0;
    };
  });
}

}  // namespace tocsin::cli
