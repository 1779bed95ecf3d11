// What each role is given and refused.
import { check, patience, same } from './visitor.mjs';

const menu = (one) => one.texts('nav[aria-label=Main] li');
const refused = async (one, paths, why) => {
  one.refusals = true;
  for (const path of paths) {
    await one.go(path);
    await one.sees('[role=alert]', why);
    same(`tables at ${path}`, 0, await one.page.locator('main table').count());
  }
};
const forbidden = 'Your account may not see this.';

async function draft(one, titles, remarks) {
  await one.go('/briefs', 'Briefs');
  await one.page.locator('summary', { hasText: 'Make a draft' }).click();
  await one.field('Title in English').fill(titles[0]);
  await one.field('Title in Chinese').fill(titles[1]);
  await one.field('Remarks in English').fill(remarks);
  await one.page.locator('main form').getByRole('button', { name: 'Make a draft' }).click();
  await one.sees('h1', titles[0], 2 * patience); // its figures are counted
  await one.settle();
  return new URL(one.page.url()).pathname;
}

export const roles = {
  async briefs({ open }) {
    // An analyst drafts, an officer publishes, the press reads what is published and nothing else.
    const title = '<img src=x onerror=alert(1)> March';
    const remarks = '<script>alert(2)</script> & "quoted"';
    const ann = await (await open()).signIn('ann');
    const kept = await draft(ann, ['Not for the press', '未公开'], '');
    await ann.sees('main', 'An officer publishes it.');
    same('an analyst publishes', 0, await ann.page.getByRole('button', { name: 'Publish' }).count());
    const path = await draft(ann, [title, '三月'], remarks);

    const press = await open();
    await press.go('/');
    await press.sees('h1', 'Briefs');
    await press.sees('main', 'No brief has been published yet.');
    const oz = await (await open()).signIn('oz');
    await oz.go(path, title);
    await oz.page.getByRole('button', { name: 'Publish', exact: true }).click();
    await oz.page.getByRole('button', { name: 'Sign and publish' }).click();
    await oz.sees('.tag', 'Published', 4 * patience); // its PDFs are made
    await oz.sees('.remarks', remarks);
    same('a published brief can be changed', 0, await oz.page.locator('main form').count());

    await press.go('/');
    await press.sees('h2', title);
    same('briefs of the press', 1, await press.page.locator('main li h2').count());
    same('menu of the press', ['Briefs'], await menu(press));
    await press.press(title, 'link');
    await press.sees('.remarks', remarks);
    const file = await press.page.locator('main a[href*=".html"]').first().getAttribute('href');
    const opened = await press.context.newPage();
    await opened.goto(press.base + file);
    check((await opened.locator('body').innerText()).includes(title), 'the brief does not say its title');
    await opened.close();
    await refused(press, ['/overview', '/figures', '/sightings', '/cases', '/live', '/admin', '/account'], 'You are not signed in.');
    await press.go(kept);
    await press.sees('[role=alert]', 'There is nothing here.');

    const paper = await (await open()).signIn('paper');
    same('menu of a signed-in reader', ['Briefs', 'Account'], await menu(paper));
    await refused(paper, ['/overview', '/figures', '/sightings', '/cases', '/live', '/lookup', '/organisation', '/admin'], forbidden);
    await paper.go(kept);
    await paper.sees('[role=alert]', 'There is nothing here.');
  },

  async organisation({ open }) {
    const one = await (await open()).signIn('alice');
    const own = (await one.ask('/api/v1/session')).organisation;
    await one.sees('h1', own);
    await one.sees('h2', 'What to do now');
    // What to do stands in plain words, in both languages, for each thing that was seen and nothing else.
    const told = await one.ask('/api/v1/organisation');
    check(told.kinds.length > 0, 'nothing was seen of the organisation');
    const choose = (language) => one.page.locator('header select').first().selectOption(language);
    for (const language of ['zh', 'en']) {
      await choose(language);
      const advice = await one.texts('section[aria-labelledby=now] li p:first-of-type');
      same(`advice in ${language}`, told.kinds.map((it) => it.advice[language]), advice);
      for (const text of advice) check(!/[A-Z_]{4,}|AS\d|SHA|[0-9a-f]{16}/.test(text), `not in plain words: ${text}`);
    }
    await one.press('See the sightings', 'link');
    await one.sees('h1', 'Sightings');
    const seen = await one.ask(`/api/v1/sightings${new URL(one.page.url()).search}`);
    check(seen.sightings.length > 0 && seen.sightings.every((it) => it.kind === told.kinds[0].kind), 'the link leads to other sightings');
    await one.go('/', own);
    same('menu', ['Your organisation', 'Figures', 'Sightings', 'Cases', 'Briefs', 'Account'], await menu(one));
    await one.go('/sightings?from=2013-02-01&to=2013-04-01', 'Sightings');
    const targets = await one.texts('tbody td:nth-of-type(3)');
    check(targets.length > 0 && targets.every((text) => text.includes(own)), `rows of others: ${targets.find((text) => !text.includes(own))}`);
    await one.go('/cases', 'Cases');
    const cases = await one.texts('tbody th');
    const mine = (await one.ask('/api/v1/cases')).cases.map((it) => `Case ${it.id}`);
    same('cases', mine, cases);
    await one.press(cases[0], 'link');
    await one.press('We have seen this');
    await one.sees('main', 'Acknowledged');
    const ann = await (await open()).signIn('ann');
    const theirs = (await ann.ask('/api/v1/cases')).cases.find((it) => it.organisation !== own);
    one.refusals = true;
    await one.go(`/cases/${theirs.id}`);
    await one.sees('[role=alert]', /nothing here|may not see/);
    await refused(one, ['/overview', '/live', '/lookup?q=8.8.8.8', '/admin'], forbidden);
    await one.go(`/organisation?organisation=${encodeURIComponent(theirs.organisation)}`);
    await one.sees('h1', own);
  },

  async administrator({ open }) {
    const root = await (await open()).signIn('root');
    await root.menu('Administration');
    await root.press('Add a user');
    const form = root.page.locator('dialog[open]');
    await root.field('Name', 'dialog[open]').fill('newcomer');
    await root.field('Role', 'dialog[open]').selectOption('officer');
    await root.field('E-mail', 'dialog[open]').fill('newcomer@cert.example');
    await root.field('Password', 'dialog[open]').fill('the password of newcomer');
    await form.getByRole('button', { name: 'Save' }).click();
    const row = await root.sees('tbody tr', 'newcomer@cert.example');
    check((await row.innerText()).includes('Officer'), `the row says ${await row.innerText()}`);
    const newcomer = await (await open()).signIn('newcomer');
    check(!(await menu(newcomer)).includes('Administration'), 'an officer is shown the administration');
    await refused(newcomer, ['/admin', '/admin?part=audit'], forbidden);
    await root.press('Audit', 'link');
    const added = await root.sees('tbody tr', 'user.add');
    check(/root[\s\S]*newcomer/.test(await added.innerText()), `the audit says ${await added.innerText()}`);
    await root.sees('tbody tr', /newcomer\s*sign-in/);
  },
};
