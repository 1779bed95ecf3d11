# The made-up capture, from bytes to brief: its truth is in src/simulate/sample_writer.cc.
. "$(dirname "$0")/lib.sh"
"$bin/tocsin-sample" made >/dev/null
make_store s '' '"198.51.100.0/24"' '[[indicators]]' 'path = "../made/indicators.txt"'
status 0 "$tocsin" watch --store s made/sample.pcap
same 'servers, confirmed' 2 "$(value s botnet.overseas-servers --confidence confirmed)"
same 'hosts of confirmed servers' 8 "$(value s botnet.controlled-hosts --confidence confirmed)"
same 'servers by behaviour' 4 "$(value s botnet.overseas-servers --confidence suspected)"
same 'hosts by behaviour' 13 "$(value s botnet.controlled-hosts --confidence suspected)"
same 'scanners' 2 "$(value s scan.overseas-hosts)"
# Twice adds nothing; nor does the same under another name or compressed differently read before.
before=$("$tocsin" figure --store s botnet.overseas-servers --json)
status 0 "$tocsin" watch --store s made/sample.pcap
cp made/sample.pcap again.pcap
status 0 "$tocsin" watch --store s again.pcap
same 'figure after reading twice' "$before" "$("$tocsin" figure --store s botnet.overseas-servers --json)"
# A source that grows: the same as if it had been read whole at once.
size=$(stat -c %s made/sample.pcap)
head -c $((size / 2)) made/sample.pcap >growing.pcap
make_store g '' '"198.51.100.0/24"' '[[indicators]]' 'path = "../made/indicators.txt"'
"$tocsin" watch --store g growing.pcap >/dev/null 2>&1 || true
cp made/sample.pcap growing.pcap
status 0 "$tocsin" watch --store g growing.pcap
for figure in botnet.overseas-servers botnet.controlled-hosts scan.attempts; do
  same "$figure after growing" "$(value s $figure --confidence suspected)" "$(value g $figure --confidence suspected)"
done
# From standard input, and compressed.
make_store z '' '"198.51.100.0/24"' '[[indicators]]' 'path = "../made/indicators.txt"'
gzip -c made/sample.pcap | "$tocsin" watch --store z - >/dev/null
same 'servers from standard input' 2 "$(value z botnet.overseas-servers --confidence confirmed)"
# The brief, and its check.
status 0 "$tocsin" report --store s --format html,md,json,csv --out brief
for format in html md json csv; do [ -s brief/brief.$format ] || die "no brief.$format"; done
jq -e . brief/brief.json >/dev/null
! grep -qE '<(script|link)|src="http' brief/brief.html || die "the brief reaches outside itself"
status 0 "$tocsin" verify --store s brief/brief.json
sed 's/"value": \?2,/"value": 3,/' brief/brief.json >forged.json
cmp -s brief/brief.json forged.json && die "nothing was forged"
status 1 "$tocsin" verify --store s forged.json
# In two languages, as PDF, and signed.
formats=html,md,json,csv
! command -v weasyprint >/dev/null || formats+=,pdf
status 0 "$tocsin" report --store s --lang en,zh --format "$formats" --out both
for file in ${formats//,/ }; do
  case $file in json | csv) [ -s both/brief.$file ] ;; *) [ -s both/brief.en.$file ] && [ -s both/brief.zh.$file ] ;; esac ||
    die "no brief in $file"
done
grep -q '境外[0-9]*台木马或僵尸网络控制服务器' both/brief.zh.md || die "the Chinese brief does not say it"
same 'mode of the key' 600 "$(stat -c %a s/signing.key)"
status 0 "$tocsin" verify --store s both/brief.json
grep -q "this store's" out || die "the signature is not told"
status 0 "$tocsin" verify --store nowhere both/brief.json --public-key s/signing.pub
if command -v openssl >/dev/null; then # as docs/brief-signature.md says
  jq -j '"tocsin-brief-signature-1\nledger \(.ledger.sequence) \(.ledger.hash)\n",
    (.files[] | "file \(.sha256) \(.name)\n")' both/brief.sig.json >signed.txt
  jq -r .signature both/brief.sig.json | base64 -d >signature.bin
  status 0 openssl pkeyutl -verify -pubin -inkey s/signing.pub -rawin -in signed.txt -sigfile signature.bin
  (cd both && jq -r '.files[] | "\(.sha256)  \(.name)"' brief.sig.json | sha256sum -c --quiet) || die "hashes differ"
fi
for file in both/brief.json both/brief.zh.md; do
  cp "$file" kept
  printf ' ' >>"$file"
  status 1 "$tocsin" verify --store s both/brief.json
  grep -q "$(basename "$file") has been changed" out || die "a changed $file goes unnoticed"
  cp kept "$file"
done
status 1 "$tocsin" verify --store s both/brief.json --public-key AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=
status 2 "$tocsin" report --store s --format pdf
PATH=/nowhere status 1 "$tocsin" report --store s --format pdf --out none
grep -q 'install WeasyPrint' err || die "the remedy is not told"
# Judged anew, and located again with the older database and back: the same figures, and the brief still holds.
status 0 "$tocsin" watch --store s --again made/sample.pcap
same 'hosts after judging anew' 13 "$(value s botnet.controlled-hosts --confidence suspected)"
status 2 "$tocsin" locate --store s --sightings --with 1999-01-01
status 0 "$tocsin" locate --store s --sightings --with "$("$tocsin" locate 8.8.8.8 --json | jq -r '.[0].database')"
same 'hosts after locating again' 13 "$(value s botnet.controlled-hosts --confidence suspected)"
status 0 "$tocsin" verify --store s brief/brief.json
# Down to the packets.
status 0 "$tocsin" trace --store s botnet.controlled-hosts --row actor=23.94.137.77 --pcap packets --json
packets=$(jq '[.[].packets] | add' out)
((packets > 0)) || die "no packets behind the figure"
for pcap in packets/*.pcap; do
  same "strangers in $pcap" 0 "$(tshark -r "$pcap" -Y '!(ip.addr == 23.94.137.77)' 2>/dev/null | wc -l)"
done
# A changed source is no evidence.
printf x | dd of=made/sample.pcap bs=1 seek=100 conv=notrunc status=none
status 0 "$tocsin" trace --store s botnet.controlled-hosts --limit 1
grep -q 'has changed' out || die "a changed source goes unnoticed"
# Tampering shows.
segment=$(find s/segments -name '*.parquet' -print -quit)
printf '\x55' | dd of="$segment" bs=1 seek=40 conv=notrunc status=none
status 1 "$tocsin" verify --store s
