#include "serve/briefs.h"

#include <fmt/format.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "pipeline/publication.h"
#include "publish/prose.h"

namespace tocsin::serve {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr const char* kTables = R"(
CREATE TABLE IF NOT EXISTS briefs (
  id INTEGER PRIMARY KEY AUTOINCREMENT, from_time INTEGER NOT NULL, to_time INTEGER NOT NULL, zone TEXT NOT NULL,
  confidence INTEGER NOT NULL, title TEXT NOT NULL, remarks TEXT NOT NULL, headline TEXT NOT NULL,
  sequence INTEGER NOT NULL, published INTEGER, by_user TEXT NOT NULL, made INTEGER NOT NULL, files TEXT NOT NULL)
STRICT;
)";
constexpr const char* kColumns =
    "id, from_time, to_time, zone, confidence, title, remarks, headline, sequence, published, by_user, made, files";

std::string text(const std::map<std::string, std::string>& texts) {
  return Json(texts).dump(-1, ' ', false, Json::error_handler_t::replace);
}

// What was written here is read back; damage gives nothing.
template <typename T>
T read(const StateCell& cell) {
  const Json json = Json::parse(text_of(cell), nullptr, false);
  try {
    return json.get<T>();
  } catch (const Json::exception&) {
    return {};
  }
}

StoredBrief brief_of(const StateRow& row) {
  using Texts = std::map<std::string, std::string>;
  StoredBrief brief;
  brief.id = integer_of(row[0]);
  brief.period = {integer_of(row[1]), integer_of(row[2])};
  brief.zone = text_of(row[3]);
  brief.confidence = static_cast<Confidence>(integer_of(row[4]));
  brief.title = read<Texts>(row[5]);
  brief.remarks = read<Texts>(row[6]);
  brief.headline = read<Texts>(row[7]);
  brief.sequence = static_cast<std::uint64_t>(integer_of(row[8]));
  if (std::holds_alternative<std::int64_t>(row[9])) brief.published = integer_of(row[9]);
  brief.by = text_of(row[10]);
  brief.made = integer_of(row[11]);
  brief.files = read<std::vector<std::string>>(row[12]);
  return brief;
}

}  // namespace

Expected<std::unique_ptr<Briefs>> Briefs::open(StateDatabase& database, const std::string& store_directory) {
  if (const auto made = database.script(kTables); !made) return std::unexpected(made.error());
  return std::make_unique<Briefs>(database, store_directory + "/briefs");
}

Expected<std::vector<StoredBrief>> Briefs::list(bool with_drafts) {
  const auto rows = database_.query(
      fmt::format("SELECT {} FROM briefs WHERE ?1 OR published IS NOT NULL ORDER BY id DESC LIMIT 1000", kColumns),
      {std::int64_t{with_drafts}});
  if (!rows) return std::unexpected(rows.error());
  std::vector<StoredBrief> briefs;
  for (const StateRow& row : *rows) briefs.push_back(brief_of(row));
  return briefs;
}

Expected<std::optional<StoredBrief>> Briefs::find(std::int64_t id) {
  const auto rows = database_.query(fmt::format("SELECT {} FROM briefs WHERE id = ?1", kColumns), {id});
  if (!rows) return std::unexpected(rows.error());
  if (rows->empty()) return std::nullopt;
  return brief_of(rows->front());
}

std::string Briefs::path_of(const StoredBrief& brief, const std::string& name) const {
  return fmt::format("{}/{}/{}", directory_, brief.id, name);
}

Expected<void> Briefs::write(Context& context, StoredBrief& brief, bool for_good) {
  FigureRequest request;
  request.period = brief.period;
  request.zone = brief.zone;
  request.confidence = brief.confidence;
  request.sequence = brief.sequence;
  const auto engine = context.databases.take();
  if (!engine) return std::unexpected(engine.error());
  auto composed = compose(context.catalogue, context.store, **engine, request, context.settings.constituency.name,
                          described(context.locator.databases()));
  if (!composed) return std::unexpected(composed.error());
  composed->titles = brief.title;
  composed->remarks = brief.remarks;
  for (const Language language : kLanguages) {
    brief.headline[std::string(code_of(language))] =
        publish::prose_of(*composed, publish::phrases(language)).headline.front();
  }
  const std::vector<std::string> formats = for_good ? std::vector<std::string>{"html", "pdf", "md", "json", "csv"}
                                                    : std::vector<std::string>{"html", "md", "json", "csv"};
  const auto documents = documents_of(formats, {"en", "zh"});
  const fs::path directory = fmt::format("{}/{}", directory_, brief.id);
  brief.files.clear();
  const auto written =
      write_documents(*composed, documents, directory, [&](const std::string& name) { brief.files.push_back(name); });
  if (!written) return written;
  if (for_good) {
    const auto signature = sign_documents(*composed, documents, directory, context.store.directory());
    if (!signature) return signature;
    brief.files.emplace_back("brief.sig.json");
  }
  const auto kept = database_.query(
      "UPDATE briefs SET title = ?2, remarks = ?3, headline = ?4, published = ?5, by_user = ?6, files = ?7 WHERE id = "
      "?1",
      {brief.id, text(brief.title), text(brief.remarks), text(brief.headline),
       brief.published ? StateCell(*brief.published) : StateCell(), brief.by, Json(brief.files).dump()});
  if (!kept) return std::unexpected(kept.error());
  return {};
}

Expected<StoredBrief> Briefs::make(Context& context, const FigureRequest& request,
                                   std::map<std::string, std::string> title, std::map<std::string, std::string> remarks,
                                   const std::string& user) {
  StoredBrief brief{.period = request.period,
                    .zone = request.zone,
                    .confidence = request.confidence,
                    .title = std::move(title),
                    .remarks = std::move(remarks),
                    .headline = {},
                    .sequence = request.sequence.value_or(0),
                    .by = user,
                    .made = now(),
                    .published = {},
                    .files = {}};
  std::unique_lock lock(mutex_);
  const auto added = database_.query(
      "INSERT INTO briefs (from_time, to_time, zone, confidence, title, remarks, headline, sequence, by_user, made, "
      "files) VALUES (?1, ?2, ?3, ?4, ?5, ?6, '{}', ?7, ?8, ?9, '[]') RETURNING id",
      {brief.period.from, brief.period.to, brief.zone, static_cast<std::int64_t>(brief.confidence), text(brief.title),
       text(brief.remarks), static_cast<std::int64_t>(brief.sequence), user, brief.made});
  if (!added) return std::unexpected(added.error());
  brief.id = integer_of(added->at(0)[0]);
  if (const auto written = write(context, brief, false); !written) {
    lock.unlock();
    (void)remove(brief);
    return std::unexpected(written.error());
  }
  return brief;
}

Expected<bool> Briefs::is_draft(std::int64_t id) {
  const auto rows = database_.query("SELECT 1 FROM briefs WHERE id = ?1 AND published IS NULL", {id});
  if (!rows) return std::unexpected(rows.error());
  return !rows->empty();
}

Expected<std::optional<StoredBrief>> Briefs::change(Context& context, StoredBrief brief, const std::string& user) {
  const std::lock_guard lock(mutex_);
  const auto still = is_draft(brief.id);
  if (!still) return std::unexpected(still.error());
  if (!*still) return std::nullopt;
  brief.by = user;
  if (const auto written = write(context, brief, false); !written) return std::unexpected(written.error());
  return brief;
}

Expected<std::optional<StoredBrief>> Briefs::publish(Context& context, StoredBrief brief, const std::string& user) {
  const std::lock_guard lock(mutex_);
  // What is published is what the draft is now, not what it was when this was asked.
  auto now_is = find(brief.id);
  if (!now_is) return std::unexpected(now_is.error());
  if (!*now_is || (*now_is)->published) return std::nullopt;
  brief = std::move(**now_is);
  brief.by = user;
  brief.published = now();
  if (const auto written = write(context, brief, true); !written) return std::unexpected(written.error());
  return brief;
}

Expected<bool> Briefs::remove(const StoredBrief& brief) {
  const std::lock_guard lock(mutex_);
  const auto removed =
      database_.query("DELETE FROM briefs WHERE id = ?1 AND published IS NULL RETURNING id", {brief.id});
  if (!removed) return std::unexpected(removed.error());
  if (removed->empty()) return false;
  std::error_code error;
  fs::remove_all(fmt::format("{}/{}", directory_, brief.id), error);
  return true;
}

}  // namespace tocsin::serve
