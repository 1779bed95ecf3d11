// The marks of rules/web-shells.toml.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "collect/observation.h"
#include "detect/pattern_set.h"

namespace tocsin {

// What a request has of web shells. Marks are numbers for WebShellMarks::family, 0 for none.
struct FoundMarks {
  std::uint16_t signature = 0;
  std::uint16_t hint = 0;
};

// What a path tells.
struct PathMarks {
  bool place = false;     // no script belongs there
  bool name = false;      // of a known shell
  bool ordinary = false;  // programs call it with good reason
};

class WebShellMarks {
 public:
  static Expected<WebShellMarks> read(const std::string& path);

  // uri: decoded.
  FoundMarks of_request(std::string_view uri, const HttpTransaction& http);
  PathMarks of_path(std::string_view path);
  const std::string& family(std::uint16_t mark) const { return marks_[mark - 1U].family; }

 private:
  struct Mark {
    std::string family, method;
    bool signature = false;
  };
  const std::vector<std::uint32_t>& of_agent(std::string_view agent);

  std::vector<Mark> marks_;
  PatternSet uri_, agent_, referrer_, paths_;
  std::vector<std::uint32_t> found_;
  std::unordered_map<std::uint64_t, std::vector<std::uint32_t>> agents_;
};

}  // namespace tocsin
