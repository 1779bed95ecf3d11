// What the API answers with, as its contract has it. Times are UTC ("2013-02-01T00:00:00Z"), countries ISO 3166 alpha-2.

export const kinds = [
  'botnet-control', 'backdoor', 'phishing', 'defacement', 'intrusion', 'web-attack', 'exploit', 'scan', 'brute-force',
  'denial-of-service', 'malware-distribution',
] as const;
export type Kind = (typeof kinds)[number];
export const confidences = ['suspected', 'probable', 'confirmed'] as const;
export type Confidence = (typeof confidences)[number];
export const roles = ['press', 'organisation', 'analyst', 'officer', 'administrator'] as const;
export type Role = (typeof roles)[number];
export type Language = 'en' | 'zh';
export type Texts = Record<Language, string>;
export const caseStates = ['new', 'notified', 'acknowledged', 'fixed', 'recurred'] as const;
export type CaseState = (typeof caseStates)[number];

export interface Session {
  user: string | null;
  role: Role;
  organisation?: string;
  language?: Language | '';
  csrf?: string;
  totp?: boolean;
  has_password?: boolean;
  oidc?: boolean;
  rights?: string[];
}

export interface Token {
  id: string;
  label: string;
  scopes: string[];
  made: string;
  expires: string;
  last_used: string | null;
}

export interface User {
  name: string;
  role: Role;
  organisation: string;
  email: string;
  disabled: boolean;
  totp: boolean;
  made: string;
  last_seen: string | null;
}

export interface AuditEntry {
  number: number;
  when: string;
  user: string;
  peer: string;
  action: string;
  what: string;
}

export interface Ledger {
  sequence: number;
  hash: string;
}

export interface Status {
  constituency: string;
  countries: string[];
  zone: string;
  default: { from: string; to: string };
  version: string;
  // Not for those who are not signed in, nor for the press.
  first_seen?: string | null;
  last_seen?: string | null;
  ledger?: Ledger;
  sightings?: number;
  organisations?: { name: string; sector: string }[];
  sectors?: ({ code: string } & Texts)[];
}

export interface FigureDefinition {
  id: string;
  measure: string;
  kinds: Kind[];
  by: string[];
  unit: string;
  title: Texts;
  definition: Texts;
  caution: Texts;
  headline: boolean;
}

export interface Catalogue {
  figures: FigureDefinition[];
  dimensions: ({ name: string } & Texts)[];
}

export type Key = Record<string, string | number | null>;

export interface FigureAnswer {
  figure: string;
  from: string;
  to: string;
  zone: string;
  constituency: string;
  confidence: Confidence;
  unit: string;
  value: number;
  previous: number | null;
  by: string[];
  rows: { key: Key; value: number; share?: number | null }[];
  overlap: number;
  skipped: number;
  ledger: Ledger;
  machines?: { machines: number; low: number; high: number } | { abstained: Texts } | null;
}

export interface OverviewFigure {
  id: string;
  value: number;
  previous: number | null;
  unit: string;
  trend: { at: string; value: number }[];
  trend_by: 'day' | 'week' | 'month';
  top: { key: string | number | null; value: number; share?: number | null }[];
  by: string;
}

export interface Origin {
  country: string;
  actors: number;
  targets: number;
  sightings: number;
}

export interface Overview {
  from: string;
  to: string;
  previous: { from: string; to: string } | null;
  ledger: Ledger;
  figures: OverviewFigure[];
  origins: Partial<Record<Kind | 'all', Origin[]>>;
  new: { what: string; key: string | number; kind?: Kind | ''; first_seen?: string | null; sightings: number }[];
}

export interface End {
  ip?: string | null;
  port?: number | null;
  name?: string | null;
  country?: string | null;
  asn?: number | null;
  inside?: boolean;
  sector?: string | null;
  organisation?: string | null;
  province?: string | null;
}

export interface Sighting {
  id: string;
  kind: Kind;
  confidence: Confidence;
  detector: string;
  rule?: string | null;
  actor: End;
  target: End;
  first_seen: string;
  last_seen: string;
  count: number;
  family?: string | null;
  group?: string | null;
  cve?: string | null;
  tlp?: string | null;
  source?: string | null;
  evidence?: string | null;
  matched?: string | null;
  location_version?: string | null;
}

export interface Sightings {
  sightings: Sighting[];
  next: string | null;
}

export interface SightingDetail {
  sighting: Sighting;
  rows: Sighting[];
  sources: { id: string; name: string; path: string; format: string; sha256: string; bytes: number; records: number; skipped: number }[];
  case: string | number | null;
}

export interface Evidence {
  evidence: { source: string; place: string; line: string; packets: number }[];
  error: string;
}

export interface GraphNode {
  id: string;
  what: string;
  country?: string | null;
  inside?: boolean;
  role: 'self' | 'actor' | 'target';
}

export interface GraphEdge {
  from: string;
  to: string;
  kind: Kind;
  sightings: number;
}

export interface Lookup {
  query: string;
  what: string;
  location: { version: string; country: string; asn: number | null; holder: string; marks: string[] }[];
  organisation: { name: string; sector: string; province: string; contact: string } | null;
  first_seen: string | null;
  last_seen: string | null;
  sightings: number;
  as_actor: number;
  as_target: number;
  kinds: { kind: Kind; confidence: Confidence; as: 'actor' | 'target'; sightings: number; count: number; first_seen: string; last_seen: string }[];
  timeline: { day: string; kind: Kind; sightings: number }[];
  graph: { nodes: GraphNode[]; edges: GraphEdge[]; more: number; since: string | null }; // since: what was seen before is not drawn
}

export interface Case {
  id: number;
  organisation: string; // whom it concerns; where the register has none, a network
  is_network?: boolean;
  targets?: number;
  kind: Kind;
  target: string;
  state: CaseState;
  assignee: string;
  sightings: number;
  first_seen: string;
  last_seen: string;
  made: string;
  changed: string;
  contact: string;
}

export interface CaseDetail extends Case {
  history: { when: string; user: string; action: string; text: string }[];
  actors: { ip: string; country: string; sightings: number }[];
}

export interface Brief {
  id: number;
  title: Texts;
  from: string;
  to: string;
  zone: string;
  state: 'draft' | 'published';
  made: string;
  published: string | null;
  by: string;
  files: string[];
  headline: Texts;
  remarks?: Texts;
}

export interface Sensor {
  name: string;
  format: string;
  records: number;
  skipped: number;
  first: string | null;
  last: string | null;
  lag_seconds: number | null;
}

export interface Counts {
  at: string;
  ledger: Ledger;
  sightings: number;
  kinds: Partial<Record<Kind, number>>;
  added: number;
}

export interface OrganisationView {
  name: string;
  sector: string;
  contact: string;
  open: number;
  cases: Case[];
  kinds: { kind: Kind; targets: number; sightings: number; last_seen: string; advice: Texts }[];
}
