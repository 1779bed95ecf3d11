// Where the page is: the path and query of its address, which alone say what is shown.

class Place {
  path = $state(location.pathname);
  search = $state(location.search);
  // Counts moves from one screen to another, so that the frame can set the focus.
  moves = $state(0);
  query = $derived(new URLSearchParams(this.search));
  parts = $derived(this.path.split('/').filter(Boolean).map(decoded));
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

export const place = new Place();

export function go(target: string, replace = false) {
  const to = new URL(target, location.href);
  const moved = to.pathname !== place.path;
  history[replace ? 'replaceState' : 'pushState'](null, '', to.pathname + to.search);
  place.path = to.pathname;
  place.search = to.search;
  if (moved) {
    place.moves += 1;
    scrollTo(0, 0);
  }
}

export type Changes = Record<string, string | string[] | null | undefined>;

// The address with some of its parameters changed; null or '' takes one out.
export function withQuery(changes: Changes, path = place.path): string {
  const query = new URLSearchParams(place.search);
  for (const [name, value] of Object.entries(changes)) {
    query.delete(name);
    for (const one of Array.isArray(value) ? value : [value]) if (one) query.append(name, one);
  }
  const text = query.toString();
  return path + (text ? `?${text}` : '');
}

export function setQuery(changes: Changes, replace = false) {
  go(withQuery(changes), replace);
}

// The period is kept from screen to screen; nothing else is.
const lasting = ['from', 'to', 'confidence'];
export function link(path: string, query: Record<string, string | string[] | null | undefined> = {}): string {
  const kept = new URLSearchParams();
  for (const name of lasting) {
    const value = place.query.get(name);
    if (value && !(name in query)) kept.set(name, value);
  }
  for (const [name, value] of Object.entries(query)) {
    for (const one of Array.isArray(value) ? value : [value]) if (one) kept.append(name, one);
  }
  const text = kept.toString();
  return path + (text ? `?${text}` : '');
}

// A figure's id has a dot, and a path whose end has a dot is a file's: the first dot becomes a slash.
export function figurePath(id: string): string {
  return `/figures/${id.split('.').map(encodeURIComponent).join('/')}`;
}

addEventListener('popstate', () => {
  const moved = location.pathname !== place.path;
  place.path = location.pathname;
  place.search = location.search;
  if (moved) place.moves += 1;
});

// Links within the page are followed without loading it again.
document.addEventListener('click', (event) => {
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const anchor = (event.target as Element | null)?.closest('a');
  if (!anchor?.href || anchor.target || anchor.hasAttribute('download') || anchor.getAttribute('href')?.startsWith('#')) return;
  const to = new URL(anchor.href);
  if (to.origin !== location.origin || to.pathname.startsWith('/api/')) return;
  event.preventDefault();
  go(to.pathname + to.search);
});
