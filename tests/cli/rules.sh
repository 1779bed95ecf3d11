#!/usr/bin/env bash
# Rules are read, and each that is not understood is told with its place.
source "$(dirname "$0")/lib.sh" "$@"

cat >good.rules <<'RULES'
# two that are understood
alert http $HOME_NET any -> $OURS any (msg:"a"; http.uri; content:"/x"; classtype:trojan-activity; sid:1; rev:1;)
alert tcp any any -> any any ( \
  content:"b"; sid:2;)
RULES
status 0 "$tocsin" rules check good.rules --var 'OURS=[192.0.2.0/24]'
same "summary" "2 rules read, 2 understood, 0 not" "$(cat out)"
status 3 "$tocsin" rules check good.rules
grep -q "^good.rules:2:.*sid 1: the variable '\$OURS' is not known" out || die "the unknown variable is not told: $(cat out)"

printf 'alert tcp any any -> any any (depth:3; sid:9;)\n' >bad.rules
status 3 "$tocsin" rules check bad.rules --json
same "faults" "1 0 1 31 9" "$(jq -r '[.read, .understood, .faults[0].line, .faults[0].column, .faults[0].sid] | join(" ")' out)"
status 1 "$tocsin" rules check missing.rules

printf 'config classification: other,Other,1\n' >classes
status 0 "$tocsin" rules check good.rules --var OURS=any --classification classes
grep -q "warning: the class 'trojan-activity' is not known" out || die "the unknown class is not told"

"$tocsin" rules keywords >keywords
grep -q '^| `http.uri` | `http.uri.normalized` |' keywords || die "the table of keywords lacks http.uri"

if [ -d "$data/suricata-verify" ]; then
  while read -r file; do
    status 0 "$tocsin" rules check "$file"
  done < <(find "$data/suricata-verify" -name '*.rules')
fi
