// The protocols that there are, one function a protocol.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "protocol/transaction.h"

namespace tocsin::protocol {

const Protocol& tls_protocol();
const Protocol& smtp_protocol();
const Protocol& ssh_protocol();
const Protocol& ftp_protocol();
const Protocol& ftp_data_protocol();
const Protocol& smb_protocol();
const Protocol& dcerpc_protocol();
const Protocol& sip_protocol();
const Protocol& pop3_protocol();
const Protocol& imap_protocol();
const Protocol& telnet_protocol();
const Protocol& rfb_protocol();
const Protocol& rdp_protocol();
const Protocol& irc_protocol();
const Protocol& dns_protocol();
const Protocol& quic_protocol();
const Protocol& snmp_protocol();
const Protocol& dhcp_protocol();
const Protocol& tftp_protocol();
const Protocol& mqtt_protocol();
const Protocol& krb5_protocol();
const Protocol& modbus_protocol();
const Protocol& ike_protocol();
const Protocol& websocket_protocol();
const Protocol& ldap_protocol();
const Protocol& pgsql_protocol();
const Protocol& ntp_protocol();
const Protocol& mdns_protocol();
const Protocol& llmnr_protocol();

// What the configuration says of each protocol (app-layer.protocols.NAME), read once for all flows.
class ProtocolSettings {
 public:
  // options must outlive this.
  explicit ProtocolSettings(const Options& options);

  struct Of {
    bool is_recognised = true, is_parsed = true;
    std::vector<std::pair<std::uint16_t, std::uint16_t>> ports;  // both ends included
    bool has_port(std::uint16_t port) const;
  };
  const Of& of(const Protocol& protocol, bool is_udp) const;
  const Options& options() const { return options_; }

 private:
  const Options& options_;
  std::vector<Of> all_[2];  // by transport, in the order of protocols()
};

}  // namespace tocsin::protocol
