// The catalogue's files: [[figure]] tables whose keys are described in figures/keys.toml. Whatever a file holds that is
// not described there is an error with its line: a figure that is published must not rest on a misspelt key.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <toml++/toml.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/text.h"
#include "figures/plan.h"

namespace tocsin {
namespace {

constexpr std::uintmax_t kLargestFile = 1 << 20;
constexpr std::size_t kMostFigures = 2000;
constexpr std::array<std::string_view, 6> kMeasures = {"distinct actors", "distinct targets", "sightings", "attempts",
                                                       "share",           "monthly mean"};
constexpr std::array<std::string_view, 4> kSides = {"overseas", "constituency", "domestic", "any"};
constexpr std::array<std::string_view, 4> kCounts = {"address", "name", "name+address", "address+name"};

// A figure with where it stands.
struct Entry {
  FigureDefinition figure;
  std::int64_t rank = 1000;
  std::string place;     // figures/x.toml:12
  std::string of_place;  // of its key `of`
};

// Reads one [[figure]]; the first error stays.
class EntryReader {
 public:
  EntryReader(std::string file, const toml::table& table) : file_(std::move(file)), table_(table) {}

  Expected<Entry> read() {
    entry_.place = place(table_);
    for (const auto& [key, value] : table_) take(std::string(key.str()), value);
    check();
    if (!error_.empty()) return failure(error_);
    return std::move(entry_);
  }

 private:
  std::string place(const toml::node& node) const { return fmt::format("{}:{}", file_, node.source().begin.line); }
  void fail(const toml::node& node, const std::string& what) {
    if (error_.empty()) error_ = fmt::format("{}: {}", place(node), what);
  }

  void take(const std::string& key, const toml::node& value) {
    FigureDefinition& figure = entry_.figure;
    if (key == "id") {
      figure.id = text(key, value);
      const bool good = figure.id.find('.') != std::string::npos && figure.id.size() <= 100 &&
                        figure.id.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-.") == std::string::npos;
      if (!good) fail(value, "id expected as kind.what-is-counted, in lower-case letters, digits and '-'");
    } else if (key == "measure") {
      figure.measure = one_of(key, value, kMeasures);
    } else if (key == "actor") {
      figure.actor = one_of(key, value, kSides);
    } else if (key == "target") {
      figure.target = one_of(key, value, kSides);
    } else if (key == "count") {
      figure.count = one_of(key, value, kCounts);
    } else if (key == "unit") {
      figure.unit = text(key, value);
    } else if (key == "of") {
      figure.of = text(key, value);
      entry_.of_place = place(value);
    } else if (key == "where") {
      figure.where = text(key, value);
      if (const auto sql = figures::condition_sql(figure.where); !sql) fail(value, sql.error().message);
    } else if (key == "kinds") {
      figure.kinds = texts(key, value);
      for (const std::string& kind : figure.kinds) {
        if (const auto known = kind_of(kind); !known) fail(value, known.error().message);
      }
    } else if (key == "by") {
      figure.by = texts(key, value);
      for (const std::string& name : figure.by) {
        if (!figures::find_dimension(name)) {
          fail(value, fmt::format("by expected dimensions among {}, found '{}'", fmt::join(dimension_names(), ", "),
                                  printable(name, 64)));
        }
      }
    } else if (key == "machines") {
      const auto flag = value.value_exact<bool>();
      if (!flag) fail(value, "machines expected true or false");
      figure.machines = flag.value_or(false);
    } else if (key == "rank") {
      const auto rank = value.value_exact<std::int64_t>();
      if (!rank) fail(value, "rank expected a whole number");
      entry_.rank = rank.value_or(1000);
    } else if (key == "title") {
      figure.title = by_language(key, value);
    } else if (key == "definition") {
      figure.definition = by_language(key, value);
    } else if (key == "caution") {
      figure.caution = by_language(key, value);
    } else if (key == "sentence") {
      figure.sentence = by_language(key, value);
    } else {
      fail(value, fmt::format("'{}' is not a key of a figure: expected one of id, rank, measure, of, kinds, actor, "
                              "target, where, count, machines, by, unit, title, definition, caution, sentence",
                              printable(key, 64)));
    }
  }

  void check() {
    FigureDefinition& figure = entry_.figure;
    if (figure.machines && (figure.measure != "distinct targets" || figure.count != "address")) {
      fail(table_, fmt::format("{}: machines are estimated of distinct targets by address only", figure.id));
    }
    if (figure.actor.empty()) figure.actor = "any";
    if (figure.target.empty()) figure.target = "any";
    const bool share = figure.measure == "share";
    if (figure.id.empty()) fail(table_, "a figure expected an id");
    if (figure.measure.empty()) {
      fail(table_, fmt::format("{} expected a measure: one of {}", figure.id, fmt::join(kMeasures, ", ")));
    }
    if (figure.unit.empty()) fail(table_, figure.id + " expected a unit, such as \"hosts\"");
    if (!figure.title.contains("en")) fail(table_, figure.id + " expected title.en");
    if (!figure.definition.contains("en")) fail(table_, figure.id + " expected definition.en");
    if (share == figure.of.empty()) {
      fail(table_, figure.id + (share ? " is a share and expected the key of: the figure that is 100 per cent"
                                      : " is not a share and expected no key of"));
    }
  }

  std::string text(const std::string& key, const toml::node& value) {
    const auto* string = value.as_string();
    if (!string || string->get().empty()) {
      fail(value, key + " expected a text in quotes");
      return "";
    }
    return string->get();
  }

  template <std::size_t N>
  std::string one_of(const std::string& key, const toml::node& value, const std::array<std::string_view, N>& known) {
    std::string found = text(key, value);
    if (std::ranges::find(known, found) == known.end()) {
      fail(value, fmt::format("{} expected one of {}, found '{}'", key, fmt::join(known, ", "), printable(found, 64)));
    }
    return found;
  }

  std::vector<std::string> texts(const std::string& key, const toml::node& value) {
    std::vector<std::string> all;
    const auto* array = value.as_array();
    if (!array || array->size() > 100) {
      fail(value, key + " expected a list of texts: [\"…\", \"…\"]");
      return all;
    }
    for (const toml::node& element : *array) all.push_back(text(key, element));
    return all;
  }

  std::map<std::string, std::string> by_language(const std::string& key, const toml::node& value) {
    std::map<std::string, std::string> all;
    const auto* languages = value.as_table();
    if (!languages) {
      fail(value, fmt::format("{0} expected texts by language: {0}.en = \"…\"", key));
      return all;
    }
    for (const auto& [language, node] : *languages) {
      const std::string name(language.str());
      if (name.size() < 2 || name.size() > 8) {
        fail(node, fmt::format("{} expected a language such as en or zh, found '{}'", key, printable(name, 16)));
      }
      all[name] = text(key + "." + name, node);
    }
    return all;
  }

  std::string file_;
  const toml::table& table_;
  Entry entry_;
  std::string error_;
};

Expected<toml::table> parsed(const std::filesystem::path& path, const std::string& shown) {
  std::error_code error;
  const auto size = std::filesystem::file_size(path, error);
  if (error) return failure(fmt::format("{}: {}", shown, error.message()));
  if (size > kLargestFile) return failure(fmt::format("{}: expected at most 1 MiB", shown));
  std::ifstream stream(path, std::ios::binary);
  std::ostringstream content;
  content << stream.rdbuf();
  if (!stream) return size == 0 ? Expected<toml::table>{} : failure(fmt::format("{}: cannot be read", shown));
  try {
    return toml::parse(content.view(), shown);
  } catch (const toml::parse_error& wrong) {
    return failure(fmt::format("{}:{}: {}", shown, wrong.source().begin.line, wrong.description()));
  }
}

// [sectors] code = ["English", "Chinese"]
Expected<SectorNames> read_sectors(const std::filesystem::path& path) {
  const std::string shown = (path.parent_path().filename() / path.filename()).string();
  const auto document = parsed(path, shown);
  if (!document) return std::unexpected(document.error());
  SectorNames names;
  const auto* table = (*document)["sectors"].as_table();
  if (!table) return failure(fmt::format("{}: expected the table [sectors]", shown));
  for (const auto& [code, value] : *table) {
    const auto* texts = value.as_array();
    const auto text = [&](std::size_t i) { return texts ? (*texts)[i].value_exact<std::string>() : std::nullopt; };
    if (!texts || texts->size() != 2 || !text(0) || !text(1)) {
      return failure(
          fmt::format("{}:{}: a sector expected its name in English and in Chinese, like [\"Energy\", \"能源\"]", shown,
                      value.source().begin.line));
    }
    names[std::string(code.str())] = {{"en", *text(0)}, {"zh", *text(1)}};
  }
  return names;
}

Expected<void> read_file(const std::filesystem::path& path, const std::string& shown, std::vector<Entry>& entries) {
  const auto document = parsed(path, shown);
  if (!document) return std::unexpected(document.error());
  for (const auto& [key, value] : *document) {
    const auto line = value.source().begin.line;
    const auto* tables = key.str() == "figure" ? value.as_array() : nullptr;
    if (!tables) {
      return failure(
          fmt::format("{}:{}: expected [[figure]], found '{}'", shown, line, printable(std::string(key.str()), 64)));
    }
    for (const toml::node& node : *tables) {
      const auto* table = node.as_table();
      if (!table) return failure(fmt::format("{}:{}: expected [[figure]]", shown, node.source().begin.line));
      auto entry = EntryReader(shown, *table).read();
      if (!entry) return std::unexpected(entry.error());
      if (entries.size() == kMostFigures) {
        return failure(fmt::format("{}: expected at most {} figures in all", entry->place, kMostFigures));
      }
      entries.push_back(std::move(*entry));
    }
  }
  return {};
}

Expected<void> check_together(const std::vector<Entry>& entries) {
  std::map<std::string, const Entry*> by_id;
  for (const Entry& entry : entries) {
    const auto [at, added] = by_id.emplace(entry.figure.id, &entry);
    if (!added) {
      return failure(fmt::format("{}: {} is defined already at {}: expected an id of its own", entry.place,
                                 entry.figure.id, at->second->place));
    }
  }
  for (const Entry& entry : entries) {
    if (entry.figure.of.empty()) continue;
    const auto whole = by_id.find(entry.figure.of);
    const std::string measure = whole == by_id.end() ? "" : whole->second->figure.measure;
    if (measure.empty() || measure == "share" || measure == "monthly mean") {
      return failure(fmt::format("{}: of expected the id of a figure that counts, found '{}'", entry.of_place,
                                 printable(entry.figure.of, 64)));
    }
  }
  return {};
}

}  // namespace

Expected<Catalogue> Catalogue::load(const std::string& directory, const std::string& sectors) {
  namespace fs = std::filesystem;
  std::error_code error;
  // The directory may be a link, as it is in the build tree.
  fs::recursive_directory_iterator at(directory, fs::directory_options::skip_permission_denied, error);
  if (error) {
    return failure(fmt::format("{}: {}: expected the directory of the catalogue", directory, error.message()));
  }
  std::vector<fs::path> paths;
  while (at != fs::recursive_directory_iterator()) {
    if (at->path().extension() == ".toml" && at->is_regular_file(error)) paths.push_back(at->path());
    at.increment(error);
    if (error) return failure(fmt::format("{}: {}", directory, error.message()));
  }
  std::ranges::sort(paths);
  // Shown as the user knows them: below the directory's own name.
  fs::path base = fs::path(directory).lexically_normal();
  if (base.filename().empty()) base = base.parent_path();
  std::vector<Entry> entries;
  for (const fs::path& path : paths) {
    const std::string shown = (base.filename() / fs::relative(path, directory, error)).string();
    if (auto read = read_file(path, shown, entries); !read) return std::unexpected(read.error());
  }
  if (auto checked = check_together(entries); !checked) return std::unexpected(checked.error());
  std::ranges::stable_sort(entries, {}, &Entry::rank);
  std::shared_ptr<const SectorNames> names;
  if (!sectors.empty()) {
    auto read = read_sectors(sectors);
    if (!read) return std::unexpected(read.error());
    names = std::make_shared<const SectorNames>(std::move(*read));
  }
  Catalogue catalogue;
  for (Entry& entry : entries) {
    entry.figure.sectors = names;
    catalogue.figures_.push_back(std::move(entry.figure));
  }
  return catalogue;
}

const FigureDefinition* Catalogue::find(const std::string& id) const {
  const auto at = std::ranges::find(figures_, id, &FigureDefinition::id);
  return at == figures_.end() ? nullptr : &*at;
}

}  // namespace tocsin
