// The page against the real server, over the simulated nation and hostile sources: what people of every role can do, see
// and not see. Pictures of each check, and of what fails, are kept in OUT.
// usage: node tests/page_test.mjs URL OUT TOCSIN STORE [CHECK ...]     exit 1: a check failed
// TOCSIN_ISSUER: the OpenID Connect provider that the server asks; without it that is not checked.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { access } from './page_access.mjs';
import { figures } from './page_figures.mjs';
import { hostile } from './page_hostile.mjs';
import { roles } from './page_roles.mjs';
import { check, launch, Visitor } from './visitor.mjs';

const [base, out, tocsin, store, ...only] = process.argv.slice(2);
if (!store) {
  console.error('usage: node tests/page_test.mjs URL OUT TOCSIN STORE [CHECK ...]');
  process.exit(2);
}
mkdirSync(out, { recursive: true });
const browser = await launch();
let failed = 0;
for (const [name, run] of Object.entries({ ...access, ...roles, ...figures, ...hostile })) {
  if (only.length && !only.includes(name)) continue;
  const faults = [];
  const visitors = [];
  const open = async (options) => {
    const one = await Visitor.open(browser, base, faults, options);
    visitors.push(one);
    return one;
  };
  const began = Date.now();
  let why = '';
  try {
    await run({ open, base, tocsin, store, issuer: process.env.TOCSIN_ISSUER });
    check(!faults.length, faults.join('\n    '));
  } catch (error) {
    why = [String(error.message ?? error), ...faults].join('\n    ');
    failed += 1;
  }
  for (const [i, one] of visitors.entries()) {
    await one.page.screenshot({ path: join(out, `${name}${i ? `.${i}` : ''}.png`), fullPage: true }).catch(() => {});
    await one.close().catch(() => {});
  }
  console.log(`${why ? 'FAILED' : 'ok    '} ${name} ${((Date.now() - began) / 1000).toFixed(1)} s${why ? `\n    ${why}` : ''}`);
}
await browser.close();
process.exit(failed ? 1 : 0);
