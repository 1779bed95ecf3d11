# The OpenAPI document: valid, kept by the answers, and enough to make a client of.
. "$(dirname "$0")/lib.sh"
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
packages=$here/../packages/node_modules
[ -d "$packages/openapi-typescript" ] || die 'the npm packages of tests/packages are missing: run scripts/setup'
nation_store --scale 0.3
add ann --role analyst
"$tocsin" serve --store store --listen 127.0.0.1:0 --api-only >serve.out 2>serve.err &
server=$!
trap 'kill -9 $server 2>/dev/null; rm -rf "$scratch"' EXIT
for _ in $(seq 100); do grep -q 'http://' serve.out && break; sleep 0.1; done
url=$(grep -o 'http://[0-9.:]*' serve.out)
for _ in $(seq 100); do curl -s "$url/metrics" | grep -q '^tocsin_ledger_sequence' && break; sleep 0.1; done
node "$here/openapi_check.mjs" "$url" ann 'the password of ann' openapi.json || die "see above; the server says: $(cat serve.err)"

mkdir client
"$packages/.bin/openapi-typescript" openapi.json -o client/api.d.ts >/dev/null
cp "$here/openapi_client.ts" client/client.ts
ln -s "$packages" client/node_modules
echo '{"type":"module"}' >client/package.json
compile() { (cd client && node_modules/.bin/tsc --strict --target es2022 --module es2022 --moduleResolution bundler --skipLibCheck --lib es2022,dom client.ts globals.d.ts); }
echo 'declare const process: { argv: string[] };' >client/globals.d.ts
compile || die 'a client does not compile against the document'
same 'figure by the generated client' "$(value store backdoor.sites --from 2013-03-01 --to 2013-04-01)" \
  "$(node client/client.js "$url" ann 'the password of ann')"
# What the document does not have, the client can't be written with.
sed -i 's/by a generated client/&/; s/figure.value/figure.luck/' client/client.ts
if compile >/dev/null; then die 'a field that the document lacks compiles'; fi
