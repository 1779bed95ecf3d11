// Signing in and out, and what the first load weighs.
import { check, codeOf, same } from './visitor.mjs';

// Signed in where a refusal stands, and back at the same address.
async function back(one, name, path, heading) {
  await one.press('Sign in', 'link');
  await one.sees('h1', 'Sign in');
  await one.enter(name);
  await one.sees('h1', heading);
  await one.settle();
  same('where one is after signing in', path, new URL(one.page.url()).pathname + new URL(one.page.url()).search);
}

export const access = {
  async signingIn({ open }) {
    const one = await open();
    one.refusals = true;
    const path = '/sightings?kind=backdoor&actor_country=US';
    await one.go(path);
    await one.sees('[role=alert]', 'You are not signed in.');
    same('rows shown to nobody', 0, await one.page.locator('tbody tr').count());
    await one.press('Sign in', 'link');
    await one.enter('ann', 'not the password of ann');
    await one.sees('[role=alert]', 'The name, the password or the code is wrong.');
    await one.enter('ann');
    await one.sees('tbody .kind', 'Backdoor');
    check(one.page.url().endsWith(path), `signing in leads to ${one.page.url()}`);
    await one.sees('header', 'ann');

    // An address to come back to must be of this page.
    await one.page.locator('header').getByRole('button', { name: 'Sign out' }).click();
    await one.sees('h1', 'Sign in');
    await one.go('/sign-in?next=//evil.example/');
    await one.enter('ann');
    await one.sees('h1', 'Overview');
  },

  async signingOut({ open }) {
    const one = await (await open()).signIn('ann');
    one.refusals = true;
    await one.go('/cases', 'Cases');
    const cookies = await one.context.cookies();
    check(cookies.length === 1 && cookies[0].httpOnly && cookies[0].sameSite === 'Strict', `cookies: ${JSON.stringify(cookies)}`);
    await one.page.locator('header').getByRole('button', { name: 'Sign out' }).click();
    await one.sees('h1', 'Sign in');
    await one.page.goBack();
    await one.sees('[role=alert]', 'You are not signed in.');
    same('rows after signing out', 0, await one.page.locator('tbody tr').count());
    await one.context.addCookies(cookies);
    await one.go('/cases');
    await one.sees('[role=alert]', 'You are not signed in.');
  },

  async ending({ open }) {
    const one = await (await open()).signIn('ann');
    one.refusals = true;
    // The cookie is gone: the next thing asked for says so, and leads back.
    await one.go('/overview', 'Overview');
    await one.context.clearCookies();
    await one.menu('Cases');
    await one.sees('[role=alert]', 'Your sign-in has ended.');
    same('rows after the end', 0, await one.page.locator('tbody tr').count());
    await back(one, 'ann', '/cases', 'Cases');
    // Ended by the server, amid a search.
    await one.go('/sightings?kind=phishing', 'Sightings');
    const session = await one.ask('/api/v1/session');
    await one.context.request.delete(`${one.base}/api/v1/session`, { headers: { 'x-csrf-token': session.csrf } });
    await one.press(/^Older/);
    await one.sees('[role=alert]', 'Your sign-in has ended.');
    const url = new URL(one.page.url());
    await back(one, 'ann', url.pathname + url.search, 'Sightings');
    await one.sees('tbody .kind', 'Phishing');
    // While counts are coming.
    await one.go('/live', 'Live');
    await one.context.clearCookies();
    await one.menu('Account');
    await one.sees('[role=alert]', 'Your sign-in has ended.');
  },

  async secondFactor({ open }) {
    const one = await (await open()).signIn('two');
    one.refusals = true;
    await one.go('/account', 'Account');
    await one.press('Set up');
    const uri = await (await one.sees('pre', 'otpauth://')).innerText();
    check(await one.page.getByRole('img', { name: /QR/ }).isVisible(), 'no QR code is shown');
    await one.field('Code of six digits').fill(codeOf(uri, 5000));
    await one.press('Confirm');
    await one.sees('main .notice', 'did not accept');
    await one.field('Code of six digits').fill(codeOf(uri));
    await one.press('Confirm');
    await one.sees('main', 'A code of your authenticator is asked for when you sign in.');
    await one.page.locator('header').getByRole('button', { name: 'Sign out' }).click();
    await one.sees('h1', 'Sign in');
    await one.enter('two');
    await one.sees('[role=status]', 'Enter the code');
    await one.enter('two', undefined, codeOf(uri, 5000));
    await one.sees('[role=alert]', 'wrong');
    await one.enter('two', undefined, codeOf(uri, 1)); // this half minute's was used to set it up
    await one.sees('h1', 'Overview');
  },

  async firstLoad({ open }) {
    const one = await open();
    const network = await one.context.newCDPSession(one.page);
    await network.send('Network.enable');
    const bytes = new Map();
    network.on('Network.loadingFinished', (event) => bytes.set(event.requestId, event.encodedDataLength));
    await one.signIn('ann');
    await one.sees('h2', 'Where attacks come from');
    await one.page.waitForLoadState('networkidle');
    const sum = [...bytes.values()].reduce((a, b) => a + b, 0);
    console.log(`       sign-in and overview: ${bytes.size} answers, ${(sum / 1024).toFixed(0)} KiB as sent`);
    check(bytes.size > 5 && sum < 500 * 1024, `${sum} bytes in ${bytes.size} answers`);
  },
};
