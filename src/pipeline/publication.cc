#include "pipeline/publication.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <functional>
#include <future>
#include <sstream>

#include "pipeline/installation.h"
#include "publish/pdf.h"
#include "publish/signature.h"

namespace tocsin {
namespace {

namespace fs = std::filesystem;

Expected<void> save(const fs::path& path, const std::string& text) {
  const fs::path temporary = path.string() + ".tmp";
  std::ofstream file(temporary, std::ios::binary);
  file << text;
  file.close();
  std::error_code error;
  if (file) fs::rename(temporary, path, error);
  if (!file || error) return failure(fmt::format("{}: could not be written", path.string()));
  return {};
}

bool for_people(const std::string& format) { return format != "json" && format != "csv"; }

std::string outlines_of_countries() {
  std::ifstream file(share_directory() / "map" / "countries-110m.json");
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace

std::vector<std::string> described(const std::vector<LocationDatabaseInfo>& databases) {
  std::vector<std::string> descriptions;
  for (const auto& each : databases) descriptions.push_back(fmt::format("{}: {}", each.version, each.description));
  return descriptions;
}

std::vector<BriefDocument> documents_of(const std::vector<std::string>& formats,
                                        const std::vector<std::string>& languages) {
  std::vector<BriefDocument> documents;
  for (const std::string& format : formats) {
    for (const std::string& code : languages) {
      const bool several = languages.size() > 1 && for_people(format);
      BriefDocument document{several ? fmt::format("brief.{}.{}", code, format) : "brief." + format, format,
                             language_of(code).value_or(Language::kEnglish)};
      if (std::ranges::find(documents, document.name, &BriefDocument::name) == documents.end()) {
        documents.push_back(std::move(document));
      }
    }
  }
  return documents;
}

std::string rendered(const Brief& brief, const BriefDocument& document) {
  if (document.format == "json") return to_json(brief);
  if (document.format == "csv") return to_csv(brief);
  if (document.format == "md") return to_markdown(brief, document.language);
  return to_html(brief, outlines_of_countries(), document.language,
                 document.format == "pdf" ? Medium::kPaper : Medium::kScreen);
}

Expected<void> write_documents(const Brief& brief, const std::vector<BriefDocument>& documents,
                               const std::filesystem::path& directory,
                               const std::function<void(const std::string& name)>& wrote) {
  std::error_code error;
  fs::create_directories(directory, error);
  if (error) return failure(fmt::format("{}: {}", directory.string(), error.message()));
  const auto write = [&](const BriefDocument& document) {
    const fs::path path = directory / document.name;
    const std::string text = rendered(brief, document);
    return document.format == "pdf" ? write_pdf(text, path) : save(path, text);
  };
  // PDFs take longest and are made by processes of their own: all at once, while the rest is written.
  std::vector<std::future<Expected<void>>> written;
  for (const BriefDocument& document : documents) {
    const auto when = document.format == "pdf" ? std::launch::async : std::launch::deferred;
    written.push_back(std::async(when, write, std::cref(document)));
  }
  for (std::size_t i = 0; i < documents.size(); ++i) {
    if (const auto saved = written[i].get(); !saved) return saved;
    wrote(documents[i].name);
  }
  return {};
}

Expected<void> sign_documents(const Brief& brief, const std::vector<BriefDocument>& documents,
                              const std::filesystem::path& directory, const std::filesystem::path& store) {
  const auto key = SigningKey::in(store);
  if (!key) {
    std::error_code error;
    fs::remove(directory / "brief.sig.json", error);  // of an earlier brief
    return std::unexpected(key.error());
  }
  std::vector<std::string> names;
  for (const BriefDocument& document : documents) names.push_back(document.name);
  const auto signature = sign_files(*key, directory, names, brief.ledger);
  if (!signature) return std::unexpected(signature.error());
  return save(directory / "brief.sig.json", *signature);
}

}  // namespace tocsin
