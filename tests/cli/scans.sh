# Truth: the logs and tshark; the scanners are named in the lines below with how they were found.
. "$(dirname "$0")/lib.sh"
need_data
scanners() { "$tocsin" trace --store "$1" any.sightings --row kind=scan --confidence "${2:-suspected}" --limit 0 --no-evidence --json | jq -r '.[]|"\(.actor_ip) \(.rule)"' | sort -u; }
make_store vertical '' '"192.168.0.0/16", "10.0.0.0/8", "147.32.0.0/16"'
status 0 "$tocsin" watch --store vertical "$data/stratosphere/port-scans/vertical/conn.log"
# jq: the only initiator with more than 15 distinct ports on one host.
truth=$(jq -r '"\(.["id.orig_h"]) \(.["id.resp_h"]) \(.["id.resp_p"])"' "$data/stratosphere/port-scans/vertical/conn.log" |
  sort -u | awk '{n[$1" "$2]++} END {for (k in n) if (n[k] > 15) {split(k, a); print a[1]}}')
grep -q "^$truth tcp.*vertical" <<<"$(scanners vertical)" || die "vertical scan by $truth not found: $(scanners vertical)"
make_store port '' '"10.0.0.0/8"'
status 0 "$tocsin" watch --store port "$data/stratosphere/test11-portscan.binetflow"
grep -q '^10.8.0.69 tcp.*vertical' <<<"$(scanners port)" || die "test11: $(scanners port)"
make_store icmp '' '"192.168.1.0/24"'
status 0 "$tocsin" watch --store icmp "$data/stratosphere/test12-icmp-portscan.pcap"
grep -q '^192.168.1.109 icmp' <<<"$(scanners icmp)" || die "test12: $(scanners icmp)"
corpus=$data/maltrail/sensor-corpus
for scan in port_scan:tcp-syn stealth_scan_fin:tcp-fin stealth_scan_null:tcp-null stealth_scan_xmas:tcp-xmas udp_scan:udp; do
  make_store "${scan%%:*}" '"US"' '"192.168.0.0/16", "10.0.0.0/8"'
  status 0 "$tocsin" watch --store "${scan%%:*}" "$corpus/${scan%%:*}.pcap"
  grep -q " ${scan##*:}" <<<"$(scanners "${scan%%:*}")" || die "$scan: $(scanners "${scan%%:*}")"
done
for calm in clean_tcp ack_sweep_no_fp; do
  make_store $calm '"US"' '"192.168.0.0/16", "10.0.0.0/8"'
  status 0 "$tocsin" watch --store $calm "$corpus/$calm.pcap"
  same "$calm accuses nobody" '' "$(scanners $calm)"
done
