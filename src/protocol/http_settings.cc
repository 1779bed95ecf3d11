#include "protocol/http_settings.h"

#include <htp/htp.h>

#include <algorithm>
#include <mutex>
#include <string>
#include <vector>

#include "base/text.h"
#include "protocol/http_parser.h"

namespace tocsin::protocol {
namespace {

constexpr std::string_view kRoots[] = {"app-layer.protocols.http.libhtp.default-config.", "libhtp.default-config."};

class Reader {
 public:
  explicit Reader(const Options& options) : options_(options) {}
  const std::string* find(std::string_view name) const {
    for (const std::string_view root : kRoots) {
      if (const std::string* value = options_.find(std::string(root).append(name))) return value;
    }
    return nullptr;
  }
  std::uint64_t number(std::string_view name, std::uint64_t otherwise) const {
    return options_.number(key(name), otherwise);
  }
  bool flag(std::string_view name, bool otherwise) const { return options_.flag(key(name), otherwise); }

 private:
  std::string key(std::string_view name) const {
    const std::string first = std::string(kRoots[0]).append(name);
    return options_.find(first) ? first : std::string(kRoots[1]).append(name);
  }
  const Options& options_;
};

htp_server_personality_t personality(std::string_view name) {
  constexpr std::pair<std::string_view, htp_server_personality_t> kAll[] = {
      {"MINIMAL", HTP_SERVER_MINIMAL}, {"GENERIC", HTP_SERVER_GENERIC},   {"IDS", HTP_SERVER_IDS},
      {"IIS_4_0", HTP_SERVER_IIS_4_0}, {"IIS_5_0", HTP_SERVER_IIS_5_0},   {"IIS_5_1", HTP_SERVER_IIS_5_1},
      {"IIS_6_0", HTP_SERVER_IIS_6_0}, {"IIS_7_0", HTP_SERVER_IIS_7_0},   {"IIS_7_5", HTP_SERVER_IIS_7_5},
      {"APACHE", HTP_SERVER_APACHE_2}, {"APACHE_2", HTP_SERVER_APACHE_2}, {"APACHE_2_2", HTP_SERVER_APACHE_2}};
  for (const auto& [known, value] : kAll) {
    if (equals_ignoring_case(known, name)) return value;
  }
  return HTP_SERVER_IDS;
}

void set_decoding(htp_cfg_t* library, const Reader& reader) {
  using Set = void (*)(htp_cfg_t*, htp_decoder_ctx_t, int);
  constexpr std::pair<std::string_view, Set> kFlags[] = {
      {"path-convert-backslash-separators", htp_config_set_backslash_convert_slashes},
      {"path-convert-lowercase", htp_config_set_convert_lowercase},
      {"path-nul-encoded-terminates", htp_config_set_nul_encoded_terminates},
      {"path-nul-raw-terminates", htp_config_set_nul_raw_terminates},
      {"path-separators-compress", htp_config_set_path_separators_compress},
      {"path-separators-decode", htp_config_set_path_separators_decode},
      {"path-u-encoding-decode", htp_config_set_u_encoding_decode},
      {"path-utf8-convert-bestfit", htp_config_set_utf8_convert_bestfit},
      {"query-plusspace-decode", htp_config_set_plusspace_decode},
  };
  for (const auto& [name, set] : kFlags) {
    if (reader.find(name) != nullptr) set(library, HTP_DECODER_URL_PATH, reader.flag(name, false));
  }
  if (const std::string* with = reader.find("path-bestfit-replacement-char"); with && with->size() == 1)
    htp_config_set_bestfit_replacement_byte(library, HTP_DECODER_URL_PATH, static_cast<unsigned char>((*with)[0]));
  if (const std::string* how = reader.find("path-url-encoding-invalid-handling")) {
    htp_config_set_url_encoding_invalid_handling(library, HTP_DECODER_URL_PATH,
                                                 *how == "remove_percent"   ? HTP_URL_DECODE_REMOVE_PERCENT
                                                 : *how == "decode_invalid" ? HTP_URL_DECODE_PROCESS_INVALID
                                                                            : HTP_URL_DECODE_PRESERVE_PERCENT);
  }
}

// The settings of EVE's "http", by their names from there on: "custom.0", "dump-all-headers".
template <typename Take>
void for_each_output(const Options& options, Take take) {
  constexpr std::string_view kRoot = "outputs.", kHttp = ".http.";
  const auto& all = options.all();
  for (auto one = all.lower_bound(kRoot); one != all.end() && one->first.starts_with(kRoot); ++one) {
    const std::size_t at = one->first.find(kHttp);
    if (at != std::string::npos) take(std::string_view(one->first).substr(at + kHttp.size()), one->second);
  }
}

}  // namespace

void HttpSettings::read_output(std::string_view name, const std::string& value) {
  if (name == "dump-all-headers") {
    has_request_headers = has_request_headers || value == "both" || value == "request";
    has_response_headers = has_response_headers || value == "both" || value == "response";
  } else if (name.starts_with("custom")) {
    std::string header = lower(value);
    std::ranges::replace(header, '_', '-');
    logged_headers.push_back(std::move(header));
  }
}

HttpSettings::HttpSettings(const Options& options) : files(FileSettings::of(options)) {
  const Reader reader(options);
  const auto read = [&](const std::string& side, BodyLimits& limits) {
    limits.limit = reader.number(side + "-body-limit", limits.limit);
    limits.least = reader.number(side + "-body-minimal-inspect-size", limits.least);
    limits.window = reader.number(side + "-body-inspect-window", limits.window);
  };
  read("request", request);
  read("response", response);
  double_decode_path = reader.flag("double-decode-path", false);
  double_decode_query = reader.flag("double-decode-query", false);
  whole_uri = reader.flag("uri-include-all", false);
  is_inline = reader.flag("http-body-inline", options.flag("stream.inline", false));
  bomb_limit = reader.number("compression-bomb-limit", bomb_limit);
  most_transactions = reader.number("max-tx", most_transactions);

  swf.is_enabled = reader.flag("swf-decompression.enabled", false);
  if (const std::string* type = reader.find("swf-decompression.type")) {
    swf.zlib = *type == "deflate" || *type == "both";
    swf.lzma = *type == "lzma" || *type == "both";
  }
  swf.packed_most = reader.number("swf-decompression.compress-depth", swf.packed_most);
  swf.unpacked_most = reader.number("swf-decompression.decompress-depth", swf.unpacked_most);
  for_each_output(options, [this](std::string_view name, const std::string& value) { read_output(name, value); });

  library = std::shared_ptr<htp_cfg_t>(htp_config_create(), htp_config_destroy);
  htp_cfg_t* const made = library.get();
  if (made == nullptr) return;
  const std::string* who = reader.find("personality");
  htp_config_set_server_personality(made, personality(who ? *who : "IDS"));
  htp_config_set_convert_lowercase(made, HTP_DECODER_URL_PATH, 0);
  htp_config_set_plusspace_decode(made, HTP_DECODER_URL_PATH, 0);
  htp_config_set_plusspace_decode(made, HTP_DECODER_URLENCODED, 0);
  set_decoding(made, reader);
  htp_config_set_parse_request_cookies(made, 0);
  htp_config_set_parse_request_auth(made, 1);
  htp_config_set_allow_space_uri(made, 1);
  htp_config_set_request_decompression(made, 1);
  htp_config_set_response_decompression(made, 1);
  htp_config_set_log_level(made, HTP_LOG_NOTICE);
  const std::uint64_t field = reader.number("meta-field-limit", 18000);
  htp_config_set_field_limits(made, field / 2, field);
  htp_config_set_number_headers_limit(made, static_cast<std::uint32_t>(reader.number("headers-limit", 1024)));
  htp_config_set_response_decompression_layer_limit(
      made, static_cast<int>(std::min<std::uint64_t>(reader.number("response-body-decompress-layer-limit", 2), 1000)));
  const std::string* lzma = reader.find("lzma-enabled");
  const std::uint64_t layers = lzma ? reader.number("lzma-enabled", reader.flag("lzma-enabled", false)) : 0;
  htp_config_set_lzma_layers(made, static_cast<int>(std::min<std::uint64_t>(layers, 127)));
  htp_config_set_lzma_memlimit(made, reader.number("lzma-memlimit", 1 << 20));
  htp_config_set_compression_bomb_limit(made, bomb_limit);
  // Suricata's own limit is a tenth of it; what is found shall not hang on how busy the machine is.
  htp_config_set_compression_time_limit(made, reader.number("decompression-time-limit", 1'000'000));
  HttpParser::hook(made, *this);
}

std::shared_ptr<const HttpSettings> http_settings(const Options& options) {
  // What the settings are made of, as a text.
  std::string said;
  const auto add = [&](std::string_view root) {
    for (auto one = options.all().lower_bound(root); one != options.all().end() && one->first.starts_with(root); ++one)
      said.append(one->first).append("=").append(one->second).append("\n");
  };
  add(kRoots[0]);
  add(kRoots[1]);
  add("files.");
  add("stream.inline");
  for_each_output(options, [&said](std::string_view name, const std::string& value) {
    said.append(name).append("=").append(value).append("\n");
  });

  static std::mutex lock;
  static std::vector<std::pair<std::string, std::shared_ptr<const HttpSettings>>> known;
  const std::lock_guard guard(lock);
  for (const auto& [text, settings] : known) {
    if (text == said) return settings;
  }
  auto settings = std::make_shared<const HttpSettings>(options);
  if (known.size() >= 16) known.erase(known.begin());
  known.emplace_back(std::move(said), settings);
  return settings;
}

}  // namespace tocsin::protocol
