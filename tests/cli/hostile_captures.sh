#!/usr/bin/env bash
# Captures that mean harm, through the rules as a user runs them: no crash, no hang, memory bounded, and four times the
# size costs about four times the work.
folder=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$folder/lib.sh" "$1"

cat >hostile.rules <<'RULES'
alert tcp any any -> any any (msg:"expression"; flow:established; pcre:"/(a+)+$/"; sid:1;)
alert udp any any -> any any (msg:"tries"; pcre:"/(a|aa)+!b/"; sid:2;)
alert udp any any -> any any (msg:"contents"; content:"a"; content:"a"; distance:1; content:"a"; distance:1; content:"a"; distance:1; content:"b"; within:3; sid:3;)
alert http any any -> any any (msg:"body"; file.data; content:"needle"; sid:4;)
alert http any any -> any any (msg:"headers"; http.header; content:"needle"; sid:5;)
alert http any any -> any any (msg:"address"; http.uri; url_decode; content:"/needle"; sid:6;)
alert dns any any -> any any (msg:"name"; dns.query; content:"needle"; nocase; sid:7;)
alert smtp any any -> any any (msg:"mail"; file.data; content:"needle"; filemagic:"PDF"; sid:8;)
alert tcp any any -> any any (msg:"often"; threshold:type both,track by_src,count 2,seconds 60; sid:9;)
alert ip any any -> any any (msg:"marked"; xbits:set,m,track ip_src,expire 60; noalert; sid:10;)
alert udp any any -> any any (msg:"ports"; detection_filter:track by_src,count 50,seconds 60,unique_on dst_port; sid:13;)
alert tls any any -> any any (msg:"tls"; tls.sni; content:"needle"; sid:11;)
alert smb any any -> any any (msg:"smb"; smb.named_pipe; content:"needle"; sid:12;)
RULES

# inspect CAPTURE: sets $status, $work (milliseconds of processor) and $memory (MiB). The address space is limited, so
# that growth without bound ends soon.
inspect() {
  read -r status work memory < <(timeout 300 python3 "$folder/measured.py" 6000 "$tocsin" inspect --rules hostile.rules \
    --checksums none "$1" --eve events --json 2>err) || die "$1: it hung"
  [ "$status" = 0 ] || [ "$status" = 3 ] || die "$1: status $status: $(tail -n 5 err)"
  ((memory < 700)) || die "$1: took $memory MiB"
  jq -e '.packets >= 0' out >/dev/null || die "$1: no summary"
  jq -s -e 'length > 0' >/dev/null < <(tail -n 200 events) || die "$1: the events are no JSON"
}

while read -r kind least; do
  python3 "$folder/hostile_captures.py" "$kind" "$least" once.pcap
  inspect once.pcap
  first=$work
  if [ "$least" = 0 ]; then
    echo "$kind: $work ms, $memory MiB"
    continue
  fi
  python3 "$folder/hostile_captures.py" "$kind" $((4 * least)) more.pcap
  inspect more.pcap
  echo "$kind: $first ms, four times as much $work ms, $memory MiB"
  # What is quadratic would take sixteen times as much; what takes no time at all says nothing.
  ((work < 1000 || work < 9 * first)) || die "$kind: $first ms became $work ms"
done < <(python3 "$folder/hostile_captures.py" kinds)

# A file that ends anywhere.
python3 "$folder/hostile_captures.py" requests 3 whole.pcap
size=$(stat -c %s whole.pcap)
for ((at = 0; at < size; at += 23)); do
  head -c "$at" whole.pcap >cut.pcap
  got=0
  "$tocsin" inspect --rules hostile.rules --checksums none cut.pcap --eve events >out 2>err || got=$?
  # Of less than a header nobody knows that it is a capture.
  ((got == 0 || got == 3 || (got == 1 && at < 24))) || die "cut at $at: status $got: $(cat err)"
done

# Logs and lists that are nested deeply.
"$tocsin" init s --country CZ >/dev/null
for opening in '{"timestamp":"2024-01-01T00:00:00.000000+0000","event_type":"alert","alert":' '{"Event":{"Attribute":' \
  '{"_path":"conn","ts":1,"x":'; do
  python3 -c "import sys; print(sys.argv[1] + '[' * 300000 + ']' * 300000 + '}')" "$opening" >nested.json
  got=0
  (ulimit -v 6000000 && exec timeout 60 "$tocsin" watch --store s nested.json) >out 2>err || got=$?
  ((got == 0 || got == 1 || got == 3)) || die "nested: status $got: $(head -c 500 err)"
done
