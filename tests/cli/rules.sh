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
same "summary" "2 rules read, 0 not understood, 0 can't run, 2 run" "$(tail -1 out)"
status 3 "$tocsin" rules check good.rules
grep -q "^good.rules:2:.*sid 1: the variable '\$OURS' is not known" out || die "the unknown variable is not told: $(cat out)"

printf 'alert tcp any any -> any any (depth:3; sid:9;)\n' >bad.rules
status 3 "$tocsin" rules check bad.rules --json
same "faults" "1 0 1 31 9" "$(jq -r '[.read, .understood, .faults[0].line, .faults[0].column, .faults[0].sid] | join(" ")' out)"
status 1 "$tocsin" rules check missing.rules

printf 'config classification: other,Other,1\n' >classes
status 0 "$tocsin" rules check good.rules --var OURS=any --classification classes
grep -q "warning: the class 'trojan-activity' is not known" out || die "the unknown class is not told"

# What is understood and can't run, or never fires, is told, too; the shipped variables hold.
cat >lacking.rules <<'RULES'
alert http any any -> any any (msg:"a"; http.uri; content:"/x"; dataset:isset,names,type string,load missing.lst; sid:1;)
alert bittorrent-dht any any -> any any (msg:"b"; sid:2;)
alert tcp !$DC_SERVERS any -> $DC_SERVERS 389 (msg:"c"; sid:3;)
RULES
status 3 "$tocsin" rules check lacking.rules
grep -q '^lacking.rules:1:.*sid 1: .*missing.lst' out || die "the missing list is not told: $(cat out)"
grep -q '^lacking.rules:2:.*sid 2: warning: never fires: bittorrent-dht is not read' out || die "the unread protocol is not told: $(cat out)"
same 'who runs' "3 rules read, 0 not understood, 1 can't run, 2 run" "$(tail -1 out)"

"$tocsin" rules keywords >keywords
grep -q '^| `http.uri` | `http.uri.normalized` |' keywords || die "the table of keywords lacks http.uri"

if [ -d "$data/suricata-verify" ]; then
  while read -r file; do
    "$tocsin" rules check "$file" --json >out || [ $? = 3 ] || die "$file can't be checked"
    same "understood of $file" "$(jq .read out)" "$(jq .understood out)"
  done < <(find "$data/suricata-verify" -name '*.rules')
fi
