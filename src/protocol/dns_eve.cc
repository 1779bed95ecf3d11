#include "protocol/dns_eve.h"

#include <fmt/format.h>

#include <algorithm>

#include "protocol/eve_object.h"
#include "protocol/reader.h"

namespace tocsin::protocol::dns {
namespace {

std::string address(std::string_view data) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(data[i]); };
  if (data.size() == 4) return fmt::format("{}.{}.{}.{}", byte(0), byte(1), byte(2), byte(3));
  if (data.size() != 16) return {};
  std::string text;
  for (std::size_t i = 0; i < 16; i += 2) text += fmt::format("{}{:02x}{:02x}", i ? ":" : "", byte(i), byte(i + 1));
  return text;
}

std::string authority(const Record& record) {
  EveObject soa;
  soa.text("mname", record.target.text);
  if (record.target.is_truncated) soa.flag("mname_truncated", true);
  soa.text("rname", record.second.text);
  if (record.second.is_truncated) soa.flag("rname_truncated", true);
  constexpr std::string_view kNames[] = {"serial", "refresh", "retry", "expire", "minimum"};
  for (std::size_t i = 0; i < 5; ++i) soa.number(kNames[i], record.numbers[i]);
  return "{" + soa.take() + "}";
}

std::string fingerprint(const Record& record) {
  std::string text;
  for (const char c : record.data)
    text += fmt::format("{}{:02x}", text.empty() ? "" : ":", static_cast<std::uint8_t>(c));
  EveObject object;
  object.text("fingerprint", text);
  object.number("algo", record.numbers[0]);
  object.number("type", record.numbers[1]);
  return "{" + object.take() + "}";
}

void record_object(EveObject& out, const Record& record, std::size_t text) {
  out.open_item();
  out.text("rrname", record.name.text);
  if (record.name.is_truncated) out.flag("rrname_truncated", true);
  out.text("rrtype", type_name(record.type));
  out.number("ttl", record.ttl);
  switch (record.type) {
    case kA:
    case kAaaa:
      out.text("rdata", address(record.data));
      break;
    case kCname:
    case kMx:
    case kNs:
    case kPtr:
      out.text("rdata", record.target.text);
      if (record.target.is_truncated) out.flag("rdata_truncated", true);
      break;
    case kTxt:
      out.text("rdata", record.texts[text]);
      break;
    case kNull:
      out.text("rdata", record.data);
      break;
    case kSoa:
      out.raw("soa", authority(record));
      break;
    case kSshfp:
      out.raw("sshfp", fingerprint(record));
      break;
    case kSrv:
      out.open("srv");
      out.number("priority", record.numbers[0]);
      out.number("weight", record.numbers[1]);
      out.number("port", record.numbers[2]);
      out.text("name", record.target.text);
      out.close();
      break;
    case kOpt:
      out.open_list("opt");
      for (const Record::Option& option : record.options) {
        out.open_item();
        out.number("code", option.code);
        out.hex("data", bytes_of(option.data));
        out.close();
      }
      out.close_list();
      break;
    default:
      break;
  }
  out.close();
}

void record_list(EveObject& out, std::string_view name, const std::vector<Record>& records, bool leaves_bare_options) {
  bool is_open = false;
  for (const Record& record : records) {
    if (leaves_bare_options && record.type == kOpt && record.options.empty()) continue;
    if (!is_open) out.open_list(name);
    is_open = true;
    const std::size_t times = record.type == kTxt ? record.texts.size() : 1;
    for (std::size_t i = 0; i < times; ++i) record_object(out, record, i);
  }
  if (is_open) out.close_list();
}

// Answers of a type together.
void grouped(EveObject& out, const std::vector<Record>& answers) {
  out.open("grouped");
  std::vector<std::uint16_t> types;
  for (const Record& record : answers) {
    constexpr std::uint16_t kTold[] = {kA, kAaaa, kCname, kMx, kNs, kPtr, kTxt, kNull, kSoa, kSshfp, kSrv};
    if (std::ranges::find(kTold, record.type) == std::end(kTold)) continue;
    if (std::ranges::find(types, record.type) == types.end()) types.push_back(record.type);
  }
  for (const std::uint16_t type : types) {
    out.open_list(type_name(type));
    for (const Record& record : answers) {
      if (record.type != type) continue;
      switch (type) {
        case kA:
        case kAaaa:
          out.item(address(record.data));
          break;
        case kTxt:
          for (const std::string& text : record.texts) out.item(text);
          break;
        case kNull:
          out.item(record.data);
          break;
        case kSoa:
          out.raw_item(authority(record));
          break;
        case kSshfp:
          out.raw_item(fingerprint(record));
          break;
        case kSrv:
          out.open_item();
          out.number("priority", record.numbers[0]);
          out.number("weight", record.numbers[1]);
          out.number("port", record.numbers[2]);
          out.text("name", record.target.text);
          out.close();
          break;
        default:
          out.item(record.target.text);
      }
    }
    out.close_list();
  }
  out.close();
}

void header_flags(EveObject& out, const Message& message) {
  out.text("flags", fmt::format("{:x}", message.flags));
  constexpr std::pair<std::uint16_t, std::string_view> kFlags[] = {{0x8000, "qr"}, {0x0400, "aa"}, {0x0200, "tc"},
                                                                   {0x0100, "rd"}, {0x0080, "ra"}, {0x0040, "z"}};
  for (const auto& [bit, name] : kFlags) {
    if ((message.flags & bit) != 0) out.flag(name, true);
  }
}

void sections(EveObject& out, const Message& message) {
  if (!message.answers.empty()) {
    record_list(out, "answers", message.answers, false);
    grouped(out, message.answers);
  }
  record_list(out, "authorities", message.authorities, false);
  record_list(out, "additionals", message.additionals, true);
}

std::string eve_version_2(const Message& message, bool is_request, std::uint64_t transaction) {
  EveObject out;
  out.open("dns");
  out.number("version", 2);
  out.text("type", is_request ? "query" : "answer");
  out.number("id", message.id);
  if (!is_request) header_flags(out, message);
  if (!is_request) out.number("opcode", message.opcode());
  if (!message.questions.empty()) {
    const Question& first = message.questions.front();
    out.text("rrname", first.name.text);
    if (first.name.is_truncated) out.flag("rrname_truncated", true);
    out.text("rrtype", type_name(first.type));
  }
  if (is_request) {
    out.number("tx_id", transaction);
    if ((message.flags & 0x0040) != 0) out.flag("z", true);
    out.number("opcode", message.opcode());
  } else {
    out.text("rcode", rcode_name(message.rcode()));
    sections(out, message);
  }
  out.close();
  return out.take();
}

}  // namespace

std::string eve(const Message& message, bool is_request, std::uint64_t transaction, int version) {
  if (version == 2) return eve_version_2(message, is_request, transaction);
  EveObject out;
  out.open("dns");
  out.number("version", 3);
  out.text("type", is_request ? "request" : "response");
  out.number("tx_id", transaction);
  out.number("id", message.id);
  header_flags(out, message);
  out.number("opcode", message.opcode());
  out.text("rcode", rcode_name(message.rcode()));
  if (!message.questions.empty()) {
    out.open_list("queries");
    for (const Question& question : message.questions) {
      out.open_item();
      out.text("rrname", question.name.text);
      out.text("rrtype", type_name(question.type));
      if (question.name.is_truncated) out.flag("rrname_truncated", true);
      out.close();
    }
    out.close_list();
  }
  sections(out, message);
  out.close();
  return out.take();
}

}  // namespace tocsin::protocol::dns
