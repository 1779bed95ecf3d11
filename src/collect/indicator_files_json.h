// Access to JSON documents of others without exceptions; the readers of MISP events and STIX bundles.
#pragma once

#include <nlohmann/json.hpp>
#include <string_view>

#include "collect/indicator_files.h"

namespace tocsin {

using Json = nlohmann::json;

inline const Json& member(const Json& object, const char* name) {
  static const Json nothing;
  if (!object.is_object()) return nothing;
  const auto found = object.find(name);
  return found == object.end() ? nothing : *found;
}
// Valid as long as the document; empty if the member is no string.
inline std::string_view text_of(const Json& value) {
  const auto* text = value.get_ptr<const std::string*>();
  return text != nullptr ? std::string_view(*text) : std::string_view();
}
inline std::string_view text_of(const Json& object, const char* name) { return text_of(member(object, name)); }
inline bool truth_of(const Json& object, const char* name) {
  const Json& value = member(object, name);
  return value.is_boolean() ? value.get<bool>() : text_of(value) == "1" || text_of(value) == "true" || value == 1;
}

void read_misp(const Json& document, IndicatorTaker& taker);
void read_stix(const Json& objects, IndicatorTaker& taker);

}  // namespace tocsin
