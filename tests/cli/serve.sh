# The server over a made-up nation: what serve_api.py asks of it, how it starts, is refused and stops.
. "$(dirname "$0")/lib.sh"
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
nation_store
# Names that a page, a spreadsheet, a log or SQL might trip over come in by every door.
python3 "$here/hostile_sources.py" hostile
status 0 "$tocsin" watch --store store hostile

# Refused: other addresses without TLS, half a pair of TLS files, a port that is none.
status 1 "$tocsin" serve --store store --listen 0.0.0.0:0
grep -q 'TLS\|proxy' err || die "the refusal of 0.0.0.0 does not name the remedy: $(cat err)"
touch half.pem
status 2 "$tocsin" serve --store store --certificate half.pem
status 2 "$tocsin" serve --store store --listen 127.0.0.1:port
status 1 "$tocsin" serve --store nowhere

# Accounts: made on the command line, passwords from standard input.
add ann --role analyst
add oz --role officer
add root --role administrator
add paper --role press
organisations=$(python3 "$here/serve_api.py" organisations store/../nation/register.csv)
a=$(sed -n 1p <<<"$organisations") b=$(sed -n 2p <<<"$organisations")
add alice --role organisation --organisation "$a"
add bob --role organisation --organisation "$b"
echo 'short' | status 1 "$tocsin" user add weak --store store
echo 'the password of ann' | status 1 "$tocsin" user add ann --store store
status 2 "$tocsin" user add nobody --role organisation --store store
status 1 "$tocsin" user remove root --store store # the last administrator
"$tocsin" user list --store store | grep -q 'alice.*organisation' || die 'the list of accounts lacks alice'
[ "$(stat -c %a store/state.db)" = 600 ] || die 'state.db is readable by others'

"$tocsin" serve --store store --listen 127.0.0.1:0 >serve.out 2>serve.err &
server=$!
trap 'kill -9 $server 2>/dev/null; rm -rf "$scratch"' EXIT
for _ in $(seq 100); do grep -q 'http://' serve.out && break; sleep 0.1; done
url=$(grep -o 'http://[0-9.:]*' serve.out) || die "the server does not start: $(cat serve.err)"
TOCSIN=$tocsin STORE=$PWD/store python3 "$here/serve_api.py" check "$url" "$a" "$b" || die "see above; the server says: $(cat serve.err)"
if grep -qP '[\x00-\x08\x0b-\x1f\x7f]' serve.err; then die 'control characters reached the log'; fi

# Stops when told, at once, and leaves the store as it was.
kill -TERM $server
stopped=0
wait $server || stopped=$?
same 'exit status after SIGTERM' 0 "$stopped"
trap 'rm -rf "$scratch"' EXIT
