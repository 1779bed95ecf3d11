// A brief as files: rendered, written and signed.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "base/expected.h"
#include "locate/locator.h"
#include "publish/report.h"

namespace tocsin {

// The location databases as a brief names them.
std::vector<std::string> described(const std::vector<LocationDatabaseInfo>& databases);

// A file of a brief: brief.html, of several languages brief.en.html, brief.zh.html. JSON and CSV hold all languages.
struct BriefDocument {
  std::string name;
  std::string format;  // "html", "pdf", "md", "json", "csv"
  Language language = Language::kEnglish;
};
std::vector<BriefDocument> documents_of(const std::vector<std::string>& formats,
                                        const std::vector<std::string>& languages);

// Of any format but pdf.
std::string rendered(const Brief& brief, const BriefDocument& document);

// Writes them into a directory, made if missing; each file is replaced whole or not at all. wrote: called with the name
// of each file.
Expected<void> write_documents(const Brief& brief, const std::vector<BriefDocument>& documents,
                               const std::filesystem::path& directory,
                               const std::function<void(const std::string& name)>& wrote);

// Signs what was written, by the key of a store, into brief.sig.json.
Expected<void> sign_documents(const Brief& brief, const std::vector<BriefDocument>& documents,
                              const std::filesystem::path& directory, const std::filesystem::path& store);

}  // namespace tocsin
