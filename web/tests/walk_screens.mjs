// What the walk looks at: each role's screens by name, and what opens on them.
const figure = '/figures/botnet/controlled-hosts';

// An address, or how the first link of a list leads to one that is not known before.
export const screens = {
  press: { briefs: '/briefs', 'sign-in': '/sign-in', 'sign-in-failed': '/sign-in?problem=unknown', refused: '/overview', missing: '/nothing' },
  organisation: {
    organisation: '/organisation', figures: '/figures', figure, sightings: '/sightings', cases: '/cases', briefs: '/briefs',
    account: '/account', forbidden: '/live',
  },
  analyst: {
    overview: '/overview', 'overview-kind': '/overview?kind=backdoor&count=targets', figures: '/figures', figure,
    'figure-time': `${figure}?by=day&compare=previous`, 'figure-country': `${figure}?compare=country&a=US&b=JP&by=day`,
    'figure-pair': `${figure}?by=actor-country&compare=previous`, sightings: '/sightings', 'sightings-empty': '/sightings?q=nothing',
    'sightings-figure': '/sightings?figure=botnet.controlled-hosts&key=actor-country:US',
    sighting: ['/sightings', 'tbody a[href^="/sightings/"]'], 'lookup-start': '/lookup',
    lookup: ['/sightings', 'tbody a[href^="/lookup"]'], 'lookup-nothing': '/lookup?q=nothing.example', cases: '/cases',
    case: ['/cases', 'tbody a[href^="/cases/"]'], briefs: '/briefs', brief: ['/briefs', 'main li a[href^="/briefs/"]'], live: '/live',
    organisation: '/organisation', account: '/account', forbidden: '/admin',
  },
  administrator: { users: '/admin', audit: '/admin?part=audit' },
};

// Seen also by who magnifies to 400 % and from the other end of the room.
export const main = {
  press: ['briefs', 'sign-in'],
  organisation: ['organisation'],
  analyst: ['overview', 'figure', 'figure-time', 'sightings', 'sighting', 'lookup', 'cases', 'case', 'brief', 'live', 'account'],
  administrator: ['users'],
};

const press = (selector) => (page) => page.locator(selector).first().click();
export const opened = {
  press: {},
  organisation: {},
  analyst: {
    'period-open': ['/overview', press('.picker summary')],
    'filters-open': ['/sightings', press('form details summary')],
    'brief-new': ['/briefs', press('details.panel > summary')],
    'totp-open': ['/account', async (page, password) => {
      await page.locator('section[aria-labelledby=totp] input[type=password]').fill(password);
      await page.locator('section[aria-labelledby=totp] button').click();
      await page.locator('section[aria-labelledby=totp] pre').waitFor();
    }],
    'menu-open': ['/overview', async (page) => {
      const toggle = page.locator('nav .toggle');
      if (await toggle.isVisible()) await toggle.click();
    }],
  },
  administrator: { 'user-open': ['/admin', press('main button.main')] },
};

export const sizes = {
  desktop: { width: 1440, height: 900 },
  phone: { width: 320, height: 640 },
  zoom: { width: 320, height: 256 }, // 1280 by 1024 at 400 %
  wall: { width: 3840, height: 2160 },
};
// Language, theme and size in which every screen is looked at, and those of the main ones.
export const looks = [['en', 'light', 'desktop'], ['zh', 'dark', 'phone']];
export const furtherLooks = [['en', 'light', 'zoom'], ['zh', 'dark', 'wall']];
export const allLooks = ['en', 'zh'].flatMap((l) => ['light', 'dark'].flatMap((c) => ['desktop', 'phone'].map((s) => [l, c, s])));
