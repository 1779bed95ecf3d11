// What a person sees: aligned tables, a line of progress, colour where it is wanted.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"

namespace tocsin::cli {

struct Column {
  std::string title;
  bool right = false;
};

// Rows under a rule; cells are made printable. Nothing but the titles when there are no rows.
std::string table(const std::vector<Column>& columns, const std::vector<std::vector<std::string>>& rows);
// Columns that a terminal gives the text: two for wide East Asian characters.
std::size_t width(std::string_view text);
// Bold, if standard output is a terminal and NO_COLOR is not set.
std::string bold(std::string_view text);
std::string faint(std::string_view text);

// One line on standard error, rewritten at most ten times a second; nothing unless that is a terminal.
class ProgressLine {
 public:
  ProgressLine();
  ~ProgressLine();
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;
  void show(const std::string& text);
  void clear();

 private:
  bool terminal_;
  bool shown_ = false;
  Timestamp last_ = 0;
};

// From here on SIGINT and SIGTERM ask to stop instead of ending the program; a second one ends it.
void catch_interrupts();
bool interrupted();

}  // namespace tocsin::cli
