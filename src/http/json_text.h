// JSON of answers. For .cc files alone: the library is heavy.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace tocsin::serve {

using Json = nlohmann::ordered_json;

// Text that is no UTF-8 does not stop an answer: what is wrong of it becomes U+FFFD.
inline std::string dumped(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

}  // namespace tocsin::serve
