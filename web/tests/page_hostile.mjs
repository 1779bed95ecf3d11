// What attackers wrote into the data, and people into forms, is text wherever it is shown.
import { check, same } from './visitor.mjs';

const script = '<script>alert(1)</script>';
const image = '"><img src=x onerror=alert(2)>';
const march = 'from=2013-03-01&to=2013-04-01';

// Elements that only an injection can have made.
const planted = (one) => one.page.evaluate(() => document.querySelectorAll('main script, main iframe, [onerror], img[src="x"], a[href^="javascript:" i]').length);

export const hostile = {
  async injections({ open }) {
    const one = await (await open()).signIn('ann');
    await one.go(`/figures/malware/families?${march}&by=family`);
    for (const text of [script, image, "'; DROP TABLE sightings; --", '${jndi:ldap://x}']) await one.sees('tbody th', text);
    await one.press(script, 'link');
    await one.sees('button', script);
    await one.page.locator('tbody tr').first().getByRole('link', { name: /^Sightings of/ }).click();
    await one.sees('tbody td', script);
    await one.page.locator('tbody th a').first().click();
    await one.sees('figure pre', '<script>');
    await one.sees('h1', 'Sighting');
    same('planted in a sighting', 0, await planted(one));
    await one.press(`Look up ${script}`, 'link');
    await one.sees('main', script);
    same('planted in a look-up', 0, await planted(one));
    await one.go(`/sightings?${march}&kind=botnet-control&family=${encodeURIComponent(image)}`, 'Sightings');
    await one.sees('tbody td', image);
    same('planted in sightings', 0, await planted(one));
    await one.go(`/overview?${march}`, 'Overview');
    await one.sees('section[aria-labelledby=new] tbody th', script);
    same('planted in the overview', 0, await planted(one));

    const told = (await one.ask('/api/v1/cases?kind=botnet-control')).cases;
    const { id, targets } = told.sort((a, b) => b.targets - a.targets)[0];
    check(targets > 1, 'no case of several targets');
    await one.go(`/cases/${id}`);
    const comment = `${image} <b>called</b> them & ${script}`;
    await one.field('Comment').fill(comment);
    await one.press('Add comment');
    await one.sees('.history .text', comment);
    await one.sees('section[aria-labelledby=notice] pre', /2013-\d\d-\d\dT\d\d:\d\d:\d\dZ/);
    same('planted in a case', 0, await planted(one));
    // All that a case holds is behind its number, not one target of it.
    const number = await one.page.locator('dl.facts a[href^="/sightings"]').getAttribute('href');
    check(!/target=|target_name=/.test(number), `the sightings of ${targets} targets are ${number}`);
    await one.page.locator('dl.facts a[href^="/sightings"]').click();
    await one.sees('tbody td', 'Botnet control');
  },

  async addresses({ open }) {
    const one = await (await open()).signIn('ann');
    one.refusals = true;
    const text = encodeURIComponent(image); // which has no slash: the server takes an encoded one in a path for a mistake
    for (const path of [
      `/${text}`, `/figures/${text}`, `/figures/botnet/controlled-hosts?by=${text}`, `/figures/botnet/controlled-hosts?key=family:${text}`, `/sightings?q=${text}`,
      `/sightings?kind=${text}`, `/sightings?after=${text}`, `/sightings?figure=${text}`, `/sightings/${text}`, `/lookup?q=${text}`, `/cases/${text}`, `/briefs/${text}`,
      `/organisation?organisation=${text}`, `/overview?from=${text}&to=${text}`, '/overview?from=2013-13-45&to=9999-99-99',
      `/figures/botnet/controlled-hosts?compare=period&compare_from=${text}&compare_to=${text}`, '/figures/%25', '/overview?kind=__proto__&count=constructor',
    ]) {
      await one.go(path);
      same(`planted at ${path}`, 0, await planted(one));
    }
  },
};
