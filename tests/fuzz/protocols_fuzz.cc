// Each application protocol, given a talk of both sides. The first byte chooses among settings.
#include "protocol/application.h"
#include "talks.h"

namespace tocsin::fuzz {
namespace {

using protocol::Side;

const Options& settings_of(std::uint8_t choice) {
  static const auto kAll = [] {
    std::array<Options, 4> all;
    for (Options* wide : {&all[1], &all[3]}) {
      // What is off unless asked for.
      for (const char* name :
           {"app-layer.protocols.quic.ja3-fingerprints", "app-layer.protocols.tls.ja3-fingerprints",
            "app-layer.protocols.tls.ja4-fingerprints", "app-layer.protocols.ssh.hassh",
            "app-layer.protocols.smtp.raw-extraction", "app-layer.protocols.smtp.mime.decode-mime",
            "app-layer.protocols.smtp.mime.decode-base64", "app-layer.protocols.smtp.mime.decode-quoted-printable",
            "app-layer.protocols.smtp.mime.extract-urls", "app-layer.protocols.smtp.mime.body-md5",
            "app-layer.protocols.http.libhtp.default-config.lzma-enabled",
            "app-layer.protocols.http.libhtp.default-config.double-decode-path",
            "app-layer.protocols.http.libhtp.default-config.double-decode-query",
            "app-layer.protocols.http.libhtp.default-config.swf-decompression.enabled",
            "outputs.1.eve-log.types.2.http.extended"}) {
        wide->set(name, "yes");
      }
      wide->set("app-layer.protocols.smtp.raw-extraction", wide == &all[1] ? "no" : "yes");
      wide->set("app-layer.protocols.http.libhtp.default-config.swf-decompression.type", "both");
      wide->set("outputs.1.eve-log.types.2.http.dump-all-headers", "both");
    }
    for (Options* narrow : {&all[2], &all[3]}) {
      for (const char* name : {"app-layer.protocols.http.libhtp.default-config.request-body-limit",
                               "app-layer.protocols.http.libhtp.default-config.response-body-limit",
                               "app-layer.protocols.dcerpc.max-stub-size", "app-layer.protocols.ftp.max-line-length"}) {
        narrow->set(name, "64");
      }
      for (const char* name : {"app-layer.protocols.dcerpc.max-tx", "app-layer.protocols.ftp.max-tx",
                               "app-layer.protocols.smb.max-tx", "app-layer.protocols.smtp.max-tx"}) {
        narrow->set(name, "2");
      }
    }
    return all;
  }();
  return kAll[choice % kAll.size()];
}

// As the engine does: what is complete goes, but for what the parser is made to hold.
void let_go(protocol::Parser& parser) {
  std::erase_if(parser.transactions, [](const auto& transaction) { return transaction->is_complete(); });
}

void run(const protocol::Protocol& protocol, bool is_udp, Bytes bytes) {
  Pieces pieces(bytes);
  const std::uint8_t choice = pieces.number();
  const std::unique_ptr<protocol::Parser> parser = protocol.parser_over(is_udp, settings_of(choice));
  if (parser == nullptr) return;
  Timestamp time = 0;
  bool is_alive = true;
  for_each_said(pieces.rest(), [&](const Said& said) {
    if (!is_alive || (is_udp && said.is_lost)) return;
    time += kSecond;
    is_alive = said.is_lost ? parser->skip(said.side, said.lost, time) : parser->take(said.side, said.bytes, time);
    if (said.is_end && !is_udp) parser->end(said.side, time);
    if (choice & 4) look_at(*parser), let_go(*parser);
    parser->expected.clear();
  });
  for (const Side side : {Side::kToServer, Side::kToClient}) parser->end(side, time);
  look_at(*parser);
}

template <const protocol::Protocol& (*kProtocol)(), bool kIsUdp = false>
void run(Bytes bytes) {
  run(kProtocol(), kIsUdp, bytes);
}

const protocol::Protocol& http() { return *protocol::find_protocol("http"); }
const protocol::Protocol& http2() { return *protocol::find_protocol("http2"); }

const Target kTargets[] = {
    {"http", run<http>},
    {"http2", run<http2>},
    {"tls", run<protocol::tls_protocol>},
    {"smtp", run<protocol::smtp_protocol>},
    {"ssh", run<protocol::ssh_protocol>},
    {"ftp", run<protocol::ftp_protocol>},
    {"ftp-data", run<protocol::ftp_data_protocol>},
    {"smb", run<protocol::smb_protocol>},
    {"dcerpc", run<protocol::dcerpc_protocol>},
    {"dcerpc-udp", run<protocol::dcerpc_protocol, true>},
    {"sip", run<protocol::sip_protocol>},
    {"sip-udp", run<protocol::sip_protocol, true>},
    {"dns", run<protocol::dns_protocol>},
    {"dns-udp", run<protocol::dns_protocol, true>},
    {"quic", run<protocol::quic_protocol, true>},
    {"snmp", run<protocol::snmp_protocol, true>},
    {"dhcp", run<protocol::dhcp_protocol, true>},
    {"tftp", run<protocol::tftp_protocol, true>},
    {"mqtt", run<protocol::mqtt_protocol>},
    {"modbus", run<protocol::modbus_protocol>},
    {"krb5", run<protocol::krb5_protocol>},
    {"krb5-udp", run<protocol::krb5_protocol, true>},
    {"ldap", run<protocol::ldap_protocol>},
    {"ldap-udp", run<protocol::ldap_protocol, true>},
    {"rfb", run<protocol::rfb_protocol>},
    {"pop3", run<protocol::pop3_protocol>},
    {"pgsql", run<protocol::pgsql_protocol>},
    {"websocket", run<protocol::websocket_protocol>},
    {"ike", run<protocol::ike_protocol, true>},
    {"ntp", run<protocol::ntp_protocol, true>},
    {"mdns", run<protocol::mdns_protocol, true>},
    {"llmnr", run<protocol::llmnr_protocol, true>},
};

// Recognised by content; the first byte chooses transport and port.
const Target kApplication("application", [](Bytes bytes) {
  static const std::uint16_t kPorts[] = {0, 21, 22, 25, 53, 80, 110, 135, 143, 161, 443, 445, 5060, 67, 69, 5353};
  static const protocol::ProtocolSettings kSettings(settings_of(0));
  Pieces pieces(bytes);
  const std::uint8_t choice = pieces.number();
  const bool is_udp = (choice & 16) != 0;
  protocol::Application application(kSettings, is_udp, 40'000, kPorts[choice & 15]);
  if (choice & 32) application.set_midstream();
  Timestamp time = 0;
  for_each_said(pieces.rest(), [&](const Said& said) {
    time += kSecond;
    if (!said.is_lost) application.take(said.side, said.bytes, time);
    if (said.is_lost && !is_udp) application.skip(said.side, said.lost, time);
    if (said.is_end && !is_udp) application.end(said.side, time);
    if (application.parser() != nullptr) look_at(*application.parser()), let_go(*application.parser());
    application.events.clear();
  });
  for (const Side side : {Side::kToServer, Side::kToClient}) application.end(side, time);
  if (application.parser() != nullptr) look_at(*application.parser());
});

}  // namespace
}  // namespace tocsin::fuzz
