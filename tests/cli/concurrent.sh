# Readers beside a writer in other processes; a second writer is refused; kill -9 loses nothing and doubles nothing.
. "$(dirname "$0")/lib.sh"
"$bin/tocsin-sample" made >/dev/null
make_store s '' '"198.51.100.0/24"' '[[indicators]]' 'path = "../made/indicators.txt"'
make_store whole '' '"198.51.100.0/24"' '[[indicators]]' 'path = "../made/indicators.txt"'
"$tocsin" watch --store whole made/sample.pcap >/dev/null
truth=$("$tocsin" figure --store whole scan.attempts --json --confidence suspected)
for round in $(seq 20); do
  "$tocsin" watch --store s made/sample.pcap >/dev/null 2>&1 &
  writer=$!
  sleep "0.$((RANDOM % 40 + 10))"
  "$tocsin" figure --store s scan.attempts --json --from 2026-01-01 --to 2027-01-01 >/dev/null || die "a reader failed beside a writer"
  kill -9 $writer 2>/dev/null || true
  wait $writer 2>/dev/null || true
  "$tocsin" verify --store s >/dev/null || die "not sound after kill -9 number $round"
done
status 0 "$tocsin" watch --store s made/sample.pcap
same 'after the kills' "$truth" "$("$tocsin" figure --store s scan.attempts --json --confidence suspected)"
