#include "protocol/file.h"

#include <magic.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <atomic>

#include "base/digest.h"

namespace tocsin::protocol {
namespace {

// Fewer bytes say little; the rest of a large file says no more.
constexpr std::size_t kMagicLeast = 512, kMagicMost = 64 * 1024;

struct Database {
  Database() : cookie(magic_open(MAGIC_NONE)) {
    if (cookie != nullptr && magic_load(cookie, nullptr) != 0) {
      magic_close(cookie);
      cookie = nullptr;
    }
  }
  ~Database() {
    if (cookie != nullptr) magic_close(cookie);
  }
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;
  magic_t cookie;
};

struct ContextDeleter {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
using Context = std::unique_ptr<EVP_MD_CTX, ContextDeleter>;

std::string finish(EVP_MD_CTX* context) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned size = 0;
  if (EVP_DigestFinal_ex(context, digest.data(), &size) != 1) return {};
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  text.reserve(2 * size);
  for (unsigned i = 0; i < size; ++i) {
    text += kDigits[digest[i] >> 4];
    text += kDigits[digest[i] & 15];
  }
  return text;
}

}  // namespace

File::File() {
  static std::atomic<std::uint64_t> last{0};
  serial = ++last;
}

FileSettings FileSettings::of(const Options& options) {
  FileSettings settings;
  settings.md5 = options.flag("files.md5", false);
  settings.sha1 = options.flag("files.sha1", false);
  settings.sha256 = options.flag("files.sha256", false);
  settings.magic = options.flag("files.magic", false);
  settings.window = options.number("files.window", settings.window);
  settings.depth = options.number("files.stream-depth", settings.depth);
  return settings;
}

struct GrowingFile::Hash {
  struct One {
    Context context;
    std::string* target;
  };
  std::vector<One> all;

  void add(const EVP_MD* kind, std::string& target) {
    Context context(EVP_MD_CTX_new());
    if (kind != nullptr && context && EVP_DigestInit_ex(context.get(), kind, nullptr) == 1)
      all.push_back({std::move(context), &target});
  }
};

GrowingFile::GrowingFile(const FileSettings& settings, std::string given, Side from, std::uint64_t of)
    : settings_(settings) {
  name = std::move(given);
  side = from;
  transaction = of;
  if (settings.md5 || settings.sha1 || settings.sha256) {
    hash_ = std::make_unique<Hash>();
    if (settings.md5) hash_->add(digest_of(DigestKind::kMd5), md5);
    if (settings.sha1) hash_->add(digest_of(DigestKind::kSha1), sha1);
    if (settings.sha256) hash_->add(digest_of(DigestKind::kSha256), sha256);
  }
}

GrowingFile::~GrowingFile() = default;

void GrowingFile::append(Bytes added) {
  if (!is_open()) return;
  bool is_cut = false;
  if (settings_.depth != 0 && added.size() > settings_.depth - std::min(settings_.depth, size)) {
    added = added.first(settings_.depth - std::min(settings_.depth, size));
    is_cut = true;
  }
  if (hash_) {
    for (const Hash::One& one : hash_->all) EVP_DigestUpdate(one.context.get(), added.data(), added.size());
  }
  // Let go in large pieces, so that each byte is moved about once.
  if (bytes.size() > 2 * settings_.window) {
    const std::size_t gone = bytes.size() - settings_.window;
    bytes.erase(0, gone);
    offset += gone;
  }
  bytes.append(reinterpret_cast<const char*>(added.data()), added.size());
  size += added.size();
  if (settings_.magic && magic.empty()) identify(*this);
  if (is_cut) close(State::kTruncated);
}

void GrowingFile::skip(std::uint64_t missing) {
  if (!is_open() || missing == 0) return;
  has_gaps = true;
  hash_.reset();
  // What is kept has to be whole.
  offset = size + missing;
  size = offset;
  bytes.clear();
}

void GrowingFile::close(State how) {
  if (!is_open()) return;
  state = how;
  if (hash_ && how == State::kClosed) {
    for (const Hash::One& one : hash_->all) *one.target = finish(one.context.get());
  }
  hash_.reset();
  if (settings_.magic && magic.empty()) identify(*this);
}

const std::string& identify(File& file) {
  if (file.magic.empty() && file.offset == 0 && !file.bytes.empty() &&
      (file.bytes.size() >= kMagicLeast || file.state != File::State::kOpen)) {
    file.magic = magic_of(file.bytes);
  }
  return file.magic;
}

std::string magic_of(std::string_view bytes) {
  thread_local const Database database;
  if (database.cookie == nullptr) return {};
  const char* text = magic_buffer(database.cookie, bytes.data(), std::min(bytes.size(), kMagicMost));
  return text != nullptr ? text : "";
}

std::string_view base_name(std::string_view path) {
  const std::size_t slash = path.find_last_of("/\\");
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

}  // namespace tocsin::protocol
