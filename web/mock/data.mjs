// Believable answers: made of a number alone, so that every run shows the same.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

const figuresFolder = join(import.meta.dirname, '../../figures');

// Enough of TOML for the catalogue: tables [[figure]] of one-line texts, lists of texts, and booleans.
function catalogue() {
  const figures = [];
  for (const name of readdirSync(figuresFolder).filter((one) => one.endsWith('.toml'))) {
    let figure = null;
    for (const line of readFileSync(join(figuresFolder, name), 'utf8').split('\n')) {
      if (line.startsWith('[[figure]]')) figures.push((figure = { kinds: [], by: [], rank: 1000 }));
      const match = figure && /^([a-z.]+) = (.+)$/.exec(line);
      if (match) figure[match[1]] = match[2] === 'true' ? true : match[2] === 'false' ? false : JSON.parse(match[2]);
    }
  }
  return figures.sort((a, b) => a.rank - b.rank).map((f) => ({
    id: f.id, measure: f.measure, kinds: f.kinds, actor: f.actor ?? 'any', target: f.target ?? 'any', of: f.of ?? '', by: f.by, unit: f.unit,
    title: { en: f['title.en'], zh: f['title.zh'] }, definition: { en: f['definition.en'], zh: f['definition.zh'] },
    caution: { en: f['caution.en'] ?? '', zh: f['caution.zh'] ?? '' }, headline: 'sentence.en' in f,
  }));
}
export const figures = catalogue();

export const dimensions = `actor-country target-country actor-network target-network target-sector target-organisation target-province family group rule cve
actor-port target-port actor target actor-name target-name kind detector confidence source tlp day week month`.split(/\s+/)
  .map((name) => ({ name, en: name.replace('-', ' '), zh: name }));

export const kinds = 'botnet-control backdoor phishing defacement intrusion web-attack exploit scan brute-force denial-of-service malware-distribution'.split(' ');
const countries = 'US JP KR DE NL RU SG HK BR IN FR GB CA TR VN UA ID PL RO IT'.split(' ');
const organisations = [
  ['Ministry of Finance of Norlandia', 'government/central', 'Østmark'], ['Norlandia Post Bank', 'finance/banking', 'Østmark'],
  ['University of Fjordheim', 'education/university', 'Fjordheim'], ['Fjord Kraft Electricity', 'energy/electricity', 'Vestvik'],
  ['Daily Northern News', 'news-media/portal', 'Østmark'], ['Vestvik Regional Hospital', 'health/hospital', 'Vestvik'],
];
export const register = organisations.map(([name, sector]) => ({ name, sector }));
export const sectors = [
  ['finance', 'Finance', '金融'], ['finance/banking', 'Banks', '银行'], ['government', 'Government', '政府'], ['government/central', 'Central government', '中央政府部门'],
  ['education/university', 'Universities', '高等院校'], ['energy/electricity', 'Electricity', '电力'], ['news-media/portal', 'News portals', '新闻门户'], ['health/hospital', 'Hospitals', '医院'],
].map(([code, en, zh]) => ({ code, en, zh }));

// A number of 0 to 1 out of anything.
export function chance(...of) {
  let h = 2166136261;
  for (const c of of.join('|')) h = Math.imul(h ^ c.charCodeAt(0), 16777619);
  h ^= h >>> 15;
  h = Math.imul(h, 2246822519);
  return ((h ^ (h >>> 13)) >>> 0) / 4294967296;
}
const pick = (list, ...of) => list[Math.floor(chance(...of) * list.length)];
export const zulu = (ms) => new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');

const scale = { hosts: 4000, sites: 900, attempts: 4_200_000, sightings: 52_000, '%': 100, names: 300, addresses: 500, 'addresses and names': 60 };
const size = (f) => (f.unit === '%' ? 96 : f.id === 'botnet.controlled-hosts' ? 1_914_233 : f.id.startsWith('denial') ? 7 : Math.round((scale[f.unit] ?? 100) * (0.3 + chance(f.id))));

export function keysOf(dimension, from, to) {
  const days = Math.max(1, Math.round((Date.parse(to) - Date.parse(from)) / 864e5));
  const day = (i) => new Date(Date.parse(from) + 72e5 + i * 864e5).toISOString().slice(0, 10);
  switch (dimension) {
    case 'day': return Array.from({ length: Math.min(days, 100) }, (_, i) => day(i));
    case 'week': return Array.from({ length: Math.ceil(days / 7) }, (_, i) => day(i * 7));
    case 'month': return [...new Set(Array.from({ length: days }, (_, i) => day(i).slice(0, 7)))];
    case 'actor-country': case 'target-country': return [...countries, null];
    case 'actor-network': case 'target-network': return [64500, 64501, 64502, 64510, 64511, 65536, 65540];
    case 'target-sector': return sectors.map((one) => one.code);
    case 'target-organisation': return register.map((one) => one.name);
    case 'target-province': return ['Østmark', 'Vestvik', 'Fjordheim', null];
    case 'family': return ['zeus', 'mirai', 'sality', 'conficker', 'gh0st'];
    case 'group': return ['GREY HERON', 'apt-comment'];
    case 'cve': return ['CVE-2012-1823', 'CVE-2012-0158', 'CVE-2013-0156', 'CVE-2012-4681'];
    case 'kind': return kinds;
    case 'confidence': return ['probable', 'confirmed'];
    case 'target-port': case 'actor-port': return [80, 443, 22, 3389, 445, 23];
    case 'actor': case 'target': return Array.from({ length: 12 }, (_, i) => `198.51.100.${i * 7 + 3}`);
    default: return Array.from({ length: 8 }, (_, i) => `${dimension}-${i + 1}`);
  }
}

export function figure(id, query) {
  const f = figures.find((one) => one.id === id);
  if (!f) return null;
  const from = query.get('from'), to = query.get('to'), by = query.getAll('by');
  const wanted = query.getAll('key');
  let value = size(f);
  for (const key of wanted) if (f.unit !== '%') value = Math.round(value * (0.08 + 0.5 * chance(id, key)));
  if (f.unit !== '%') value = Math.round(value * (0.75 + 0.5 * chance(id, from.slice(0, 7))));
  const rows = by.length ? keysOf(by[0], from, to).flatMap((a, i) => (by[1] ? keysOf(by[1], from, to).slice(0, 6) : ['']).map((b, j) => {
    const time = ['day', 'week', 'month'].includes(by[0]);
    const share = time ? 0.2 + 0.12 * chance(id, a, b, 't') + 0.1 * Math.sin(i / 4) ** 2 : (0.67 / (i + 1) ** 1.5) * (1 - 0.3 * chance(id, a, b, from));
    return { key: { [by[0]]: a, ...(by[1] ? { [by[1]]: b } : {}) }, value: f.unit === '%' ? Math.round(share * 1000) / 10 : Math.round((value * share) / (by[1] ? j + 1.2 : 1)), share: Math.round(share * 1000) / 1000 };
  })).filter((row) => row.value > 0 && !wanted.some((key) => key.split(':')[0] in row.key && String(row.key[key.split(':')[0]]) !== key.slice(key.indexOf(':') + 1))).slice(0, Number(query.get('limit') ?? 50)) : [];
  return {
    figure: id, from, to, zone: 'Europe/Oslo', constituency: 'Norlandia', confidence: query.get('confidence') ?? 'probable', unit: f.unit, value,
    previous: f.unit === '%' ? 94.2 : Math.round(value * (0.7 + 0.5 * chance(id, 'before'))), by, rows, overlap: by[0] === 'actor-country' ? 12 : 0, skipped: 3, ledger,
    machines: id === 'botnet.controlled-hosts' ? { machines: 1_650_000, low: 1_410_000, high: 1_880_000 } : null,
  };
}
export const ledger = { sequence: 12, hash: '9f2c'.repeat(16) };

export function overview(query) {
  const from = query.get('from'), to = query.get('to');
  const q = (by) => new URLSearchParams({ from, to, by });
  const origin = (kind) => countries.map((country, i) => {
    const n = Math.round((4200 / (i + 1) ** 1.7) * (0.6 + chance(kind, country)));
    return { country, actors: n, targets: Math.round(n * (1 + 9 * chance(kind, country, 't'))), sightings: n * 14 };
  }).filter((one) => one.actors > 3);
  return {
    from, to, previous: { from, to }, ledger,
    figures: figures.filter((f) => f.headline).map((f) => {
      const answer = figure(f.id, q(f.by[0]));
      return {
        id: f.id, value: answer.value, previous: f.id === 'group.targets' ? null : answer.previous, unit: f.unit,
        trend: figure(f.id, q('day')).rows.map((row) => ({ at: row.key.day, value: row.value })), trend_by: 'day',
        top: answer.rows.slice(0, 10).map((row) => ({ key: row.key[f.by[0]], value: row.value, share: row.share })), by: f.by[0],
      };
    }),
    origins: Object.fromEntries([...kinds, 'all'].map((kind) => [kind, kind === 'defacement' ? [] : origin(kind)])),
    new: [
      { what: 'family', key: 'gh0st', kind: 'botnet-control', first_seen: '2013-02-11T08:12:00Z', sightings: 31 },
      { what: 'actor-network', key: '64511', kind: 'scan', first_seen: '2013-02-03T21:40:10Z', sightings: 420 },
      { what: 'cve', key: 'CVE-2013-0156', kind: 'exploit', first_seen: '2013-02-09T04:01:00Z', sightings: 88 },
      { what: 'actor-country', key: 'MM', kind: 'backdoor', first_seen: '2013-02-20T14:30:00Z', sightings: 2 },
    ],
  };
}

export function sighting(i) {
  const kind = pick(kinds, i, 'k');
  const [organisation, sector, province] = pick(organisations, i, 'o');
  const first = Date.parse('2013-02-28T22:40:00Z') - i * 1.7e6 - Math.floor(chance(i) * 9e5);
  return {
    id: (i + 1).toString(16).padStart(8, '0') + 'c0ffee'.repeat(4), kind, confidence: pick(['probable', 'confirmed', 'confirmed'], i, 'c'),
    detector: pick(['beacon', 'web-shell', 'indicator', 'alert', 'report', 'web-attack'], i, 'd'), rule: i % 3 ? '' : 'webshell.china-chopper',
    actor: { ip: i % 7 ? `198.51.100.${Math.floor(chance(i, 'a') * 60)}` : '2001:db8:51::7a', port: 0, name: i % 9 ? '' : 'update.flash-player.example', country: pick(countries.slice(0, 9), i, 'n'), asn: 64500 + (i % 12), inside: false },
    target: { ip: `192.0.2.${Math.floor(chance(i, 't') * 200)}`, port: pick([80, 443, 22, 3389], i, 'p'), name: i % 2 ? `www${i % 5}.norlandia.example` : '', country: 'NO', asn: 64496, inside: true, sector, organisation, province },
    first_seen: zulu(first), last_seen: zulu(first + 1.2e6), count: 1 + Math.floor(400 * chance(i, 'x') ** 3), family: kind === 'botnet-control' ? pick(['zeus', 'sality', 'gh0st'], i, 'f') : '',
    group: i % 17 ? '' : 'GREY HERON', cve: kind === 'exploit' ? 'CVE-2012-1823' : '', tlp: 'amber', source: 'a1b2c3d4e5f60718', evidence: `offset=${i * 913} record=${i}`,
    matched: kind === 'backdoor' ? 'POST parameter z0 holds base64 of PHP that calls eval' : '', location_version: '2012-10-03',
  };
}

export function lookup(q) {
  const network = /^AS\d+$/i.test(q);
  const what = network ? 'network' : /^[0-9a-f:.]+\/\d+$/i.test(q) ? 'prefix' : /^(\d+\.){3}\d+$|:/.test(q) ? 'address' : q.startsWith('CVE') ? 'cve' : register.some((o) => o.name === q) ? 'organisation' : q.includes('.') ? 'name' : 'family';
  const nodes = [{ id: q, what, country: 'US', inside: false, role: 'self' }];
  const edges = [];
  for (let i = 0; i < 14; i += 1) {
    const id = i % 3 ? `192.0.2.${i * 11 + 2}` : `www${i}.department-of-long-names.norlandia.example`;
    nodes.push({ id, what: i % 3 ? 'address' : 'name', country: 'NO', inside: true, role: 'target' });
    edges.push({ from: q, to: id, kind: kinds[i % 4], sightings: 1 + Math.floor(90 * chance(id)) });
  }
  for (let i = 0; i < 3; i += 1) {
    nodes.push({ id: `203.0.113.${i + 5}`, what: 'address', country: 'NL', inside: false, role: 'actor' });
    edges.push({ from: `203.0.113.${i + 5}`, to: edges[i].to, kind: 'scan', sightings: 5 + i });
  }
  const days = keysOf('day', '2013-01-31T23:00:00Z', '2013-02-28T23:00:00Z');
  return {
    query: q, what, organisation: what === 'organisation' || q.endsWith('norlandia.example') ? { name: register[0].name, sector: register[0].sector, province: 'Østmark', contact: 'cert@finance.norlandia.example' } : null,
    location: what === 'address' || what === 'prefix' ? [
      { version: '2026-06-17', country: 'US', asn: 64500, holder: 'Example Net', marks: [] }, { version: '2022-10-04', country: 'NL', asn: 64501, holder: 'Example Hosting B.V.', marks: ['anycast', 'anonymous proxy'] }] : [],
    first_seen: '2013-01-31T23:41:07Z', last_seen: '2013-02-28T21:03:59Z', sightings: 312, as_actor: 300, as_target: 12,
    kinds: kinds.slice(0, 4).map((kind, i) => ({ kind, confidence: 'probable', as: i === 3 ? 'target' : 'actor', sightings: 150 - i * 40, count: 1200 - i * 300, first_seen: '2013-02-01T00:12:00Z', last_seen: '2013-02-28T21:03:59Z' })),
    timeline: days.flatMap((day) => kinds.slice(0, 4).map((kind) => ({ day, kind, sightings: Math.floor(9 * chance(q, day, kind) ** 2) })).filter((one) => one.sightings)),
    graph: { nodes, edges, more: 120, since: null },
  };
}

const states = ['new', 'notified', 'acknowledged', 'fixed', 'recurred'];
export const cases = Array.from({ length: 17 }, (_, i) => {
  const s = sighting(i * 3 + 1);
  return {
    id: 17 - i, organisation: s.target.organisation, kind: s.kind, target: s.target.name || s.target.ip, state: states[i % 5], assignee: i % 3 ? '' : 'ann', sightings: 3 + i * 5,
    first_seen: s.first_seen, last_seen: s.last_seen, made: s.last_seen, changed: s.last_seen, contact: 'security@norlandia.example',
  };
});
export const caseOf = (id) => {
  const one = cases.find((c) => c.id === id);
  return one && {
    ...one, history: [
      { when: '2013-02-27T09:00:00Z', user: '', action: 'state', text: 'new' }, { when: '2013-02-27T09:30:00Z', user: 'ann', action: 'assign', text: 'ann' },
      { when: '2013-02-27T10:02:00Z', user: 'ann', action: 'comment', text: 'Telephoned the web team. They take the site off at noon.\nLogs are kept.' }, { when: '2013-02-28T11:00:00Z', user: 'ann', action: 'state', text: 'notified' },
    ], actors: [{ ip: '198.51.100.7', country: 'US', sightings: 9 }, { ip: '203.0.113.66', country: 'JP', sightings: 4 }],
  };
};
export const briefs = [
  { id: 3, title: { en: 'Attacks on Norlandia in February 2013', zh: '2013年2月诺兰遭受网络攻击情况通报' }, state: 'draft', made: '2013-03-04T09:00:00Z', published: null },
  { id: 2, title: { en: 'Attacks on Norlandia in January 2013', zh: '2013年1月诺兰遭受网络攻击情况通报' }, state: 'published', made: '2013-02-04T09:00:00Z', published: '2013-02-05T08:00:00Z' },
].map((one) => ({
  ...one, from: one.id === 3 ? '2013-01-31T23:00:00Z' : '2012-12-31T23:00:00Z', to: one.id === 3 ? '2013-02-28T23:00:00Z' : '2013-01-31T23:00:00Z', zone: 'Europe/Oslo', by: 'ann',
  files: ['brief.en.html', 'brief.zh.html', 'brief.en.pdf', 'brief.json', 'figures.csv'], remarks: { en: 'Compare with care: a sensor was added on 14 February.', zh: '2月14日新增一个传感器，比较时请注意。' },
  headline: { en: '6,747 overseas servers controlled hosts of Norlandia by Trojans or botnets; 2,194 of them (32.5%) were in the United States, the largest point of origin.', zh: '境外6747台木马或僵尸网络控制服务器控制了诺兰境内主机；其中位于美国的有2194台，占32.5%，居首位。' },
}));
export const sensors = [
  { name: 'border-east', format: 'ipfix', records: 88_120_334, skipped: 12, first: '2013-01-01T00:00:00Z', last: '2013-02-28T22:59:30Z', lag_seconds: 41 },
  { name: 'suricata-dmz', format: 'eve', records: 1_204_556, skipped: 0, first: '2013-01-01T00:00:00Z', last: '2013-02-28T22:58:00Z', lag_seconds: 4000 },
  { name: 'www-logs', format: 'access-log', records: 402_118, skipped: 9120, first: '2013-01-01T00:00:00Z', last: '2013-02-28T22:59:00Z', lag_seconds: 80 },
  { name: 'partner-reports', format: 'csv', records: 300, skipped: 0, first: '2013-01-01T00:00:00Z', last: '2013-02-11T12:00:00Z', lag_seconds: 1_500_000 },
];
export const advice = {
  en: 'Take the site off the network, keep its logs, change every password that was used on it, and install it anew from a clean copy. Then tell us, so that we look again.',
  zh: '请将网站断网，保留日志，更换其上使用过的全部密码，并用干净的副本重新安装。完成后请告知我们，以便复查。',
};
