#include "serve/query.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdio>

#include "base/text.h"

namespace tocsin::serve {

Parameter text_parameter(std::string name, std::string description, int most) {
  return {std::move(name), std::move(description), fmt::format(R"({{"type":"string","maxLength":{}}})", most)};
}

Parameter choice_parameter(std::string name, std::string description, const std::vector<std::string_view>& choices) {
  return {std::move(name), std::move(description),
          fmt::format(R"({{"type":"string","enum":["{}"]}})", fmt::join(choices, "\",\""))};
}

std::vector<Parameter> period_parameters(std::string_view least) {
  return {
      text_parameter("from", "First instant: 2013-01-01, or ISO 8601 (default: the usual period's)", 40),
      text_parameter("to", "First instant after: 2013-02-01 (default: the usual period's)", 40),
      text_parameter("zone", "Zone of times without an offset: UTC, +08:00, Asia/Shanghai (default: the store's)", 64),
      choice_parameter("confidence", fmt::format("Least confidence counted (default: {})", least),
                       {"suspected", "probable", "confirmed"})};
}

Expected<FigureRequest> request_of(Context& context, const Call& call, Confidence least) {
  const auto extent = extent_of(context);
  if (!extent) return std::unexpected(extent.error());
  FigureRequest request;
  request.sequence = extent->head.sequence;
  request.period = extent->usual;
  request.zone = context.settings.zone;
  request.confidence = least;
  request.only = narrowing_of(context, call.identity);
  if (const auto* zone = call.get("zone")) request.zone = *zone;
  if (const auto* confidence = call.get("confidence")) {
    const auto given = confidence_of(*confidence);
    if (!given) return std::unexpected(given.error());
    request.confidence = *given;
  }
  for (const auto& [name, into] : {std::pair("from", &request.period.from), std::pair("to", &request.period.to)}) {
    if (const auto* text = call.get(name)) {
      const auto time = parse_time(*text, request.zone);
      if (!time) return std::unexpected(time.error());
      *into = *time;
    }
  }
  if (request.period.from >= request.period.to) return failure("the period is empty: from must be before to");
  // A zone is checked even where no time needed it.
  if (const auto offset = offset_at_utc(request.period.from, request.zone); !offset) {
    return std::unexpected(offset.error());
  }
  return request;
}

Parameter key_parameter() {
  return {.name = "key",
          .description =
              "Only sightings with this code of a dimension: actor-country:US; nothing after the colon: "
              "unknown",
          .schema = R"({"type":"string","maxLength":300,"pattern":"^[a-z-]+:.*$"})",
          .repeated = true};
}

Expected<void> add_keys(const Call& call, Narrowing& narrowing) {
  for (const std::string& key : call.all("key")) {
    const std::size_t colon = key.find(':');
    if (colon == std::string::npos) return failure("key takes DIMENSION:CODE, such as actor-country:US");
    const std::string name = key.substr(0, colon);
    if (std::ranges::find(dimension_names(), name) == dimension_names().end()) {
      return failure(fmt::format("'{}' is not a dimension", printable(name, 64)));
    }
    if (!narrowing.keys.emplace(name, key.substr(colon + 1)).second) {
      return failure(fmt::format("key gives the dimension {} twice", name));
    }
  }
  return {};
}

Expected<AnswerCache::Answer> cached(Context& context, const FigureRequest& request, const std::string& what,
                                     const std::function<Expected<std::string>()>& make) {
  const auto head = context.store.head(request.sequence);
  if (!head) return std::unexpected(head.error());
  // All that answers at one head differ by.
  std::string question = fmt::format("{}\n{}\n{}\n{}\n{}\n{}\n{}\n{}\n{}", what, request.id, request.period.from,
                                     request.period.to, request.zone, fmt::join(request.by, ","), request.measure,
                                     static_cast<int>(request.confidence), request.limit);
  for (const auto& [name, code] : request.only.keys) question += fmt::format("\n{}:{}", name, code);
  question += "\n\x02" + request.only.organisation;
  return context.answers.get(head->hash, question, make);
}

Parameter limit_parameter(std::uint64_t usual, std::uint64_t most) {
  return {"limit", fmt::format("Rows at most (default {})", usual),
          fmt::format(R"({{"type":"integer","minimum":1,"maximum":{}}})", most)};
}

std::uint64_t limit_of(const Call& call, std::uint64_t usual) {
  std::uint64_t limit = usual;
  if (const auto* text = call.get("limit")) std::from_chars(text->data(), text->data() + text->size(), limit);
  return limit;
}

Response of_cache(const AnswerCache::Answer& answer) {
  Response response;
  response.headers = {{"Content-Type", "application/json"}, {"Cache-Control", "private, no-cache"}};
  response.shared = answer;
  return response;
}

Response refused(const Error& error) { return problem(400, printable(error.message, 500)); }

void log_error(const Error& error) {
  std::fputs(fmt::format("tocsin: {}\n", printable(error.message, 2000)).c_str(), stderr);
}

Response failed(const Error& error) {
  log_error(error);
  return problem(500, "The server could not answer; its log says why.");
}

}  // namespace tocsin::serve
