// What those harmed are told: in plain words, with what to do now.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "publish/language.h"
#include "serve/cases.h"

namespace tocsin::serve {

// One or two sentences on what to do about a kind; empty for what is no kind.
std::string_view advice(std::string_view kind, Language language);

struct NoticeLine {
  std::string target, actor, country;
  Timestamp last_seen = 0;
};
struct Notice {
  std::string subject, text;  // plain text; nothing in it is to be read as markup
};
// sender: the constituency's name.
Notice notice_of(const Case& of, const std::vector<NoticeLine>& lines, const std::string& sender, Language language);

}  // namespace tocsin::serve
