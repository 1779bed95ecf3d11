// Figures, sightings and evidence: shown, looked through, linked to, exported, live, and by the keyboard alone.
import { execFile } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { check, same } from './visitor.mjs';

const march = 'from=2013-03-01&to=2013-04-01';
const links = (one) => one.page.locator('tbody th a').evaluateAll((all) => all.map((a) => a.getAttribute('href')));
const number = (text) => Number(text.replaceAll(',', ''));

// RFC 4180, as far as what is exported needs it.
function rowsOf(csv) {
  const rows = [[]];
  for (const [, cell, end] of csv.matchAll(/((?:"(?:[^"]|"")*"|[^",\r\n])*)(,|\r?\n|$)/g)) {
    rows.at(-1).push(cell.startsWith('"') ? cell.slice(1, -1).replaceAll('""', '"') : cell);
    if (end !== ',') rows.push([]);
  }
  return rows.filter((row) => row.length > 1 || row[0]);
}

async function tabTo(one, wanted, most = 120) {
  for (let i = 0; i < most; i += 1) {
    await one.page.keyboard.press('Tab');
    const at = await one.page.evaluate((pattern) => {
      const element = document.activeElement;
      const style = getComputedStyle(element);
      const box = element.getBoundingClientRect();
      const name = element.getAttribute('aria-label') ?? (element.labels?.[0]?.innerText || element.innerText || element.href || '');
      return {
        name, found: new RegExp(pattern).test(`${element.tagName} ${name.trim()} ${element.getAttribute('href') ?? ''}`), body: element === document.body,
        seen: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2 && box.width > 0 && box.bottom > 0 && box.top < innerHeight,
      };
    }, wanted);
    check(at.body || at.seen, `the focus on “${at.name}” is not visible`);
    if (at.found) return;
  }
  throw new Error(`${most} presses of Tab do not lead to ${wanted}`);
}

export const figures = {
  async overview({ open }) {
    const one = await (await open()).signIn('ann');
    await one.go(`/overview?${march}`, 'Overview');
    const told = await one.ask(`/api/v1/overview?${march}&zone=Europe/Oslo`);
    for (const figure of told.figures.filter((it) => it.unit !== '%')) {
      const card = one.page.locator('article').filter({ has: one.page.locator(`a[href*="${figure.id.replace('.', '/')}"]`) });
      same(`the card of ${figure.id}`, figure.value, number(await card.locator('.value b').innerText()));
    }
    // Heads stand over their columns.
    for (const width of [1600, 1024, 720]) {
      await one.page.setViewportSize({ width, height: 900 });
      const askew = await one.page.locator('main table').evaluateAll((tables) => tables.filter((table) => table.checkVisibility()).flatMap((table) => {
        const lefts = (row) => [...row.cells].map((cell) => Math.round(cell.getBoundingClientRect().left));
        const head = lefts(table.tHead.rows[0]);
        return [...table.tBodies[0].rows].map(lefts).filter((row) => String(row) !== String(head)).map((row) => `${table.caption.innerText}: ${head} over ${row}`);
      }));
      same(`tables askew at ${width}`, [], askew);
    }
    await one.page.setViewportSize({ width: 1280, height: 900 });
  },

  async paging({ open }) {
    const one = await (await open()).signIn('ann');
    await one.go(`/sightings?${march}`, 'Sightings');
    const first = await links(one);
    same('rows of a page', 50, first.length);
    await one.press('Older sightings');
    const second = await links(one);
    check(second.length === 50 && !second.some((link) => first.includes(link)), 'the next page shows rows of the first');
    const third = await one.ask(`/api/v1/sightings?from=2013-02-28T23:00:00Z&to=2013-03-31T22:00:00Z&limit=100&confidence=probable`);
    same('two pages and what the API has', third.sightings.map((it) => it.id), [...first, ...second].map((link) => link.match(/sightings\/([^?]+)/)[1]));
    await one.page.goBack();
    await one.page.waitForFunction((href) => document.querySelector('tbody th a')?.getAttribute('href') === href, first[0]);
    same('rows after going back', first, await links(one));
  },

  async filters({ open }) {
    const one = await (await open()).signIn('ann');
    await one.go(`/sightings?${march}`, 'Sightings');
    await one.field('Kind').selectOption('backdoor');
    await one.field('Actor: address or prefix').fill('0.0.0.0/1');
    await one.page.locator('summary', { hasText: 'Filters' }).click();
    await one.field('Actor’s country').fill('us');
    await one.press('Search');
    await one.page.waitForURL(/kind=backdoor/);
    await one.settle();
    const query = new URL(one.page.url()).searchParams;
    same('what the address holds', ['backdoor', '0.0.0.0/1', 'US'], ['kind', 'actor', 'actor_country'].map((name) => query.get(name)));
    const rows = await one.texts('tbody tr');
    check(rows.length > 0 && rows.every((row) => /Backdoor/.test(row) && /United States/.test(row)), `not filtered: ${rows[0]}`);
    await one.page.reload();
    await one.settle();
    same('rows after a reload', rows, await one.texts('tbody tr'));
    same('the fields after a reload', ['backdoor', '0.0.0.0/1', 'US'], [
      await one.field('Kind').inputValue(), await one.field('Actor: address or prefix').inputValue(),
      await one.field('Actor’s country').inputValue()]);
    await one.press(/^Remove: Actor’s country/);
    await one.page.waitForFunction((n) => document.querySelectorAll('tbody tr').length > n, rows.length);
    check(!one.page.url().includes('actor_country'), 'the address keeps a filter that was taken away');
  },

  async deepLinks({ open }) {
    const one = await (await open()).signIn('ann');
    await one.menu('Figures');
    await one.press('Hosts of the constituency controlled from overseas', 'link');
    await one.sees('.value', '1,927');
    // On the bars stand the numbers of the table.
    const values = (await one.texts('tbody td:nth-of-type(1)')).slice(0, 10);
    await one.page.waitForFunction((value) => window.drawn.includes(value), values[0]);
    const drawn = await one.page.evaluate(() => window.drawn);
    same('bars without their number', [], values.filter((value) => !drawn.includes(value)));

    await one.field('By').selectOption('family');
    await one.page.waitForURL(/by=family/);
    await one.field('Compare with').selectOption('previous');
    await one.page.waitForURL(/compare=previous/);
    await one.page.getByRole('button', { name: 'Period before' }).click();
    await one.page.waitForURL(/from=2013-02-01/);
    await one.settle();
    await one.sees('thead th', 'February 2013');
    await one.sees('thead th', 'January 2013');
    await one.sees('thead th', 'Malware family');
    const shown = async (it) => [
      await it.field('By').inputValue(), await it.field('Compare with').inputValue(),
      await it.page.locator('.picker summary').innerText(), await it.texts('main table tr'), await it.texts('.values')];
    const seen = await shown(one);
    same('dimension and comparison', ['family', 'previous', 'February 2013'], seen.slice(0, 3).map((text) => text.replace(/Period:\s*/, '').trim()));
    check(seen[3].length > 3, 'no rows');
    const other = await (await open({ viewport: { width: 1280, height: 900 } })).signIn('oz');
    await other.page.goto(one.page.url());
    await other.sees('thead th', 'Malware family');
    await other.settle();
    same('what a copied address shows another', seen, await shown(other));

    for (const part of [/compare=previous/, /by=family/]) {
      check(part.test(one.page.url()), `going back leads to ${one.page.url()}`);
      await one.page.goBack();
      if (String(part).includes('compare')) await one.page.goBack();
    }
    await one.page.goBack();
    await one.sees('h1', 'Figures');
  },

  async evidence({ open }) {
    const one = await (await open()).signIn('ann');
    await one.go(`/figures/backdoor/sites?${march}`);
    await one.sees('.value', /\d/);
    await one.page.locator('tbody tr').first().getByRole('link', { name: /^Sightings of/ }).click(); // one
    await one.sees('p', 'Behind the figure');
    await one.settle();
    const actor = (await one.texts('tbody td:nth-of-type(2)'))[0].split('\n')[0].replace(/^\[?(.*?)\]?(?<=\]|\d):\d+$/, '$1');
    await one.page.locator('tbody th a').first().click(); // two
    const line = await (await one.sees('figure pre', /\S/)).innerText();
    check(line.includes(actor), `the evidence of ${actor} is ${line}`);
    await one.sees('main table', /SHA-256[\s\S]*[0-9a-f]{64}/);
  },

  async exports({ open }) {
    const one = await (await open()).signIn('ann');
    await one.go(`/figures/botnet/controlled-hosts?${march}&by=actor-country`);
    await one.sees('.value', /\d/);
    const told = await one.ask('/api/v1/figures/botnet.controlled-hosts?from=2013-03-01&to=2013-04-01&zone=Europe/Oslo&by=actor-country');
    const csv = await one.download('CSV', 'link');
    same('name of the file', 'botnet.controlled-hosts.csv', csv.name);
    const [head, ...rows] = rowsOf(csv.bytes.toString('utf8').replace(/^\ufeff/, ''));
    const [key, value] = [head.indexOf('actor-country'), head.indexOf('value')];
    check(key >= 0 && value >= 0, `the columns are ${head}`);
    same('rows of the CSV', told.rows.map((row) => [row.key['actor-country'] ?? '', row.value]),
      rows.filter((row) => row.length === head.length && (row[key] || !/total/i.test(row.join()))).map((row) => [row[key], Number(row[value])]));
    const json = JSON.parse((await one.download('JSON', 'link')).bytes);
    same('the JSON', [told.value, told.rows], [json.value, json.rows]);
    const png = (await one.download('Chart as PNG', 'button')).bytes;
    check(png.length > 10_000 && png.subarray(1, 4).toString() === 'PNG', `${png.length} bytes of picture`);

    await one.go(`/sightings?${march}&kind=backdoor`, 'Sightings');
    const asked = 'from=2013-02-28T23:00:00Z&to=2013-03-31T22:00:00Z&kind=backdoor&confidence=probable&limit=1000';
    const all = (await one.ask(`/api/v1/sightings?${asked}`)).sightings;
    check(all.length > 50, 'too few sightings to tell a page from all');
    const lines = (await one.download('NDJSON', 'link')).bytes.toString('utf8').trim().split('\n').map((line) => JSON.parse(line));
    same('sightings of the NDJSON', all, lines);
    const sheet = rowsOf((await one.download('CSV', 'link')).bytes.toString('utf8').replace(/^\ufeff/, ''));
    same('sightings of the CSV', all.map((it) => it.id), sheet.slice(1).map((row) => row[sheet[0].indexOf('id')]));
    same('Parquet', 'PAR1', (await one.download('Parquet', 'link')).bytes.subarray(0, 4).toString());
  },

  async live({ open, tocsin, store }) {
    const one = await (await open()).signIn('ann');
    await one.go('/live', 'Live');
    await one.sees('main p', 'Connected');
    const total = async () => number(await (await one.sees('.total', /\d/)).innerText());
    const phishing = async () => number(await one.page.locator('main tr').filter({ hasText: 'Phishing' }).locator('td').first().innerText());
    const before = [await total(), await phishing()];
    const file = join(mkdtempSync(join(tmpdir(), 'tocsin-live-')), 'more.csv');
    writeFileSync(file, ['time,url,brand,ip', ...[1, 2, 3].map((n) => `2013-03-15T12:0${n}:00Z,http://live${Date.now()}-${n}.example/,Some Bank,8.8.9.${n}`)].join('\n') + '\n');
    await new Promise((done, fail) => execFile(tocsin, ['watch', '--store', store, file], (error, _, complaint) => (error ? fail(new Error(complaint)) : done())));
    await one.page.waitForFunction((n) => Number(document.querySelector('.total').innerText.replaceAll(',', '')) > n, before[0]);
    same('total and phishing after the run', before.map((n) => n + 3), [await total(), await phishing()]);
    await one.sees('main', '3 added by the last run');
    await one.sees('tbody tr', 'more.csv');
    check((await one.page.locator('section[aria-labelledby=sensors] tbody tr').count()) < 80, 'every document is a line of the sensors');
  },

  async looks({ open }) {
    const one = await (await open()).signIn('lin');
    await one.go('/overview', 'Overview');
    await one.page.evaluate(() => (window.marker = 'the same document'));
    const dark = () => one.page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor.match(/\d+/g).every((part) => Number(part) < 64));
    check(!(await dark()), 'it is dark already');
    await one.field('Language', 'header').selectOption('zh');
    await one.sees('nav li', '总览');
    same('language of the document', 'zh-Hans', await one.page.evaluate(() => document.documentElement.lang));
    await one.page.locator('header select').nth(1).selectOption('dark');
    await one.page.waitForFunction(() => document.documentElement.dataset.theme === 'dark');
    check(await dark(), 'it is not dark');
    same('marker of the document', 'the same document', await one.page.evaluate(() => window.marker));
    const english = (await one.texts('main h2, main h3, main th, nav li')).filter((text) => /^[A-Z][a-z]+ [a-z]+/.test(text) && !/[一-鿿]/.test(text));
    check(english.length < 3, `left in English: ${english}`);
    await one.page.reload();
    await one.sees('nav li', '总览');
    check(await dark(), 'the theme is not kept');
    const elsewhere = await (await open()).signIn('lin');
    await elsewhere.sees('nav li', '总览');
  },

  async keyboard({ open }) {
    const one = await open();
    await one.go(`/overview?${march}`);
    await tabTo(one, '^A Sign in /sign-in.next');
    await one.page.keyboard.press('Enter');
    await one.sees('h1', 'Sign in');
    await tabTo(one, '^INPUT Name');
    await one.page.keyboard.type('ann');
    await tabTo(one, '^INPUT Password');
    await one.page.keyboard.type('the password of ann');
    await one.page.keyboard.press('Enter');
    await one.sees('article', 'Overseas hosts that use backdoors');
    await tabTo(one, '^A .* /figures/backdoor/sites');
    await one.page.keyboard.press('Enter');
    await one.sees('.value', /\d/);
    await one.settle();
    await tabTo(one, '^A Sightings of');
    await one.page.keyboard.press('Enter');
    await one.sees('p', 'Behind the figure');
    await one.settle();
    await tabTo(one, '^A .* /sightings/');
    await one.page.keyboard.press('Enter');
    await one.sees('figure pre', /\S/);
  },
};
