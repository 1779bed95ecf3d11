// Serves dist/ under the policy of the real server, and answers the API with made-up data.
// usage: node mock/server.mjs [PORT]     sign in as press, org, ann, olaf or admin with any password; "two" needs code 123456
import { createReadStream, existsSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import * as data from './data.mjs';

const port = Number(process.argv[2] ?? 8099);
const dist = join(import.meta.dirname, '../dist');
const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
const types = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml', '.json': 'application/json' };
const accounts = { press: 'press', org: 'organisation', ann: 'analyst', olaf: 'officer', admin: 'administrator', two: 'analyst' };
const order = ['press', 'organisation', 'analyst', 'officer', 'administrator'];
const users = Object.entries(accounts).map(([name, role]) => ({ name, role, organisation: role === 'organisation' ? data.register[2].name : '', email: `${name}@cert.example`, disabled: name === 'press', totp: name === 'two', made: '2013-01-01T09:00:00Z', last_seen: name === 'press' ? null : '2013-02-28T20:00:00Z' }));

const sessionOf = (name) => name && accounts[name]
  ? { user: name, role: accounts[name], organisation: accounts[name] === 'organisation' ? data.register[2].name : '', language: '', csrf: 'c', totp: name === 'two', has_password: true, oidc: true, rights: [] }
  : { user: null, role: 'press', oidc: true };

function answer(request, response, path, query, body, session) {
  const json = (value, status = 200, headers = {}) => response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(value === undefined ? '' : JSON.stringify(value));
  const problem = (status, type = 'about:blank', detail = '') => response.writeHead(status, { 'content-type': 'application/problem+json' }).end(JSON.stringify({ type, title: '', status, detail }));
  const atLeast = (role) => order.indexOf(session.role) >= order.indexOf(role);
  const route = `${request.method} ${path}`;
  const match = (pattern) => new RegExp(`^${pattern}$`).exec(route);
  let m;

  if (route === 'GET /session') return json(session);
  if (route === 'POST /session') {
    if (body.name === 'slow') return response.writeHead(429, { 'retry-after': '30', 'content-type': 'application/problem+json' }).end('{}');
    if (!accounts[body.name] || body.password === 'wrong') return problem(401);
    if (body.name === 'two' && body.code !== '123456') return problem(401, 'urn:tocsin:code-needed');
    return json(sessionOf(body.name), 200, { 'set-cookie': `user=${body.name}; Path=/; HttpOnly; SameSite=Strict` });
  }
  if (route === 'DELETE /session') return json(undefined, 204, { 'set-cookie': 'user=; Path=/; Max-Age=0' });
  if (route === 'GET /status') {
    const whole = { constituency: 'Norlandia', countries: ['NO'], zone: 'Europe/Oslo', first_seen: '2012-12-31T23:10:00Z', last_seen: '2013-02-28T22:40:00Z', default: { from: '2013-01-31T23:00:00Z', to: '2013-02-28T23:00:00Z' }, ledger: data.ledger, version: '0.1.0', sightings: 123456, organisations: atLeast('analyst') ? data.register : [], sectors: data.sectors };
    const { constituency, countries, zone, default: usual, version } = whole;
    return json(atLeast('organisation') ? whole : { constituency, countries, zone, default: usual, version });
  }
  const published = data.briefs.filter((one) => one.state === 'published' || atLeast('analyst'));
  if (route === 'GET /briefs') return json({ briefs: published });
  if ((m = match('GET /briefs/(\\d+)'))) {
    const one = published.find((b) => b.id === Number(m[1]));
    return one ? json(one) : problem(404);
  }
  if (match('GET /briefs/\\d+/files/.*')) return response.writeHead(200, { 'content-type': 'text/html' }).end('<h1>A brief</h1>');
  if (!session.user) return problem(401);
  if (request.method !== 'GET' && request.headers['x-csrf-token'] !== 'c') return problem(403, 'about:blank', 'The token of the session is missing.');
  if (route === 'POST /session/totp') return json({ uri: 'otpauth://totp/Tocsin:ann?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Tocsin&algorithm=SHA1&digits=6&period=30' });
  if (route === 'POST /session/password') return json(session);
  if (match('[A-Z]+ /session/.*')) return json(undefined, 204);
  if (route === 'GET /tokens') return json({ tokens: [{ id: 't1', label: 'Nightly export', scopes: ['read'], made: '2013-02-01T00:00:00Z', expires: '2013-05-01T00:00:00Z', last_used: '2013-02-28T02:00:00Z' }] });
  if (route === 'POST /tokens') return json({ token: `tcs_${'Ab3'.repeat(14)}x`, id: 't2' });
  if (!atLeast('organisation')) return problem(403);
  if (route === 'GET /figures') return json({ figures: data.figures, dimensions: data.dimensions });
  if ((m = match('GET /figures/([^/]+)'))) {
    const one = data.figure(decodeURIComponent(m[1]), query);
    if (one && query.get('format') === 'csv') return response.writeHead(200, { 'content-type': 'text/csv' }).end('key,value\n');
    return one ? json(one) : problem(404);
  }
  if (route === 'GET /overview') return !atLeast('analyst') ? problem(403) : json(data.overview(query));
  if (route === 'GET /sightings' || match('GET /figures/[^/]+/sightings')) {
    const start = Number(query.get('after') ?? 0);
    const asked = ['kind', 'cve', 'family'].map((name) => [name, query.get(name)]).filter(([, value]) => value);
    const all = Array.from({ length: 400 }, (_, i) => data.sighting(i)).filter((s) => asked.every(([name, value]) => s[name] === value)).filter(() => query.get('q') !== 'nothing');
    return json({ sightings: all.slice(start, start + 50), next: start + 50 < all.length ? String(start + 50) : null });
  }
  if ((m = match('GET /sightings/([0-9a-f]{32})'))) {
    const s = data.sighting(parseInt(m[1].slice(0, 8), 16) - 1);
    return json({ sighting: s, rows: [s, { ...s, count: 3 }], sources: [{ id: s.source, name: 'www-logs', path: '/var/log/nginx/access.log-20130228', format: 'access-log', sha256: 'b5bb9d80'.repeat(8), bytes: 48_120_331, records: 402_118, skipped: 9 }], case: '7' });
  }
  if (match('GET /sightings/[0-9a-f]{32}/evidence')) return json({ evidence: [{ source: 'www-logs', place: 'offset=9130 record=10', line: '198.51.100.7 - - [28/Feb/2013:23:12:01 +0100] "POST /uploads/help.php HTTP/1.1" 200 512 "-" "Mozilla/4.0 (compatible; MSIE 6.0)" <script>alert(1)</script>', packets: 4 }], error: '' });
  if (route === 'GET /cases') {
    const own = session.role === 'organisation' ? session.organisation : query.get('organisation');
    return json({ cases: data.cases.filter((c) => (!own || c.organisation === own) && ['state', 'kind', 'assignee'].every((n) => !query.get(n) || c[n] === query.get(n))), next: null });
  }
  if (route === 'GET /cases/summary') return json({ states: { new: 4, notified: 4, acknowledged: 3, fixed: 3, recurred: 3 } });
  if (route === 'POST /cases/refresh') return json({ made: 3, recurred: 1, open: 17 });
  if ((m = match('(?:GET|PATCH) /cases/(\\d+)'))) {
    const one = data.caseOf(Number(m[1]));
    if (one) Object.assign(data.cases.find((c) => c.id === one.id), body ?? {});
    return one ? json({ ...one, ...body }) : problem(404);
  }
  if (match('POST /cases/\\d+/comments')) return json({}, 201);
  if (route === 'GET /organisation') {
    const name = query.get('organisation') || session.organisation;
    return json({ name, sector: 'education/university', contact: 'it-security@fjordheim.example', open: 2, cases: data.cases.slice(0, 3), kinds: [{ kind: 'backdoor', targets: 1, sightings: 12, last_seen: '2013-02-28T21:00:00Z', advice: data.advice }, { kind: 'botnet-control', targets: 4, sightings: 77, last_seen: '2013-02-28T22:00:00Z', advice: data.advice }] });
  }
  if (!atLeast('analyst')) return problem(403);
  if (match('GET /cases/\\d+/notice')) {
    return json(query.get('lang') === 'zh' ? { subject: '贵单位网站被植入后门', text: '贵单位：\n\n我们发现www3.norlandia.example存在网站后门，于2013年2月28日被境外主机使用。\n请断网、保留日志并重新安装。' } : { subject: 'A backdoor on a website of yours', text: 'To whom it may concern,\n\nWe saw a backdoor on www3.norlandia.example, used from overseas on 28 February 2013.\nPlease take the site off the network, keep its logs, and install it anew.' });
  }
  if (route === 'GET /lookup') return query.get('q') === 'nothing.example' ? json({ ...data.lookup('nothing.example'), sightings: 0, kinds: [], timeline: [], graph: { nodes: [], edges: [], more: 0, since: null } }) : json(data.lookup(query.get('q')));
  if (route === 'GET /live/counts') return json({ at: data.zulu(Date.now()), ledger: data.ledger, sightings: 123456, kinds: Object.fromEntries(data.kinds.map((k, i) => [k, Math.round(52_000 / (i + 1))])), added: 34 });
  if (route === 'GET /sensors') return json({ sensors: data.sensors });
  if (route === 'GET /live') {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    let total = 123456;
    const tell = () => response.write(`event: counts\ndata: ${JSON.stringify({ at: data.zulu(Date.now()), ledger: data.ledger, sightings: (total += 7), kinds: Object.fromEntries(data.kinds.map((k, i) => [k, Math.round(52_000 / (i + 1))])), added: 34 })}\n\nevent: sensors\ndata: ${JSON.stringify({ sensors: data.sensors })}\n\n`);
    tell();
    const timer = setInterval(tell, 3000);
    return response.on('close', () => clearInterval(timer));
  }
  if (match('(?:POST|PATCH|DELETE) /briefs.*')) return json(request.method === 'DELETE' ? undefined : data.briefs[0], request.method === 'DELETE' ? 204 : 200);
  if (session.role !== 'administrator') return problem(403);
  if (route === 'GET /users') return json({ users });
  if (match('[A-Z]+ /users.*')) return json(undefined, 204);
  if (route === 'GET /audit') return json({ entries: Array.from({ length: 12 }, (_, i) => ({ number: 40 - i, when: data.zulu(Date.parse('2013-02-28T20:00:00Z') - i * 4e6), user: ['ann', 'olaf', 'admin'][i % 3], peer: '192.0.2.77', action: ['sign-in', 'brief.publish', 'user.change', 'case.state'][i % 4], what: ['', '2', 'ann', '7 notified'][i % 4] })), next: 28 });
  return problem(404);
}

createServer((request, response) => {
  const at = new URL(request.url, 'http://mock');
  response.setHeader('content-security-policy', policy);
  response.setHeader('x-content-type-options', 'nosniff');
  const user = /(?:^|; )user=([a-z]+)/.exec(request.headers.cookie ?? '')?.[1];
  if (at.pathname.startsWith('/api/v1/')) {
    const chunks = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', () => answer(request, response, at.pathname.slice(7), at.searchParams, chunks.length ? JSON.parse(Buffer.concat(chunks).toString()) : undefined, sessionOf(user)));
    return;
  }
  let file = normalize(join(dist, at.pathname));
  if (!file.startsWith(dist) || !existsSync(file) || !statSync(file).isFile()) {
    // As the real server: what has a dot at its end is a file, and all else is the page.
    if (extname(at.pathname)) return response.writeHead(404).end();
    file = join(dist, 'index.html');
  }
  const encoded = (request.headers['accept-encoding'] ?? '').includes('br') && existsSync(`${file}.br`);
  response.writeHead(200, { 'content-type': types[extname(file)] ?? 'application/octet-stream', ...(encoded ? { 'content-encoding': 'br' } : {}) });
  createReadStream(encoded ? `${file}.br` : file).pipe(response);
}).listen(port, '127.0.0.1', () => console.log(`mock: http://127.0.0.1:${port}`));
