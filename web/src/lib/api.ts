// Speaks to the API: the only place that knows its routes.
import type * as T from './types';

// A problem document (RFC 9457); status 0: the server was not reached.
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly type: string,
    readonly detail: string,
    readonly retryAfter: number | null = null,
  ) {
    super(detail || `HTTP ${status}`);
  }
}

export type Value = string | number | null | undefined | readonly string[];
export type Query = Record<string, Value>;

export function url(path: string, query: Query = {}): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value === null || value === undefined || value === '') continue;
    for (const one of Array.isArray(value) ? value : [value]) parameters.append(name, String(one));
  }
  const text = parameters.toString();
  return `/api/v1${path}${text ? `?${text}` : ''}`;
}

let csrf = '';
// Called when an answer says that nobody is signed in any more.
let signedOut: () => void = () => {};
export function whenSignedOut(call: () => void) {
  signedOut = call;
}

async function problemOf(response: Response): Promise<Problem> {
  let type = '';
  let detail = '';
  try {
    const document = (await response.json()) as { type?: unknown; detail?: unknown; title?: unknown };
    type = typeof document.type === 'string' ? document.type : '';
    detail = String(document.detail ?? document.title ?? '');
  } catch {
    // Not a problem document: a proxy's page, or nothing at all.
  }
  const after = Number(response.headers.get('retry-after'));
  return new Problem(response.status, type, detail, Number.isFinite(after) && after > 0 ? after : null);
}

async function ask(method: string, path: string, body?: unknown, signal?: AbortSignal, again = false): Promise<Response> {
  const headers: Record<string, string> = { accept: 'application/json' };
  if (method !== 'GET') headers['x-csrf-token'] = csrf;
  if (body !== undefined) headers['content-type'] = 'application/json';
  let response: Response;
  try {
    response = await fetch(path, {
      method,
      headers,
      credentials: 'same-origin',
      body: body === undefined ? undefined : JSON.stringify(body),
      signal,
    });
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw new Problem(0, '', '');
  }
  if (response.ok) return response;
  // Another tab may have signed in anew, and so have changed the session's token.
  if (response.status === 403 && method !== 'GET' && !again) {
    const before = csrf;
    await api.session().catch(() => {});
    if (csrf !== before) return ask(method, path, body, signal, true);
  }
  const problem = await problemOf(response);
  if (response.status === 401 && !path.startsWith('/api/v1/session')) signedOut();
  throw problem;
}

async function get<R>(path: string, query: Query = {}, signal?: AbortSignal): Promise<R> {
  return (await (await ask('GET', url(path, query), undefined, signal)).json()) as R;
}

async function send<R>(method: string, path: string, body?: unknown): Promise<R> {
  const response = await ask(method, url(path), body);
  const text = await response.text();
  return (text ? JSON.parse(text) : undefined) as R;
}

async function withSession(asked: Promise<T.Session>): Promise<T.Session> {
  const session = await asked;
  csrf = session.csrf ?? '';
  return session;
}

const part = encodeURIComponent;

export const api = {
  session: () => withSession(get<T.Session>('/session')),
  signIn: (name: string, password: string, code?: string) =>
    withSession(send<T.Session>('POST', '/session', { name, password, ...(code ? { code } : {}) })),
  signOut: () => send<void>('DELETE', '/session'),
  setPassword: (old: string, next: string) => withSession(send<T.Session>('POST', '/session/password', { old, new: next })),
  setLanguage: (language: T.Language) => send<void>('POST', '/session/language', { language }),
  beginTotp: (password: string) => send<{ uri: string }>('POST', '/session/totp', { password }),
  confirmTotp: (code: string) => send<void>('PUT', '/session/totp', { code }),
  removeTotp: (password: string) => send<void>('POST', '/session/totp/removal', { password }),
  tokens: (signal?: AbortSignal) => get<{ tokens: T.Token[] }>('/tokens', {}, signal),
  makeToken: (label: string, scopes: string[], days: number) =>
    send<{ token: string; id: string }>('POST', '/tokens', { label, scopes, days }),
  removeToken: (id: string) => send<void>('DELETE', `/tokens/${part(id)}`),

  users: (signal?: AbortSignal) => get<{ users: T.User[] }>('/users', {}, signal),
  addUser: (user: { name: string; role: T.Role; organisation: string; email: string; password: string }) =>
    send<void>('POST', '/users', user),
  changeUser: (name: string, change: Partial<T.User> & { password?: string }) =>
    send<void>('PATCH', `/users/${part(name)}`, change),
  removeUser: (name: string) => send<void>('DELETE', `/users/${part(name)}`),
  audit: (before: number | null, signal?: AbortSignal) =>
    get<{ entries: T.AuditEntry[]; next: number | null }>('/audit', { before, limit: 100 }, signal),

  status: (signal?: AbortSignal) => get<T.Status>('/status', {}, signal),
  overview: (query: Query, signal?: AbortSignal) => get<T.Overview>('/overview', query, signal),
  catalogue: (signal?: AbortSignal) => get<T.Catalogue>('/figures', {}, signal),
  figure: (id: string, query: Query, signal?: AbortSignal) => get<T.FigureAnswer>(`/figures/${part(id)}`, query, signal),
  figureSightings: (id: string, query: Query, signal?: AbortSignal) =>
    get<T.Sightings>(`/figures/${part(id)}/sightings`, query, signal),

  sightings: (query: Query, signal?: AbortSignal) => get<T.Sightings>('/sightings', query, signal),
  sighting: (id: string, signal?: AbortSignal) => get<T.SightingDetail>(`/sightings/${part(id)}`, {}, signal),
  evidence: (id: string, signal?: AbortSignal) => get<T.Evidence>(`/sightings/${part(id)}/evidence`, {}, signal),
  lookup: (query: Query, signal?: AbortSignal) => get<T.Lookup>('/lookup', query, signal),

  cases: (query: Query, signal?: AbortSignal) => get<{ cases: T.Case[]; next: string | null }>('/cases', query, signal),
  caseSummary: (signal?: AbortSignal) => get<{ states: Partial<Record<T.CaseState, number>> }>('/cases/summary', {}, signal),
  case: (id: string, signal?: AbortSignal) => get<T.CaseDetail>(`/cases/${part(id)}`, {}, signal),
  changeCase: (id: number, change: { state?: T.CaseState; assignee?: string }) =>
    send<T.Case>('PATCH', `/cases/${id}`, change),
  comment: (id: number, text: string) => send<void>('POST', `/cases/${id}/comments`, { text }),
  notice: (id: number, lang: T.Language, signal?: AbortSignal) =>
    get<{ subject: string; text: string }>(`/cases/${id}/notice`, { lang }, signal),
  refreshCases: () => send<{ made: number; recurred: number; open: number }>('POST', '/cases/refresh'),

  briefs: (signal?: AbortSignal) => get<{ briefs: T.Brief[] }>('/briefs', {}, signal),
  brief: (id: string, signal?: AbortSignal) => get<T.Brief>(`/briefs/${part(id)}`, {}, signal),
  makeBrief: (brief: { from: string; to: string; zone?: string; confidence?: T.Confidence; title: T.Texts; remarks: T.Texts }) =>
    send<T.Brief>('POST', '/briefs', brief),
  changeBrief: (id: number, change: { title?: T.Texts; remarks?: T.Texts }) => send<T.Brief>('PATCH', `/briefs/${id}`, change),
  removeBrief: (id: number) => send<void>('DELETE', `/briefs/${id}`),
  publishBrief: (id: number) => send<T.Brief>('POST', `/briefs/${id}/publish`),

  counts: (signal?: AbortSignal) => get<T.Counts>('/live/counts', {}, signal),
  sensors: (signal?: AbortSignal) => get<{ sensors: T.Sensor[] }>('/sensors', {}, signal),
  organisation: (name: string, signal?: AbortSignal) => get<T.OrganisationView>('/organisation', { organisation: name }, signal),
};
