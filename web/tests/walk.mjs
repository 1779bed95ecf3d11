// Walks every screen as every role: saves pictures, runs axe, and reports what scrolls sideways, what is cut off, and
// what the browser's console and the page's policy complain of.
// usage: node tests/walk.mjs URL OUT [NAME:PASSWORD:ROLE ...] [--only=SCREEN] [--all]     exit 1: something was found
// --all: in both languages and themes, each on a desktop and a phone; else in few looks that have all of these.
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { launch, Visitor } from './visitor.mjs';
import { allLooks, furtherLooks, looks, main, opened, screens, sizes } from './walk_screens.mjs';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const flags = process.argv.slice(2).filter((one) => one.startsWith('--'));
const [base, out, ...credentials] = process.argv.slice(2).filter((one) => !one.startsWith('--'));
if (!base || !out) {
  console.error('usage: node tests/walk.mjs URL OUT [NAME:PASSWORD:ROLE ...] [--only=SCREEN] [--all]');
  process.exit(2);
}
mkdirSync(out, { recursive: true });
const only = flags.find((one) => one.startsWith('--only='))?.slice(7);
const all = flags.includes('--all');

// Runs in the page. Text that a box cuts off, and boxes that stand out of the window, unless they can be scrolled to.
function cutOff() {
  const found = [];
  const scrolls = (element) => {
    for (let one = element; one && one !== document.documentElement; one = one.parentElement) {
      if (/auto|scroll/.test(getComputedStyle(one).overflowX)) return true;
    }
    return false;
  };
  const name = (element) => `${element.tagName.toLowerCase()}${element.className && typeof element.className === 'string' ? `.${element.className.split(' ').join('.')}` : ''} “${element.textContent.trim().slice(0, 40)}”`;
  for (const element of document.body.querySelectorAll('*')) {
    if (!element.checkVisibility({ opacityProperty: true, visibilityProperty: true }) || element.closest('.hidden, .skip, svg, canvas, thead')) continue; // .skip stands outside until it has the focus
    const style = getComputedStyle(element);
    const hasText = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    const clips = style.overflowX === 'hidden' || style.overflowX === 'clip';
    if (hasText && clips && element.scrollWidth > element.clientWidth + 1) found.push(`cut off: ${name(element)}`);
    const box = element.getBoundingClientRect();
    if (hasText && box.width > 0 && (box.right > innerWidth + 1 || box.left < -1) && !scrolls(element)) found.push(`outside: ${name(element)} from ${Math.round(box.left)} to ${Math.round(box.right)}`);
    if ((element.tagName === 'BUTTON' || element.matches('a.button')) && element.scrollWidth > element.clientWidth + 1) found.push(`too narrow: ${name(element)}`);
  }
  return found.slice(0, 5);
}

let findings = 0;
let seen = 0;
const note = (where, what) => {
  findings += 1;
  console.log(`  ${where}: ${what}`);
};

// The look is chosen as a viewer would, in the header, so that the screen need not be loaded again.
async function choose(page, [language, theme, size]) {
  await page.setViewportSize(sizes.desktop);
  const [languages, themes] = [page.locator('header select').nth(0), page.locator('header select').nth(1)];
  if ((await languages.inputValue()) !== language) await languages.selectOption(language);
  if ((await themes.inputValue()) !== theme) await themes.selectOption(theme);
  await page.setViewportSize(sizes[size]);
}

// Two frames after the last change of size or language charts are drawn anew.
const drawn = (page) => page.evaluate(() => new Promise((done) => setTimeout(() => requestAnimationFrame(() => requestAnimationFrame(done)), 150)));

async function examine(one, where, file, withAxe) {
  const { page } = one;
  await one.settle();
  await drawn(page);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  if (wide > 0) note(where, `scrolls sideways by ${wide} px`);
  for (const what of await page.evaluate(cutOff)) note(where, what);
  await page.screenshot({ path: join(out, `${file}.png`), fullPage: true });
  seen += 1;
  if (!withAxe) return;
  // Evaluated by the browser itself, so that the page's policy stays in force.
  if (!(await page.evaluate(() => 'axe' in window))) await page.evaluate(axe);
  const result = await page.evaluate(() => axe.run(document, { resultTypes: ['violations'] }));
  for (const it of result.violations) note(where, `axe ${it.id} (${it.impact}): ${it.nodes.length}× ${it.nodes[0].target.join(' ')} ${it.nodes[0].any[0]?.message ?? ''}`);
}

async function addressOf(one, fixed) {
  if (typeof fixed === 'string') return fixed;
  await one.go(fixed[0]);
  const link = one.page.locator(fixed[1]).first();
  return link.waitFor({ state: 'attached' }).then(() => link.getAttribute('href'), () => null);
}

async function walk(one, role, password) {
  for (const [screen, fixed] of Object.entries(screens[role])) {
    if (only && screen !== only) continue;
    one.refusals = ['refused', 'forbidden', 'missing'].includes(screen);
    const path = await addressOf(one, fixed);
    if (!path) {
      note(`${role} ${screen}`, 'nothing leads there');
      continue;
    }
    await one.go(path);
    const isMain = main[role].includes(screen);
    const usual = all ? allLooks : looks;
    for (const look of isMain ? [...usual, ...furtherLooks] : usual) {
      await choose(one.page, look);
      await examine(one, `${role} ${screen} ${look.join(' ')}`, [role, screen, ...look].join('.'), usual.includes(look));
    }
  }
  one.refusals = false;
  for (const [screen, [path, open]] of Object.entries(opened[role])) {
    if (only && screen !== only) continue;
    for (const look of all ? allLooks : looks) {
      await one.page.setViewportSize(sizes.desktop);
      await one.go(path);
      await choose(one.page, look);
      await one.settle();
      await open(one.page, password);
      await examine(one, `${role} ${screen} ${look.join(' ')}`, [role, screen, ...look].join('.'), true);
    }
  }
}

const browser = await launch();
const accounts = [['press', '', ''], ...credentials.map((it) => it.split(':')).map(([name, password, role]) => [role, name, password])];
const began = Date.now();
for (const [role, name, password] of accounts) {
  const faults = [];
  const one = await Visitor.open(browser, base, faults);
  try {
    if (name) {
      await one.go('/sign-in');
      await one.enter(name, password);
      await one.page.waitForURL((to) => to.pathname !== '/sign-in');
      await one.settle();
    }
    await walk(one, role, password);
  } catch (error) {
    note(role, String(error.message ?? error));
    await one.page.screenshot({ path: join(out, `${role}.failed.png`) }).catch(() => {});
  }
  for (const fault of faults) note(role, fault);
  await one.close();
}
await browser.close();
console.log(`${seen} looks in ${((Date.now() - began) / 1000).toFixed(0)} s: ${findings ? `${findings} findings` : 'nothing found'}`);
process.exit(findings ? 1 : 0);
