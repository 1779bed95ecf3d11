// A client made from the OpenAPI document alone: its types come from there, so a route or field that the document does
// not have does not compile.
import createClient from 'openapi-fetch';
import type { paths } from './api';

const [, , url, name, password] = process.argv;
const client = createClient<paths>({ baseUrl: url });

// A text is an answer in another form than JSON, which was not asked for.
function need<T>(value: T | string | undefined | null, what: string): Exclude<T, string> {
  if (value === undefined || value === null || typeof value === 'string') throw new Error(`${what} is missing`);
  return value as Exclude<T, string>;
}

const signedIn = await client.POST('/api/v1/session', { body: { name, password } });
const session = need(signedIn.data, 'the session');
const cookie = (signedIn.response.headers.get('set-cookie') ?? '').split(';')[0];
const headers = { cookie, 'x-csrf-token': session.csrf };

const period = { from: '2013-03-01', to: '2013-04-01' };
const figure = need(
  (await client.GET('/api/v1/figures/{id}', { params: { path: { id: 'backdoor.sites' }, query: { ...period, by: ['actor-country'] } }, headers })).data,
  'the figure',
);
const page = need((await client.GET('/api/v1/sightings', { params: { query: { ...period, kind: 'backdoor', limit: 5 } }, headers })).data, 'sightings');
const first = need(page.sightings[0], 'the first sighting');
const detail = need((await client.GET('/api/v1/sightings/{id}', { params: { path: { id: first.id } }, headers })).data, 'its detail');
if (detail.sighting.id !== first.id) throw new Error('another sighting came');
const cases = need((await client.GET('/api/v1/cases', { params: { query: { limit: 1 } }, headers })).data, 'cases');
const comment = await client.POST('/api/v1/cases/{id}/comments', { params: { path: { id: need(cases.cases[0], 'a case').id } }, body: { text: 'by a generated client' }, headers });
if (comment.response.status !== 201) throw new Error(`the comment was answered ${comment.response.status}`);
const refused = await client.GET('/api/v1/users', { headers });
if (need(refused.error, 'the problem').status !== 403) throw new Error('an analyst may list accounts');
console.log(figure.value);
