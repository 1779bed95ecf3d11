// Fills the sentence templates of the catalogue.
//
// A template is written for the common case, and three things make it say what is not so: no row to be the largest, a
// largest row whose key is not known, and two rows that are equally large. Then the clause that speaks of the largest
// row (from the last comma or semicolon before the first {top...}) is left out; of a template that is nothing but such
// a clause, "Title: value." remains. A tie is told as one where the words are known ("the largest point of origin").
// The words are those of the language's SentenceRules.
#include "publish/sentence.h"

#include <fmt/format.h>

#include "base/text.h"
#include "publish/words.h"

namespace tocsin::publish {
namespace {

std::string country_or_key(const FigureResult& figure, const FigureRow& row, const Phrases& say) {
  if (figure.request.by.size() == 1 && is_country(figure.request.by[0])) return say.country_in_text(row.key[0]);
  return key_text(figure, row, say);
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

std::string replaced(std::string text, std::string_view what, std::string_view with) {
  if (const std::size_t at = text.find(what); at != std::string::npos) text.replace(at, what.size(), with);
  return text;
}

std::string without_top(std::string text, const SentenceRules& rules) {
  const std::size_t top = text.find("{top.");
  if (top == std::string::npos) return text;
  // A mark inside a number's words is none of the template's: templates hold no numbers, so any will do.
  std::size_t clause = std::string::npos;
  for (const std::string_view mark : rules.clause_marks) {
    const std::size_t at = text.rfind(mark, top);
    if (at != std::string::npos && (clause == std::string::npos || at > clause)) clause = at;
  }
  if (clause == std::string::npos) return "";
  // The period may stand after the clause; then it is put back.
  const bool period_after = text.find("{period}", clause) != std::string::npos;
  text.resize(clause);
  if (text == "{period}") return "";  // there was nothing but the clause
  return text + (period_after ? std::string(rules.in_period) : "") + std::string(rules.stop);
}

struct Fields {
  const FigureResult& figure;
  const FigureRow* top;
  const std::string& period;
  const Phrases& say;

  std::string text_of(std::string_view name) const {
    const auto& definition = figure.definition;
    if (name == "value") return value_in_text(figure.value, definition, say);
    if (name == "previous") {
      return figure.previous ? value_in_text(*figure.previous, definition, say) : std::string(say.not_known);
    }
    if (name == "constituency") return constituency_text(figure.constituency, say);
    if (name == "period") return period;
    if (name.starts_with("value|")) return chosen(name.substr(6), figure.value);
    if (top) {
      if (name == "top.key") return country_or_key(figure, *top, say);
      if (name == "top.value") return value_in_text(top->value, definition, say);
      if (name == "top.share") return share_text(top->share, say);
      if (name.starts_with("top.value|")) return chosen(name.substr(10), top->value);
    }
    return "{" + std::string(name) + "}";
  }
};

// The template as the rows want it; empty if nothing of it holds.
std::string fitting(const FigureResult& figure, const FigureRow* top, const Phrases& say) {
  const SentenceRules& rules = say.sentence;
  const auto found = figure.definition.sentence.find(std::string(code_of(say.language)));
  std::string text = found == figure.definition.sentence.end() ? "" : found->second;
  const auto& rows = figure.rows;
  const bool tied = rows.size() > 1 && rows[0].value == rows[1].value;
  if (!top) {
    text = without_top(std::move(text), rules);
  } else if (tied) {
    const bool pair = known(rows[1]) && (rows.size() == 2 || rows[2].value < rows[1].value);
    if (text.find(rules.largest) != std::string::npos) {
      text = replaced(
          std::move(text), rules.largest,
          pair ? said(rules.tied_with, country_or_key(figure, rows[1], say)) : std::string(rules.tied_with_several));
    } else if (text.find(rules.most) != std::string::npos) {
      text = without_top(std::move(text), rules);
    }
  }
  if (top && top->share >= 1) {
    for (const auto& [what, with] : rules.when_all) text = replaced(std::move(text), what, with);
  }
  return text;
}

std::string filled(const FigureResult& figure, const Phrases& say, const std::string& period) {
  const SentenceRules& rules = say.sentence;
  const FigureRow* top = figure.rows.empty() || !known(figure.rows[0]) ? nullptr : &figure.rows[0];
  std::string text = fitting(figure, top, say);
  if (text.empty()) {
    std::string title = text_in(figure.definition.title, say);
    if (title.empty()) title = printable(figure.definition.id);
    const std::string value = value_text(figure.value, figure.definition, say);
    return period.empty() ? said(rules.bare_without_period, title, value) : said(rules.bare, title, period, value);
  }
  if (period.empty()) {
    text = replaced(std::move(text), rules.in_period, "");
  } else {
    text = replaced(std::move(text), "in {period}", "{period}");  // the period brings its own preposition
  }
  const Fields fields{figure, top, period, say};
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text[at] == '{' ? text.find('}', at) : std::string::npos;
    if (end == std::string::npos) {
      out += text[at++];
      continue;
    }
    out += fields.text_of(std::string_view(text).substr(at + 1, end - at - 1));
    at = end + 1;
  }
  return printable(out, 4000);
}

}  // namespace

std::string sentence(const FigureResult& figure, const Phrases& say, const std::string& remark) {
  std::string period = period_in_text(figure.request.period, figure.request.zone, say);
  if (!remark.empty()) period += said(say.sentence.remark, remark);
  return filled(figure, say, period);
}

std::string sentence_without_period(const FigureResult& figure, const Phrases& say) { return filled(figure, say, ""); }

std::string followers(const FigureResult& figure, const Phrases& say) {
  const auto& rows = figure.rows;
  const bool told = figure.request.by.size() == 1 && is_country(figure.request.by[0]) && rows.size() >= 3 &&
                    known(rows[0]) && known(rows[1]) && known(rows[2]) && rows[0].value > rows[1].value;
  if (!told) return "";
  const auto value = [&](const FigureRow& row) { return value_in_text(row.value, figure.definition, say); };
  return said(say.sentence.followed, country_or_key(figure, rows[0], say), country_or_key(figure, rows[1], say),
              value(rows[1]), country_or_key(figure, rows[2], say), value(rows[2]));
}

}  // namespace tocsin::publish
