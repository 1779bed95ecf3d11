# A made-up nation: every figure, and what it would be by the other database and without relays, must be what was
# planted, whatever the draw, the size and the constituency.
. "$(dirname "$0")/lib.sh"
# nation NAME SCENARIO [options of simulate]
nation() {
  status 0 "$tocsin" simulate "$root/scenarios/$2" --out "$1" "${@:3}"
  status 0 "$tocsin" init "$1-store" --config "$1/tocsin.toml"
  status 3 "$tocsin" watch --store "$1-store" "$1/sources" --json # some of the records are damaged
  cp out "$1-watched.json"
  python3 "$root/scripts/compare-truth" "$tocsin" "$1-store" "$1/truth.json" || die "$1: figures are not what was planted"
}
nation small small.toml
# Nothing but what was damaged is skipped.
same 'damaged records' "$(cat small/sources/*/*.csv small/sources/logs/* small/sources/eve/* | grep -ac 'truncated,,,')" \
  "$(jq '[.sources[]|select(.format=="access log" or .format=="report CSV").skipped]|add' small-watched.json)"
nation drawn small.toml --seed 20260101 --scale 0.37
nation sector sector.toml
# The same seed is the same nation, and another is not.
status 0 "$tocsin" simulate "$root/scenarios/small.toml" --out again
diff -r small again >/dev/null || die 'the same scenario and seed gave other files'
if cmp -s small/truth.json drawn/truth.json; then die 'another seed gave the same truth'; fi
# The sources read twice add nothing; the whole directory has nothing but its sources and its truth to look at.
status 3 "$tocsin" watch --store small-store small
same 'figures after reading twice' "$(jq '[.figures[]|select(.figure=="botnet.controlled-hosts")][0].value' small/truth.json)" \
  "$(value small-store botnet.controlled-hosts --from 2013-03-01 --to 2013-04-01)"
# What the figures would be with the other database is what they are once the store is located with it.
march=(--from 2013-03-01 --to 2013-04-01)
status 0 "$tocsin" report --store small-store "${march[@]}" --sensitivity --format json
jq -r '.sensitivity[]|"\(.figure) \(.with_other_location) \(.with_suspected)"' out >sensitivity
cp -r small-store moved-store
status 0 "$tocsin" locate --store moved-store --sightings --with 2026-06-17
[ "$(wc -l <sensitivity)" -ge 10 ] || die 'the table of sensitivity is short'
while read -r figure moved suspected; do
  same "$figure with the other database" "$(value moved-store "$figure" "${march[@]}")" "$moved"
  same "$figure with what is suspected" "$(value small-store "$figure" "${march[@]}" --confidence suspected)" "$suspected"
done <sensitivity
