#include "http/content_coding.h"

#include <zlib.h>

#include <algorithm>
#include <list>
#include <mutex>
#include <stdexcept>

#include "base/text.h"

namespace tocsin::serve {
namespace {

constexpr std::size_t kMostBodies = 256;
constexpr std::size_t kMostBytes = 32 << 20;

// "q=0", "q=0.000"
bool is_zero(std::string_view parameters) {
  while (!parameters.empty()) {
    const std::size_t end = parameters.find(';');
    const std::string_view one = trim(parameters.substr(0, end));
    parameters = end == std::string_view::npos ? std::string_view() : parameters.substr(end + 1);
    if (one.size() >= 3 && (one[0] == 'q' || one[0] == 'Q') && one[1] == '=') {
      return one[2] == '0' && one.find_first_of("123456789", 3) == std::string_view::npos;
    }
  }
  return false;
}

}  // namespace

bool accepts(std::string_view accept_encoding, std::string_view coding) {
  bool all = false;
  while (!accept_encoding.empty()) {
    const std::size_t end = accept_encoding.find(',');
    const std::string_view one = accept_encoding.substr(0, end);
    accept_encoding = end == std::string_view::npos ? std::string_view() : accept_encoding.substr(end + 1);
    const std::size_t semicolon = std::min(one.find(';'), one.size());
    const std::string_view name = trim(one.substr(0, semicolon));
    const bool taken = semicolon == one.size() || !is_zero(one.substr(semicolon + 1));
    if (equals_ignoring_case(name, coding)) return taken;
    if (name == "*") all = taken;
  }
  return all;
}

std::string gzip(std::string_view bytes, int level) {
  z_stream stream{};
  constexpr int kGzip = 16 + MAX_WBITS;
  if (deflateInit2(&stream, level, Z_DEFLATED, kGzip, 8, Z_DEFAULT_STRATEGY) != Z_OK) throw std::bad_alloc();
  std::string out(deflateBound(&stream, bytes.size()), '\0');
  // zlib counts in unsigned int: what is longer goes in and out in pieces.
  std::size_t in = 0, made = 0;
  int state = Z_OK;
  while (state != Z_STREAM_END) {
    const auto some = static_cast<uInt>(std::min<std::size_t>(bytes.size() - in, 1U << 30));
    const auto room = static_cast<uInt>(std::min<std::size_t>(out.size() - made, 1U << 30));
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-const-cast): zlib does not write to its input
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data() + in));
    stream.avail_in = some;
    stream.next_out = reinterpret_cast<Bytef*>(out.data() + made);
    stream.avail_out = room;
    state = deflate(&stream, in + some == bytes.size() ? Z_FINISH : Z_NO_FLUSH);
    in += some - stream.avail_in;
    made += room - stream.avail_out;
    if (state == Z_STREAM_ERROR || (room == 0 && state != Z_STREAM_END)) break;
  }
  deflateEnd(&stream);
  if (state != Z_STREAM_END) throw std::runtime_error("zlib did not finish");
  out.resize(made);
  return out;
}

bool matches(std::string_view if_none_match, std::string_view tag) {
  if (tag.starts_with("W/")) tag.remove_prefix(2);
  // Tags are quoted, and a comma may stand within the quotes.
  std::string_view rest = trim(if_none_match);
  if (rest == "*") return true;
  while (!rest.empty()) {
    if (rest.starts_with("W/")) rest.remove_prefix(2);
    if (!rest.starts_with('"')) return false;
    const std::size_t end = rest.find('"', 1);
    if (end == std::string_view::npos) return false;
    if (rest.substr(0, end + 1) == tag) return true;
    rest.remove_prefix(end + 1);
    const std::size_t next = rest.find_first_not_of(" \t,");
    rest = next == std::string_view::npos ? std::string_view() : rest.substr(next);
  }
  return false;
}

// The newest first. A body is known by its address for as long as it lives: the weak pointer tells when another body
// has come to stand there.
struct GzipCache::State {
  struct Form {
    std::weak_ptr<const std::string> body;
    const std::string* address = nullptr;
    std::once_flag once;
    std::shared_ptr<const std::string> bytes;
    std::size_t counted = 0;
  };
  std::mutex mutex;
  std::list<std::shared_ptr<Form>> forms;
  std::size_t held = 0;

  void drop_last() {
    held -= forms.back()->counted;
    forms.pop_back();
  }
};

GzipCache::GzipCache() : state_(std::make_unique<State>()) {}
GzipCache::~GzipCache() = default;

std::shared_ptr<const std::string> GzipCache::compressed(const std::shared_ptr<const std::string>& body) {
  std::shared_ptr<State::Form> form;
  {
    const std::lock_guard lock(state_->mutex);
    auto& forms = state_->forms;
    const auto known = std::ranges::find_if(forms, [&](const std::shared_ptr<State::Form>& one) {
      return one->address == body.get() && one->body.lock() == body;
    });
    if (known != forms.end()) {
      forms.splice(forms.begin(), forms, known);
    } else {
      forms.push_front(std::make_shared<State::Form>());
      forms.front()->body = body;
      forms.front()->address = body.get();
      if (forms.size() > kMostBodies) state_->drop_last();
    }
    form = forms.front();
  }
  std::call_once(form->once, [&] {
    form->bytes = std::make_shared<const std::string>(gzip(*body, 6));
    const std::lock_guard lock(state_->mutex);
    auto& forms = state_->forms;
    if (std::ranges::find(forms, form) == forms.end()) return;  // dropped meanwhile
    form->counted = form->bytes->size();
    state_->held += form->counted;
    while (state_->held > kMostBytes && forms.size() > 1) state_->drop_last();
  });
  return form->bytes;
}

}  // namespace tocsin::serve
