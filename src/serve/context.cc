#include "serve/context.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

namespace tocsin::serve {
namespace {

// The first instant of the zone's month that a time is in, or of one some months later.
Expected<Timestamp> month_start(Timestamp time, int later, const std::string& zone) {
  const auto offset = offset_at_utc(time, zone);
  if (!offset) return std::unexpected(offset.error());
  const std::string day = format_day(time + *offset);
  const std::size_t dash = day.rfind('-', day.size() - 4);
  int year = std::stoi(day.substr(0, dash)), month = std::stoi(day.substr(dash + 1, 2)) - 1 + later;
  year += month / 12 - (month % 12 < 0 ? 1 : 0);
  month = (month % 12 + 12) % 12;
  return parse_time(fmt::format("{:04}-{:02}", year, month + 1), zone);
}

Expected<Timestamp> day_start(Timestamp time, int later, const std::string& zone) {
  const auto offset = offset_at_utc(time, zone);
  if (!offset) return std::unexpected(offset.error());
  return parse_time(format_day(floor_to(time + *offset, kDay) + later * kDay), zone);
}

// The calendar ends with the year 9999, which a record may name: then the month before, or all that there is.
Expected<Period> usual_period(const std::optional<Period>& seen, const std::string& zone) {
  const Timestamp last = seen ? seen->to - 1 : now();
  // The month of the last sighting is whole if the next sighting could only be in the one after.
  const auto next = month_start(last, 1, zone);
  const auto begun = month_start(last, 0, zone);
  const auto before = month_start(last, -1, zone);
  const auto last_day = day_start(last, 1, zone);
  if (!next || !begun || !before || !last_day) {
    if (seen && begun && before && seen->from < *begun) return Period{*before, *begun};
    if (seen) return *seen;
    return failure("the store's zone can't be read");
  }
  if (!seen) return Period{*begun, *next};
  if (*last_day == *next && seen->from < *next) return Period{*begun, *next};
  if (seen->from < *begun) return Period{*before, *begun};
  const auto first_day = day_start(seen->from, 0, zone);
  if (!first_day) return std::unexpected(first_day.error());
  return Period{*first_day, *last_day};
}

}  // namespace

Expected<DatabasePool::Lease> DatabasePool::take() {
  {
    const std::lock_guard lock(mutex_);
    if (!waiting_.empty()) {
      auto database = std::move(waiting_.back());
      waiting_.pop_back();
      return Lease(*this, std::move(database));
    }
  }
  auto opened = Database::open();
  if (!opened) return std::unexpected(opened.error());
  // Segments never change, so what was read of a file's footer stays true. Several engines work at once: a question
  // that is too big for its share of the memory fails alone.
  const std::uint64_t memory =
      static_cast<std::uint64_t>(::sysconf(_SC_PHYS_PAGES)) * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  for (const std::string& setting :
       {std::string("SET parquet_metadata_cache = true"),
        fmt::format("SET memory_limit = '{}MiB'", std::max<std::uint64_t>(memory >> 20, 4096) / 6)}) {
    if (const auto set = (*opened)->query(setting); !set) return std::unexpected(set.error());
  }
  return Lease(*this, std::move(*opened));
}

void DatabasePool::give_back(std::unique_ptr<Database> database) {
  const std::lock_guard lock(mutex_);
  waiting_.push_back(std::move(database));
}

std::optional<Extent> known_extent(Context& context) {
  const std::lock_guard lock(context.extent_mutex);
  return context.extent;
}

Expected<Extent> extent_of(Context& context) {
  const auto head = context.store.head();
  if (!head) return std::unexpected(head.error());
  const auto is_now = [&head](const std::optional<Extent>& known) { return known && known->head.hash == head->hash; };
  if (auto known = known_extent(context); is_now(known)) return std::move(*known);
  const std::lock_guard work(context.extent_work);
  if (auto known = known_extent(context); is_now(known)) return std::move(*known);
  Extent extent;
  extent.head = *head;
  const auto relation = context.store.from_clause(head->sequence);
  if (!relation) return std::unexpected(relation.error());
  const auto database = context.databases.take();
  if (!database) return std::unexpected(database.error());
  const auto found = (*database)->query("SELECT min(first_seen), max(first_seen), count(*) FROM " + *relation);
  if (!found) return std::unexpected(found.error());
  const auto& row = found->rows.at(0);
  if (const auto* first = std::get_if<std::int64_t>(&row[0])) {
    extent.seen = Period{*first, std::get<std::int64_t>(row[1]) + 1};
  }
  extent.sightings = static_cast<std::uint64_t>(std::get<std::int64_t>(row[2]));
  const auto usual = usual_period(extent.seen, context.settings.zone);
  if (!usual) return std::unexpected(usual.error());
  extent.usual = *usual;
  const std::lock_guard lock(context.extent_mutex);
  context.extent = extent;
  return extent;
}

Narrowing narrowing_of(const Context& context, const Identity& identity) {
  Narrowing narrowing;
  if (identity.role != Role::kOrganisation) return narrowing;
  // A name that no entry can have: an account without an entry sees nothing.
  narrowing.organisation = identity.organisation.empty() ? "\x01" : identity.organisation;
  for (const Organisation& entry : context.constituency.spec().organisations) {
    if (entry.name != narrowing.organisation) continue;
    narrowing.networks.insert(narrowing.networks.end(), entry.prefixes.begin(), entry.prefixes.end());
  }
  return narrowing;
}

}  // namespace tocsin::serve
