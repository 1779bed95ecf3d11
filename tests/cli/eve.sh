# Truth: what jq counts in the log, and mmdblookup says of its addresses.
. "$(dirname "$0")/lib.sh"
need_data
log=$data/stratosphere/test6-malicious.suricata.json
make_store s '' '"192.168.1.0/24"'
status 0 "$tocsin" watch --store s "$log" --json
same 'alerts observed' "$(jq -c 'select(.event_type=="alert")' "$log" | wc -l)" "$(jq .observations.alerts out)"
same 'flows observed' "$(jq -c 'select(.event_type=="flow")' "$log" | wc -l)" "$(jq .observations.flows out)"
same 'dns observed' "$(jq -c 'select(.event_type=="dns")' "$log" | wc -l)" "$(jq .observations.dns out)"
# Alerts of scans by their signature: attempts are the alerts, actors the distinct sources outside.
jq -r 'select(.event_type=="alert" and (.alert.signature|startswith("ET SCAN Suspicious inbound")))|.src_ip' "$log" >sources
"$tocsin" trace --store s alert.sightings --confidence suspected --limit 0 --no-evidence --json |
  jq '[.[]|select(.rule|startswith("ET SCAN Suspicious inbound"))]' >rows.json
same 'scan alerts' "$(wc -l <sources)" "$(jq 'map(.count)|add' rows.json)"
same 'scan actors' "$(sort -u sources)" "$(jq -r '.[].actor_ip' rows.json | sort -u)"
same 'scan targets' 192.168.1.129 "$(jq -r '.[].target_ip' rows.json | sort -u)"
same 'kinds of scan alerts' scan "$(jq -r '.[].kind' rows.json | sort -u)"
countries() { for ip in $(sort -u sources); do
  mmdblookup -f "$bin/../share/tocsin/location/geo-whois-asn-country.mmdb" -i "$ip" country_code 2>/dev/null | grep -o '"[A-Z][A-Z]"' | tr -d '"' ; done | sort | uniq -c | awk '{print $2" "$1}'; }
ours() { jq -r '.[]|"\(.actor_ip) \(.actor_country)"' rows.json | sort -u | awk '{print $2}' | sort | uniq -c | awk '{print $2" "$1}'; }
# The capture is of 2021: the nearest database before it is the oldest there is, so compare countries of the newest
# by locating the same addresses with it.
newest() { "$tocsin" locate --json $(sort -u sources) | jq -r 'group_by(.address)[]|max_by(.database)|.country' | sort | uniq -c | awk '{print $2" "$1}'; }
same 'countries by mmdblookup' "$(countries)" "$(newest)"
same 'actors with a country' "$(sort -u sources | wc -l)" "$(ours | awk '{n+=$2} END {print n}')"
