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

// The secret of a new token, as it is shown once.
async function makeToken(one, label) {
  await one.field('What it is for').fill(label);
  await one.press('Make a token');
  return (await (await one.sees('section[aria-labelledby=tokens] pre', 'tcs_')).innerText()).trim();
}
const statusOf = async (base, token) => (await fetch(`${base}/api/v1/cases`, { headers: { authorization: `Bearer ${token}` } })).status;

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
    const own = 'section[aria-labelledby=totp]';
    await one.field('Present password', own).fill('not the password of two');
    await one.press('Set up');
    await one.sees(`${own} [role=alert]`, 'The present password is wrong.');
    await one.field('Present password', own).fill('the password of two');
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
    await one.go('/account', 'Account');
    await one.press('Turn off'); // without the password nothing is sent
    await one.sees(own, 'A code of your authenticator is asked for');
    await one.field('Present password', own).fill('the password of two');
    await one.press('Turn off');
    await one.sees(own, 'Only the password is asked for when you sign in.');
    await (await open()).signIn('two');
  },

  // A new password ends what the old one began, tokens too, but not the session in which it is set.
  async newPassword({ open, base }) {
    const one = await (await open()).signIn('pat');
    const other = await (await open()).signIn('pat');
    one.refusals = other.refusals = true;
    await one.go('/account', 'Account');
    const token = await makeToken(one, 'before');
    const own = 'section[aria-labelledby=password]';
    const fill = async (old) => {
      await one.field('Present password', own).fill(old);
      await one.page.locator(`${own} input[autocomplete=new-password]`).first().fill('another password of pat');
      await one.page.locator(`${own} input[autocomplete=new-password]`).last().fill('another password of pat');
      await one.press('Change password');
    };
    await fill('not the password of pat');
    await one.sees(`${own} [role=alert]`, 'The present password is wrong.');
    same('the token before', 200, await statusOf(base, token));
    await fill('the password of pat');
    await one.sees(`${own} [role=status]`, 'your tokens are revoked');
    await one.sees('section[aria-labelledby=tokens]', 'You have no token.');
    same('the token after', 401, await statusOf(base, token));
    await one.menu('Cases');
    await one.sees('h1', 'Cases');
    await other.menu('Cases');
    await other.sees('[role=alert]', 'Your sign-in has ended.');
    await other.go('/sign-in');
    await other.enter('pat', 'another password of pat');
    await other.sees('h1', 'Overview');
  },

  async tokens({ open, base }) {
    const one = await (await open()).signIn('ann');
    await one.go('/account', 'Account');
    const token = await makeToken(one, 'the nightly export');
    same('with the token', 200, await statusOf(base, token));
    await one.go('/account', 'Account');
    const row = await one.sees('section[aria-labelledby=tokens] tbody tr', 'the nightly export');
    check(!(await one.page.content()).includes(token), 'the token is shown again');
    check(!(await row.innerText()).includes('never'), 'its use is not shown');
    await row.getByRole('button', { name: 'Revoke' }).click();
    await one.page.locator('dialog[open]').getByRole('button', { name: 'Revoke' }).click();
    await one.sees('section[aria-labelledby=tokens]', 'You have no token.');
    same('after it was revoked', 401, await statusOf(base, token));
  },

  // By the provider of the tests, which signs in alice@example.org by itself.
  async openId({ open, base, issuer }) {
    if (!issuer) return console.log('       skipped: no oidc-provider');
    const one = await open();
    one.also = issuer;
    await one.go('/sign-in', 'Sign in');
    await one.press('Sign in with your organisation’s account', 'link');
    await one.sees('h1', 'Overview');
    await one.sees('header', 'alice@example.org');
    await one.go('/account', 'Account');
    await one.sees('section[aria-labelledby=password]', 'This account has no password');
    await one.press('Set up'); // the session is fresh
    const uri = await (await one.sees('pre', 'otpauth://')).innerText();
    await one.field('Code of six digits').fill(codeOf(uri));
    await one.press('Confirm');
    await one.sees('section[aria-labelledby=totp]', 'A code of your authenticator');
    await one.press('Turn off');
    await one.sees('section[aria-labelledby=totp]', 'Only the password');
    // Whom the provider knows and we do not; and an answer that nobody asked the provider for.
    const root = await (await open()).signIn('root');
    await root.go('/admin', 'Administration');
    const row = await root.sees('tbody tr', 'alice@example.org');
    await row.getByRole('button', { name: 'Remove' }).click();
    await root.page.locator('dialog[open]').getByRole('button', { name: 'Remove' }).click();
    await root.page.locator('tbody tr', { hasText: 'alice@example.org' }).waitFor({ state: 'detached' });
    const two = await open();
    two.also = issuer;
    await two.go('/sign-in', 'Sign in');
    await two.press('Sign in with your organisation’s account', 'link');
    await two.sees('[role=alert]', 'no account here');
    await two.go('/api/v1/session/oidc/callback?state=made-up&code=made-up', 'Sign in');
    await two.sees('[role=alert]', 'did not sign you in');
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
