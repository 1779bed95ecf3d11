// Parameters that several routes share, and what they come to.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/expected.h"
#include "figures/figure.h"
#include "serve/context.h"
#include "serve/router.h"

namespace tocsin::serve {

// from, to, zone, confidence. least: the confidence that is counted when none is given.
std::vector<Parameter> period_parameters(std::string_view least = "probable");
// Of these parameters and of who asks; as of the ledger's head now.
Expected<FigureRequest> request_of(Context& context, const Call& call, Confidence least = Confidence::kProbable);
// "actor-country:US", as often as it is given.
Parameter key_parameter();
Expected<void> add_keys(const Call& call, Narrowing& narrowing);

// The answer to a figure's request from the cache; what: which question of it.
Expected<AnswerCache::Answer> cached(Context& context, const FigureRequest& request, const std::string& what,
                                     const std::function<Expected<std::string>()>& make);

Parameter limit_parameter(std::uint64_t usual, std::uint64_t most);
std::uint64_t limit_of(const Call& call, std::uint64_t usual);

Parameter text_parameter(std::string name, std::string description, int most = 200);
Parameter choice_parameter(std::string name, std::string description, const std::vector<std::string_view>& choices);

// 200 with a body that the cache holds.
Response of_cache(const AnswerCache::Answer& answer);
// 400 with the error's text.
Response refused(const Error& error);
void log_error(const Error& error);
// 500; the error goes to the log, not to the client.
Response failed(const Error& error);

}  // namespace tocsin::serve
