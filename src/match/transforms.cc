#include "match/transforms.h"

#include <fmt/format.h>
#include <libpsl.h>
#include <openssl/evp.h>
#include <zlib.h>

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "match/numbers.h"
#include "rules/builder.h"

namespace tocsin::match {
namespace {

using rules::parse_number;
using rules::parse_signed;
using rules::split;
using rules::words_of;
using Apply = std::function<void(std::string&)>;

constexpr std::uint32_t kDecompressed = 1024, kMostDecompressed = 16 << 20;

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
char small(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }
char large(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; }
int hex_of(char c) {
  c = small(c);
  return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

void compress_space(std::string& bytes) {
  bytes.erase(
      std::unique(bytes.begin(), bytes.end(), [](char before, char now) { return is_space(before) && is_space(now); }),
      bytes.end());
}

void url_decode(std::string& bytes) {
  std::size_t out = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    char c = bytes[i] == '+' ? ' ' : bytes[i];
    if (c == '%') {
      const int high = i + 1 < bytes.size() ? hex_of(bytes[i + 1]) : -1;
      const int low = high >= 0 && i + 2 < bytes.size() ? hex_of(bytes[i + 2]) : -1;
      if (low >= 0) {
        c = static_cast<char>(high << 4 | low);
        i += 2;
      } else {  // the sign and what follows it, to where it went wrong, stay as they are
        const std::size_t stay = std::min(bytes.size() - i, high >= 0 ? std::size_t{3} : std::size_t{2});
        for (std::size_t k = 0; k < stay; ++k) bytes[out++] = bytes[i + k];
        i += stay - 1;
        continue;
      }
    }
    bytes[out++] = c;
  }
  bytes.resize(out);
}

void lower_names(std::string& bytes) {
  bool in_value = false;
  for (char& c : bytes) {
    if (in_value) {
      in_value = c != '\n';
    } else if (c == ':') {
      in_value = true;
    } else {
      c = small(c);
    }
  }
}

void strip_pseudo_headers(std::string& bytes) {
  std::string kept;
  for (std::size_t at = 0; at < bytes.size();) {
    const std::size_t end = std::min(bytes.find('\n', at), bytes.size() - 1) + 1;
    if (bytes[at] != ':') kept.append(bytes, at, end - at);
    at = end;
  }
  bytes = std::move(kept);
}

Apply digest(const EVP_MD* kind) {
  return [kind](std::string& bytes) {
    unsigned char out[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    if (EVP_Digest(bytes.data(), bytes.size(), out, &size, kind, nullptr) != 1) size = 0;
    bytes.assign(reinterpret_cast<const char*>(out), size);
  };
}

// The registered domain, or only the suffix under which it was registered; nothing if there is none.
Apply domain(bool only_suffix) {
  return [only_suffix](std::string& bytes) {
    static const psl_ctx_t* const list = psl_builtin();
    // The list is in lower case; a name with a NUL is none.
    std::string name = bytes;
    std::ranges::transform(name, name.begin(), small);
    const bool is_name = list != nullptr && name.find('\0') == std::string::npos;
    const char* registered = is_name ? psl_registrable_domain(list, name.c_str()) : nullptr;
    const char* part = registered == nullptr ? nullptr
                       : only_suffix         ? psl_unregistrable_domain(list, name.c_str())
                                             : registered;
    bytes = part == nullptr ? std::string() : bytes.substr(static_cast<std::size_t>(part - name.c_str()));
  };
}

Apply decompress(int window, std::uint32_t most) {
  return [window, most](std::string& bytes) {
    z_stream stream{};
    if (inflateInit2(&stream, window) != Z_OK) return;
    std::string out(most, '\0');
    stream.next_in = reinterpret_cast<Bytef*>(bytes.data());
    stream.avail_in = static_cast<uInt>(std::min<std::size_t>(bytes.size(), UINT32_MAX));
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = most;
    const int result = inflate(&stream, Z_SYNC_FLUSH);
    out.resize(most - stream.avail_out);
    inflateEnd(&stream);
    if (result == Z_OK || result == Z_STREAM_END || !out.empty()) bytes = std::move(out);
  };
}

Expected<Apply> from_base64(std::string_view argument) {
  std::uint32_t count = 0, offset = 0;
  bool lenient = false, strict = false;
  for (const std::string_view part : split(argument, ',')) {
    const auto words = words_of(part);
    if (words.empty()) continue;
    const auto number = parse_number(words.back(), UINT32_MAX);
    const bool is_number = words.size() == 2 && number.has_value();
    if (words[0] == "bytes" && is_number) {
      count = static_cast<std::uint32_t>(number.value_or(0));
    } else if (words[0] == "offset" && is_number) {
      offset = static_cast<std::uint32_t>(number.value_or(0));
    } else if (words[0] == "mode" && words.size() == 2 &&
               (words[1] == "rfc2045" || words[1] == "rfc4648" || words[1] == "strict")) {
      lenient = words[1] == "rfc2045";
      strict = words[1] == "strict";
    } else {
      return failure("from_base64 is followed by bytes, offset and mode");
    }
  }
  return [=](std::string& bytes) {
    std::string_view part = bytes;
    if (offset > 0 && offset >= part.size()) return;
    part.remove_prefix(offset);
    if (count > 0 && count > part.size()) return;
    if (count > 0) part = part.substr(0, count);
    if (strict && part.size() % 4 != 0) return;
    std::string decoded = decode_base64(bytes_of(part), lenient);
    if (strict && decoded.size() + 2 < part.size() / 4 * 3) return;
    if (!decoded.empty()) bytes = std::move(decoded);
  };
}

Expected<Apply> exclusive_or(std::string_view argument) {
  std::size_t offset = 0, key_size = 0, key_offset = 0;
  std::string key;
  const auto parts = split(argument, ',');
  if (parts.size() == 2) offset = parse_number(words_of(parts[0]).back(), UINT32_MAX).value_or(0);
  std::string_view last = parts.back();
  if (const auto words = words_of(last); words.size() == 3 && words[0] == "extract") {
    key_size = parse_number(words[1], 255).value_or(1);
    key_offset = parse_number(words[2], UINT32_MAX).value_or(0);
  } else {
    if (last.size() > 1 && last.starts_with('"')) last = last.substr(1, last.size() - 2);
    for (std::size_t i = 0; i + 1 < last.size(); i += 2)
      key += static_cast<char>(hex_of(last[i]) << 4 | hex_of(last[i + 1]));
  }
  return [=](std::string& bytes) {
    if (offset > bytes.size()) return;
    std::string own = key;
    if (key_size > 0) {
      if (key_offset > bytes.size() || key_size > bytes.size() - key_offset) return;
      own = bytes.substr(key_offset, key_size);
    }
    if (own.empty()) return;
    for (std::size_t i = offset; i < bytes.size(); ++i)
      bytes[i] = static_cast<char>(bytes[i] ^ own[(i - offset) % own.size()]);
  };
}

Expected<Apply> subslice(std::string_view argument) {
  auto parts = split(argument, ',');
  const bool truncates = parts.size() > 1 && lower(parts.back()) == "truncate";
  if (truncates) parts.pop_back();
  const auto offset = parse_signed(parts[0]);
  const auto count = parts.size() == 2 ? parse_signed(parts[1]) : std::nullopt;
  if (!offset || parts.size() > 2 || (parts.size() == 2 && count.value_or(0) == 0))
    return failure("subslice is an offset, a number of bytes, and truncate");
  return [=](std::string& bytes) {
    const auto size = static_cast<std::int64_t>(bytes.size());
    const auto fits = [&](std::int64_t at) { return truncates || (at >= 0 && at <= size); };
    const std::int64_t wanted = *offset >= 0 ? *offset : *offset < -size ? -1 : size + *offset;
    const std::int64_t start = std::clamp<std::int64_t>(wanted, 0, size);
    std::int64_t end = size;
    bool sound = fits(wanted);
    if (count) {
      const std::int64_t asked = *count < 0              ? (*count < -size ? -1 : size + *count)
                                 : *count > size - start ? size + 1
                                                         : start + *count;
      sound = sound && fits(asked);
      end = std::clamp<std::int64_t>(asked, 0, size);
    }
    if (!sound) {
      bytes.clear();
      return;
    }
    const auto [from, to] = std::minmax(start, end);
    bytes = bytes.substr(static_cast<std::size_t>(from), static_cast<std::size_t>(to - from));
  };
}

Expected<Apply> captured(std::string_view pattern) {
  rules::Pcre pcre;
  pcre.pattern = pattern;
  auto made = Pattern::make(pcre, 3500, 1500);
  if (!made) return std::unexpected(made.error());
  return [compiled = *made](std::string& bytes) {
    Found found;
    if (compiled->find(bytes_of(bytes), 0, found) != Pattern::Answer::kFound || found.count < 2) return;
    const auto [begin, end] = found.groups[1];
    if (begin <= end && end <= bytes.size()) bytes = bytes.substr(begin, end - begin);
  };
}

Expected<Apply> make_apply(const rules::Transform& transform) {
  const std::string_view name = transform.name;
  if (name == "dotprefix") return [](std::string& bytes) { bytes.insert(bytes.begin(), '.'); };
  if (name == "strip_whitespace") return [](std::string& bytes) { std::erase_if(bytes, is_space); };
  if (name == "compress_whitespace") return compress_space;
  if (name == "to_lowercase") return [](std::string& bytes) { std::ranges::transform(bytes, bytes.begin(), small); };
  if (name == "to_uppercase") return [](std::string& bytes) { std::ranges::transform(bytes, bytes.begin(), large); };
  if (name == "to_md5") return digest(EVP_md5());
  if (name == "to_sha1") return digest(EVP_sha1());
  if (name == "to_sha256") return digest(EVP_sha256());
  if (name == "url_decode") return url_decode;
  if (name == "header_lowercase") return lower_names;
  if (name == "strip_pseudo_headers") return strip_pseudo_headers;
  if (name == "domain" || name == "tld") return domain(name == "tld");
  if (name == "xor") return exclusive_or(transform.argument);
  if (name == "from_base64") return from_base64(transform.argument);
  if (name == "subslice") return subslice(transform.argument);
  if (name == "pcrexform") return captured(transform.argument);
  if (name == "gunzip" || name == "zlib_deflate") {
    std::uint64_t most = kDecompressed;
    if (!transform.argument.empty()) {
      const auto words = words_of(transform.argument);
      const auto size =
          words.size() == 2 && words[0] == "max-size" ? rules::parse_size(words[1], kMostDecompressed) : std::nullopt;
      if (size.value_or(0) == 0) return failure(fmt::format("{} is followed by max-size and a size", name));
      most = *size;
    }
    return decompress(name == "gunzip" ? 16 + MAX_WBITS : MAX_WBITS, static_cast<std::uint32_t>(most));
  }
  return failure(fmt::format("the transform {} can't be run", name));
}

}  // namespace

Expected<Change> Change::make(const rules::Transform& transform) {
  auto apply = make_apply(transform);
  if (!apply) return std::unexpected(apply.error());
  Change change;
  change.apply_ = [inner = std::move(*apply)](std::string& bytes) {
    if (!bytes.empty()) inner(bytes);  // there is nothing to change in nothing
  };
  return change;
}

Expected<Changes> make_changes(std::span<const rules::Transform> transforms) {
  Changes changes;
  for (const rules::Transform& transform : transforms) {
    auto change = Change::make(transform);
    if (!change) return std::unexpected(change.error());
    changes.push_back(std::move(*change));
  }
  return changes;
}

}  // namespace tocsin::match
