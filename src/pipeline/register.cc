#include "pipeline/register.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.h"
#include "collect/input.h"

namespace tocsin {
namespace {

constexpr std::array<std::string_view, 6> kColumns{"name", "sector", "province", "contact", "domains", "prefixes"};

// The fields of a line of CSV (RFC 4180, without line ends in quotes).
std::vector<std::string> fields_of(std::string_view line) {
  std::vector<std::string> fields(1);
  bool quoted = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '"') {
      if (quoted && i + 1 < line.size() && line[i + 1] == '"') {
        fields.back() += line[i++];
      } else {
        quoted = !quoted;
      }
    } else if (line[i] == ',' && !quoted) {
      fields.emplace_back();
    } else {
      fields.back() += line[i];
    }
  }
  return fields;
}

std::vector<std::string> words_of(const std::string& text) {
  std::vector<std::string> words;
  std::size_t at = 0;
  while ((at = text.find_first_not_of(' ', at)) != std::string::npos) {
    const std::size_t end = std::min(text.find(' ', at), text.size());
    words.push_back(text.substr(at, end - at));
    at = end;
  }
  return words;
}

}  // namespace

Expected<void> read_register(const std::string& path, std::vector<Organisation>& into) {
  auto input = InputStream::open(path);
  if (!input) return std::unexpected(input.error());
  std::array<std::size_t, kColumns.size()> column{};
  column.fill(std::string::npos);
  std::uint64_t number = 0;
  bool header = true;
  while (const auto line = (*input)->line()) {
    ++number;
    std::string_view text = *line;
    if (number == 1 && text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
    if (text.empty() || text.starts_with('#')) continue;
    const std::vector<std::string> fields = fields_of(text);
    if (header) {
      for (std::size_t i = 0; i < fields.size(); ++i) {
        const auto known = std::ranges::find(kColumns, lower(fields[i]));
        if (known == kColumns.end()) {
          return failure(
              fmt::format("{}:{}: '{}' is no column of a register: they are name, sector, province, contact, "
                          "domains, prefixes",
                          path, number, printable(fields[i], 64)));
        }
        column[static_cast<std::size_t>(known - kColumns.begin())] = i;
      }
      header = false;
      continue;
    }
    const auto field = [&](std::size_t which) {
      return column[which] < fields.size() ? fields[column[which]] : std::string();
    };
    Organisation entry{
        .name = field(0), .sector = field(1), .province = field(2), .contact = field(3), .prefixes = {}, .domains = {}};
    for (const std::string& domain : words_of(field(4))) entry.domains.push_back(lower(domain));
    for (const std::string& word : words_of(field(5))) {
      const auto prefix = Prefix::parse(word);
      if (!prefix) {
        return failure(fmt::format("{}:{}: '{}' is no prefix like 192.0.2.0/24", path, number, printable(word, 64)));
      }
      entry.prefixes.push_back(*prefix);
    }
    if (entry.prefixes.empty() && entry.domains.empty()) {
      return failure(fmt::format("{}:{}: the entry has neither domains nor prefixes", path, number));
    }
    into.push_back(std::move(entry));
  }
  if (const auto& fault = (*input)->fault()) return std::unexpected(*fault);
  if (header)
    return failure(fmt::format("{}: no header; expected name,sector,province,contact,domains,prefixes", path));
  return {};
}

}  // namespace tocsin
