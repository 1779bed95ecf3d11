// A record of a Zeek log, as both of its forms give it, and what becomes of it.
// https://docs.zeek.org/en/master/script-reference/log-files.html
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "collect/observation.h"

namespace tocsin::collect {

enum class ZeekLog : std::uint8_t { kOther, kConn, kDns, kHttp, kSsl, kNotice };
// By the log's path: "conn", "dns" and so on.
ZeekLog zeek_log_of(std::string_view path);

// In the order of zeek_field_of's table.
enum class ZeekField : std::uint8_t {
  kPath,
  kAnswers,
  kCallId,
  kConnState,
  kDst,
  kDuration,
  kEstablished,
  kHistory,
  kHost,
  kOrigH,
  kOrigP,
  kRespH,
  kRespP,
  kJa3,
  kMethod,
  kMissedBytes,
  kMsg,
  kNote,
  kOrigBytes,
  kOrigIpBytes,
  kOrigPkts,
  kP,
  kProto,
  kQtype,
  kQuery,
  kRcode,
  kReferrer,
  kRejected,
  kRequestBodyLen,
  kRespBytes,
  kRespIpBytes,
  kRespPkts,
  kServerName,
  kSrc,
  kStatusCode,
  kSub,
  kTs,
  kUri,
  kUserAgent,
  kCount
};
inline constexpr std::size_t kZeekFields = static_cast<std::size_t>(ZeekField::kCount);
// nullopt for a field that is not taken, labels among them.
std::optional<ZeekField> zeek_field_of(std::string_view name);

// An unset or empty field is an empty text.
struct ZeekRecord {
  std::array<std::string_view, kZeekFields> values{};
  std::vector<std::string_view> answers;
  std::uint64_t present = 0;  // a bit a field, also for unset ones

  std::string_view operator[](ZeekField field) const { return values[static_cast<std::size_t>(field)]; }
  bool has(ZeekField field) const { return (present >> static_cast<unsigned>(field) & 1) != 0; }
  void set(ZeekField field, std::string_view value) {
    values[static_cast<std::size_t>(field)] = value;
    present |= std::uint64_t{1} << static_cast<unsigned>(field);
  }
  void clear();
};

// By the fields a record has, for logs that don't name themselves.
ZeekLog zeek_log_of(const ZeekRecord& record);

// Puts the record into the batch. Empty if it was taken or (with `passed_over` set) has nothing to take; otherwise what
// is wrong with it.
std::string_view take_zeek(ZeekLog log, const ZeekRecord& record, const Place& place, Batch& batch, bool& passed_over);

}  // namespace tocsin::collect
