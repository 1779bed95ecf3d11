#include "protocol/rdp_client.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "protocol/reader.h"

namespace tocsin::protocol::rdp {
namespace {

using Bytes = std::span<const std::uint8_t>;

constexpr std::uint16_t kCore = 0xc001, kNetwork = 0xc003;
constexpr std::uint32_t kMostChannels = 31;

struct Named {
  std::uint32_t number;
  std::string_view name;
};

template <std::size_t N>
std::string name_in(const Named (&table)[N], std::uint32_t number, std::string_view otherwise = "unknown") {
  const auto* found = std::ranges::find(table, number, &Named::number);
  return std::string(found == std::end(table) ? otherwise : found->name);
}

constexpr Named kVersions[] = {
    {0x00080001, "v4"},    {0x00080004, "v5"},    {0x00080005, "v10.0"}, {0x00080006, "v10.1"}, {0x00080007, "v10.2"},
    {0x00080008, "v10.3"}, {0x00080009, "v10.4"}, {0x0008000a, "v10.5"}, {0x0008000b, "v10.6"}, {0x0008000c, "v10.7"}};
constexpr Named kKeyboards[] = {{1, "xt"}, {2, "ico"}, {3, "at"}, {4, "enhanced"}, {5, "1050"}, {6, "9140"}, {7, "jp"}};
constexpr Named kConnections[] = {{1, "modem"}, {2, "low_broadband"}, {3, "satellite"}, {4, "high_broadband"},
                                  {5, "wan"},   {6, "lan"},           {7, "autodetect"}};
// Builds of Windows, first of those that share a name.
constexpr Named kBuilds[] = {{2195, "Windows 2000"},  {2600, "Windows XP"},        {3790, "Windows Server 2003"},
                             {6000, "Windows Vista"}, {6001, "Windows Vista SP1"}, {6002, "Windows Vista SP2"},
                             {7600, "Windows 7"},     {7601, "Windows 7 SP1"},     {9200, "Windows 8"},
                             {9600, "Windows 8.1"},   {10240, "Windows 10"}};
// Locales of Windows (MS-LCID 2.2).
constexpr Named kLocales[] = {
    {0x0401, "ar-SA"}, {0x0402, "bg-BG"}, {0x0404, "zh-TW"}, {0x0405, "cs-CZ"}, {0x0406, "da-DK"}, {0x0407, "de-DE"},
    {0x0408, "el-GR"}, {0x0409, "en-US"}, {0x040a, "es-ES"}, {0x040b, "fi-FI"}, {0x040c, "fr-FR"}, {0x040d, "he-IL"},
    {0x040e, "hu-HU"}, {0x040f, "is-IS"}, {0x0410, "it-IT"}, {0x0411, "ja-JP"}, {0x0412, "ko-KR"}, {0x0413, "nl-NL"},
    {0x0414, "nb-NO"}, {0x0415, "pl-PL"}, {0x0416, "pt-BR"}, {0x0418, "ro-RO"}, {0x0419, "ru-RU"}, {0x041a, "hr-HR"},
    {0x041b, "sk-SK"}, {0x041d, "sv-SE"}, {0x041e, "th-TH"}, {0x041f, "tr-TR"}, {0x0422, "uk-UA"}, {0x0424, "sl-SI"},
    {0x0425, "et-EE"}, {0x0426, "lv-LV"}, {0x0427, "lt-LT"}, {0x0429, "fa-IR"}, {0x042a, "vi-VN"}, {0x0439, "hi-IN"},
    {0x0804, "zh-CN"}, {0x0807, "de-CH"}, {0x0809, "en-GB"}, {0x080a, "es-MX"}, {0x080c, "fr-BE"}, {0x0813, "nl-BE"},
    {0x0816, "pt-PT"}, {0x0c04, "zh-HK"}, {0x0c07, "de-AT"}, {0x0c09, "en-AU"}, {0x0c0c, "fr-CA"}, {0x1004, "zh-SG"},
    {0x1009, "en-CA"}, {0x100c, "fr-CH"}};
constexpr std::array<std::string_view, 10> kCapabilities{"support_errinfo_pdf",
                                                         "want_32bpp_session",
                                                         "support_statusinfo_pdu",
                                                         "strong_asymmetric_keys",
                                                         "",
                                                         "valid_connection_type",
                                                         "support_monitor_layout_pdu",
                                                         "support_netchar_autodetect",
                                                         "support_dynvc_gfx_protocol",
                                                         "support_dynamic_time_zone"};

// Text of UTF-16 up to its zero; what is not ASCII as it is in UTF-8.
std::string utf16_text(Bytes bytes) {
  std::string text;
  for (std::size_t i = 0; i + 1 < bytes.size(); i += 2) {
    const unsigned code = static_cast<unsigned>(bytes[i] | bytes[i + 1] << 8);
    if (code == 0) break;
    if (code < 0x80) {
      text.push_back(static_cast<char>(code));
    } else if (code < 0x800) {
      text.push_back(static_cast<char>(0xc0 | code >> 6));
      text.push_back(static_cast<char>(0x80 | (code & 0x3f)));
    } else if (code < 0xd800 || code > 0xdfff) {
      text.push_back(static_cast<char>(0xe0 | code >> 12));
      text.push_back(static_cast<char>(0x80 | (code >> 6 & 0x3f)));
      text.push_back(static_cast<char>(0x80 | (code & 0x3f)));
    } else {
      text.push_back('?');
    }
  }
  return text;
}

// The contents of the next element of BER (X.690); empty at the end.
Bytes element(Reader& in) {
  const std::uint8_t tag = in.u8();
  if ((tag & 0x1f) == 0x1f) in.skip(1);
  std::size_t length = in.u8();
  if ((length & 0x80) != 0) {
    const std::size_t bytes = length & 0x7f;
    if (bytes == 0 || bytes > 3) return in.bytes(SIZE_MAX);  // without end, or beyond any packet: not ok
    length = 0;
    for (std::size_t i = 0; i < bytes; ++i) length = length << 8 | in.u8();
  }
  return in.bytes(length);
}

// Client data blocks: after the key "Duca" of the conference's request and their length (T.124, PER).
Bytes data_blocks(Bytes connect_initial) {
  Reader whole(connect_initial);
  Reader in(element(whole));
  for (int i = 0; i < 6; ++i) element(in);  // domains, whether to the top, three sets of parameters
  const Bytes user_data = element(in);
  if (!in.ok()) return {};
  constexpr std::string_view kKey = "Duca";
  const auto key = std::ranges::search(user_data, kKey, {}, [](std::uint8_t byte) { return static_cast<char>(byte); });
  if (key.empty()) return {};
  Reader after(user_data.subspan(static_cast<std::size_t>(key.end() - user_data.begin())));
  std::size_t length = after.u8();
  if ((length & 0x80) != 0) length = (length & 0x7f) << 8 | after.u8();
  return after.rest().first(std::min(length, after.left()));
}

void add_text(EveObject& event, std::string_view name, Bytes utf16) {
  if (const std::string text = utf16_text(utf16); !text.empty()) event.text(name, text);
}

unsigned color_depth(unsigned coded, unsigned after_beta2, unsigned high, unsigned has) {
  const auto plain = [](unsigned value) -> unsigned {
    constexpr std::array<unsigned, 5> kDepths{4, 8, 15, 16, 24};  // 0xca00 to 0xca04
    return value >= 0xca00 && value - 0xca00 < kDepths.size() ? kDepths[value - 0xca00] : 0;
  };
  if (has >= 2 && high != 0) return high;
  return plain(has >= 1 ? after_beta2 : coded);
}

// TS_UD_CS_CORE, MS-RDPBCGR 2.2.1.3.2. What comes after imeFileName may be missing, from any field on.
void add_core(EveObject& event, Bytes block) {
  Reader in(block);
  const std::uint32_t version = in.le32();
  const std::uint16_t width = in.le16(), height = in.le16(), coded_depth = in.le16();
  in.skip(2);
  const std::uint32_t layout = in.le32(), build = in.le32();
  const Bytes name = in.bytes(32);
  const std::uint32_t type = in.le32(), subtype = in.le32(), keys = in.le32();
  const Bytes ime = in.bytes(64);
  if (!in.ok()) return;
  const bool has_beta2 = in.left() >= 2;
  const std::uint16_t beta2_depth = has_beta2 ? in.le16() : 0;
  const std::uint16_t product = in.left() >= 2 ? in.le16() : 0;
  const std::uint32_t serial = in.left() >= 4 ? in.le32() : 0;
  const bool has_high = in.left() >= 2;
  const std::uint16_t high_depth = has_high ? in.le16() : 0;
  event.open("client");
  event.text("version", name_in(kVersions, version));
  event.number("desktop_width", width);
  event.number("desktop_height", height);
  if (const unsigned depth = color_depth(coded_depth, beta2_depth, high_depth, has_high ? 2 : has_beta2 ? 1 : 0)) {
    event.number("color_depth", depth);
  }
  event.text("keyboard_layout", name_in(kLocales, layout & 0xffff, fmt::format("0x{:x}", layout)));
  event.text("build", name_in(kBuilds, build, build > 10'240 ? "Windows 10" : "unknown"));
  add_text(event, "client_name", name);
  if (type != 0) event.text("keyboard_type", name_in(kKeyboards, type));
  if (subtype != 0) event.number("keyboard_subtype", subtype);
  if (keys != 0) event.number("function_keys", keys);
  add_text(event, "ime", ime);
  if (product != 0) event.number("product_id", product);
  if (serial != 0) event.number("serial_number", serial);
  in.skip(2);  // supportedColorDepths
  const std::uint16_t capabilities = in.le16();
  if (in.ok()) {
    event.open_list("capabilities");
    for (std::size_t i = 0; i < kCapabilities.size(); ++i) {
      if ((capabilities >> i & 1) != 0 && !kCapabilities[i].empty()) event.item(kCapabilities[i]);
    }
    if ((capabilities >> 10 & 1) != 0) event.item("support_heartbeat_pdu");
    event.close_list();
    if (const Bytes id = in.bytes(64); in.ok()) add_text(event, "id", id);
    const std::uint8_t connection = in.u8();
    if (in.ok() && (capabilities & 0x20) != 0 && connection != 0) {
      event.text("connection_hint", name_in(kConnections, connection));
    }
    in.skip(5);  // padding and serverSelectedProtocol
    constexpr std::string_view kNumbers[] = {"physical_width", "physical_height"};
    for (const std::string_view number : kNumbers) {
      if (const std::uint32_t value = in.le32(); in.ok()) event.number(number, value);
    }
    if (const std::uint16_t orientation = in.le16(); in.ok()) event.number("desktop_orientation", orientation);
    if (const std::uint32_t scale = in.le32(); in.ok()) event.number("scale_factor", scale);
    if (const std::uint32_t scale = in.le32(); in.ok()) event.number("device_scale_factor", scale);
  }
  event.close();
}

// TS_UD_CS_NET, 2.2.1.3.4: names of eight bytes with options of four.
void add_channels(EveObject& event, Bytes block) {
  Reader in(block);
  const std::uint32_t count = std::min(in.le32(), kMostChannels);
  if (!in.ok() || count == 0) return;
  event.open_list("channels");
  for (std::uint32_t i = 0; i < count; ++i) {
    const Bytes name = in.bytes(8);
    in.skip(4);
    if (!in.ok()) break;
    const std::string_view text = text_of(name);
    event.item(text.substr(0, text.find('\0')));
  }
  event.close_list();
}

}  // namespace

void add_client(EveObject& event, std::span<const std::uint8_t> connect_initial) {
  Reader in(data_blocks(connect_initial));
  bool has_core = false, has_channels = false;
  while (in.left() >= 4) {
    const std::uint16_t type = in.le16(), length = in.le16();
    if (length < 4) return;
    const Bytes block = in.bytes(length - 4U);
    if (!in.ok()) return;
    if (type == kCore && !std::exchange(has_core, true)) add_core(event, block);
    if (type == kNetwork && !std::exchange(has_channels, true)) add_channels(event, block);
  }
}

}  // namespace tocsin::protocol::rdp
