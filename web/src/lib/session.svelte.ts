// Who is signed in, and what the server says of itself.
import { api, whenSignedOut } from './api';
import { i18n } from './i18n.svelte';
import { roles, type Catalogue, type Role, type Session, type Status } from './types';

class Here {
  session = $state.raw<Session | null>(null);
  status = $state.raw<Status | null>(null);
  catalogue = $state.raw<Catalogue | null>(null);
  // Whether a sign-in ended without being asked to.
  ended = $state(false);
  user = $derived(this.session?.user ?? null);
  role = $derived<Role>(this.session?.role ?? 'press');

  // Roles are in order of what they may do; organisation stands apart.
  atLeast(role: Role): boolean {
    if (role === 'organisation') return this.role !== 'press';
    return roles.indexOf(this.role) >= roles.indexOf(role);
  }

  async begin() {
    this.session = await api.session();
    const language = this.session.language;
    if (language && !i18n.chosen()) i18n.choose(language);
    await this.refresh();
  }

  async refresh() {
    this.status = await api.status();
    this.catalogue = this.atLeast('organisation') ? await api.catalogue().catch(() => null) : null;
  }

  async use(session: Session) {
    this.session = session;
    this.ended = false;
    if (session.language) i18n.choose(session.language);
    await this.refresh();
  }

  async signOut() {
    await api.signOut().catch(() => {});
    this.session = await api.session();
    await this.refresh();
  }
}

export const here = new Here();
whenSignedOut(() => {
  if (!here.session?.user) return;
  here.session = { user: null, role: 'press', oidc: here.session.oidc };
  here.ended = true;
});
