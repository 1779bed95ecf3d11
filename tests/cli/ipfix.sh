# A port scan exported as IPFIX: Python writes the bytes, the scanner is found, and its record is the evidence.
. "$(dirname "$0")/lib.sh"
python3 - >scan.ipfix <<'PYTHON'
import struct, sys
fields = [(8, 4), (12, 4), (7, 2), (11, 2), (4, 1), (6, 1), (152, 8), (153, 8), (1, 8), (2, 8)]
sent = 1700000000
template = struct.pack('>HH', 256, len(fields)) + b''.join(struct.pack('>HH', *field) for field in fields)
records = b''
for port in range(1, 101):
    at = (sent - 60) * 1000 + port * 100
    records += struct.pack('>IIHHBBQQQQ', 0x0a000001, 0xc0000207, 50000, 1000 + port, 6, 2, at, at, 60, 1)
sets = b''.join(struct.pack('>HH', id, 4 + len(body)) + body for id, body in ((2, template), (256, records)))
sys.stdout.buffer.write(struct.pack('>HHIII', 10, 16 + len(sets), sent, 0, 7) + sets)
PYTHON
make_store store '' '"192.0.2.0/24"'
status 0 "$tocsin" watch --store store scan.ipfix
"$tocsin" trace --store store any.sightings --row kind=scan --confidence suspected --limit 0 --json >trace.json
same "the scanner" 10.0.0.1 "$(jq -r '.[0].actor_ip' trace.json)"
grep -q 'sourceIPv4Address=10.0.0.1 destinationIPv4Address=192.0.2.7 sourceTransportPort=50000' trace.json ||
  die "no evidence: $(cat trace.json)"
gzip -k scan.ipfix
make_store compressed '' '"192.0.2.0/24"'
status 0 "$tocsin" watch --store compressed scan.ipfix.gz
same "compressed" "$(value store any.sightings --confidence suspected)" "$(value compressed any.sightings --confidence suspected)"
