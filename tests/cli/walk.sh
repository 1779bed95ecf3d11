# Every screen of the page as every role sees it, looked at by axe and for what is cut off. The pictures stay in
# artefacts/walk of the build directory.
. "$(dirname "$0")/lib.sh"
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
out=$(cd "$bin/.." && pwd)/artefacts/walk
need_chromium
nation_store
add ann --role analyst
add root --role administrator
add alice --role organisation --organisation "$(python3 "$here/serve_api.py" organisations nation/register.csv | sed -n 1p)"

"$tocsin" serve --store store --listen 127.0.0.1:0 >serve.out 2>serve.err &
server=$!
trap 'kill -9 $server 2>/dev/null; rm -rf "$scratch"' EXIT
for _ in $(seq 300); do grep -q 'http://' serve.out && break; sleep 0.1; done
url=$(grep -o 'http://[0-9.:]*' serve.out) || die "the server does not start: $(cat serve.err)"
python3 "$here/serve_api.py" draft "$url" || die 'no draft of a brief can be made'
rm -rf "$out"
node "$here/../../web/tests/walk.mjs" "$url" "$out" 'ann:the password of ann:analyst' 'root:the password of root:administrator' \
  'alice:the password of alice:organisation' || die "see above and $out; the server says: $(tail -20 serve.err)"
