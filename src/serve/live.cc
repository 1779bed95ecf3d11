#include "serve/live.h"

#include <fmt/format.h>

#include <chrono>
#include <condition_variable>
#include <thread>

#include "base/text.h"
#include "http/json_text.h"
#include "serve/cases.h"
#include "serve/overview.h"
#include "serve/query.h"

namespace tocsin::serve {
namespace {

// Addresses and names in so many segments take long to look up: they are counted beforehand. Reading the others takes
// some 50 ms.
constexpr std::size_t kFrequent = 12, kMostFrequent = 20'000;

}  // namespace

Expected<std::string> live_counts(Context& context, std::int64_t added) {
  const auto extent = extent_of(context);
  if (!extent) return std::unexpected(extent.error());
  const auto kinds = context.answers.get(extent->head.hash, "kinds", [&]() -> Expected<std::string> {
    const auto database = context.databases.take();
    if (!database) return std::unexpected(database.error());
    FigureRequest request{.id = "any.sightings", .period = {}, .by = {"kind"}, .measure = ""};
    request.confidence = Confidence::kSuspected;
    request.sequence = extent->head.sequence;
    const auto result = answer(context.catalogue, context.store, **database, request, "");
    if (!result) return std::unexpected(result.error());
    Json counts = Json::object();
    for (const FigureRow& row : result->rows) counts[row.key.front()] = static_cast<std::int64_t>(row.value);
    return dumped({{"total", static_cast<std::int64_t>(result->value)}, {"kinds", std::move(counts)}});
  });
  if (!kinds) return std::unexpected(kinds.error());
  const Json counted = Json::parse(**kinds);
  return dumped({{"at", format_time(floor_to(now(), kSecond))},
                 {"ledger", {{"sequence", extent->head.sequence}, {"hash", extent->head.hash}}},
                 {"sightings", counted["total"]},
                 {"kinds", counted["kinds"]},
                 {"added", added}});
}

Expected<std::string> sensors(Context& context) {
  const auto extent = extent_of(context);
  if (!extent) return std::unexpected(extent.error());
  const auto spans = context.answers.get(extent->head.hash, "sensors", [&]() -> Expected<std::string> {
    const auto relation = context.store.from_clause(extent->head.sequence);
    if (!relation) return std::unexpected(relation.error());
    const auto database = context.databases.take();
    if (!database) return std::unexpected(database.error());
    const auto found = (*database)->query(
        fmt::format("SELECT source, min(first_seen), max(last_seen) FROM {} GROUP BY source", *relation));
    if (!found) return std::unexpected(found.error());
    Json json = Json::object();
    for (const auto& row : found->rows) {
      json[std::get<std::string>(row[0])] = {std::get<std::int64_t>(row[1]), std::get<std::int64_t>(row[2])};
    }
    return dumped(json);
  });
  if (!spans) return std::unexpected(spans.error());
  const Json seen = Json::parse(**spans);
  const auto sources = context.store.sources(extent->head.sequence);
  if (!sources) return std::unexpected(sources.error());
  Json list = Json::array();
  const Timestamp at = now();
  for (const SourceRecord& source : *sources) {
    const auto span = seen.find(source.id);
    const bool some = span != seen.end();
    Json reasons = Json::object();
    for (const auto& [reason, number] : source.skipped_by_reason) reasons[reason] = number;
    list.push_back({{"id", source.id},
                    {"name", source.name},
                    {"format", source.format},
                    {"records", source.records},
                    {"skipped", source.skipped},
                    {"skipped_by_reason", std::move(reasons)},
                    {"first", some ? Json(format_time((*span)[0].get<Timestamp>())) : Json()},
                    {"last", some ? Json(format_time((*span)[1].get<Timestamp>())) : Json()},
                    {"lag_seconds", some ? Json((at - (*span)[1].get<Timestamp>()) / kSecond) : Json()}});
  }
  return dumped({{"sensors", std::move(list)}});
}

struct LedgerFollower::State {
  Context& context;
  Broadcast broadcast;
  std::mutex mutex = {};
  std::condition_variable_any woken = {};
  std::string hash = {};
  std::int64_t sightings = -1;
  std::jthread thread = {};

  void follow(const std::stop_token& stop) {
    const auto head = context.store.head();
    if (!head) return log_error(head.error());
    if (head->hash == hash) return;
    hash = head->hash;
    const auto extent = extent_of(context);
    if (!extent) return log_error(extent.error());
    const auto total = static_cast<std::int64_t>(extent->sightings);
    const auto counts = live_counts(context, sightings < 0 ? 0 : total - sightings);
    sightings = total;
    if (!counts) return log_error(counts.error());
    broadcast("counts", *counts);
    if (const auto list = sensors(context)) broadcast("sensors", *list);
    warm(*extent);
    const auto segments = context.store.segments(head->sequence);
    if (!segments) return log_error(segments.error());
    if (const auto done = context.index.follow(*segments, context.databases); !done) log_error(done.error());
    const auto days = SubjectIndex::days_of(*segments);
    if (!days) return log_error(days.error());
    auto frequent = context.index.frequent(kFrequent, kMostFrequent);
    if (const auto done = context.subjects.follow(*days, context.databases, std::move(frequent)); !done) {
      log_error(done.error());
    }
    if (const auto done = context.cases.refresh(context); !done) log_error(done.error());
    warm_more(*extent, stop);
  }

  FigureRequest usual(const Extent& extent) const {
    FigureRequest request{.id = "", .period = extent.usual, .zone = context.settings.zone, .by = {}, .measure = ""};
    request.sequence = extent.head.sequence;
    return request;
  }

  // What is asked first by whoever opens the page.
  void warm(const Extent& extent) {
    FigureRequest request = usual(extent);
    if (const auto done = cached_overview(context, request); !done) log_error(done.error());
    request.limit = 50;  // as the page asks
    for (const FigureDefinition& figure : context.catalogue.figures()) {
      if (figure.sentence.empty()) continue;
      request.id = figure.id;
      request.by = figure.by;
      if (const auto done = cached_figure(context, request); !done) return log_error(done.error());
    }
  }

  // Then the headline figures by each dimension, with long rests, for as long as the ledger stays as it is.
  void warm_more(const Extent& extent, const std::stop_token& stop) {
    FigureRequest request = usual(extent);
    request.limit = 50;
    auto rest = std::chrono::steady_clock::duration(std::chrono::seconds(5));
    for (const FigureDefinition& figure : context.catalogue.figures()) {
      if (figure.sentence.empty()) continue;
      request.id = figure.id;
      for (const std::string& dimension : dimension_names()) {
        std::unique_lock lock(mutex);
        woken.wait_for(lock, stop, rest, [] { return false; });
        lock.unlock();
        const auto head = context.store.head();
        if (stop.stop_requested() || !head || head->hash != extent.head.hash) return;
        request.by = {dimension};
        const auto began = std::chrono::steady_clock::now();
        if (const auto done = cached_figure(context, request); !done) log_error(done.error());
        rest = 2 * (std::chrono::steady_clock::now() - began);
      }
    }
  }
};

LedgerFollower::LedgerFollower(Context& context, Broadcast broadcast)
    : state_(new State{.context = context, .broadcast = std::move(broadcast)}) {
  state_->thread = std::jthread([this](const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      try {
        state_->follow(stop);
      } catch (const std::exception& error) {  // the server goes on without
        log_error({error.what()});
      }
      std::unique_lock lock(state_->mutex);
      state_->woken.wait_for(lock, stop, std::chrono::seconds(1), [] { return false; });
    }
  });
}

LedgerFollower::~LedgerFollower() = default;

}  // namespace tocsin::serve
