// Periods: half-open, of whole days in the constituency's zone where the address has days, else of instants.
import { dayText, monthText } from './format';
import { i18n, t } from './i18n.svelte';
import { place } from './router.svelte';
import { here } from './session.svelte';

export interface Period {
  from: string; // "2013-02-01" or an instant
  to: string; // exclusive
}

const isDay = (text: string) => /^\d{4}-\d{2}-\d{2}$/.test(text);
// What an address says may be anything.
export const isTime = (text: string | null): text is string =>
  text !== null && /^[12]\d{3}-/.test(text) && !Number.isNaN(Date.parse(isDay(text) ? `${text}T00:00:00Z` : text));

export const zone = (): string => here.status?.zone || 'UTC';

function partsIn(zoneName: string, at: number): Record<string, number> {
  const format = new Intl.DateTimeFormat('en-GB', {
    timeZone: zoneName, year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23',
  });
  return Object.fromEntries(format.formatToParts(at).filter((part) => part.type !== 'literal').map((part) => [part.type, Number(part.value)]));
}

function wallOf(zoneName: string, at: number): number {
  const p = partsIn(zoneName, at);
  return Date.UTC(p.year!, p.month! - 1, p.day!, p.hour!, p.minute!, p.second!);
}

// The instant at which a day begins in a zone; where clocks jump over midnight, the first after it.
export function instant(text: string, zoneName = zone()): string {
  if (!isDay(text)) return text;
  const wall = Date.parse(`${text}T00:00:00Z`);
  let at = wall;
  for (let i = 0; i < 3; i += 1) at += wall - wallOf(zoneName, at);
  return new Date(at).toISOString().replace('.000Z', 'Z');
}

// The day of an instant if a day begins then, else the instant itself.
export function dayOf(text: string, zoneName = zone()): string {
  if (isDay(text)) return text;
  const at = Date.parse(text);
  if (Number.isNaN(at)) return text;
  const wall = new Date(wallOf(zoneName, at)).toISOString();
  return wall.endsWith('T00:00:00.000Z') ? wall.slice(0, 10) : text;
}

export function plusDays(day: string, days: number): string {
  return new Date(Date.parse(`${day.slice(0, 10)}T00:00:00Z`) + days * 86_400_000).toISOString().slice(0, 10);
}

function plusMonths(day: string, months: number): string {
  const [year, month] = day.split('-').map(Number) as [number, number];
  return new Date(Date.UTC(year, month - 1 + months, 1)).toISOString().slice(0, 10);
}

const wholeMonths = (p: Period) => isDay(p.from) && isDay(p.to) && p.from.endsWith('-01') && p.to.endsWith('-01');
function monthsOf(p: Period): number {
  const [a, b] = [p.from.split('-').map(Number), p.to.split('-').map(Number)];
  return (b[0]! - a[0]!) * 12 + b[1]! - a[1]!;
}

// The period before or after: as many months if it is whole months, else as long.
export function shifted(p: Period, direction: 1 | -1): Period {
  if (wholeMonths(p)) {
    const months = monthsOf(p) * direction;
    return { from: plusMonths(p.from, months), to: plusMonths(p.to, months) };
  }
  if (isDay(p.from) && isDay(p.to)) {
    const days = Math.round((Date.parse(p.to) - Date.parse(p.from)) / 86_400_000) * direction;
    return { from: plusDays(p.from, days), to: plusDays(p.to, days) };
  }
  const length = (Date.parse(instant(p.to)) - Date.parse(instant(p.from))) * direction;
  const moved = (text: string) => new Date(Date.parse(instant(text)) + length).toISOString();
  return { from: moved(p.from), to: moved(p.to) };
}

// Every moment of a period by day, week (from Monday) or month, up to the last that has data; none if they are too many.
export function moments(by: string, from: string, to: string): string[] {
  const seen = here.status?.last_seen;
  const wall = (text: string) => new Date(wallOf(zone(), Date.parse(instant(text)))).toISOString().slice(0, 10);
  let at = wall(from);
  let last = wall(new Date(Date.parse(instant(to)) - 1000).toISOString());
  if (seen && wall(seen) < last) last = wall(seen);
  if (by === 'week') at = plusDays(at, -((new Date(`${at}T00:00:00Z`).getUTCDay() + 6) % 7));
  if (by === 'month') at = `${at.slice(0, 7)}-01`;
  const out: string[] = [];
  while (at <= last) {
    out.push(by === 'month' ? at.slice(0, 7) : at);
    if (out.length > 1000) return [];
    at = by === 'month' ? plusMonths(at, 1) : plusDays(at, by === 'week' ? 7 : 1);
  }
  return out;
}

// Days are left out of an answer where they are zero.
export function filled(trend: { at: string; value: number }[], by: string, from: string, to: string): { at: string; value: number }[] {
  const known = new Map(trend.map((one) => [one.at, one.value]));
  const all = moments(by, from, to);
  if (!all.length || trend.some((one) => !all.includes(one.at))) return [...trend].sort((a, b) => a.at.localeCompare(b.at));
  return all.map((at) => ({ at, value: known.get(at) ?? 0 }));
}

export function lastDays(days: number): Period | null {
  const seen = here.status?.last_seen;
  if (!seen) return null;
  const to = plusDays(new Date(wallOf(zone(), Date.parse(seen))).toISOString(), 1);
  return { from: plusDays(to, -days), to };
}

export function everything(): Period | null {
  const first = here.status?.first_seen;
  const to = lastDays(1)?.to;
  return first && to ? { from: new Date(wallOf(zone(), Date.parse(first))).toISOString().slice(0, 10), to } : null;
}

export function defaultPeriod(): Period {
  const known = here.status?.default;
  return known ? { from: dayOf(known.from), to: dayOf(known.to) } : { from: '', to: '' };
}

// What the address says, else the default.
export function period(): Period {
  const from = place.query.get('from');
  const to = place.query.get('to');
  return isTime(from) && isTime(to) ? { from, to } : defaultPeriod();
}

// As the API is asked.
export const asked = (p: Period = period()) => ({ from: instant(p.from), to: instant(p.to), zone: zone() });

export function periodText(p: Period): string {
  const a = dayOf(p.from);
  const b = dayOf(p.to);
  const zh = i18n.language === 'zh';
  if (!a || !b) return '';
  if (!isDay(a) || !isDay(b)) return `${a} – ${b}`;
  const both = { from: a, to: b };
  if (wholeMonths(both)) {
    const months = monthsOf(both);
    if (months === 1) return monthText(a);
    return monthText(a) + (zh ? '至' : ' – ') + monthText(plusMonths(b, -1));
  }
  const last = plusDays(b, -1);
  if (last <= a) return dayText(a);
  return dayText(a) + (zh ? '至' : ' – ') + dayText(last);
}

export const zoneText = (): string => t().period.zone(zone());
