// Where the program's own files are, found from the program's place, so that a moved tree works.
#pragma once

#include <filesystem>

namespace tocsin {

// PREFIX/share/tocsin for a program in PREFIX/bin; TOCSIN_SHARE in the environment overrides.
std::filesystem::path share_directory();
// Networks of hosting and relays that the installation knows.
std::filesystem::path relays_file();
// $XDG_CACHE_HOME/tocsin, else ~/.cache/tocsin, else a directory below the system's temporary one.
std::filesystem::path cache_directory();

}  // namespace tocsin
