# Suricata's own tests through tocsin inspect: as many pass as did, and each that did still does.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh" "$1"
folder=$(cd "$(dirname "${BASH_SOURCE[0]}")/../conformance" && pwd)
cases=$data/suricata-verify
if [ ! -d "$cases" ]; then
  [ -z "${CI:-}" ] || die "the tests of suricata-verify are missing: $cases"
  echo "skipped: no tests in $cases"
  exit 77
fi
# Another Python may come first in the path, without the packages of Debian.
for python in python3 /usr/bin/python3 ""; do
  [ -z "$python" ] || ! "$python" -c 'import yaml' 2>/dev/null || break
done
[ -n "$python" ] || die "python3-yaml is missing: run scripts/setup"

"$python" "$folder/run.py" "$cases" --program "$tocsin" --passing >passing || [ $? = 3 ]
lost=$(comm -13 <(sort passing) <(grep -v '^#' "$folder/passing.txt" | sort))
[ -z "$lost" ] || die "no longer pass: $(tr '\n' ' ' <<<"$lost")"
least=$(grep -vc '^#' "$folder/passing.txt")
[ "$(wc -l <passing)" -ge "$least" ] || die "$(wc -l <passing) pass, $least did"

# The runner tells a test that fails from one that passes, and says why.
mkdir -p own/fails own/passes
cp "$cases/bug-1045/"*.pcap own/fails/input.pcap
cp own/fails/input.pcap own/passes/
printf 'alert ip any any -> any any (msg:"any"; sid:1;)\n' | tee own/fails/test.rules >own/passes/test.rules
printf 'checks:\n- filter:\n    count: 0\n    match:\n      event_type: alert\n' >own/fails/test.yaml
printf 'checks:\n- filter:\n    count: 1\n    match:\n      event_type: stats\n      stats.decoder.pkts.__gt: 0\n' >own/passes/test.yaml
status 3 "$python" "$folder/run.py" own --program "$tocsin"
grep -q '^FAIL  fails' out || die "a test that must fail did not: $(cat out)"
grep -q 'instead of 0 with event_type: "alert"' out || die "no reason was given: $(cat out)"
grep -q '^pass  passes' out || die "a test that must pass did not: $(cat out)"
