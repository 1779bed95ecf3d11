// Numbers, bits and words of headers and of application protocols.
#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "base/text.h"
#include "base/time.h"
#include "rules/builder.h"

namespace tocsin::rules {
namespace {

constexpr std::uint64_t k8 = UINT8_MAX, k16 = UINT16_MAX, k32 = UINT32_MAX, k64 = UINT64_MAX;

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= 128 && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
           c == '.' || c == ' ';
  });
}

// Which of several numbers are asked: what stands after the first comma.
Expected<void> read_which(std::string_view text, Several& several) {
  using How = Several::How;
  constexpr std::pair<std::string_view, How> kWords[] = {{"any", How::kAny},
                                                         {"or_absent", How::kAnyOrAbsent},
                                                         {"all", How::kAll},
                                                         {"all1", How::kAll},
                                                         {"all_or_absent", How::kAllOrAbsent}};
  const auto word = std::ranges::find(kWords, text, &std::pair<std::string_view, How>::first);
  if (word != std::end(kWords)) {
    several.how = word->second;
    return {};
  }
  const auto wrong = [&] { return failure(fmt::format("'{}' says nothing of which are asked", printable(text, 40))); };
  if (text.starts_with("nb")) {
    const auto times = parse_comparison(text.substr(2), UINT32_MAX);
    if (!times) return wrong();
    several.how = How::kTimes;
    several.times = *times;
    return {};
  }
  const bool may_be_outside = text.starts_with("oob_or ");
  const auto index = parse_signed(may_be_outside ? trim(text.substr(7)) : text);
  if (!index) return wrong();
  several.how = may_be_outside ? How::kAtOrOutside : How::kAt;
  several.index = *index;
  return {};
}

// "2:4", "-4:-1": a part of them.
Expected<void> read_slice(std::string_view text, Several& several) {
  const auto ends = split(text, ':');
  const auto first = parse_signed(ends[0]), last = ends.size() == 2 ? parse_signed(ends[1]) : std::nullopt;
  if (!first || !last) return failure(fmt::format("'{}' is no part of several, as 2:4", printable(text, 40)));
  several.has_slice = true;
  several.first = *first;
  several.last = *last;
  return {};
}

bool may_be_several(std::string_view keyword) {
  constexpr std::string_view kKeywords[] = {"dns.rrtype",
                                            "http2.frametype",
                                            "http2.errorcode",
                                            "http2.priority",
                                            "http2.window",
                                            "http2.size_update",
                                            "mqtt.type",
                                            "mqtt.reason_code",
                                            "ldap.responses.operation",
                                            "enip.cip_attribute",
                                            "enip.cip_instance",
                                            "enip.cip_class",
                                            "ldap.responses.result_code"};
  return std::ranges::find(kKeywords, keyword) != std::end(kKeywords);
}

// A comparison, or the name of a number; of fields that a transaction may have several times also which of them.
Expected<void> number(Builder& builder, const Option& option, const Keyword& keyword) {
  const auto parts = split(option.value, ',');
  NumberCondition condition{keyword.name, {}, {}, {}, option.negated};
  if (may_be_several(keyword.name)) {
    if (parts.size() > 3)
      return failure("a number is followed at most by which of several it is of, and a part of them");
    if (parts[0] == "count" || parts[0].starts_with("count ")) {
      const auto count = parse_comparison(parts[0].substr(5), UINT32_MAX);
      if (!count) return std::unexpected(count.error());
      if (parts.size() > 1) return failure("what is counted is all there are");
      condition.several.how = Several::How::kCount;
      condition.several.times = *count;
      builder.rule.conditions.emplace_back(std::move(condition));
      return {};
    }
    if (parts.size() > 1) {
      if (const auto read = read_which(parts[1], condition.several); !read) return read;
    }
    if (parts.size() > 2) {
      if (const auto read = read_slice(parts[2], condition.several); !read) return read;
    }
  } else if (parts.size() > 1) {
    condition.which = parts[1];
    const bool is_place = parts[1] == "any" || parts[1] == "all" || parse_signed(parts[1]);
    const bool is_known =
        keyword.name == "urilen" ? parts[1] == "raw" || parts[1] == "norm" : keyword.name == "vlan.id" && is_place;
    if (!is_known || parts.size() > 2)
      return failure(fmt::format("'{}' says nothing of which are asked", printable(parts[1], 40)));
  }
  auto comparison = parse_comparison(parts[0], keyword.most);
  std::string_view symbol = parts[0];
  if (symbol.starts_with('!')) symbol = trim(symbol.substr(1));
  const bool has_digit_first =
      !symbol.empty() && (symbol[0] == '<' || symbol[0] == '>' || (symbol[0] >= '0' && symbol[0] <= '9'));
  if (comparison) {
    condition.comparison = *comparison;
  } else if (!keyword.words.empty() && is_name(symbol) && !has_digit_first) {
    condition.negated = symbol.size() != parts[0].size();
    condition.symbol = lower(symbol);
    if (keyword.words != "*") {
      const auto words = words_of(keyword.words);
      const auto found = std::ranges::find(words, condition.symbol,
                                           [](std::string_view word) { return word.substr(0, word.find('=')); });
      if (found == words.end()) return failure(fmt::format("{} has no '{}'", keyword.name, printable(symbol, 80)));
      if (const std::size_t equals = found->find('='); equals != std::string_view::npos) {
        condition.comparison.first = parse_number(found->substr(equals + 1)).value_or(0);
        condition.symbol.clear();
      }
    }
  } else {
    return std::unexpected(comparison.error());
  }
  builder.rule.conditions.emplace_back(std::move(condition));
  return {};
}

// Names of bits, each with a ! before it if it must not be set; a sign before all says what is asked of the others.
// https://docs.suricata.io/en/latest/rules/integer-keywords.html, "Bitmasks".
Expected<void> named_bits(Builder& builder, const Option& option, const Keyword& keyword) {
  NumberCondition condition{keyword.name, {}, {}, {}, option.negated};
  if (auto comparison = parse_comparison(option.value, keyword.most)) {
    condition.comparison = *comparison;
    builder.rule.conditions.emplace_back(std::move(condition));
    return {};
  }
  std::string_view list = trim(option.value);
  char sign = 0;
  if (!list.empty() && std::string_view("+*-=").find(list[0]) != std::string_view::npos) {
    sign = list[0];
    list = trim(list.substr(1));
  }
  std::uint64_t set = 0, clear = 0;
  for (const std::string_view part : split(list, ',')) {
    const bool is_clear = part.starts_with('!');
    const std::string name = lower(is_clear ? trim(part.substr(1)) : part);
    std::optional<std::uint64_t> bit;
    for (const std::string_view word : words_of(keyword.words)) {
      const std::size_t equals = word.find('=');
      if (word.substr(0, equals) == name) bit = parse_number(word.substr(equals + 1));
    }
    if (!bit) return failure(fmt::format("{} has no '{}'", keyword.name, printable(part, 80)));
    (is_clear ? clear : set) |= *bit;
  }
  if ((set & clear) != 0) return failure("a bit is asked to be set and not to be");
  using Operator = Comparison::Operator;
  condition.comparison = sign == '='   ? Comparison{Operator::kEqual, set, 0}
                         : sign == '*' ? Comparison{Operator::kOtherBits, set, 0}
                         : sign == '-' ? Comparison{Operator::kOtherBits, set, set}
                                       : Comparison{Operator::kBits, set | clear, set};
  builder.rule.conditions.emplace_back(std::move(condition));
  return {};
}

// tcp.flags: letters, a sign before or after them, and after a comma the flags that are not looked at. fragbits too.
Expected<void> bits(Builder& builder, const Option& option, const Keyword& keyword) {
  if (auto comparison = parse_comparison(option.value, keyword.most)) {
    builder.rule.conditions.emplace_back(NumberCondition{keyword.name, *comparison, {}, {}, false});
    return {};
  }
  BitsCondition condition{keyword.name, BitsCondition::How::kExactly, 0, 0};
  bool ignored = false;
  for (const char given : option.value) {
    const char c = static_cast<char>(given >= 'a' && given <= 'z' ? given - 32 : given);
    if (c == ' ') continue;
    if (c == ',' && !ignored) {
      ignored = true;
    } else if (c == '+' && !ignored) {
      condition.how = BitsCondition::How::kAll;
    } else if (c == '*' && !ignored) {
      condition.how = BitsCondition::How::kAny;
    } else if ((c == '!' || c == '-') && !ignored) {
      condition.how = BitsCondition::How::kNone;
    } else if (c == '=' && !ignored) {
      condition.how = BitsCondition::How::kExactly;
    } else if (c == '0' && keyword.name == "tcp.flags") {
      continue;  // none
    } else {
      const std::size_t at = keyword.words.find(c);
      if (at == std::string_view::npos) {
        return failure(
            fmt::format("'{}' is no letter of {}: they are {}", printable({&given, 1}), keyword.name, keyword.words));
      }
      // C and E are later names of the bits 2 and 1 of old.
      std::uint32_t bit = std::uint32_t{1} << at;
      if (keyword.name == "tcp.flags" && at >= 8) bit = c == '1' ? 0x80 : 0x40;
      (ignored ? condition.ignored : condition.bits) |= bit;
    }
  }
  builder.rule.conditions.emplace_back(condition);
  return {};
}

Expected<void> words(Builder& builder, const Option& option, const Keyword& keyword) {
  WordCondition condition{keyword.name, {}, option.negated, {}};
  std::string_view value = option.value;
  if (value.starts_with('!')) {
    condition.negated = true;
    value = trim(value.substr(1));
  }
  const auto allowed = words_of(keyword.words);
  for (const std::string_view part : split(value, value.find('|') != std::string_view::npos ? '|' : ',')) {
    const std::string word = lower(part.starts_with('!') ? trim(part.substr(1)) : part);
    if (word.empty() || word.size() > 4096)
      return failure(fmt::format("{} has an empty or very long value", keyword.name));
    if (!allowed.empty() && std::ranges::find(allowed, word) == allowed.end()) {
      return failure(fmt::format("'{}' is none of {}", printable(word, 80), keyword.words));
    }
    condition.words.emplace_back(allowed.empty() ? std::string(part) : word);
  }
  builder.rule.conditions.emplace_back(std::move(condition));
  return {};
}

Expected<void> ip_proto(Builder& builder, const Option& option, const Keyword& keyword) {
  if (auto comparison = parse_comparison(option.value, k8)) {
    builder.rule.conditions.emplace_back(NumberCondition{keyword.name, *comparison, {}, {}, option.negated});
    return {};
  }
  return words(builder, option, keyword);
}

// 2015, 2015-10-22, 2015-10-22T23:59:59: its first second since 1970.
std::optional<std::uint64_t> seconds_of(std::string_view text) {
  constexpr std::string_view kFirst = "0000-01-01T00:00:00";
  const bool is_whole_part = text.size() == 4 || text.size() == 7 || text.size() == 10 || text.size() == 13 ||
                             text.size() == 16 || text.size() == 19;
  if (!is_whole_part) return std::nullopt;
  const auto time = parse_time(std::string(text) + std::string(kFirst.substr(text.size())));
  if (!time || *time < 0) return std::nullopt;
  return static_cast<std::uint64_t>(*time / kSecond);
}

// A time, before or after one, or between two.
Expected<void> date(Builder& builder, const Option& option, const Keyword& keyword) {
  using Operator = Comparison::Operator;
  std::string_view text = trim(option.value);
  NumberCondition condition{keyword.name, {}, {}, {}, option.negated};
  std::optional<std::uint64_t> first, second = 0;
  if (const std::size_t between = text.find("<>"); between != std::string_view::npos) {
    condition.comparison.op = Operator::kBetween;
    first = seconds_of(trim(text.substr(0, between)));
    second = seconds_of(trim(text.substr(between + 2)));
  } else {
    if (text.starts_with('>') || text.starts_with('<')) {
      condition.comparison.op = text[0] == '>' ? Operator::kGreater : Operator::kLess;
      text = trim(text.substr(1));
    }
    first = seconds_of(text);
  }
  if (!first || !second || (condition.comparison.op == Operator::kBetween && *first >= *second)) {
    return failure(
        fmt::format("'{}' is no time such as 2015-10-22T23:59:59, with > or < before it, nor two with <> "
                    "between them",
                    printable(option.value, 80)));
  }
  condition.comparison.first = *first;
  condition.comparison.second = *second;
  builder.rule.conditions.emplace_back(std::move(condition));
  return {};
}

Expected<void> present(Builder& builder, const Option& option, const Keyword& keyword) {
  builder.rule.conditions.emplace_back(WordCondition{keyword.name, {}, option.negated, {}});
  return {};
}

Expected<void> sameip(Builder& builder, const Option&, const Keyword&) {
  builder.rule.same_ip = true;
  return {};
}

Expected<void> dsize(Builder& builder, const Option& option, const Keyword& keyword) {
  if (const auto first = builder.once(keyword.name); !first) return first;
  return number(builder, option, keyword);
}

Expected<void> event(Builder& builder, const Option& option, const Keyword& keyword) {
  const std::string_view name = option.value;
  if (!is_name(name) || name.find(' ') != std::string_view::npos) return failure("an event is one word");
  if (keyword.name == "app-layer-event") {
    const std::string_view protocol = name.substr(0, name.find('.'));
    if (!is_application(protocol) && !name.starts_with("applayer_")) {
      return failure(fmt::format("'{}' is no application protocol that has events", printable(protocol, 80)));
    }
    if (is_application(protocol)) {
      if (const auto limited = builder.restrict_to(protocol, keyword.name); !limited) return limited;
    }
  }
  builder.rule.conditions.emplace_back(EventCondition{keyword.name, std::string(name)});
  return {};
}

Expected<void> app_layer_protocol(Builder& builder, const Option& option, const Keyword& keyword) {
  const auto parts = split(option.value, ',');
  WordCondition condition{keyword.name, {}, option.negated, {}};
  if (builder.rule.protocol.is_application) return failure("the rule's protocol is an application's already");
  for (std::size_t i = 1; i < parts.size(); ++i) {
    constexpr std::string_view kModes[] = {"final",     "original", "either",   "to_server",
                                           "to_client", "toserver", "toclient", "exact"};
    if (std::ranges::find(kModes, parts[i]) == std::end(kModes) || !condition.mode.empty())
      return failure("unknown mode, or two");
    condition.mode = parts[i];
  }
  Applications all = 0;
  for (const std::string_view name : split(parts[0], '|')) {
    const auto set = applications_of(name);
    if ((!set || *set == 0) && name != "failed")
      return failure(fmt::format("'{}' is no application protocol", printable(name, 80)));
    if (name == "unknown" && option.negated) return failure("unknown cannot be negated");
    all |= set.value_or(0);
    condition.words.emplace_back(name);
  }
  for (const Condition& one : builder.rule.conditions) {
    const auto* before = std::get_if<WordCondition>(&one);
    if (before == nullptr || before->field != keyword.name || before->mode != condition.mode) continue;
    if (!before->negated || !condition.negated || before->words == condition.words) {
      return failure("two values of app-layer-protocol exclude each other, or say the same twice");
    }
  }
  if (!option.negated && builder.rule.protocol.applications != kAllApplications) {
    return failure("keywords before it say of which application the rule is");
  }
  builder.rule.conditions.emplace_back(std::move(condition));
  return {};
}

constexpr Keyword field(std::string_view name, std::string_view aliases, std::uint64_t most, Read read = number) {
  return {
      .name = name, .aliases = aliases, .group = Group::kHeader, .read = read, .needs = Needs::kPacket, .most = most};
}
constexpr Keyword with(Keyword keyword, std::string_view words_of_it) {
  keyword.words = words_of_it;
  return keyword;
}
constexpr Keyword quoted(Keyword keyword, bool needed = false) {
  keyword.quotes = needed ? Quotes::kNeeded : Quotes::kAllowed;
  keyword.may_be_negated = true;
  return keyword;
}
constexpr Keyword bare(Keyword keyword) {
  keyword.value = Value::kNone;
  return keyword;
}
constexpr Keyword anywhere(Keyword keyword) {
  keyword.needs = Needs::kAnything;
  return keyword;
}
constexpr Keyword app(std::string_view name, std::string_view aliases, std::string_view protocols, std::uint64_t most,
                      Read read = number, std::string_view words_of_it = {}) {
  Keyword keyword = field(name, aliases, most, read);
  keyword.group = Group::kApplication;
  keyword.protocols = protocols;
  keyword.words = words_of_it;
  keyword.needs = Needs::kTransaction;
  return keyword;
}

constexpr Keyword kHeaders[] = {
    field("ttl", "", k8),
    field("id", "", k16),
    field("dsize", "", k16, dsize),
    field("fragoffset", "", k16),
    with(field("fragbits", "", k16, bits), "MDR"),
    with(field("tcp.flags", "flags", k8, bits), "FSRPAUEC12"),
    field("tcp.seq", "seq", k32),
    field("tcp.ack", "ack", k32),
    field("tcp.window", "window", k16),
    field("tcp.mss", "", k16),
    field("tcp.wscale", "", k8),
    anywhere(field("tcp.session", "", 0, words)),
    field("itype", "", k8),
    field("icode", "", k8),
    field("icmp_id", "", k16),
    field("icmp_seq", "", k16),
    field("icmpv6.mtu", "", k32),
    field("igmp.type", "", k8),
    quoted(field("tos", "", k8)),
    anywhere(quoted(field("ip_proto", "", k8, ip_proto))),
    with(field("ipopts", "", 0, words), "any rr eol nop ts qs sec esec lsrr ssrr satid rtralt cipso"),
    bare(field("sameip", "", 0, sameip)),
    field("vlan.layers", "", 3),
    with(field("vlan.id", "", 4094), ""),
    field("sctp.chunk_cnt", "", k16),
    with(
        field("sctp.chunk_type", "", k8),
        "data=0 init=1 init_ack=2 sack=3 heartbeat=4 hb_ack=5 abort=6 shutdown=7 shutdown_ack=8 error=9 cookie_echo=10 "
        "cookie_ack=11 ecne=12 cwr=13 shutdown_complete=14 forward_tsn=192"),
    field("sctp.vtag", "", k32),
    with(field("l3_proto", "", 0, words), "ipv4 ipv6 arp ip4 ip6"),
    with(field("ipv4-csum", "", 0, words), "valid invalid"),
    with(field("tcpv4-csum", "", 0, words), "valid invalid"),
    with(field("tcpv6-csum", "", 0, words), "valid invalid"),
    with(field("udpv4-csum", "", 0, words), "valid invalid"),
    with(field("udpv6-csum", "", 0, words), "valid invalid"),
    with(field("icmpv4-csum", "", 0, words), "valid invalid"),
    with(field("icmpv6-csum", "", 0, words), "valid invalid"),
    with(field("igmp-csum", "", 0, words), "valid invalid"),
    field("decode-event", "", 0, event),
    field("stream-event", "", 0, event),
    field("engine-event", "", 0, event),
    field("rpc", "", 0, words),
};

constexpr Keyword kApplicationFields[] = {
    app("app-layer-event", "", "", 0, event),
    anywhere(app("app-layer-state", "", "", 0, words)),
    anywhere(quoted(app("app-layer-protocol", "", "", 0, app_layer_protocol))),
    app("urilen", "", "http", k64, number, ""),
    app("dns.opcode", "", "dns", k8),
    app("dns.rcode", "", "dns", k16, number, "*"),
    app("dns.rrtype", "", "dns", k16, number, "*"),
    app("http2.frametype", "", "http2", k8, number, "*"),
    app("http2.errorcode", "", "http2", k32, number, "*"),
    app("http2.priority", "", "http2", k8),
    app("http2.window", "", "http2", k32),
    app("http2.size_update", "", "http2", k64),
    app("http2.settings", "", "http2", 0, words),
    app("tls.version", "", "tls", 0, words, "1.0 1.1 1.2 1.3 sslv2 sslv3"),
    app("ssl_version", "", "tls", 0, words, "sslv2 sslv3 tls1.0 tls1.1 tls1.2 tls1.3"),
    app("ssl_state", "", "tls", 0, words, "client_hello server_hello client_keyx server_keyx unknown"),
    quoted(app("tls.subject", "", "tls", 0, words), true),
    quoted(app("tls.issuerdn", "", "tls", 0, words), true),
    quoted(app("tls.fingerprint", "", "tls", 0, words), true),
    bare(app("tls_store", "tls.store", "tls", 0, present)),
    app("tls_cert_notbefore", "", "tls", 0, date),
    app("tls_cert_notafter", "", "tls", 0, date),
    bare(app("tls_cert_expired", "", "tls", 0, present)),
    bare(app("tls_cert_valid", "", "tls", 0, present)),
    app("tls.cert_chain_len", "", "tls", k32),
    app("ssh.protoversion", "", "ssh", 0, words),
    quoted(app("ssh.softwareversion", "", "ssh", 0, words)),
    app("smb.version", "", "smb", 0, words),
    app("dcerpc.iface", "dce_iface", "dcerpc smb", 0, words),
    app("dcerpc.opnum", "dce_opnum", "dcerpc smb", 0, words),
    app("ftp.mode", "", "ftp", 0, words, "active passive"),
    app("ftp.dynamic_port", "", "ftp", k16),
    app("ftp.reply_received", "", "ftp", 0, words),
    bare(app("ftpbounce", "", "ftp", 0, present)),
    app("ftpdata_command", "", "ftp-data", 0, words, "stor appe stou retr nlst list mlsd"),
    app("snmp.version", "", "snmp", k32),
    app("snmp.pdu_type", "", "snmp", k32, number, "*"),
    app("snmp.trap_type", "", "snmp", k8, number, "*"),
    app("krb5_msg_type", "", "krb5", k32, number, "*"),
    app("krb5_err_code", "", "krb5", k32),
    app("krb5.ticket_encryption", "", "krb5", 0, words),
    app("dhcp.leasetime", "", "dhcp", k64),
    app("dhcp.rebinding_time", "", "dhcp", k64),
    app("dhcp.renewal_time", "", "dhcp", k64),
    app("nfs_procedure", "", "nfs", k32, number, "*"),
    app("nfs.version", "nfs_version", "nfs", k32),
    app("ntp.version", "", "ntp", k8),
    app("ntp.mode", "", "ntp", k8, number, "*"),
    app("ntp.stratum", "", "ntp", k8),
    app("ike.exchtype", "", "ike", k8),
    app("ike.chosen_sa_attribute", "", "ike", 0, words),
    app("ike.key_exchange_payload_length", "", "ike", k32),
    app("ike.nonce_payload_length", "", "ike", k32),
    app("rfb.sectype", "", "rfb", k32),
    app("rfb.secresult", "", "rfb", k32, number, "*"),
    app("mqtt.type", "", "mqtt", k8, number, "*"),
    app("mqtt.reason_code", "mqtt.connack.return_code", "mqtt", k8),
    app("mqtt.connack.session_present", "", "mqtt", 0, words, "yes no true false 1 0"),
    app("mqtt.qos", "", "mqtt", k8),
    app("mqtt.protocol_version", "", "mqtt", k8),
    app("mqtt.flags", "", "mqtt", k8, named_bits, "dup=8 retain=1"),
    app("mqtt.connect.flags", "", "mqtt", k8, named_bits,
        "username=0x80 password=0x40 will_retain=0x20 will=4 clean_session=2"),
    app("ldap.request.operation", "", "ldap", k8, number, "*"),
    app("ldap.responses.operation", "", "ldap", k8, number, "*"),
    app("ldap.responses.count", "", "ldap", k32),
    app("ldap.responses.result_code", "", "ldap", k32, number, "*"),
    app("websocket.opcode", "", "websocket", k8, number, "*"),
    app("websocket.mask", "", "websocket", k32),
    app("websocket.flags", "", "websocket", k8, named_bits, "fin=0x80 comp=0x40 rsv2=0x20 rsv3=0x10"),
    app("modbus", "", "modbus", 0, words),
    app("dnp3_func", "dnp3.func", "dnp3", k8, number, "*"),
    app("dnp3_ind", "dnp3.ind", "dnp3", 0, words),
    app("dnp3_obj", "dnp3.obj", "dnp3", 0, words),
    app("cip_service", "", "enip", 0, words),
    app("enip_command", "enip.command", "enip", k16, number, "*"),
    app("enip.capabilities", "", "enip", k16),
    app("enip.cip_attribute", "", "enip", k32),
    app("enip.cip_class", "", "enip", k32),
    app("enip.vendor_id", "", "enip", k16),
    app("enip.status", "", "enip", k32, number, "*"),
    app("enip.state", "", "enip", k8),
    app("enip.serial", "", "enip", k32),
    app("enip.revision", "", "enip", k16),
    app("enip.protocol_version", "", "enip", k16),
    app("enip.product_code", "", "enip", k16),
    app("enip.identity_status", "", "enip", k16),
    app("enip.device_type", "", "enip", k16),
    app("enip.cip_status", "", "enip", k8),
    app("enip.cip_instance", "", "enip", k32),
    app("enip.cip_extendedstatus", "", "enip", k16),
};

}  // namespace

std::span<const Keyword> header_keywords() { return kHeaders; }
std::span<const Keyword> application_keywords() { return kApplicationFields; }

}  // namespace tocsin::rules
