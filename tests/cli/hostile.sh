# Input that means harm: no crash, no hang, nothing of it in the terminal raw, and what is good is taken.
. "$(dirname "$0")/lib.sh"
"$tocsin" init s --country CZ >/dev/null
"$bin/tocsin-sample" made >/dev/null
: >empty
head -c 100000 /dev/urandom >random
status 3 "$tocsin" watch --store s empty random
head -c 3000 made/sample.pcap >cut.pcap
status 3 "$tocsin" watch --store s cut.pcap
gzip -k made/sample.pcap
head -c 5000 made/sample.pcap.gz >cut.pcap.gz
status 3 "$tocsin" watch --store s cut.pcap.gz
for i in $(seq 1 40); do
  cp made/sample.pcap damaged.pcap
  printf "\\x$(printf %02x $((RANDOM % 256)))" | dd of=damaged.pcap bs=1 seek=$((RANDOM * 7 % 100000)) conv=notrunc status=none
  got=0
  timeout 60 "$tocsin" inspect damaged.pcap >out 2>err || got=$?
  ((got == 0 || got == 3)) || die "a damaged byte gave status $got: $(cat err)"
done
printf '{"timestamp":"2024-01-01T00:00:00.000000+0000","event_type":"alert","src_ip":"8.8.8.8","src_port":1,"dest_ip":"147.32.80.37","dest_port":80,"proto":"TCP","alert":{"signature_id":1,"signature":"ET SCAN <script>alert(1)</script> \\u001b[31m | '"'"'; DROP TABLE x; --","category":"Attempted Information Leak","severity":2}}\nnot json\n' >eve.json
status 3 "$tocsin" watch --store s eve.json
grep -q 'line 2' err || die "the bad line is not placed: $(cat err)"
"$tocsin" report --store s --confidence suspected --format html,md,csv --out brief >/dev/null
! grep -q '<script' brief/brief.html || die "a signature became a script"
"$tocsin" trace --store s alert.sightings --confidence suspected >out
! grep -q $'\x1b' out || die "an escape sequence reached the terminal"
