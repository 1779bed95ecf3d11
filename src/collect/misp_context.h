// What tags and galaxies of MISP say of an event or an attribute.
#pragma once

#include <optional>
#include <string>

#include "collect/indicator_files_json.h"
#include "collect/judgement.h"

namespace tocsin {

struct MispContext {
  std::string family, group, tlp;
  std::optional<Kind> kind;
};

// From `Galaxy` and `Tag` of an event or an attribute; what is filled already stays.
void take_misp_context(MispContext& context, const Json& object);

}  // namespace tocsin
