// Checks the OpenAPI document with a public validator, and every answer of a GET against the schema that it promises.
// usage: node openapi_check.mjs URL NAME PASSWORD OUT      OUT: where the document is written
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const require = createRequire(new URL('../packages/', import.meta.url));
const { Validator } = await import(require.resolve('@seriousme/openapi-schema-validator'));
const Ajv = require('ajv/dist/2020').default;
const [, , url, name, password, out] = process.argv;

const fail = (what) => {
  console.error(`openapi_check: ${what}`);
  process.exit(1);
};
const document = await (await fetch(`${url}/api/v1/openapi.json`)).json();
writeFileSync(out, JSON.stringify(document));
const result = await new Validator().validate(structuredClone(document));
if (!result.valid) fail(`the document is not valid: ${JSON.stringify(result.errors).slice(0, 2000)}`);

const ajv = new Ajv({ strict: false, validateFormats: false });
ajv.addSchema({ ...document, $id: 'https://tocsin.invalid/openapi' });
const signedIn = await fetch(`${url}/api/v1/session`, {
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ name, password }),
});
const cookie = signedIn.headers.get('set-cookie').split(';')[0];
const ask = (path) => fetch(url + path, { headers: { cookie } });
const first = async (path, list) => (await (await ask(path)).json())[list][0]?.id;

// Identifiers for the paths that need one.
const ids = {
  figures: 'backdoor.sites',
  sightings: await first('/api/v1/sightings?kind=backdoor&limit=1', 'sightings'),
  cases: await first('/api/v1/cases', 'cases'),
};
const organisation = (await (await ask('/api/v1/status')).json()).organisations[0].name;
const needed = { '/api/v1/lookup': '?q=8.8.4.1', '/api/v1/organisation': `?organisation=${encodeURIComponent(organisation)}` };
let checked = 0;
for (const [path, methods] of Object.entries(document.paths)) {
  if (!methods.get || path === '/api/v1/live' || path.includes('oidc') || path.includes('{name}') || path.endsWith('.pcap')) continue;
  const id = ids[path.split('/')[3]];
  if (path.includes('{id}') && id === undefined) continue;
  const response = await ask(path.replace('{id}', encodeURIComponent(id)) + (needed[path] ?? ''));
  const promised = methods.get.responses[response.status] ?? methods.get.responses.default;
  if (!promised) fail(`GET ${path} answered ${response.status}, which the document does not know`);
  const media = response.headers.get('content-type').split(';')[0];
  const content = promised.content?.[media];
  if (!content) fail(`GET ${path} answered ${media}, which the document does not know`);
  const reference = content.schema?.$ref;
  if (!reference || !media.endsWith('json')) continue;
  const validate = ajv.getSchema(`https://tocsin.invalid/openapi${reference}`);
  if (!validate(await response.json())) fail(`GET ${path}: ${ajv.errorsText(validate.errors)}`);
  ++checked;
}
if (checked < 12) fail(`only ${checked} answers were checked`);
console.log(`${checked} answers are as the document says`);
