# The page in a real browser against the real server, over a made-up nation and hostile sources. Its pictures stay in
# artefacts/page of the build directory.
. "$(dirname "$0")/lib.sh"
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
out=$(cd "$bin/.." && pwd)/artefacts/page
if ! [ -x "${CHROMIUM:-/usr/bin/chromium}" ]; then
  [ -z "${CI:-}" ] || die 'Chromium is missing: run scripts/setup'
  echo 'skipped: no Chromium'
  exit 77
fi
status 0 "$tocsin" simulate "$here/../../scenarios/small.toml" --out nation
status 0 "$tocsin" init store --config nation/tocsin.toml
status 3 "$tocsin" watch --store store nation/sources
python3 "$here/hostile_sources.py" hostile
status 0 "$tocsin" watch --store store hostile

add() { echo "the password of $1" | status 0 "$tocsin" user add "$@" --store store; }
add ann --role analyst
add two --role analyst # who sets up a second factor
add lin --role analyst # who changes language and theme
add oz --role officer
add root --role administrator
add paper --role press
add alice --role organisation --organisation "$(python3 "$here/serve_api.py" organisations nation/register.csv | sed -n 1p)"

"$tocsin" serve --store store --listen 127.0.0.1:0 >serve.out 2>serve.err &
server=$!
trap 'kill -9 $server 2>/dev/null; rm -rf "$scratch"' EXIT
for _ in $(seq 300); do grep -q 'http://' serve.out && break; sleep 0.1; done
url=$(grep -o 'http://[0-9.:]*' serve.out) || die "the server does not start: $(cat serve.err)"
rm -rf "$out"
node "$here/../../web/tests/page_test.mjs" "$url" "$out" "$tocsin" "$PWD/store" || die "see above and $out; the server says: $(tail -20 serve.err)"
