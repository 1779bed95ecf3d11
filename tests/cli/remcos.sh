# Truth: the labels of the Zeek log, read by awk; the RemcosRAT server is 66.63.168.35.
. "$(dirname "$0")/lib.sh"
need_data
logs=$data/stratosphere/test18-malicious-ctu-sme-11-win/zeek-labeled
make_store s '"CZ"' '"192.168.1.0/24"'
status 0 "$tocsin" watch --store s "$logs"
"$tocsin" trace --store s botnet.controlled-hosts --confidence suspected --json >rows.json
jq -e 'any(.[]; .actor_ip == "66.63.168.35" and .target_ip == "192.168.1.107" and .actor_country == "US")' rows.json >/dev/null ||
  die "the RemcosRAT server is not found"
# Every pair with a flow labelled Benign and none labelled Malicious: none above suspected.
awk -F'\t' '!/^#/ {k=$3" "$5; if ($22=="Benign") b[k]=1; if ($22=="Malicious") m[k]=1} END {for (k in b) if (!(k in m)) print k}' \
  "$logs/conn.log.labeled" | sort >benign
"$tocsin" trace --store s any.sightings --json | jq -r '.[]|"\(.actor_ip) \(.target_ip)\n\(.target_ip) \(.actor_ip)"' | sort -u >accused
same 'benign pairs accused' '' "$(comm -12 benign accused)"
