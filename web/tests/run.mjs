// Walks every screen as every role, in both languages and themes, on a phone and a desktop: saves pictures, runs axe, and
// reports what the browser's console and the policy complain of.
// usage: node tests/run.mjs URL OUT [NAME:PASSWORD[:ROLE] ...] [--only=SCREEN] [--quick]     exit 1: something was found
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const flags = process.argv.slice(2).filter((one) => one.startsWith('--'));
const [base, out, ...credentials] = process.argv.slice(2).filter((one) => !one.startsWith('--'));
if (!base || !out) {
  console.error('usage: node tests/run.mjs URL OUT [NAME:PASSWORD[:ROLE] ...] [--only=SCREEN] [--quick]');
  process.exit(2);
}
mkdirSync(out, { recursive: true });
const only = flags.find((one) => one.startsWith('--only='))?.slice(7);
const quick = flags.includes('--quick');

const figure = '/figures/botnet/controlled-hosts';
const screens = {
  press: { briefs: '/briefs', 'sign-in': '/sign-in', refused: '/overview', missing: '/nothing' },
  organisation: { organisation: '/organisation', figures: '/figures', figure, sightings: '/sightings', cases: '/cases', briefs: '/briefs', account: '/account', forbidden: '/live' },
  analyst: {
    overview: '/overview', 'overview-kind': '/overview?kind=backdoor&count=targets', figures: '/figures', figure, 'figure-time': `${figure}?by=day&compare=previous`, 'figure-country': `${figure}?compare=country&a=US&b=JP&by=day`,
    'figure-pair': `${figure}?by=actor-country&compare=previous`, sightings: '/sightings', 'sightings-empty': '/sightings?q=nothing', 'sightings-figure': '/sightings?figure=botnet.controlled-hosts&key=actor-country:US', sighting: null, 'lookup-start': '/lookup',
    lookup: '/lookup?q=198.51.100.7', 'lookup-name': '/lookup?q=www.norlandia.example', cases: '/cases', case: null, briefs: '/briefs', brief: null, live: '/live', organisation: '/organisation', account: '/account', forbidden: '/admin',
  },
  administrator: { users: '/admin', audit: '/admin?part=audit' },
};
// What opens on a screen: where, and what is pressed.
const opened = {
  press: {}, organisation: {},
  analyst: {
    'period-open': ['/overview', '.picker summary'], 'filters-open': ['/sightings', 'form details summary'], 'brief-new': ['/briefs', 'details.panel > summary'],
    'totp-open': ['/account', 'section[aria-labelledby=totp] button'], 'menu-open': ['/overview', 'nav .toggle'],
  },
  administrator: { 'user-open': ['/admin', 'main button.main'] },
};
const sizes = { desktop: { width: 1440, height: 900 }, phone: { width: 320, height: 640 } };
const looks = quick ? [['en', 'light', 'desktop'], ['zh', 'dark', 'phone']] : ['en', 'zh'].flatMap((l) => ['light', 'dark'].flatMap((c) => ['desktop', 'phone'].map((s) => [l, c, s])));

const found = [];
const note = (where, what) => {
  found.push(`${where}: ${what}`);
  console.log(`  ${where}: ${what}`);
};

// The first links of a list lead to the screens whose address is not known before.
async function addressOf(page, name) {
  const lists = { sighting: ['/sightings', 'tbody a[href^="/sightings/"]'], case: ['/cases', 'tbody a[href^="/cases/"]'], brief: ['/briefs', 'main li a[href^="/briefs/"]'] };
  await page.goto(base + lists[name][0]);
  const link = page.locator(lists[name][1]).first();
  return (await link.waitFor({ state: 'attached', timeout: 60_000 }).then(() => link.getAttribute('href'), () => null));
}

async function settle(page) {
  await page.waitForLoadState('load');
  await page.waitForFunction(() => document.querySelector('h1, .notice') && ![...document.querySelectorAll('[role=status]')].some((one) => /Loading|正在加载/.test(one.textContent)) && !document.querySelector('[aria-busy=true]'), null, { timeout: 15000 }).catch(() => {});
  await page.waitForTimeout(350);
}

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox'] });
const accounts = [['press', '', ''], ...credentials.map((one) => { const [name, password, role] = one.split(':'); return [role ?? 'analyst', name, password]; })];
for (const [role, name, password] of accounts) {
  for (const [language, theme, size] of looks) {
    const context = await browser.newContext({ viewport: sizes[size], colorScheme: theme, locale: language === 'zh' ? 'zh-CN' : 'en-GB', bypassCSP: false });
    await context.addInitScript((l) => {
      localStorage.setItem('language', l);
      addEventListener('securitypolicyviolation', (event) => console.error(`policy: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`));
    }, language);
    const page = await context.newPage();
    page.setDefaultTimeout(120_000); // a busy machine is no finding
    let where = '';
    let refusals = false;
    page.on('console', (message) => {
      if (message.type() === 'error' && !(refusals && /status of 40[134]/.test(message.text()))) note(where, message.text());
    });
    page.on('pageerror', (error) => note(where, String(error)));
    page.on('request', (request) => { if (!request.url().startsWith(base) && !/^(data|blob):/.test(request.url())) note(where, `asked another host: ${request.url()}`); });
    if (name) {
      where = `${role} sign-in`;
      await page.goto(`${base}/sign-in`);
      await page.fill('input[autocomplete=username]', name);
      await page.fill('input[type=password]', password);
      await page.click('main form button');
      await page.waitForURL((to) => !to.pathname.startsWith('/sign-in'), { timeout: 60_000 }).catch(() => note(where, 'could not sign in'));
    }
    const shown = [...Object.entries(screens[role] ?? screens.analyst), ...Object.entries(opened[role] ?? opened.analyst)];
    for (const [screen, fixed] of shown) {
      if (only && screen !== only) continue;
      where = `${role} ${screen} ${language} ${theme} ${size}`;
      refusals = ['refused', 'forbidden', 'missing'].includes(screen);
      const [path, press] = Array.isArray(fixed) ? fixed : [fixed ?? (await addressOf(page, screen))];
      if (!path) {
        console.log(`  ${where}: nothing to open`);
        continue;
      }
      await page.goto(base + path);
      await settle(page);
      if (press) {
        if (!(await page.locator(press).first().isVisible())) continue;
        await page.locator(press).first().click();
        await page.waitForTimeout(400);
      }
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      if (wide > 0) note(where, `scrolls sideways by ${wide} px`);
      await page.screenshot({ path: join(out, `${role}.${screen}.${language}.${theme}.${size}.png`), fullPage: true });
      // Evaluated by the browser itself, so that the page's policy stays in force.
      await page.evaluate(axe);
      const result = await page.evaluate(() => axe.run(document, { resultTypes: ['violations'] }));
      for (const one of result.violations) note(where, `axe ${one.id} (${one.impact}): ${one.nodes.length}× ${one.nodes[0].target.join(' ')} ${one.nodes[0].any[0]?.message ?? ''}`);
    }
    await context.close();
  }
}
await browser.close();
console.log(found.length ? `${found.length} findings` : 'nothing found');
process.exit(found.length ? 1 : 0);
