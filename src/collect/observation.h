// Observations: things seen, not yet judged, in batches. Every stage takes a batch and gives a batch.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "base/ip_address.h"
#include "base/time.h"
#include "collect/judgement.h"

namespace tocsin {

// Where the bytes of an observation are: offset in the decompressed source and number of the record (packet, line),
// from 1; source is the index of the source among those of the run.
struct Place {
  std::uint32_t source = 0;
  std::uint64_t offset = 0;
  std::uint64_t record = 0;
};

// Text of a batch: string views into it live as long as it does.
class TextArena {
 public:
  std::string_view keep(std::string_view text);
  void clear();

 private:
  std::vector<std::unique_ptr<char[]>> blocks_;
  std::size_t used_ = 0;
  std::size_t size_ = 0;
};

// IANA protocol numbers.
inline constexpr std::uint8_t kIcmp = 1;
inline constexpr std::uint8_t kTcp = 6;
inline constexpr std::uint8_t kUdp = 17;
inline constexpr std::uint8_t kIcmp6 = 58;

// Connection states as Zeek's conn.log names them (docs.zeek.org, base/protocols/conn/main.zeek).
enum class ConnState : std::uint8_t {
  kUnknown,
  kS0,
  kS1,
  kSF,
  kREJ,
  kS2,
  kS3,
  kRSTO,
  kRSTR,
  kRSTOS0,
  kRSTRH,
  kSH,
  kSHR,
  kOTH
};
std::string_view name_of(ConnState state);
ConnState conn_state_of(std::string_view name);

// TCP flag bits (RFC 9293 section 3.1).
inline constexpr std::uint8_t kFin = 1, kSyn = 2, kRst = 4, kPsh = 8, kAck = 16, kUrg = 32;

// A bidirectional flow. Ports of ICMP are type (initiator) and code (responder).
struct Flow {
  Endpoint initiator;
  Endpoint responder;
  Timestamp first = 0;
  Timestamp last = 0;
  std::uint64_t initiator_packets = 0;
  std::uint64_t responder_packets = 0;
  std::uint64_t initiator_bytes = 0;  // of IP packets
  std::uint64_t responder_bytes = 0;
  Place place;
  std::uint8_t protocol = 0;
  ConnState state = ConnState::kUnknown;
  std::uint8_t initiator_flags = 0;  // union of TCP flags sent
  std::uint8_t responder_flags = 0;
  std::uint8_t first_flags = 0;  // of the first packet; 0 may also mean unknown: see flags_known
  bool flags_known = false;      // flags come from packets (or a history that tells them)
};

// Common to transactions: who asked whom, when.
struct Transaction {
  Endpoint client;
  Endpoint server;
  Timestamp time = 0;
  Place place;
};

struct DnsTransaction : Transaction {
  std::string_view query;               // as in the packet, without final dot, lower case not enforced
  std::uint16_t query_type = 0;         // RFC 1035
  std::int16_t response_code = -1;      // -1: no answer seen
  std::vector<IpAddress> addresses;     // A and AAAA of the answer
  std::vector<std::string_view> names;  // CNAME and other names of the answer
};

struct HttpTransaction : Transaction {
  std::string_view method, host, uri, user_agent, referrer;
  std::uint64_t response_bytes = 0;  // of the body; 0 may also mean unknown
  std::uint16_t status = 0;          // 0: no response seen
  bool logged = false;               // from the server's own log: its address is unknown, its name is host
};

struct TlsHandshake : Transaction {
  std::string_view server_name;  // SNI, empty if none
  std::string_view ja3;          // MD5 in hexadecimal, empty if unknown
};

// An alert of another sensor (Suricata EVE alert, Zeek notice).
struct Alert : Transaction {
  std::uint8_t protocol = 0;
  bool client_is_source = true;  // client is the alert's src, server its dest
  std::string_view sensor;       // "suricata", "zeek"
  std::string_view signature;    // text of the rule, or Zeek's note
  std::string_view category;     // Suricata's category, empty for Zeek
  std::uint64_t signature_id = 0;
  std::uint8_t severity = 0;        // Suricata: 1 is the most severe
  std::string_view cve;             // "CVE-2014-0160", first one; from metadata or the signature's text
  std::string_view malware_family;  // from metadata
  std::string_view attack_target;   // from metadata: "Client_Endpoint", "Server", ...
  std::string_view message;         // Zeek's msg
  std::string_view host;            // of the HTTP request: a name of the server, without port, in lower case; or empty
};

// What another party reports: a judgement of theirs. For phishing the actor is what serves the page (its name, and its
// address if the report has one) and target_name is the brand imitated; for sites hacked or defaced the target is the
// site; otherwise actor and target are the ends of what happened.
struct Report {
  Endpoint actor, target;
  std::string_view actor_name, target_name;
  std::string_view url;  // as reported, "http://host/path"; empty if none
  std::string_view cve, family, group;
  std::string_view reporter;  // who says so
  std::string_view rule;      // what of theirs fired or was classed: "ssh-bruteforce", "event4_honeypot_http_scan"
  std::string_view description;
  std::string_view tlp;
  Timestamp first = 0;
  Timestamp last = 0;
  std::uint64_t count = 1;
  Place place;
  Kind kind = Kind::kIntrusion;
  Confidence confidence = Confidence::kConfirmed;
};

// A web page as it was fetched.
struct Page {
  std::string_view url;
  std::string_view html;  // the body, decoded from its transfer and content encoding; at most 1 MiB of it
  Endpoint server;        // unspecified if unknown
  Timestamp time = 0;
  Place place;
  std::uint16_t status = 0;
};

inline constexpr std::size_t kBatchSize = 8192;

struct Batch {
  std::vector<Flow> flows;
  std::vector<DnsTransaction> dns;
  std::vector<HttpTransaction> http;
  std::vector<TlsHandshake> tls;
  std::vector<Alert> alerts;
  std::vector<Report> reports;
  std::vector<Page> pages;
  TextArena text;

  std::size_t size() const {
    return flows.size() + dns.size() + http.size() + tls.size() + alerts.size() + reports.size() + pages.size();
  }
  void clear();
};

}  // namespace tocsin
