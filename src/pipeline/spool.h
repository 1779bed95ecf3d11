// Standard input, a pipe or a device, kept in a file while it is read, so that it is hashed and recognised like any
// other source: what can be read only once can't be read for its hash first and for its records after.
#pragma once

#include <functional>
#include <string>

#include "base/expected.h"

namespace tocsin {

// Whether a path is a pipe, a device or a socket ("<(zcat x)" of a shell is one).
bool is_read_once(const std::string& path);

// Holds one such source in a file of its own, which goes when the spool does.
class Spool {
 public:
  Spool() = default;
  Spool(const Spool&) = delete;
  Spool& operator=(const Spool&) = delete;
  ~Spool();
  // Reads path ("-" is standard input) to its end, or until interrupted, into a file in directory; gives its path.
  Expected<std::string> take(const std::string& path, const std::string& directory,
                             const std::function<bool()>& interrupted);

 private:
  std::string path_;
};

}  // namespace tocsin
