# Sources that are not plain files, and copies that were cut short.
. "$(dirname "$0")/lib.sh"
# A sensor that saw one address knock at 250 hosts.
for i in $(seq 100 699); do
  printf '{"timestamp":"2024-04-07T03:%02d:00.000000+0000","event_type":"alert","src_ip":"198.51.100.7","src_port":%d,' \
    $((i % 30 + 15)) $((i + 40000))
  printf '"dest_ip":"192.0.2.%d","dest_port":22,"proto":"TCP",' $((i % 250 + 1))
  printf '"alert":{"signature_id":2001219,"signature":"ET SCAN Potential SSH Scan","severity":2}}\n'
done >a.json
head -n 300 a.json >part.json

# A pipe says what the file says.
status 0 "$tocsin" inspect a.json --json
file=$(jq -c '[.sources[0].sha256, .sources[0].records, .sources[0].state, .observations, .sightings]' out)
status 0 "$tocsin" inspect <(cat a.json) --json
same "a pipe" "$file" "$(jq -c '[.sources[0].sha256, .sources[0].records, .sources[0].state, .observations, .sightings]' out)"
mkfifo pipe
cat a.json >pipe &
status 0 "$tocsin" inspect pipe --json
same "a named pipe" "$file" "$(jq -c '[.sources[0].sha256, .sources[0].records, .sources[0].state, .observations, .sightings]' out)"
status 0 "$tocsin" inspect /dev/null --json
same "an empty device" empty "$(jq -r '.sources[0].state' out)"

# A copy cut short beside the whole counts once, in either order and in a later run.
make_store whole '"CZ"' '"192.0.2.0/24"'
make_store both '"CZ"' '"192.0.2.0/24"'
status 0 "$tocsin" watch --store whole a.json --json
rows=$(jq .rows out)
[ "$rows" -gt 0 ] || die "the sample shows nothing"
status 0 "$tocsin" watch --store both part.json a.json --json
same "rows of both" "$rows" "$(jq .rows out)"
same "state of the part" "the beginning of a.json" "$(jq -r '.sources[0].state' out)"
head -n 200 a.json >shorter.json
status 0 "$tocsin" watch --store both shorter.json --json
same "state of a shorter part" "the beginning of a.json" "$(jq -r '.sources[0].state' out)"
# Both beginnings of a source that has grown go.
make_store grown '"CZ"' '"192.0.2.0/24"'
status 0 "$tocsin" watch --store grown shorter.json
status 0 "$tocsin" watch --store grown part.json
cp part.json live.json
status 0 "$tocsin" watch --store grown a.json --json
same "a grown source" "has grown: read again" "$(jq -r '.sources[0].state' out)"
same "attempts" "$(value whole scan.attempts --confidence suspected)" "$(value grown scan.attempts --confidence suspected)"

# The default period is whole days of the zone, also where its clocks change: 03:15 UTC is 23:15 of the sixth.
status 0 "$tocsin" figure --store whole scan.attempts --zone America/Santiago --json
same "the first day" "2024-04-06T03:00:00Z 2024-04-07T04:00:00Z" "$(jq -r '"\(.from) \(.to)"' out)"
