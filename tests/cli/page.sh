# The page in a real browser against the real server, over a made-up nation and hostile sources. Its pictures stay in
# artefacts/page of the build directory.
. "$(dirname "$0")/lib.sh"
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
out=$(cd "$bin/.." && pwd)/artefacts/page
need_chromium
nation_store
python3 "$here/hostile_sources.py" hostile
status 0 "$tocsin" watch --store store hostile

add ann --role analyst
add two --role analyst # who sets up a second factor
add lin --role analyst # who changes language and theme
add oz --role officer
add root --role administrator
add paper --role press
add pat --role analyst # who changes the password
add alice --role organisation --organisation "$(python3 "$here/serve_api.py" organisations nation/register.csv | sed -n 1p)"

# A provider to sign in by; it ends with its input.
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
openid=() TOCSIN_ISSUER=
if [ -d "$here/../packages/node_modules/oidc-provider" ]; then
  mkfifo hold
  node "$here/../accounts/oidc_provider.mjs" '{"clients": [{"client_id": "page", "client_secret": "a secret of a test, long enough for all",
    "redirect_uris": ["http://127.0.0.1:'"$port"'/api/v1/session/oidc/callback"]}]}' <hold >issuer 2>provider.err &
  exec 9>hold
  for _ in $(seq 300); do [ -s issuer ] && break; sleep 0.1; done
  export TOCSIN_ISSUER=$(cat issuer)
  printf '%s = "%s"\n' issuer "$TOCSIN_ISSUER" client_id page client_secret 'a secret of a test, long enough for all' \
    redirect "http://127.0.0.1:$port/api/v1/session/oidc/callback" claim email >openid.toml
  chmod 600 openid.toml
  openid=(--openid openid.toml)
  add alice@example.org --role analyst --without-password
elif [ -n "${CI:-}" ]; then
  die 'oidc-provider is missing: run scripts/setup'
fi

"$tocsin" serve --store store --listen "127.0.0.1:$port" "${openid[@]}" 9>&- >serve.out 2>serve.err &
server=$!
trap 'kill -9 $server 2>/dev/null; rm -rf "$scratch"' EXIT
for _ in $(seq 300); do grep -q 'http://' serve.out && break; sleep 0.1; done
url=$(grep -o 'http://[0-9.:]*' serve.out) || die "the server does not start: $(cat serve.err)"
rm -rf "$out"
node "$here/../../web/tests/page_test.mjs" "$url" "$out" "$tocsin" "$PWD/store" || die "see above and $out; the server says: $(tail -20 serve.err)"
