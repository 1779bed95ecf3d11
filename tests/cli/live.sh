# Packets of an interface as they come: a pair of virtual Ethernets, captures sent into one end, and what inspect says of
# the other end beside what it says of the files.
. "$(dirname "$0")/lib.sh"
need_data
a=ta$$ b=tb$$
if ! ip link add "$a" type veth peer name "$b" 2>err; then
  echo "skipped: no pair of interfaces can be made: $(cat err)"
  exit 77
fi
trap 'ip link del "$a" 2>/dev/null || true; rm -rf "$scratch"' EXIT
sysctl -q -w "net.ipv6.conf.$a.disable_ipv6=1" "net.ipv6.conf.$b.disable_ipv6=1" 2>/dev/null || true
ip link set "$a" mtu 9000 up
ip link set "$b" mtu 9000 up
cat >send.py <<'PYTHON'
# send.py INTERFACE CAPTURE...: the frames as they are, as one whole.
import socket, struct, sys, time
to = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
to.bind((sys.argv[1], 0))
for path in sys.argv[2:]:
    data = open(path, "rb").read()
    order = "<" if data[:4] in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1") else ">"
    at = 24
    while at + 16 <= len(data):
        length = struct.unpack(order + "I", data[at + 8:at + 12])[0]
        to.send(data[at + 16:at + 16 + length])
        at += 16 + length
        time.sleep(0.0002)
PYTHON
# What does not depend on when it was.
timeless() {
  jq -cS 'select(.event_type | IN("alert", "dns", "http", "fileinfo", "tls")) | del(.timestamp, .flow_id, .pcap_cnt, .flow.start, .in_iface, .pcap_filename)' "$1" | sort
}
cat >local.rules <<'RULES'
alert http any any -> any any (msg:"request"; flow:to_server; http.method; content:"GET"; sid:1;)
alert ip any any -> any any (msg:"tagged"; vlan.layers:>0; sid:2;)
alert dns any any -> any any (msg:"question"; dns.query; bsize:>0; sid:3;)
RULES
set -- "$data"/suricata-verify/datasets-04-http-dns/input.pcap "$data"/suricata-verify/detect-vlan-id/input.pcap \
  "$data"/suricata-verify/dns/bug-990/input.pcap "$data"/suricata-verify/tls/tls-subjectaltname/input.pcap \
  "$data"/suricata-verify/http-encoding-gzip-uncompressed/input.pcap
for capture; do same 'kind of capture' 1 "$(tshark -r "$capture" -T fields -e frame.encap_type 2>/dev/null | sort -u)"; done
# Each by itself, for they are of different years.
for capture; do
  status 0 "$tocsin" inspect "$capture" --rules local.rules --eve one.json
  cat one.json >>file.json
done
[ "$(timeless file.json | grep -c '"signature_id":2')" -gt 0 ] || die 'no packet of the captures has a tag'
"$tocsin" inspect --interface "$b" --rules local.rules --eve live.json >out 2>err &
reader=$!
for _ in $(seq 100); do grep -q 'Ctrl-C ends' err && break; sleep 0.1; done
python3 send.py "$a" "$@"
sleep 0.5
kill -INT "$reader"
wait "$reader" || die "the reading ended with $?: $(cat err)"
grep -q '^[0-9,]* packets, 0 dropped by the kernel' out || die "packets are not told: $(cat out)"
[ "$(timeless file.json | wc -l)" -ge 8 ] || die 'hardly an event'
diff <(timeless file.json) <(timeless live.json) || die 'live and read from the files differ'
status 2 "$tocsin" inspect --interface "$b" "$1" --rules local.rules
status 1 "$tocsin" inspect --interface no-such-if0 --rules local.rules
