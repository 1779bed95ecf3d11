#!/usr/bin/env bash
# Loads a server that runs. usage: bench/serve_load.sh URL [CONNECTIONS [SECONDS [HEADER...]]]
# Prints the median and the 99th percentile of the time to an answer, answers in a second, and what went wrong. With the
# server's process in TOCSIN_PID also the memory that it holds before and after.
set -euo pipefail
url=${1:?"usage: $0 URL [CONNECTIONS [SECONDS [HEADER...]]]"}
connections=${2:-500}
seconds=${3:-10}
shift $(($# < 3 ? $# : 3))
headers=()
for header in "$@"; do headers+=(-H "$header"); done
ulimit -n $((connections + 100))
held() { [ -z "${TOCSIN_PID:-}" ] || awk '$1 == "VmRSS:" { printf "%d MiB", $2 / 1024 }' "/proc/$TOCSIN_PID/status"; }
before=$(held)
out=$(wrk --latency -t2 -c"$connections" -d"${seconds}s" "${headers[@]}" "$url")
after=$(held)
awk -v memory="${before:+; memory $before, then $after}" '
  $1 == "50%" { p50 = $2 } $1 == "99%" { p99 = $2 } $1 == "Requests/sec:" { rate = $2 }
  /Socket errors|Non-2xx/ { sub(/^ +/, ""); trouble = trouble "; " $0 }
  END { printf "p50 %s, p99 %s, %s requests/s%s%s\n", p50, p99, rate, trouble ? trouble : "; no errors", memory }' <<<"$out"
