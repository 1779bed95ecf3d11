# Rules of Suricata on what is watched. Truth: tshark's frames, and what inspect says with the same rules.
. "$(dirname "$0")/lib.sh"
need_data
capture=$data/stratosphere/test-cc-capture-2.pcap
name=$(tshark -r "$capture" -Y tls.handshake.extensions_server_name -T fields -e tls.handshake.extensions_server_name 2>/dev/null | head -1)
cat >local.rules <<RULES
alert tls any any -> any any (msg:"ET MALWARE Test CnC Hello"; tls.sni; content:"$name"; flowbits:set,hello; metadata:malware_family Testbot; classtype:command-and-control; sid:1;)
alert tcp any any -> \$HOME_NET any (msg:"After the hello"; flow:established; flowbits:isset,hello; dsize:>0; sid:2;)
alert tcp \$HOME_NET any -> any any (msg:"To another country"; flow:to_server,not_established; geoip:dst,!US; sid:3;)
alert tcp any any -> any any (msg:"No rule"; nonsense; sid:4;)
RULES
status 3 "$tocsin" inspect "$capture" --rules local.rules --checksums none --eve events.json
make_store whole '' '"147.32.0.0/16"'
sed -i '1i rules = ["../local.rules"]' whole/tocsin.toml
status 0 "$tocsin" watch --store whole "$capture" --json
grep -q '1 rules can.t run.*local.rules:4:.*nonsense' <(jq -r '.warnings[]' out) || die "the bad rule is not told: $(cat out)"
told=$(jq .observations.alerts out)
same 'hellos' "$(tshark -r "$capture" -Y tls.handshake.type==1 2>/dev/null | wc -l)" "$(jq -c 'select(.alert.signature_id==1)' events.json | wc -l)"
status 0 "$tocsin" trace --store whole any.sightings --confidence suspected --row family=Testbot --limit 0 --pcap evidence --json
same 'who controls' "$(tshark -r "$capture" -Y "tls.handshake.type==1" -T fields -e ip.dst 2>/dev/null | sort -u)" \
  "$(jq -r '.[]|select(.rule=="ET MALWARE Test CnC Hello")|.actor_ip' out | sort -u)"
first=$(tshark -r "$capture" -Y "tls.handshake.type==1" -T fields -e frame.number 2>/dev/null | head -1)
# The hello can be read when the server has acknowledged it: with the next packet of its client.
record=$(jq -r '.[]|select(.rule=="ET MALWARE Test CnC Hello")|.evidence' out | sed 's/.*record=//')
same 'place of the first' "$(tshark -r "$capture" -Y "frame.number==$first" -T fields -e tcp.stream 2>/dev/null)" \
  "$(tshark -r "$capture" -Y "frame.number==$record && ip.src==147.32.80.37" -T fields -e tcp.stream 2>/dev/null)"
[ "$(tshark -r evidence/*.pcap 2>/dev/null | wc -l)" -gt 0 ] || die 'the evidence has no packets'
# A capture that was cut in the middle of a conversation is one: what the first piece remembers holds in the second.
editcap "$capture" first.pcap "$((first + 3))-100000"
editcap "$capture" second.pcap "1-$((first + 2))"
make_store cut '' '"147.32.0.0/16"'
status 0 "$tocsin" watch --store cut --rules local.rules first.pcap second.pcap --json
same 'alerts of the capture in two pieces' "$told" "$(jq .observations.alerts out)"
status 0 "$tocsin" watch --store cut --rules local.rules --again second.pcap --json
[ "$told" -gt "$(jq .observations.alerts out)" ] || die 'the second piece alone says as much as both'
