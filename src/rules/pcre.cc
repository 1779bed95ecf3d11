// pcre:"/pattern/letters, flow:name". Every pattern is compiled once to know that it is one.
#define PCRE2_CODE_UNIT_WIDTH 8
#include <fmt/format.h>
#include <pcre2.h>

#include <algorithm>
#include <memory>

#include "base/text.h"
#include "rules/builder.h"

namespace tocsin::rules {
namespace {

constexpr std::size_t kLongestPattern = 8192;

Expected<void> compile(const Pcre& pcre) {
  int error = 0;
  PCRE2_SIZE at = 0;
  const std::unique_ptr<pcre2_code, decltype(&pcre2_code_free)> code(
      pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pcre.pattern.data()), pcre.pattern.size(), pcre.options(), &error, &at,
                    nullptr),
      pcre2_code_free);
  if (!code) {
    unsigned char text[256] = "";
    pcre2_get_error_message(error, text, sizeof text);
    return failure(fmt::format("the pattern is wrong after {} bytes: {}", at, reinterpret_cast<const char*>(text)));
  }
  std::uint32_t groups = 0;
  pcre2_pattern_info(code.get(), PCRE2_INFO_CAPTURECOUNT, &groups);
  if (pcre.captures.size() > groups) return failure("more names for captures than the pattern has captures");
  return {};
}

// The buffer that a letter names; empty if it names none.
std::string_view buffer_of_letter(char letter) {
  switch (letter) {
    case 'U':
      return "http.uri";
    case 'I':
      return "http.uri.raw";
    case 'P':
      return "http.request_body";
    case 'Q':
      return "http.response_body";
    case 'H':
      return "http.header";
    case 'D':
      return "http.header.raw";
    case 'M':
      return "http.method";
    case 'C':
      return "http.cookie";
    case 'S':
      return "http.stat_code";
    case 'Y':
      return "http.stat_msg";
    case 'V':
      return "http.user_agent";
    case 'W':
      return "http.host";
    case 'Z':
      return "http.host.raw";
    default:
      return {};
  }
}

bool set_letter(Pcre& pcre, char letter) {
  switch (letter) {
    case 'i':
      return pcre.ignore_case = true;
    case 'm':
      return pcre.multi_line = true;
    case 's':
      return pcre.dot_all = true;
    case 'x':
      return pcre.extended = true;
    case 'A':
      return pcre.anchored = true;
    case 'E':
      return pcre.dollar_at_end_only = true;
    case 'G':
      return pcre.ungreedy = true;
    case 'R':
      return pcre.relative = true;
    case 'B':
      return pcre.raw = true;
    case 'O':
      return pcre.without_limit = true;
    default:
      return false;
  }
}

Expected<void> captures(Pcre& pcre, std::string_view text) {
  for (const std::string_view part : split(text, ',')) {
    using Of = Pcre::Capture::Of;
    const std::string_view scope = part.substr(0, part.find(':'));
    if (scope.size() == part.size() || (scope != "flow" && scope != "pkt" && scope != "alert"))
      return failure("captures are named flow:NAME, pkt:NAME or alert:NAME");
    const std::string_view name = part.substr(scope.size() + 1);
    if (name.empty() || name.size() > 256) return failure("a capture has no name, or a very long one");
    if (pcre.captures.size() >= 8) return failure("a pattern has names for at most 8 captures");
    pcre.captures.push_back({scope == "flow"  ? Of::kFlow
                             : scope == "pkt" ? Of::kPacket
                                              : Of::kAlert,
                             std::string(name)});
  }
  return {};
}

// Where the names of captures begin, behind the letters and a comma; names may have the sign that ends a pattern.
std::size_t names_in(std::string_view value) {
  for (std::size_t comma = value.find(','); comma != std::string_view::npos; comma = value.find(',', comma + 1)) {
    const std::string_view rest = trim(value.substr(comma + 1));
    if (!rest.starts_with("flow:") && !rest.starts_with("pkt:") && !rest.starts_with("alert:")) continue;
    const std::size_t slash = value.rfind('/', comma);
    if (slash == std::string_view::npos) continue;
    const std::string_view letters = value.substr(slash + 1, comma - slash - 1);
    const bool are_letters =
        std::ranges::all_of(letters, [](char c) { return c == ' ' || ((c | 32) >= 'a' && (c | 32) <= 'z'); });
    if (are_letters) return comma;
  }
  return std::string_view::npos;
}

Expected<void> read_pcre(Builder& builder, const Option& option, const Keyword&) {
  std::string_view value = option.value;
  if (const std::size_t begin = value.find('/'); begin != 0 && begin != std::string_view::npos) {
    builder.warnings.emplace_back("what stands before the pattern's first / is not read");
    value.remove_prefix(begin);
  }
  const std::size_t names = names_in(value);
  const std::string_view captured = names == std::string_view::npos ? std::string_view() : value.substr(names + 1);
  value = value.substr(0, names);
  std::size_t end = value.rfind('/');
  while (end != std::string_view::npos && end > 0) {  // not one after an odd number of backslashes
    std::size_t slashes = 0;
    while (slashes < end && value[end - 1 - slashes] == '\\') ++slashes;
    if (slashes % 2 == 0) break;
    end = value.rfind('/', end - 1);
  }
  if (!value.starts_with('/') || end == 0 || end == std::string_view::npos) return failure("a pattern is /pattern/");
  if (end == 1) return failure("the pattern is empty");
  if (end > kLongestPattern) return failure("the pattern is too long");
  Pcre pcre;
  pcre.negated = option.negated;
  pcre.pattern = value.substr(1, end - 1);
  std::string_view letters = trim(value.substr(end + 1));
  if (!captured.empty()) {
    if (const auto named = captures(pcre, captured); !named) return named;
  }
  std::string_view buffer;
  for (const char letter : letters) {
    if (letter == ' ') continue;
    const std::string_view of_letter = buffer_of_letter(letter);
    if (of_letter.empty() && !set_letter(pcre, letter)) {
      return failure(fmt::format("'{}' is no letter after a pattern", printable({&letter, 1})));
    }
    if (of_letter.empty()) continue;
    if (!buffer.empty() && buffer != of_letter) return failure("the letters after the pattern name two buffers");
    buffer = of_letter;
  }
  if (pcre.raw && !buffer.empty()) return failure("the letter B excludes those that name a buffer");
  if (const auto compiled = compile(pcre); !compiled) return compiled;
  if (buffer.empty()) {
    if (pcre.relative && !builder.has_match_before()) {
      return failure("the letter R needs something found before it in the same buffer");
    }
    return builder.add(std::move(pcre));
  }
  if (builder.is_open()) return failure("the letters name a buffer, but a sticky buffer is open: pkt_data closes it");
  const Keyword* sticky = find_keyword(buffer);
  if (const auto limited = builder.restrict_to(sticky->protocols, "pcre"); !limited) return limited;
  builder.need(Needs::kTransaction, buffer);
  BufferMatches& matches = builder.buffer_of(sticky->name, sticky->side);
  if (pcre.relative && matches.matches.empty()) {
    return failure("the letter R needs something found before it in the same buffer");
  }
  if (buffer == "http.host" && pcre.ignore_case) {
    builder.warnings.emplace_back("http.host is lowercase already: the letter i says nothing");
  }
  matches.matches.emplace_back(std::move(pcre));
  return {};
}

Expected<void> pcrexform(Builder& builder, const Option& option, const Keyword& keyword) {
  Pcre pcre;
  pcre.pattern = option.value;
  if (pcre.pattern.size() > kLongestPattern) return failure("the pattern is too long");
  pcre.captures.push_back({Pcre::Capture::Of::kPacket, "result"});
  if (const auto compiled = compile(pcre); !compiled) return compiled;
  return builder.add_transform({keyword.name, std::string(option.value)});
}

constexpr Keyword kTable[] = {
    {.name = "pcre", .group = Group::kBytes, .read = read_pcre, .quotes = Quotes::kAllowed, .may_be_negated = true},
    {.name = "pcrexform", .group = Group::kTransform, .read = pcrexform, .quotes = Quotes::kNeeded},
};

}  // namespace

std::uint32_t Pcre::options() const {
  std::uint32_t bits = 0;
  if (ignore_case) bits |= PCRE2_CASELESS;
  if (multi_line) bits |= PCRE2_MULTILINE;
  if (dot_all) bits |= PCRE2_DOTALL;
  if (extended) bits |= PCRE2_EXTENDED;
  if (anchored) bits |= PCRE2_ANCHORED;
  if (dollar_at_end_only) bits |= PCRE2_DOLLAR_ENDONLY;
  if (ungreedy) bits |= PCRE2_UNGREEDY;
  return bits;
}

std::span<const Keyword> pcre_keywords() { return kTable; }

}  // namespace tocsin::rules
