# Truth: what jq counts in the log, and mmdblookup says of its addresses.
. "$(dirname "$0")/lib.sh"
need_data
log=$data/stratosphere/test6-malicious.suricata.json
make_store s '' '"192.168.1.0/24"'
status 0 "$tocsin" watch --store s "$log" --json
same 'alerts observed' "$(jq -c 'select(.event_type=="alert")' "$log" | wc -l)" "$(jq .observations.alerts out)"
same 'flows observed' "$(jq -c 'select(.event_type=="flow")' "$log" | wc -l)" "$(jq .observations.flows out)"
same 'dns observed: pairs of query and answer' \
  "$(jq -c 'select(.event_type=="dns" and .dns.type=="answer")' "$log" | wc -l)" "$(jq .observations.dns out)"

# The kind of each alert as the name of its rule group says it (docs.emergingthreats.net); the capture has no others.
jq -r 'select(.event_type=="alert") | (.alert.signature|split(" ")[1]) as $group
  | {CINS:"scan", DROP:"scan", COMPROMISED:"scan", "3CORESec":"scan", TOR:"scan", SCAN:"scan", EXPLOIT:"exploit",
     WEB_SERVER:"web-attack", INFO:null}[$group] as $kind | select($kind)
  | [$kind, .src_ip, .dest_ip, .timestamp[0:13]] | @tsv' "$log" | sort >alerts
# The capture is of 2021, so its rows have the older database; mmdblookup reads the newer one.
status 0 "$tocsin" locate --store s --sightings --with 2026-06-17
"$tocsin" trace --store s any.sightings --confidence suspected --limit 0 --no-evidence --json |
  jq '[.[]|select(.detector=="alert")]' >rows.json
country_of() {
  while read -r kind ip; do
    echo "$kind" $(mmdblookup -f "$bin/../share/tocsin/location/geo-whois-asn-country.mmdb" -i "$ip" country_code \
      2>/dev/null | grep -o '"[A-Z][A-Z]"' | tr -d '"')
  done
}
same 'alerts of each kind' "$(cut -f1 alerts | uniq -c | awk '{print $2, $1}')" \
  "$(jq -r 'group_by(.kind)[]|"\(.[0].kind) \(map(.count)|add)"' rows.json)"
same 'sightings of each kind' "$(uniq alerts | cut -f1 | uniq -c | awk '{print $2, $1}')" \
  "$("$tocsin" figure --store s any.sightings --confidence suspected --by kind,detector --json |
    jq -r '.rows[]|select(.key.detector=="alert")|"\(.key.kind) \(.value)"' | sort)"
for pair in actor:2 target:3; do
  same "distinct ${pair%:*}s of each kind" "$(cut -f1,"${pair#*:}" alerts | sort -u | cut -f1 | uniq -c | awk '{print $2, $1}')" \
    "$(jq -r ".[]|\"\(.kind) \(.${pair%:*}_ip)\"" rows.json | sort -u | cut -d' ' -f1 | uniq -c | awk '{print $2, $1}')"
done
same 'distinct actors by kind and country' "$(cut -f1,2 alerts | sort -u | country_of | sort | uniq -c)" \
  "$(jq -r '.[]|"\(.kind) \(.actor_ip) \(.actor_country // "")"' rows.json | sort -u | awk '{print $1, $3}' | sort | uniq -c)"
