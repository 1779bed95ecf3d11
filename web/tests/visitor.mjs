// A person before the browser: what they press and read, and what must never happen meanwhile. Whatever breaks one of
// the rules of `watch` is a fault of the page, in whichever check it comes up.
import { createHmac } from 'node:crypto';
import { chromium } from 'playwright-core';

export const patience = Number(process.env.TOCSIN_PATIENCE ?? 60_000); // a busy machine is no finding

export function check(truth, what) {
  if (!truth) throw new Error(what);
}
export function same(what, expected, got) {
  const [a, b] = [JSON.stringify(expected), JSON.stringify(got)];
  check(a === b, `${what}: expected ${a}, got ${b}`);
}

export const launch = () => chromium.launch({ executablePath: process.env.CHROMIUM || '/usr/bin/chromium', args: process.getuid() === 0 ? ['--no-sandbox'] : [] });

// RFC 6238, of the address that an authenticator is given; steps: so many half minutes from now.
export function codeOf(uri, steps = 0) {
  const secret = new URL(uri).searchParams.get('secret');
  const bits = [...secret].map((one) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(one).toString(2).padStart(5, '0')).join('');
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + steps));
  const hash = createHmac('sha1', key).update(counter).digest();
  const number = hash.readUInt32BE(hash[19] & 15) & 0x7fffffff;
  return String(number % 1_000_000).padStart(6, '0');
}

export class Visitor {
  // faults: what broke a rule is added to it.
  static async open(browser, base, faults, options = {}) {
    const one = new Visitor();
    one.base = base;
    one.context = await browser.newContext({ viewport: { width: 1280, height: 900 }, locale: 'en-GB', colorScheme: 'light', acceptDownloads: true, ...options });
    await one.context.addInitScript(() => {
      addEventListener('securitypolicyviolation', (event) => console.error(`policy: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`));
      // What is written on a canvas is shown too.
      const draw = CanvasRenderingContext2D.prototype.fillText;
      window.drawn = [];
      CanvasRenderingContext2D.prototype.fillText = function (text, ...more) {
        window.drawn.push(text);
        return draw.call(this, text, ...more);
      };
    });
    one.page = await one.context.newPage();
    one.page.setDefaultTimeout(patience);
    one.refusals = false; // whether the check asks for what is refused
    one.also = ''; // another host that may be asked
    one.watch(faults);
    return one;
  }

  watch(faults) {
    const note = (what) => faults.push(`${this.page.url()}: ${what}`);
    this.page.on('dialog', (dialog) => {
      note(`a dialog: ${dialog.message()}`);
      dialog.dismiss();
    });
    this.page.on('pageerror', (error) => note(`an error: ${error}`));
    this.page.on('console', (message) => {
      if (message.type() !== 'error' && !/policy/i.test(message.text())) return;
      if (this.refusals && /status of 40[0134]/.test(message.text())) return;
      note(`the console says: ${message.text()}`);
    });
    this.context.on('request', (request) => {
      const known = [this.base, this.also].some((host) => host && request.url().startsWith(`${host}/`));
      if (!known && !/^(data|blob):/.test(request.url())) note(`another host was asked: ${request.url()}`);
    });
  }

  async go(path, heading) {
    await this.page.goto(this.base + path);
    await this.settle();
    if (heading) await this.sees('h1', heading);
  }
  // The screen is there and nothing is being asked for.
  async settle() {
    const there = this.page.waitForFunction(
      () => document.querySelector('main h1, main .notice') && !document.querySelector('main .wait, main [aria-busy=true]') &&
        ![...document.querySelectorAll('main [role=status]')].some((one) => /Loading|正在加载/.test(one.textContent)));
    await there.catch(async () => { throw new Error(`${this.page.url()} does not come to rest: ${(await this.texts('main')).join(' ').slice(0, 300)}`); });
  }
  // Something matching is shown and has this text, which may be a part of it or an expression.
  async sees(selector, text, timeout = patience) {
    const found = this.page.locator(selector).filter({ hasText: text, visible: true }).first();
    try {
      await found.waitFor({ timeout });
    } catch {
      throw new Error(`at ${this.page.url()} no ${selector} says ${text}, but: ${(await this.texts('main')).join(' ').slice(0, 600)}`);
    }
    return found;
  }
  async texts(selector) {
    return (await this.page.locator(selector).allInnerTexts()).map((one) => one.trim());
  }
  async press(name, role = 'button', where = 'main') {
    await this.page.locator(where).getByRole(role, { name, exact: typeof name === 'string' }).first().click();
    await this.settle();
  }
  // The field under a label.
  field(label, where = 'main') {
    return this.page.locator(`${where} label`).filter({ has: this.page.locator('span').getByText(label, { exact: true }) }).locator('input, select, textarea').first();
  }
  async menu(name) {
    await this.press(name, 'link', 'nav[aria-label=Main]');
  }

  async enter(name, password = `the password of ${name}`, code = '') {
    await this.field('Name').fill(name);
    await this.field('Password').fill(password);
    if (code) await this.field('Code of your authenticator').fill(code);
    await this.page.locator('main form button').click();
  }
  async signIn(name, code = '') {
    await this.page.goto(`${this.base}/sign-in`);
    await this.enter(name, undefined, code);
    await this.page.waitForURL((to) => to.pathname !== '/sign-in');
    await this.settle();
    return this;
  }
  // As a program of the same person would ask, with their cookie.
  async ask(path) {
    const answer = await this.context.request.get(this.base + path);
    check(answer.ok(), `${path}: ${answer.status()}`);
    return answer.json();
  }
  // What comes when a link or button is pressed.
  async download(name, role) {
    const [file] = await Promise.all([this.page.waitForEvent('download'), this.page.locator('main').getByRole(role, { name, exact: true }).click()]);
    const parts = [];
    for await (const part of await file.createReadStream()) parts.push(part);
    return { name: file.suggestedFilename(), bytes: Buffer.concat(parts) };
  }
  async close() {
    await this.context.close();
  }
}
