// Fills the sentence templates of the catalogue.
//
// A template is written for the common case, and three things make it say what is not so: no row to be the largest, a
// largest row whose key is not known, and two rows that are equally large. Then the clause that speaks of the largest
// row (from the last comma or semicolon before the first {top...}) is left out; of a template that is nothing but such
// a clause, "Title: value." remains. A tie is told as one where the words are known ("the largest point of origin").
#include "publish/sentence.h"

#include <fmt/format.h>

#include "base/text.h"
#include "publish/words.h"

namespace tocsin::publish {
namespace {

constexpr std::string_view kLargest = ", the largest point of origin";

std::string country_or_key(const FigureResult& figure, const FigureRow& row) {
  if (figure.request.by.size() == 1 && is_country(figure.request.by[0])) return country_in_text(row.key[0]);
  return key_text(figure, row);
}

bool known(const FigureRow& row) {
  if (row.key.empty()) return false;
  for (const std::string& part : row.key) {
    if (part.empty()) return false;
  }
  return true;
}

// Digits as the reader sees them decide: "1" is one.
std::string chosen(std::string_view words, double value) {
  const std::size_t bar = words.find('|');
  if (bar == std::string_view::npos) return std::string(words);
  return std::string(value == 1 ? words.substr(0, bar) : words.substr(bar + 1));
}

std::string without_top(std::string text) {
  const std::size_t top = text.find("{top.");
  if (top == std::string::npos) return text;
  std::size_t clause = text.find_last_of(",;", top);
  // A comma inside a number's words is none of the template's: templates hold no numbers, so any will do.
  if (clause == std::string::npos) return "";
  // The period may stand after the clause; then it is put back.
  const bool period_after = text.find("{period}", clause) != std::string::npos;
  text.resize(clause);
  return text + (period_after ? " in {period}." : ".");
}

std::string field(std::string_view name, const FigureResult& figure, const FigureRow* top, const std::string& period) {
  const auto& definition = figure.definition;
  if (name == "value") return value_text(figure.value, definition);
  if (name == "previous") return figure.previous ? value_text(*figure.previous, definition) : "an unknown number";
  if (name == "constituency") return constituency_text(figure.constituency);
  if (name == "period") return period;
  if (name.starts_with("value|")) return chosen(name.substr(6), figure.value);
  if (top) {
    if (name == "top.key") return country_or_key(figure, *top);
    if (name == "top.value") return value_text(top->value, definition);
    if (name == "top.share") return share_text(top->share);
    if (name.starts_with("top.value|")) return chosen(name.substr(10), top->value);
  }
  return "{" + std::string(name) + "}";
}

std::string replaced(std::string text, std::string_view what, std::string_view with) {
  if (const std::size_t at = text.find(what); at != std::string::npos) text.replace(at, what.size(), with);
  return text;
}

}  // namespace

std::string sentence(const FigureResult& figure, const std::string& remark) {
  const auto found = figure.definition.sentence.find("en");
  std::string text = found == figure.definition.sentence.end() ? "" : found->second;

  const FigureRow* top = figure.rows.empty() || !known(figure.rows[0]) ? nullptr : &figure.rows[0];
  const bool tied = figure.rows.size() > 1 && figure.rows[0].value == figure.rows[1].value;
  if (!top) {
    text = without_top(text);
  } else if (tied) {
    const bool pair = known(figure.rows[1]) && (figure.rows.size() == 2 || figure.rows[2].value < figure.rows[1].value);
    if (text.find(kLargest) != std::string::npos) {
      text = replaced(text, kLargest,
                      pair ? ", as many as in " + country_or_key(figure, figure.rows[1])
                           : std::string(", as many as in each of several others"));
    } else if (text.find(" most") != std::string::npos) {
      text = without_top(text);
    }
  }
  // "all 3 of them (100%)" says one thing twice, and so does the share of 1 in 1.
  if (top && top->share >= 1) text = replaced(text, "{top.value} of them ({top.share})", "{top.value} of them");

  std::string period = period_in_text(figure.request.period, figure.request.zone);
  if (!remark.empty()) period += " (" + remark + ")";
  const auto title = figure.definition.title.find("en");
  if (text.empty()) {
    return fmt::format("{} {}: {}.", title == figure.definition.title.end() ? figure.definition.id : title->second,
                       period, value_text(figure.value, figure.definition));
  }
  // Templates say "in {period}"; the period brings its own preposition.
  text = replaced(text, "in {period}", "{period}");

  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text[at] == '{' ? text.find('}', at) : std::string::npos;
    if (end == std::string::npos) {
      out += text[at++];
      continue;
    }
    out += field(std::string_view(text).substr(at + 1, end - at - 1), figure, top, period);
    at = end + 1;
  }
  return printable(out, 4000);
}

}  // namespace tocsin::publish
