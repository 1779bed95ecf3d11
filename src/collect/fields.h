// What the readers of text records share: numbers, times, names of protocols and DNS types, and TCP flags.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "collect/observation.h"

namespace tocsin::collect {

// The whole text as a decimal number; nullopt if it is not one or does not fit.
std::optional<std::uint64_t> unsigned_of(std::string_view text);
// Decimal, or hexadecimal with 0x (as Argus writes the ports of ICMP).
std::optional<std::uint16_t> port_of(std::string_view text);
// "2021-06-06T15:59:46.457984+0200", "2019/04/04 16:24:47.672448", or seconds since 1970 with a fraction.
std::optional<Timestamp> time_of(std::string_view text);
// Seconds with a fraction, not negative, as microseconds; also in exponent form.
std::optional<Timestamp> duration_of(std::string_view text);
// "tcp", "UDP", "IPv6-ICMP", or a number; 0 if the name is of no protocol over IP that is known here.
std::uint8_t protocol_of(std::string_view name);
// "AAAA" or "TYPE28": 28; 0 if unknown.
std::uint16_t dns_type_of(std::string_view name);
// "NXDOMAIN": 3; -1 if unknown.
std::int16_t dns_rcode_of(std::string_view name);
std::string_view without_final_dot(std::string_view name);

// The connection state that the flags of both sides tell when their order is not known.
ConnState state_from_flags(std::uint8_t initiator, std::uint8_t responder);
// Of a protocol without connections, as Zeek has it: SF if both sides sent, S0 if only the first, OTH for ICMP.
ConnState state_without_flags(std::uint8_t protocol, std::uint64_t responder_packets);

// "CVE-2014-0160" from "CVE-2014-0160", "CVE_2014_0160" or "cve 2014 0160" in a text; with `bare` also from
// "2014_0160". Empty if there is none. The view is into `arena`.
std::string_view cve_in(std::string_view text, bool bare, TextArena& arena);

// The parts between separators; after the first 16,384 of them, the rest is one part.
void split(std::string_view text, std::string_view separator, std::vector<std::string_view>& parts);

enum class CsvRecord : std::uint8_t { kWhole, kOpen, kTooManyFields };
// RFC 4180, for one separator: fields of one record, trimmed, `most` of them. kOpen: a quote is not closed yet.
CsvRecord split_csv(std::string_view record, char separator, std::size_t most, std::vector<std::string>& fields);

// The line up to the next LF or CRLF, which is taken off the text.
std::string_view next_line(std::string_view& text);

}  // namespace tocsin::collect
