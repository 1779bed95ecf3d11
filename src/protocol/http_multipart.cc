#include "protocol/http_multipart.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/text.h"

namespace tocsin::protocol {
namespace {

constexpr std::size_t kBoundaryMost = 255, kAfterBoundaryMost = 128, kLineMost = 4096, kParametersMost = 64;

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

std::string_view skip_spaces(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  return text;
}

// A value in quotes, which is taken away from the text; the text stays as it is if there is none.
bool take_quoted(std::string_view& text, std::string_view& value) {
  if (!text.starts_with('"')) return false;
  bool escaped = false;
  std::size_t last = std::string_view::npos;
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '\\') {
      escaped = true;
      continue;
    }
    if (text[i] == '"') {
      last = i;
      if (!escaped) break;
    }
    escaped = false;
  }
  if (last == std::string_view::npos) return false;
  value = text.substr(1, last - 1);
  text.remove_prefix(last + 1);
  return true;
}

std::vector<std::pair<std::string_view, std::string_view>> parameters(std::string_view text) {
  std::vector<std::pair<std::string_view, std::string_view>> found;
  const std::size_t first = text.find(';');
  if (first == std::string_view::npos) return found;
  text.remove_prefix(first + 1);
  while (!text.empty() && found.size() < kParametersMost) {
    text = skip_spaces(text);
    const std::size_t equals = text.find('=');
    if (equals == std::string_view::npos) break;
    const std::string_view name = text.substr(0, equals);
    text.remove_prefix(equals + 1);
    std::string_view value;
    if (!take_quoted(text, value)) {
      const std::size_t end = std::min(text.find(';'), text.size());
      value = text.substr(0, end);
      while (!value.empty() && is_space(value.back())) value.remove_suffix(1);
      text.remove_prefix(end);
    }
    text = skip_spaces(text);
    if (text.starts_with(';')) text.remove_prefix(1);
    found.emplace_back(name, value);
  }
  return found;
}

Bytes as_bytes(std::string_view text) { return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}; }

}  // namespace

std::string form_parameter(std::string_view text, std::string_view name) {
  const auto all = parameters(text);
  // Of several of the same name the last counts.
  const auto find = [&](std::string_view wanted) {
    return std::find_if(all.rbegin(), all.rend(), [&](const auto& one) { return one.first == wanted; });
  };
  std::string value;
  if (const auto one = find(name); one != all.rend()) {
    value = one->second;
  } else {
    for (std::size_t i = 0; i < kParametersMost; ++i) {
      const auto piece = find(std::string(name) + "*" + std::to_string(i));
      if (piece == all.rend()) break;
      value += piece->second;
    }
  }
  std::erase(value, '\\');
  return value;
}

std::unique_ptr<Multipart> Multipart::of(std::string_view content_type) {
  std::string boundary = form_parameter(content_type, "boundary");
  if (boundary.empty() || boundary.size() > kBoundaryMost) return nullptr;
  auto result = std::make_unique<Multipart>();
  result->boundary_ = "--" + boundary;
  return result;
}

void Multipart::take(Bytes added, Sink& sink) {
  pending_.append(reinterpret_cast<const char*>(added.data()), added.size());
  while (!rest().empty() && step(sink)) {
  }
  pending_.erase(0, at_);
  at_ = 0;
}

bool Multipart::step(Sink& sink) {
  switch (state_) {
    case State::kStart:
      return start();
    case State::kSkipLine:
    case State::kLineEnd: {
      const std::size_t end = rest().find('\n');
      if (end == std::string_view::npos) {
        consume(rest().size());
        return false;
      }
      consume(end + 1);
      state_ = state_ == State::kLineEnd ? State::kHeaders : State::kStart;
      return true;
    }
    case State::kHeaders:
      return headers(sink);
    case State::kBody:
      // A boundary at once: a part without bytes.
      if (rest().size() < boundary_.size() && std::string_view(boundary_).starts_with(rest())) return false;
      if (rest().starts_with(boundary_)) {
        if (is_open_) {
          sink.part_event("http.multipart_no_filedata");
          sink.close_part();
        }
        is_open_ = false;
        state_ = State::kStart;
      } else {
        state_ = State::kBytes;
      }
      return true;
    case State::kBytes:
      return bytes(sink);
  }
  return false;
}

bool Multipart::start() {
  const std::string_view text = rest();
  const std::size_t end = text.find('\n');
  const bool is_boundary = text.starts_with(boundary_);
  if (end != std::string_view::npos) {
    consume(end + 1);
    if (is_boundary) state_ = State::kHeaders;
    return true;
  }
  if (is_boundary && text.size() >= boundary_.size() + kAfterBoundaryMost) {
    consume(text.size());
    state_ = State::kLineEnd;
  } else if (!is_boundary && text.size() > boundary_.size()) {
    consume(text.size());
    state_ = State::kSkipLine;
  }
  return false;
}

bool Multipart::headers(Sink& sink) {
  const std::string_view text = rest();
  const std::size_t end = text.find("\r\n");
  if (end == std::string_view::npos) {
    if (text.size() > kLineMost) {
      state_ = State::kLineEnd;
      return true;
    }
    return false;
  }
  const std::string_view line = text.substr(0, end);
  const bool is_last = line.empty() || line == "\r";
  if (!line.empty()) header(line, sink);
  consume(end + 2);
  if (is_last) state_ = State::kBody;
  return true;
}

void Multipart::header(std::string_view line, Sink& sink) {
  const std::size_t colon = line.find(':');
  const std::string_view value =
      colon == std::string_view::npos ? std::string_view() : skip_spaces(line.substr(colon + 1));
  if (value.empty()) {
    sink.part_event("http.multipart_invalid_header");
    return;
  }
  if (!equals_ignoring_case(line.substr(0, colon), "content-disposition")) return;
  std::string name = form_parameter(value, "filename");
  if (name.empty()) return;
  if (is_open_) sink.close_part();
  sink.open_part(std::move(name));
  is_open_ = true;
}

bool Multipart::bytes(Sink& sink) {
  const std::string_view text = rest();
  const std::string end = "\r\n" + boundary_;
  std::size_t size = text.find(end);
  const bool is_end = size != std::string_view::npos;
  if (!is_end) {
    // What may be the beginning of the end waits.
    size = text.size();
    for (std::size_t i = text.size() - std::min(text.size(), end.size() - 1); i < text.size(); ++i) {
      if (std::string_view(end).starts_with(text.substr(i))) {
        size = i;
        break;
      }
    }
  }
  if (is_open_ && size != 0) sink.part_bytes(as_bytes(text.substr(0, size)));
  consume(size);
  if (!is_end) return false;
  consume(2);
  if (is_open_) sink.close_part();
  is_open_ = false;
  state_ = State::kStart;
  return true;
}

}  // namespace tocsin::protocol
