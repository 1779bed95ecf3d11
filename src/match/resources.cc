#include "match/resources.h"

#include <fmt/format.h>

#include <unordered_set>

#include "base/text.h"
#include "base/turns.h"
#include "match/datasets.h"

namespace tocsin::match {
namespace {

class AskSet final : public Outside {
 public:
  using Command = rules::DatasetMatch::Command;
  AskSet(std::shared_ptr<DataSet> set, const rules::DatasetMatch& wanted) : set_(std::move(set)), wanted_(wanted) {
    if (wanted.command == Command::kSet || wanted.command == Command::kUnset) set_->may_change = true;
  }
  bool ask(Bytes buffer, std::size_t, std::string& context) override {
    if (set_->may_change) wait_for_turn();
    if (wanted_.command == Command::kSet) return set_->add(buffer, {});
    if (wanted_.command == Command::kUnset) return set_->remove(buffer);
    const DataSet::Entry* entry = wanted_.subdomains ? set_->find_domain(buffer) : set_->find(buffer);
    if (entry != nullptr && !entry->context.empty() && wanted_.command == Command::kIsSet)
      context += fmt::format("{}\"{}\":{}", context.empty() ? "" : ",", wanted_.context_key, entry->context);
    return (entry != nullptr) == (wanted_.command == Command::kIsSet);
  }

 private:
  std::shared_ptr<DataSet> set_;
  const rules::DatasetMatch& wanted_;
};

class AskReputation final : public Outside {
 public:
  AskReputation(std::shared_ptr<DataSet> set, const rules::DataReputation& wanted)
      : set_(std::move(set)), wanted_(wanted) {}
  bool ask(Bytes buffer, std::size_t, std::string&) override {
    if (set_->may_change) wait_for_turn();
    const DataSet::Entry* entry = set_->find(buffer);
    return entry != nullptr && wanted_.score.holds(entry->reputation);
  }

 private:
  std::shared_ptr<DataSet> set_;
  const rules::DataReputation& wanted_;
};

// Sums in hexadecimal, one a line.
class AskList final : public Outside {
 public:
  explicit AskList(std::string_view text) {
    while (!text.empty()) {
      const std::size_t end = text.find('\n');
      const std::string_view line = trim(text.substr(0, end));
      text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
      const std::string_view sum = line.substr(0, line.find_first_of(" \t,"));
      if (!sum.empty() && !sum.starts_with('#')) sums_.insert(lower(sum));
    }
  }
  bool ask(Bytes buffer, std::size_t, std::string&) override { return sums_.contains(lower(text_of(buffer))); }

 private:
  std::unordered_set<std::string> sums_;
};

class AllResources final : public Resources {
 public:
  AllResources(const Options& options, bool has_countries)
      : options_(options), has_countries_(has_countries), sets_(options) {}

  Expected<std::shared_ptr<Outside>> outside(const rules::Match& match, const rules::Rule& rule) override {
    if (const auto* wanted = std::get_if<rules::DatasetMatch>(&match)) {
      auto set = sets_.open(*wanted, rule.file);
      if (!set) return std::unexpected(set.error());
      return std::make_shared<AskSet>(std::move(*set), *wanted);
    }
    if (const auto* wanted = std::get_if<rules::DataReputation>(&match)) {
      rules::DatasetMatch as_set;
      as_set.name = wanted->name;
      as_set.type = wanted->type;
      as_set.load = wanted->load;
      auto set = sets_.open(as_set, rule.file);
      if (!set) return std::unexpected(set.error());
      return std::make_shared<AskReputation>(std::move(*set), *wanted);
    }
    return failure("scripts in Lua can't be run");
  }

  Expected<std::shared_ptr<Outside>> hash_list(const rules::FileCondition& condition,
                                               const rules::Rule& rule) override {
    constexpr std::size_t kLargest = std::size_t{512} << 20;
    const auto text = read_text(beside_rule(condition.text, rule.file, options_), kLargest);
    if (!text) return std::unexpected(text.error());
    return std::make_shared<AskList>(*text);
  }

  bool has_countries() const override { return has_countries_; }
  void save() override { sets_.save(); }

 private:
  const Options& options_;
  bool has_countries_;
  DataSets sets_;
};

}  // namespace

std::unique_ptr<Resources> make_resources(const Options& options, bool has_countries) {
  return std::make_unique<AllResources>(options, has_countries);
}

}  // namespace tocsin::match
