# Truth: one TLS server, 141.193.213.20, called 22 times by 147.32.80.37 at some 3 s (tshark -q -z conv,tcp).
. "$(dirname "$0")/lib.sh"
need_data
capture=$data/stratosphere/test-cc-capture-2.pcap
same 'connections by tshark' 22 "$(tshark -r "$capture" -Y 'tcp.flags.syn==1 && tcp.flags.ack==0' -T fields -e tcp.stream 2>/dev/null | wc -l)"
"$tocsin" init s --country CZ >/dev/null
status 0 "$tocsin" watch --store s "$capture"
"$tocsin" trace --store s botnet.controlled-hosts --confidence suspected --json >rows.json
same 'pairs accused' '141.193.213.20 147.32.80.37' "$(jq -r '.[]|"\(.actor_ip) \(.target_ip)"' rows.json | sort -u)"
same 'servers' 1 "$(value s botnet.overseas-servers --confidence suspected)"
same 'hosts' 1 "$(value s botnet.controlled-hosts --confidence suspected)"
same 'country' US "$("$tocsin" figure --store s botnet.overseas-servers --by actor-country --confidence suspected --json | jq -r '.rows[].key["actor-country"]')"
same 'nothing else sighted' 1 "$("$tocsin" figure --store s any.sightings --by actor --confidence suspected --json | jq '.rows|length')"
# The same with the address as a verified indicator.
echo 141.193.213.20 >list.txt
"$tocsin" init v --country CZ >/dev/null
status 0 "$tocsin" watch --store v "$capture" --indicators list.txt
same 'confirmed servers' 1 "$(value v botnet.overseas-servers --confidence confirmed)"
same 'confirmed hosts' 1 "$(value v botnet.controlled-hosts --confidence confirmed)"
"$tocsin" report --store v --confidence confirmed >brief.md
grep -qi 'confirmed' <<<"$(grep -m1 'server' brief.md)" || die "the first sentence does not say it: $(grep -m1 server brief.md)"
