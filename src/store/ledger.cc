#include "store/ledger.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <nlohmann/json.hpp>
#include <span>

#include "base/utf8.h"
#include "store/files.h"

namespace tocsin::store {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kHashMember = ",\"hash\":\"";
constexpr std::size_t kHashDigits = 64;
constexpr std::size_t kTail = kHashMember.size() + kHashDigits + 2;

// A name of a file may be any bytes. Where it is no UTF-8, its bytes stand beside it in hexadecimal.
void put_text(Json& json, const char* key, const std::string& text) {
  json[key] = as_utf8(text);
  if (!is_utf8(text)) {
    const auto bytes = std::span(reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
    json[std::string(key) + "_bytes"] = hex(bytes);
  }
}

std::string get_text(const Json& json, const char* key) {
  const auto bytes = json.find(std::string(key) + "_bytes");
  if (bytes == json.end()) return json.at(key).get<std::string>();
  const auto digits = bytes->get<std::string>();
  std::string text;
  for (std::size_t i = 0; i + 1 < digits.size(); i += 2) {
    text += static_cast<char>(std::stoi(digits.substr(i, 2), nullptr, 16));
  }
  return text;
}

Json to_json(const SourceRecord& source) {
  Json json;
  json["id"] = as_utf8(source.id);
  put_text(json, "name", source.name);
  put_text(json, "path", source.path);
  json["format"] = as_utf8(source.format);
  json["sha256"] = as_utf8(source.sha256);
  json["bytes"] = source.bytes;
  json["records"] = source.records;
  json["skipped"] = source.skipped;
  json["skipped_by_reason"] = Json::object();
  for (const auto& [reason, count] : source.skipped_by_reason) json["skipped_by_reason"][as_utf8(reason)] = count;
  json["examples"] = Json::array();
  for (const std::string& example : source.examples) json["examples"].push_back(as_utf8(example));
  return json;
}

SourceRecord source_of(const Json& json) {
  SourceRecord source;
  source.id = json.at("id").get<std::string>();
  source.name = get_text(json, "name");
  source.path = get_text(json, "path");
  source.format = json.at("format").get<std::string>();
  source.sha256 = json.at("sha256").get<std::string>();
  source.bytes = json.at("bytes").get<std::uint64_t>();
  source.records = json.at("records").get<std::uint64_t>();
  source.skipped = json.at("skipped").get<std::uint64_t>();
  for (const auto& [reason, count] : json.at("skipped_by_reason").items()) {
    source.skipped_by_reason[reason] = count.get<std::uint64_t>();
  }
  source.examples = json.at("examples").get<std::vector<std::string>>();
  return source;
}

Json to_json(const Segment& segment) {
  Json json;
  json["path"] = segment.path;
  json["sha256"] = segment.sha256;
  json["rows"] = segment.rows;
  json["bytes"] = segment.bytes;
  json["sources"] = Json::array();
  for (const std::string& source : segment.sources) json["sources"].push_back(as_utf8(source));
  return json;
}

Segment segment_of(const Json& json) {
  return {.path = json.at("path").get<std::string>(),
          .sha256 = json.at("sha256").get<std::string>(),
          .rows = json.at("rows").get<std::uint64_t>(),
          .bytes = json.at("bytes").get<std::uint64_t>(),
          .sources = json.at("sources").get<std::vector<std::string>>()};
}

// The hash of a line whose text without the hash, and without the closing brace, is `body`.
std::string hash_of_body(std::string_view previous, std::string_view body) {
  Sha256 hash;
  hash.update(previous);
  hash.update(body);
  hash.update("}");
  return hex(hash.digest());
}

LedgerLine line_of(const Json& json) {
  LedgerLine line;
  line.sequence = json.at("sequence").get<std::uint64_t>();
  line.time = json.at("time").get<std::string>();
  line.previous = json.at("previous").get<std::string>();
  for (const Json& source : json.at("sources")) line.sources.push_back(source_of(source));
  line.replaces = json.at("replaces").get<std::vector<std::string>>();
  for (const Json& segment : json.at("add")) line.add.push_back(segment_of(segment));
  line.retire = json.at("retire").get<std::vector<std::string>>();
  line.hash = json.at("hash").get<std::string>();
  return line;
}

}  // namespace

std::string encode(LedgerLine& line) {
  Json json;
  json["sequence"] = line.sequence;
  json["time"] = line.time;
  json["previous"] = line.previous;
  json["sources"] = Json::array();
  for (const SourceRecord& source : line.sources) json["sources"].push_back(to_json(source));
  json["replaces"] = Json::array();
  for (const std::string& id : line.replaces) json["replaces"].push_back(as_utf8(id));
  json["add"] = Json::array();
  for (const Segment& segment : line.add) json["add"].push_back(to_json(segment));
  json["retire"] = line.retire;
  std::string text = json.dump(-1, ' ', false, Json::error_handler_t::replace);
  text.pop_back();
  line.hash = hash_of_body(line.previous, text);
  text += kHashMember;
  text += line.hash;
  text += "\"}\n";
  return text;
}

Expected<LedgerLine> decode(std::string_view text) {
  if (text.size() < kTail || !text.ends_with("\"}") || text.substr(text.size() - kTail).find(kHashMember) != 0) {
    return failure("is not a line of a ledger");
  }
  try {
    LedgerLine line = line_of(Json::parse(text));
    if (line.hash != hash_of_body(line.previous, text.substr(0, text.size() - kTail))) {
      return failure("does not match its hash");
    }
    return line;
  } catch (const std::exception&) {
    return failure("is not a line of a ledger");
  }
}

Expected<void> read_lines(std::string_view text, LedgerLines& lines) {
  for (std::size_t end = 0; (end = text.find('\n')) != std::string_view::npos; text.remove_prefix(end + 1)) {
    auto line = decode(text.substr(0, end));
    if (!line) return failure(fmt::format("line {} {}", lines.size() + 1, line.error().message));
    if (line->sequence != lines.size() + 1) {
      return failure(fmt::format("line {} has the number {}", lines.size() + 1, line->sequence));
    }
    if (line->previous != (lines.empty() ? kNoHash : std::string_view(lines.back()->hash))) {
      return failure(fmt::format("line {} does not follow from the line before it", lines.size() + 1));
    }
    lines.push_back(std::make_shared<const LedgerLine>(std::move(*line)));
  }
  return {};
}

std::map<std::string, Segment> live_segments(const LedgerLines& lines, std::uint64_t count) {
  std::map<std::string, Segment> live;
  for (std::size_t i = 0; i < lines.size() && i < count; ++i) {
    for (const std::string& path : lines[i]->retire) live.erase(path);
    for (const Segment& segment : lines[i]->add) live[segment.path] = segment;
  }
  return live;
}

std::vector<const SourceRecord*> live_sources(const LedgerLines& lines, std::uint64_t count) {
  std::vector<const SourceRecord*> live;
  for (std::size_t i = 0; i < lines.size() && i < count; ++i) {
    const std::vector<std::string>& replaces = lines[i]->replaces;
    if (!replaces.empty()) {
      std::erase_if(live, [&replaces](const SourceRecord* source) {
        return std::ranges::find(replaces, source->id) != replaces.end();
      });
    }
    for (const SourceRecord& source : lines[i]->sources) live.push_back(&source);
  }
  return live;
}

Expected<LedgerLines> Ledger::lines() {
  const std::scoped_lock lock(mutex_);
  const FileDescriptor file(::open(path_.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat status {};
  if (!file.is_open() || ::fstat(file.number(), &status) != 0) {
    return std::unexpected(system_error("open", path_, errno));
  }
  if (static_cast<std::uint64_t>(status.st_size) < size_) {
    size_ = 0;
    lines_.clear();
  }
  std::string text(static_cast<std::size_t>(status.st_size) - size_, '\0');
  std::size_t filled = 0;
  while (filled < text.size()) {
    const ssize_t size =
        ::pread(file.number(), text.data() + filled, text.size() - filled, static_cast<off_t>(size_ + filled));
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return std::unexpected(system_error("read", path_, errno));
    if (size == 0) break;
    filled += static_cast<std::size_t>(size);
  }
  text.resize(filled);
  text.resize(text.rfind('\n') + 1);
  if (const auto read = read_lines(text, lines_); !read) {
    lines_.clear();
    size_ = 0;
    return failure(fmt::format("{}: {}: it was changed or damaged; 'tocsin verify' says more", path_.string(),
                               read.error().message));
  }
  size_ += text.size();
  return lines_;
}

Expected<void> Ledger::append(LedgerLine& line, bool& is_torn) {
  is_torn = false;
  const std::string text = encode(line);
  const FileDescriptor file(::open(path_.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
  if (!file.is_open()) return std::unexpected(system_error("open", path_, errno));
  const ssize_t written = ::write(file.number(), text.data(), text.size());
  if (written == static_cast<ssize_t>(text.size()) && ::fsync(file.number()) == 0) return {};
  const int number = written >= 0 && written < static_cast<ssize_t>(text.size()) ? ENOSPC : errno;
  if (written > 0 && (::ftruncate(file.number(), static_cast<off_t>(size_)) != 0 || ::fsync(file.number()) != 0)) {
    is_torn = true;
  }
  return std::unexpected(system_error("write", path_, number));
}

Expected<void> Ledger::cut_rest() {
  const FileDescriptor file(::open(path_.c_str(), O_WRONLY | O_CLOEXEC));
  struct stat status {};
  if (!file.is_open() || ::fstat(file.number(), &status) != 0) {
    return std::unexpected(system_error("open", path_, errno));
  }
  if (static_cast<std::uint64_t>(status.st_size) == size_) return {};
  if (::ftruncate(file.number(), static_cast<off_t>(size_)) != 0 || ::fsync(file.number()) != 0) {
    return std::unexpected(system_error("cut", path_, errno));
  }
  return {};
}

}  // namespace tocsin::store
