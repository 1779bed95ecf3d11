#include "cli/terminal.h"

#include <fmt/format.h>
#include <unicode/uchar.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>

#include "base/text.h"

namespace tocsin::cli {
namespace {

std::atomic<bool> stop_asked = false;
static_assert(std::atomic<bool>::is_always_lock_free);

extern "C" void on_signal(int signal) {
  if (stop_asked.exchange(true)) {
    std::signal(signal, SIG_DFL);
    std::raise(signal);
  }
}

bool styled() {
  static const bool yes = isatty(STDOUT_FILENO) == 1 && std::getenv("NO_COLOR") == nullptr;
  return yes;
}

// The code point that begins at `at`, which moves past it. The text is printable(), so well-formed.
UChar32 next_point(std::string_view text, std::size_t& at) {
  const auto lead = static_cast<unsigned char>(text[at++]);
  const int more = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : lead >= 0xc0 ? 1 : 0;
  UChar32 point = lead & (0xff >> (more == 0 ? 0 : more + 2));
  for (int i = 0; i < more && at < text.size(); ++i) point = point << 6 | (text[at++] & 0x3f);
  return point;
}

}  // namespace

std::size_t width(std::string_view text) {
  std::size_t columns = 0;
  for (std::size_t at = 0; at < text.size();) {
    const UChar32 point = next_point(text, at);
    const int wide = u_getIntPropertyValue(point, UCHAR_EAST_ASIAN_WIDTH);
    const auto category = u_charType(point);
    if (category == U_NON_SPACING_MARK || category == U_ENCLOSING_MARK) continue;
    columns += wide == U_EA_WIDE || wide == U_EA_FULLWIDTH ? 2 : 1;
  }
  return columns;
}

std::string bold(std::string_view text) { return styled() ? fmt::format("\x1b[1m{}\x1b[0m", text) : std::string(text); }
std::string faint(std::string_view text) {
  return styled() ? fmt::format("\x1b[2m{}\x1b[0m", text) : std::string(text);
}

std::string table(const std::vector<Column>& columns, const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (const Column& column : columns) widths.push_back(width(column.title));
  std::vector<std::vector<std::string>> cells;
  for (const auto& row : rows) {
    auto& made = cells.emplace_back();
    for (std::size_t i = 0; i < columns.size(); ++i) {
      made.push_back(i < row.size() ? printable(row[i]) : std::string());
      widths[i] = std::max(widths[i], width(made.back()));
    }
  }
  std::string out;
  const auto line = [&](const auto& cell_of, auto style) {
    std::string text;
    for (std::size_t i = 0; i < columns.size(); ++i) {
      const std::string& cell = cell_of(i);
      const std::string pad(widths[i] - width(cell), ' ');
      text += i == 0 ? "" : "  ";
      text += columns[i].right ? pad + cell : cell + pad;
    }
    text.erase(text.find_last_not_of(' ') + 1);
    out += style(text) + "\n";
  };
  line([&](std::size_t i) -> const std::string& { return columns[i].title; },
       [](const std::string& t) { return bold(t); });
  for (const auto& row : cells) {
    line([&](std::size_t i) -> const std::string& { return row[i]; }, [](const std::string& t) { return t; });
  }
  return out;
}

ProgressLine::ProgressLine() : terminal_(isatty(STDERR_FILENO) == 1) {}
ProgressLine::~ProgressLine() { clear(); }

void ProgressLine::show(const std::string& text) {
  if (!terminal_ || now() - last_ < kSecond / 10) return;
  last_ = now();
  shown_ = true;
  fmt::print(stderr, "\r\x1b[K{}", text);
  std::fflush(stderr);
}

void ProgressLine::clear() {
  if (shown_) fmt::print(stderr, "\r\x1b[K");
  shown_ = false;
}

void catch_interrupts() {
  struct sigaction action {};
  action.sa_handler = on_signal;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  std::signal(SIGPIPE, SIG_DFL);
}

bool interrupted() { return stop_asked; }

}  // namespace tocsin::cli
