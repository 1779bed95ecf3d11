#include "publish/escape.h"

#include "base/text.h"

namespace tocsin::publish {

std::string html(std::string_view text) {
  std::string out;
  for (const char c : printable(text, 2000)) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string markdown(std::string_view text) {
  const std::string shown = printable(text, 2000);
  std::string out;
  for (std::size_t i = 0; i < shown.size(); ++i) {
    const char c = shown[i];
    const std::string_view rest = std::string_view(shown).substr(i);
    if (c == '<') {
      out += "&lt;";
    } else if (c == '>') {
      out += "&gt;";
    } else if (c == '&') {
      out += "&amp;";
    } else if (std::string_view("\\`*_[]|~@").find(c) != std::string_view::npos) {
      out += '\\';
      out += c;
    } else if (c == ':' && rest.starts_with("://")) {
      out += "\\:";  // or a renderer makes a link of a bare address
    } else if (rest.size() >= 4 && equals_ignoring_case(rest.substr(0, 4), "www.")) {
      out.append(rest.substr(0, 3)).append("\\.");
      i += 3;
    } else if (i == 0 && (c == '#' || c == '-' || c == '+' || c == '=')) {
      out += '\\';
      out += c;
    } else {
      out += c;
    }
  }
  return out;
}

std::string csv_text(std::string_view text) {
  // What printable() leaves never starts with a tab or a carriage return, but the guard holds for the text as it came.
  const bool formula = !text.empty() && std::string_view("=+-@\t\r").find(text.front()) != std::string_view::npos;
  const std::string field = (formula ? "'" : "") + printable(text, 2000);
  if (field.find_first_of(",\"\r\n") == std::string::npos) return field;
  std::string out = "\"";
  for (const char c : field) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + '"';
}

}  // namespace tocsin::publish
