# Truth: tshark's own streams and names for the captures.
. "$(dirname "$0")/lib.sh"
need_data
for name in test7-malicious test8-malicious test12-icmp-portscan test-cc-capture-2; do
  capture=$data/stratosphere/$name.pcap
  "$tocsin" inspect "$capture" --eve events.json >/dev/null 2>&1 || true
  same "$name: packets" "$(tshark -r "$capture" -Y 'ip||ipv6' 2>/dev/null | wc -l)" \
    "$(jq -s '[.[]|select(.event_type=="flow")|.flow.pkts_toserver+.flow.pkts_toclient]|add // 0' events.json)"
  same "$name: DNS names" \
    "$(tshark -r "$capture" -Y 'udp.port==53 && dns && !icmp' -T fields -e dns.qry.name 2>/dev/null | tr 'A-Z,' 'a-z\n' | sort -u)" \
    "$(jq -r 'select(.event_type=="dns" and .dest_port==53)|.dns.rrname' events.json | tr 'A-Z' 'a-z' | sort -u)"
  same "$name: TLS names" \
    "$(tshark -r "$capture" -Y 'tls.handshake.type==1 && tcp' -T fields -e tls.handshake.extensions_server_name 2>/dev/null | grep . | sort | uniq -c | awk '{print $2,$1}')" \
    "$(jq -r 'select(.event_type=="tls" and .tls.sni)|.tls.sni' events.json | sort | uniq -c | awk '{print $2,$1}')"
done
capture=$data/stratosphere/test-cc-capture-2.pcap
same 'TCP flows' 22 "$(jq -c 'select(.event_type=="flow" and .proto=="TCP")' events.json | wc -l)"
same 'Community IDs' "$(tshark -r "$capture" --enable-protocol communityid -Y tcp -T fields -e communityid 2>/dev/null | sort -u)" \
  "$(jq -r 'select(.event_type=="flow" and .proto=="TCP")|.community_id' events.json | sort -u)"
# Logs: as many flows and transactions as their lines.
"$tocsin" inspect "$data/stratosphere/test9-mixed-zeek-dir" --json >out.json || true
for log in conn:flows dns:dns http:http ssl:tls notice:alerts; do
  same "${log%%:*}.log" "$(wc -l <"$data/stratosphere/test9-mixed-zeek-dir/${log%%:*}.log")" "$(jq ".observations.${log##*:}" out.json)"
done
for flow in test2-malicious test3-mixed test4-malicious; do
  "$tocsin" inspect "$data/stratosphere/$flow.binetflow" --json >out.json || true
  same "$flow" "$(awk -F, 'NR>1 && $3!="arp"' "$data/stratosphere/$flow.binetflow" | wc -l)" "$(jq .observations.flows out.json)"
done
