#include "http/assets.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <span>
#include <system_error>

#include "base/file.h"
#include "base/hash.h"
#include "base/text.h"
#include "http/content_coding.h"

namespace tocsin::serve {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kMostBytes = 64 << 20;

// Scripts, styles and data of this server alone; nothing may frame it. Styles that scripts set through the CSSOM are
// not inline styles, and are allowed.
constexpr std::string_view kPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

std::string media_of(const std::string& path) {
  static const std::map<std::string, std::string> kMedia{
      {".html", "text/html; charset=utf-8"},
      {".js", "text/javascript; charset=utf-8"},
      {".mjs", "text/javascript; charset=utf-8"},
      {".css", "text/css; charset=utf-8"},
      {".json", "application/json"},
      {".map", "application/json"},
      {".webmanifest", "application/manifest+json"},
      {".svg", "image/svg+xml"},
      {".png", "image/png"},
      {".jpg", "image/jpeg"},
      {".jpeg", "image/jpeg"},
      {".webp", "image/webp"},
      {".ico", "image/x-icon"},
      {".woff2", "font/woff2"},
      {".woff", "font/woff"},
      {".txt", "text/plain; charset=utf-8"},
      {".xml", "application/xml"},
      {".pdf", "application/pdf"},
      {".wasm", "application/wasm"},
  };
  const auto known = kMedia.find(lower(fs::path(path).extension().string()));
  return known == kMedia.end() ? "application/octet-stream" : known->second;
}

struct Form {
  std::shared_ptr<const std::string> bytes;
  std::string tag;
};

struct File {
  std::string media;
  Form plain, gzip, brotli;  // those without bytes are not there
};

Expected<Form> read_form(const fs::path& path, std::uint64_t& left) {
  std::string bytes;
  bool too_long = false;
  const Expected<void> read = read_blocks(path, [&](std::span<const std::byte> block) {
    too_long = block.size() > left;
    if (too_long) return false;
    left -= block.size();
    bytes.append(reinterpret_cast<const char*>(block.data()), block.size());
    return true;
  });
  if (!read) return std::unexpected(read.error());
  if (too_long) return failure("the files of the page are over 64 MiB, with '" + printable(path.string()) + "'");
  const Hash128 hash = hash128(bytes);
  return Form{std::make_shared<const std::string>(std::move(bytes)),
              fmt::format("\"{:016x}{:016x}\"", hash.high, hash.low)};
}

}  // namespace

struct Assets::State {
  std::map<std::string, File, std::less<>> files;  // by path: "/index.html"

  Expected<void> load(const fs::path& root) {
    std::map<std::string, Form> forms;
    std::uint64_t left = kMostBytes;
    std::error_code error;
    // What a link points at may lie outside of the directory.
    fs::recursive_directory_iterator at(root, error);
    for (const fs::recursive_directory_iterator end; !error && at != end; at.increment(error)) {
      if (at->is_symlink() || !at->is_regular_file()) continue;
      Expected<Form> form = read_form(at->path(), left);
      if (!form) return std::unexpected(form.error());
      forms.emplace("/" + at->path().lexically_relative(root).generic_string(), std::move(*form));
    }
    if (error) return failure("cannot read the page's files in '" + printable(root.string()) + "': " + error.message());
    for (auto& [path, form] : forms) {
      const bool brotli = path.ends_with(".br");
      const std::string of = path.substr(0, path.size() - 3);
      if ((brotli || path.ends_with(".gz")) && forms.contains(of)) {
        (brotli ? files[of].brotli : files[of].gzip) = std::move(form);
      } else {
        File& file = files[path];
        file.media = media_of(path);
        file.plain = std::move(form);
      }
    }
    if (!files.contains("/index.html")) {
      return failure("'" + printable(root.string()) + "' has no index.html: build the page first");
    }
    return {};
  }

  const File* find(std::string_view path) const {
    const auto file = files.find(path == "/" ? std::string_view("/index.html") : path);
    if (file != files.end()) return &file->second;
    const std::string_view last = path.substr(path.rfind('/') + 1);
    if (path.starts_with("/assets/") || last.find('.') != std::string_view::npos) return nullptr;
    return &files.find("/index.html")->second;
  }
};

Expected<Assets> Assets::load(const std::string& directory) {
  auto state = std::make_shared<State>();
  const Expected<void> loaded = state->load(directory);
  if (!loaded) return std::unexpected(loaded.error());
  Assets assets;
  assets.state_ = std::move(state);
  return assets;
}

Response Assets::get(const Request& request) const {
  if (request.method != "GET" && request.method != "HEAD") {
    Response response = problem(405, "files can only be read");
    response.headers.emplace_back("Allow", "GET, HEAD");
    return response;
  }
  const File* const file = state_->find(request.path);
  if (file == nullptr) return problem(404, "there is no such file");

  std::string accepted;
  for (const auto& [name, value] : request.headers) {
    if (name == "accept-encoding") accepted += (accepted.empty() ? "" : ",") + value;
  }
  const Form* form = &file->plain;
  std::string_view coding;
  if (file->brotli.bytes && accepts(accepted, "br")) {
    form = &file->brotli;
    coding = "br";
  } else if (file->gzip.bytes && accepts(accepted, "gzip")) {
    form = &file->gzip;
    coding = "gzip";
  }
  Response response;
  const bool for_good = request.path.starts_with("/assets/");
  response.headers = {{"ETag", form->tag},
                      {"Cache-Control", for_good ? "public, max-age=31536000, immutable" : "no-cache"}};
  if (file->brotli.bytes || file->gzip.bytes) response.headers.emplace_back("Vary", "Accept-Encoding");
  if (file->media.starts_with("text/html") || file->media == "image/svg+xml") {
    response.headers.emplace_back("Content-Security-Policy", kPolicy);
  }
  const std::string* const known = request.header("if-none-match");
  if (known != nullptr && matches(*known, form->tag)) {
    response.status = 304;
    return response;
  }
  response.headers.emplace_back("Content-Type", file->media);
  if (!coding.empty()) response.headers.emplace_back("Content-Encoding", coding);
  response.shared = form->bytes;
  return response;
}

}  // namespace tocsin::serve
