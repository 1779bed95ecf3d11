// What watch and inspect have in common on the command line.
#pragma once

#include <string>
#include <vector>

#include "cli/terminal.h"
#include "pipeline/watch.h"

namespace tocsin::cli {

// Indicators beside the settings', progress on the line, Ctrl-C.
WatchOptions watch_options(const std::vector<std::string>& indicators, ProgressLine& line);
// Prints it and gives the exit status.
int print_watch_report(const WatchReport& report, bool json, bool stored);

}  // namespace tocsin::cli
