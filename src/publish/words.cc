#include "publish/words.h"

#include <fmt/format.h>
#include <unicode/uloc.h>
#include <unicode/uregion.h>

#include <cmath>

#include "base/country_code.h"
#include "base/country_name.h"
#include "base/text.h"

namespace tocsin::publish {

const Phrases& phrases(Language language) { return language == Language::kChinese ? chinese() : english(); }

std::string_view word(const Words& words, std::string_view text) {
  const auto found = words.find(text);
  return found == words.end() ? text : found->second;
}

std::string text_in(const std::map<std::string, std::string>& texts, const Phrases& say) {
  auto found = texts.find(std::string(code_of(say.language)));
  if (found == texts.end()) found = texts.find("en");
  return found == texts.end() ? "" : printable(found->second, 4000);
}

std::string number_text(double value, const Phrases& say) {
  if (!std::isfinite(value)) return std::string(say.not_a_number);
  if (std::abs(value) >= 9e15) return fmt::format("{:.3g}", value);
  if (value == std::floor(value)) return with_thousands(static_cast<std::int64_t>(value));
  const auto tenths = static_cast<std::int64_t>(std::llround(value * 10));
  if (tenths == 0) return value < 0 ? said(say.over, "-0.1") : said(say.under, "0.1");
  const std::string whole = with_thousands(tenths / 10);
  return tenths % 10 == 0 ? whole
                          : fmt::format("{}{}.{}", tenths < 0 && tenths > -10 ? "-" : "", whole, std::abs(tenths % 10));
}

std::string value_text(double value, const FigureDefinition& figure, const Phrases& say) {
  return number_text(value, say) + (figure.unit == "%" ? "%" : "");
}

std::string value_in_text(double value, const FigureDefinition& figure, const Phrases& say) {
  const bool plain = figure.unit == "%" || !std::isfinite(value) || std::abs(value) >= 9e15 || value < 0;
  return plain || value != std::floor(value) ? value_text(value, figure, say) : say.count(value);
}

std::string share_text(double share, const Phrases& say) {
  if (!(share > 0)) return "0%";
  if (share < 0.0005) return said(say.under, "0.1%");
  if (share < 1 && share >= 0.9995) return said(say.over, "99.9%");
  return number_text(std::round(share * 1000) / 10, say) + "%";
}

std::string share_cell(double share, const Phrases& say) {
  std::string text = share_text(share, say);
  if (text.find('.') == std::string::npos && share > 0 && share < 1) text.insert(text.size() - 1, ".0");
  return text;
}

std::string change_text(double value, std::optional<double> previous, const FigureDefinition& figure,
                        const Phrases& say) {
  return previous ? say.change(value, *previous, figure) : "";
}

std::string country_name(std::string_view code, const Phrases& say) {
  const auto country = CountryCode::parse(code);
  return country ? tocsin::country_name(*country, std::string(code_of(say.language)).c_str()) : printable(code, 120);
}

std::string country_of_numeric(int numeric) {
  UErrorCode status = U_ZERO_ERROR;
  const URegion* region = uregion_getRegionFromNumericCode(numeric, &status);
  if (U_FAILURE(status) || !region || uregion_getType(region) != URGN_TERRITORY) return "";
  const char* code = uregion_getRegionCode(region);
  return code && CountryCode::parse(code) ? code : "";
}

std::string country_of_name(std::string_view name) {
  for (const char* const* code = uloc_getISOCountries(); *code; ++code) {
    if (equals_ignoring_case(name, *code) || equals_ignoring_case(name, country_name(*code, english()))) return *code;
  }
  return "";
}

std::string constituency_text(const std::string& constituency, const Phrases& say) {
  if (constituency.empty()) return std::string(say.constituency);
  const std::string country = country_of_name(constituency);
  return country.empty() ? printable(constituency, 200) : say.country_in_text(country);
}

bool is_country(std::string_view dimension) { return dimension == "actor-country" || dimension == "target-country"; }

std::string dimension_title(std::string_view dimension, const Phrases& say) {
  return printable(word(say.dimensions, dimension), 120);
}

std::string key_text(const FigureResult& figure, const FigureRow& row, std::size_t number, const Phrases& say) {
  const std::string_view dimension =
      number < figure.request.by.size() ? std::string_view(figure.request.by[number]) : "";
  const std::string_view key = number < row.key.size() ? std::string_view(row.key[number]) : "";
  if (key.empty()) return std::string(say.not_known);
  if (dimension == "target-sector" && figure.definition.sectors) {
    if (const auto names = figure.definition.sectors->find(key); names != figure.definition.sectors->end()) {
      return text_in(names->second, say);
    }
  }
  if (is_country(dimension)) return country_name(key, say);
  const bool coded = dimension == "kind" || dimension == "confidence" || dimension == "detector";
  return printable(coded ? word(say.keys, key) : key, 120);
}

std::string key_text(const FigureResult& figure, const FigureRow& row, const Phrases& say) {
  std::string text;
  for (std::size_t i = 0; i < row.key.size(); ++i) {
    if (i) text += say.comma;
    text += key_text(figure, row, i, say);
  }
  return text;
}

std::string period_in_text(const Period& period, const std::string& zone, const Phrases& say) {
  return say.in_period(period, zone);
}

std::string period_title(const Period& period, const std::string& zone, const Phrases& say) {
  return say.period_title(period, zone);
}

}  // namespace tocsin::publish
