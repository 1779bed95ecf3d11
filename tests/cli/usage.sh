# The command line itself: help, errors with a remedy, exit status, hostile settings.
. "$(dirname "$0")/lib.sh"
status 0 "$tocsin" --help
status 0 "$tocsin" --version
for command in init watch inspect figure report trace verify locate doctor; do
  status 0 "$tocsin" $command --help
  grep -q -- --help out || die "$command --help explains nothing"
done
status 2 "$tocsin"
status 2 "$tocsin" nonsense
status 2 "$tocsin" watch
status 2 "$tocsin" init s
status 2 "$tocsin" init s --country Czechia
status 1 "$tocsin" figure --store nowhere
grep -q 'tocsin init' err || die "no remedy for a missing store: $(cat err)"
status 0 "$tocsin" init s --country CZ
grep -q Czechia s/tocsin.toml || die "the country has no name"
status 1 "$tocsin" init s --country CZ
status 2 "$tocsin" figure --store s no.such-figure
status 2 "$tocsin" figure --store s scan.attempts --confidence certain
status 2 "$tocsin" figure --store s scan.attempts --from 2013-02-30
status 1 "$tocsin" watch --store s missing.pcap
grep -q missing.pcap err || die "the error names no file"
status 0 "$tocsin" figure --store s
status 0 "$tocsin" doctor --store s
echo 'colour = "red"' >>s/tocsin.toml
status 1 "$tocsin" figure --store s
grep -q 'tocsin.toml:[0-9]' err || die "an error in the settings has no line: $(cat err)"
