// The protocols that there are, one function a protocol.
#pragma once

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
const Protocol& dns_protocol();
const Protocol& quic_protocol();
const Protocol& snmp_protocol();
const Protocol& dhcp_protocol();
const Protocol& tftp_protocol();

// Whether the configuration has this protocol parsed (app-layer.protocols.NAME.enabled), looked for at all, and on
// which ports.
struct Enabled {
  bool recognised = true, parsed = true;
};
Enabled enabled(const Options& options, const Protocol& protocol, bool is_udp);
bool is_port_of(const Options& options, const Protocol& protocol, bool is_udp, std::uint16_t port);

}  // namespace tocsin::protocol
