// The sticky buffers: what each is of, and of which side. Those of old names are aliases.
#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "rules/builder.h"

namespace tocsin::rules {
namespace {

Expected<void> open(Builder& builder, const Option& option, const Keyword& keyword) {
  Side side = keyword.side;
  if (!option.value.empty()) {
    if (option.value != "to_server" && option.value != "to_client") {
      return failure(fmt::format("{} is followed by nothing, to_server or to_client", keyword.name));
    }
    side = option.value == "to_server" ? Side::kToServer : Side::kToClient;
  }
  return builder.open(keyword, {}, side);
}

Expected<void> pkt_data(Builder& builder, const Option&, const Keyword&) { return builder.open_payload(); }

Expected<void> base64_data(Builder& builder, const Option& option, const Keyword& keyword) {
  for (const BufferMatches& buffer : builder.rule.buffers) {
    for (const Match& match : buffer.matches) {
      if (std::holds_alternative<Base64Decode>(match)) return open(builder, option, keyword);
    }
  }
  return failure("base64_data needs base64_decode before it");
}

// Names of frames, of protocols of which all are known; "stream" is a frame of each over TCP.
constexpr std::pair<std::string_view, std::string_view> kFrames[] = {
    {"http", "request response"},
    {"http1", "request response"},
    {"dns", "pdu"},
    {"smtp", "command_line response_line data"},
    {"ssh", "record.hdr record.data record.pdu record_hdr record_data record_pdu"},
    {"tls", "pdu hdr data alert_pdu hb_pdu ssl2.hdr ssl2.pdu"},
    {"sip", "pdu request.line request.headers request.body response.line response.headers response.body"}};

Expected<void> frame(Builder& builder, const Option& option, const Keyword& keyword) {
  const std::string_view value = option.value;
  std::string_view protocol = value.substr(0, value.find('.'));
  const bool has_protocol = value.find('.') != std::string_view::npos && is_application(protocol);
  const std::string_view name = has_protocol ? value.substr(protocol.size() + 1) : value;
  if (!has_protocol) protocol = builder.rule.protocol.name;
  const auto known = std::ranges::find(kFrames, protocol, &std::pair<std::string_view, std::string_view>::first);
  if (known != std::end(kFrames) && name != "stream") {
    const auto names = words_of(known->second);
    if (std::ranges::find(names, name) == names.end())
      return failure(fmt::format("{} has no frame '{}': it has {}", protocol, printable(name, 80), known->second));
  }
  if (value.find('.') != std::string_view::npos && is_application(protocol)) {
    if (const auto limited = builder.restrict_to(protocol, keyword.name); !limited) return limited;
  } else if (!builder.rule.protocol.is_application) {
    return failure("frame needs its protocol before it: frame:http1.request");
  }
  return builder.open(keyword, std::string(value), Side::kEither);
}

constexpr Side kBoth = Side::kEither, kServer = Side::kToServer, kClient = Side::kToClient;

constexpr Keyword sticky(std::string_view name, std::string_view aliases, std::string_view protocols, Side side) {
  return {.name = name,
          .aliases = aliases,
          .group = Group::kBuffer,
          .read = open,
          .value = Value::kNone,
          .protocols = protocols,
          .side = side,
          .needs = Needs::kTransaction};
}

constexpr Keyword sided(Keyword keyword) {
  keyword.value = Value::kOptional;
  return keyword;
}

constexpr Keyword of_packet(std::string_view name) {
  Keyword keyword = sticky(name, {}, {}, kBoth);
  keyword.needs = Needs::kPacket;
  return keyword;
}

constexpr Keyword other(std::string_view name, Read read, Value value) {
  Keyword keyword = sticky(name, {}, {}, kBoth);
  keyword.read = read;
  keyword.value = value;
  keyword.needs = Needs::kAnything;
  return keyword;
}

constexpr std::string_view kFiles = "http smtp ftp-data smb nfs ftp";

constexpr Keyword kTable[] = {
    other("pkt_data", pkt_data, Value::kNone),
    other("base64_data", base64_data, Value::kNone),
    other("frame", frame, Value::kNeeded),
    other("ip.src", open, Value::kNone),
    other("ip.dst", open, Value::kNone),
    of_packet("ether.hdr"),
    of_packet("ipv4.hdr"),
    of_packet("ipv6.hdr"),
    of_packet("tcp.hdr"),
    of_packet("udp.hdr"),
    of_packet("icmpv4.hdr"),
    of_packet("icmpv6.hdr"),
    of_packet("igmp.hdr"),
    of_packet("sctp.hdr"),
    of_packet("sctp.chunk_data"),
    sided(sticky("file.data", "file_data", kFiles, kBoth)),
    sided(sticky("file.name", "", kFiles, kBoth)),
    sided(sticky("file.magic", "", kFiles, kBoth)),

    sticky("http.uri", "http.uri.normalized", "http", kServer),
    sticky("http.uri.raw", "", "http", kServer),
    sticky("http.method", "", "http", kServer),
    sticky("http.host", "", "http", kServer),
    sticky("http.host.raw", "", "http", kServer),
    sticky("http.user_agent", "", "http", kServer),
    sticky("http.request_body", "", "http", kServer),
    sticky("http.response_body", "", "http", kClient),
    sticky("http.request_line", "http_request_line", "http", kServer),
    sticky("http.response_line", "http_response_line", "http", kClient),
    sticky("http.stat_code", "", "http", kClient),
    sticky("http.stat_msg", "", "http", kClient),
    sticky("http.cookie", "", "http", kBoth),
    sticky("http.header", "", "http", kBoth),
    sticky("http.header.raw", "", "http", kBoth),
    sticky("http.request_header", "", "http", kServer),
    sticky("http.response_header", "", "http", kClient),
    sticky("http.header_names", "http_header_names", "http", kBoth),
    sticky("http.protocol", "http_protocol", "http", kBoth),
    sticky("http.start", "http_start", "http", kBoth),
    sticky("http.accept", "http_accept", "http", kServer),
    sticky("http.accept_enc", "http_accept_enc", "http", kServer),
    sticky("http.accept_lang", "http_accept_lang", "http", kServer),
    sticky("http.connection", "http_connection", "http", kBoth),
    sticky("http.content_len", "http_content_len", "http", kBoth),
    sticky("http.content_type", "http_content_type", "http", kBoth),
    sticky("http.location", "", "http", kClient),
    sticky("http.referer", "http_referer", "http", kServer),
    sticky("http.server", "", "http", kClient),
    sticky("http2.header_name", "", "http2", kBoth),
    sticky("http2.header", "", "http2", kBoth),

    sticky("dns.query", "dns_query", "dns", kServer),
    sticky("dns.query.name", "", "dns", kBoth),
    sticky("dns.answer.name", "", "dns", kBoth),
    sticky("dns.queries.rrname", "", "dns", kBoth),
    sticky("dns.answers.rrname", "", "dns", kBoth),
    sticky("dns.additionals.rrname", "", "dns", kBoth),
    sticky("dns.authorities.rrname", "", "dns", kBoth),
    sticky("dns.response.rrname", "", "dns", kClient),
    sticky("mdns.queries.rrname", "", "mdns", kBoth),
    sticky("mdns.answers.rrname", "", "mdns", kBoth),
    sticky("mdns.additionals.rrname", "", "mdns", kBoth),
    sticky("mdns.authorities.rrname", "", "mdns", kBoth),
    sticky("mdns.response.rrname", "", "mdns", kBoth),
    sticky("llmnr.queries.rrname", "", "llmnr", kBoth),
    sticky("llmnr.answers.rrname", "", "llmnr", kBoth),
    sticky("llmnr.additionals.rrname", "", "llmnr", kBoth),
    sticky("llmnr.authorities.rrname", "", "llmnr", kBoth),
    sticky("llmnr.response.rrname", "", "llmnr", kClient),

    sticky("tls.sni", "tls_sni", "tls", kServer),
    sticky("tls.cert_subject", "tls_cert_subject", "tls", kBoth),
    sticky("tls.cert_issuer", "tls_cert_issuer", "tls", kBoth),
    sticky("tls.cert_serial", "tls_cert_serial", "tls", kBoth),
    sticky("tls.cert_fingerprint", "tls_cert_fingerprint", "tls", kBoth),
    sticky("tls.certs", "", "tls", kBoth),
    sticky("tls.alpn", "", "tls", kBoth),
    sticky("tls.random", "", "tls", kBoth),
    sticky("tls.random_time", "", "tls", kBoth),
    sticky("tls.random_bytes", "", "tls", kBoth),
    sticky("tls.subjectaltname", "", "tls", kClient),
    sticky("ja3.hash", "ja3_hash", "tls quic", kServer),
    sticky("ja3.string", "ja3_string", "tls quic", kServer),
    sticky("ja3s.hash", "", "tls quic", kClient),
    sticky("ja3s.string", "", "tls quic", kClient),
    sticky("ja4.hash", "ja4_hash", "tls quic", kServer),

    sticky("ssh.proto", "ssh_proto", "ssh", kBoth),
    sticky("ssh.software", "ssh_software", "ssh", kBoth),
    sticky("ssh.hassh", "ssh-hassh", "ssh", kServer),
    sticky("ssh.hassh.string", "ssh-hassh-string", "ssh", kServer),
    sticky("ssh.hassh.server", "ssh-hassh-server", "ssh", kClient),
    sticky("ssh.hassh.server.string", "ssh-hassh-server-string", "ssh", kClient),

    sticky("smtp.helo", "", "smtp", kServer),
    sticky("smtp.mail_from", "", "smtp", kServer),
    sticky("smtp.rcpt_to", "", "smtp", kServer),
    sticky("email.from", "", "smtp", kServer),
    sticky("email.subject", "", "smtp", kServer),
    sticky("email.to", "", "smtp", kServer),
    sticky("email.cc", "", "smtp", kServer),
    sticky("email.date", "", "smtp", kServer),
    sticky("email.message_id", "", "smtp", kServer),
    sticky("email.x_mailer", "", "smtp", kServer),
    sticky("email.url", "", "smtp", kServer),
    sticky("email.received", "", "smtp", kServer),
    sticky("email.body_md5", "", "smtp", kServer),
    sticky("ftp.command", "", "ftp", kServer),
    sticky("ftp.command_data", "", "ftp", kServer),
    sticky("ftp.reply", "", "ftp", kClient),
    sticky("ftp.completion_code", "", "ftp", kClient),
    sticky("smb.share", "smb_share", "smb", kServer),
    sticky("smb.named_pipe", "smb_named_pipe", "smb", kServer),
    sticky("smb.ntlmssp_user", "", "smb", kServer),
    sticky("smb.ntlmssp_domain", "", "smb", kServer),
    sticky("dcerpc.stub_data", "dce_stub_data", "dcerpc smb", kBoth),
    sticky("krb5.cname", "krb5_cname", "krb5", kClient),
    sticky("krb5.sname", "krb5_sname", "krb5", kClient),
    sticky("snmp.community", "", "snmp", kBoth),
    sticky("snmp.usm", "", "snmp", kBoth),
    sticky("snmp.trap_oid", "", "snmp", kBoth),
    sticky("snmp.trap_address", "", "snmp", kBoth),
    sticky("quic.sni", "", "quic", kServer),
    sticky("quic.ua", "", "quic", kServer),
    sticky("quic.version", "", "quic", kBoth),
    sticky("quic.cyu.hash", "", "quic", kServer),
    sticky("quic.cyu.string", "", "quic", kServer),
    sticky("ike.init_spi", "", "ike", kServer),
    sticky("ike.resp_spi", "", "ike", kClient),
    sticky("ike.vendor", "", "ike", kServer),
    sticky("ike.key_exchange_payload", "", "ike", kBoth),
    sticky("ike.nonce_payload", "", "ike", kBoth),
    sticky("rfb.name", "", "rfb", kClient),
    sticky("mqtt.connect.clientid", "", "mqtt", kServer),
    sticky("mqtt.connect.username", "", "mqtt", kServer),
    sticky("mqtt.connect.password", "", "mqtt", kServer),
    sticky("mqtt.connect.willtopic", "", "mqtt", kServer),
    sticky("mqtt.connect.willmessage", "", "mqtt", kServer),
    sticky("mqtt.connect.protocol_string", "", "mqtt", kServer),
    sticky("mqtt.publish.topic", "", "mqtt", kBoth),
    sticky("mqtt.publish.message", "", "mqtt", kBoth),
    sticky("mqtt.subscribe.topic", "", "mqtt", kServer),
    sticky("mqtt.unsubscribe.topic", "", "mqtt", kServer),
    sticky("sip.method", "", "sip", kServer),
    sticky("sip.uri", "", "sip", kServer),
    sticky("sip.protocol", "", "sip", kBoth),
    sticky("sip.stat_code", "", "sip", kClient),
    sticky("sip.stat_msg", "", "sip", kClient),
    sticky("sip.request_line", "", "sip", kServer),
    sticky("sip.response_line", "", "sip", kClient),
    sticky("sip.from", "", "sip", kBoth),
    sticky("sip.to", "", "sip", kBoth),
    sticky("sip.via", "", "sip", kBoth),
    sticky("sip.user_agent", "", "sip", kBoth),
    sticky("sip.content_type", "", "sip", kBoth),
    sticky("sip.content_length", "", "sip", kBoth),
    sticky("sdp.session_name", "", "sip", kBoth),
    sticky("sdp.session_info", "", "sip", kBoth),
    sticky("sdp.origin", "", "sip", kBoth),
    sticky("sdp.uri", "", "sip", kBoth),
    sticky("sdp.email", "", "sip", kBoth),
    sticky("sdp.phone_number", "", "sip", kBoth),
    sticky("sdp.connection_data", "", "sip", kBoth),
    sticky("sdp.bandwidth", "", "sip", kBoth),
    sticky("sdp.time", "", "sip", kBoth),
    sticky("sdp.repeat_time", "", "sip", kBoth),
    sticky("sdp.timezone", "", "sip", kBoth),
    sticky("sdp.encryption_key", "", "sip", kBoth),
    sticky("sdp.attribute", "", "sip", kBoth),
    sticky("sdp.media.media", "", "sip", kBoth),
    sticky("sdp.media.media_info", "sdp.media.session_info", "sip", kBoth),
    sticky("sdp.media.connection_data", "", "sip", kBoth),
    sticky("sdp.media.encryption_key", "", "sip", kBoth),
    sticky("ldap.request.dn", "", "ldap", kServer),
    sticky("ldap.request.attribute_type", "", "ldap", kServer),
    sticky("ldap.responses.dn", "", "ldap", kClient),
    sticky("ldap.responses.message", "", "ldap", kClient),
    sticky("ldap.responses.attribute_type", "", "ldap", kClient),
    sticky("pgsql.query", "", "pgsql", kServer),
    sticky("websocket.payload", "", "websocket", kBoth),
    sticky("ntp.reference_id", "", "ntp", kBoth),
    sticky("dnp3.data", "dnp3_data", "dnp3", kBoth),
    sticky("enip.product_name", "", "enip", kBoth),
    sticky("enip.service_name", "", "enip", kBoth),
};

// Transforms.

// "0d0ac8ff", "offset 4,0d0ac8ff", "extract 4 0", "offset 4,extract 4 0".
bool is_xor(std::string_view value) {
  const auto parts = split(value, ',');
  if (parts.size() > 2) return false;
  if (parts.size() == 2) {
    const auto words = words_of(parts[0]);
    if (words.size() != 2 || words[0] != "offset" || !parse_number(words[1], UINT32_MAX)) return false;
  }
  std::string_view key = parts.back();
  if (const auto words = words_of(key); !words.empty() && words[0] == "extract") {
    return words.size() == 3 && parse_number(words[1], 255).value_or(0) > 0 && parse_number(words[2], UINT32_MAX);
  }
  if (key.size() > 1 && key.starts_with('"') && key.ends_with('"')) key = key.substr(1, key.size() - 2);
  return !key.empty() && key.size() % 2 == 0 && key.size() <= 512 &&
         key.find_first_not_of("0123456789abcdefABCDEF") == std::string_view::npos;
}

Expected<void> transform(Builder& builder, const Option& option, const Keyword& keyword) {
  if (keyword.name == "xor" && !is_xor(option.value)) {
    return failure(
        "xor is followed by a key in hexadecimal or extract BYTES OFFSET, before it offset NUMBER and a comma");
  }
  if (option.value.size() > 4096) return failure("the transform's value is too long");
  return builder.add_transform({keyword.name, std::string(option.value)});
}

constexpr Keyword change(std::string_view name, Value value = Value::kNone, Quotes quotes = Quotes::kNone) {
  return {.name = name, .group = Group::kTransform, .read = transform, .value = value, .quotes = quotes};
}

constexpr Keyword kTransforms[] = {
    change("dotprefix"),
    change("to_lowercase"),
    change("to_uppercase"),
    change("strip_whitespace"),
    change("compress_whitespace"),
    change("to_md5"),
    change("to_sha1"),
    change("to_sha256"),
    change("url_decode"),
    change("header_lowercase"),
    change("strip_pseudo_headers"),
    change("domain"),
    change("tld"),
    change("xor", Value::kNeeded, Quotes::kAllowed),
    change("from_base64", Value::kOptional),
    change("gunzip", Value::kOptional),
    change("zlib_deflate", Value::kOptional),
    change("subslice", Value::kNeeded),
    change("luaxform", Value::kNeeded, Quotes::kAllowed),
};

}  // namespace

std::span<const Keyword> buffer_keywords() { return kTable; }
std::span<const Keyword> transform_keywords() { return kTransforms; }

}  // namespace tocsin::rules
