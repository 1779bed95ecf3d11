// How things are written: numbers, shares, changes, places. Nothing here computes a figure.
import { i18n, t, word } from './i18n.svelte';
import { here } from './session.svelte';
import type { Key, Texts } from './types';

const made = new Map<string, unknown>();
function kept<F>(key: string, make: () => F): F {
  const name = `${i18n.locale} ${key}`;
  if (!made.has(name)) made.set(name, make());
  return made.get(name) as F;
}

export const texts = (value: Texts | undefined | null): string => value?.[i18n.language] || value?.en || '';

// In full, with separators.
export function whole(value: number | null | undefined): string {
  if (value === null || value === undefined) return '–';
  return kept('whole', () => new Intl.NumberFormat(i18n.locale, { maximumFractionDigits: 1 })).format(value);
}

function decimals(value: number, most: number): string {
  return value.toFixed(most).replace(/\.?0+$/, '');
}

// As a brief tells a count: about four digits, in 万 and 亿 or in millions and billions.
export function count(value: number | null | undefined): string {
  if (value === null || value === undefined) return '–';
  if (i18n.language === 'zh') {
    if (value >= 99_995_000) return `${decimals(value / 1e8, 2)}亿`;
    if (value >= 1_000_000) return `${decimals(value / 1e4, 1)}万`;
    if (value >= 10_000) return `${decimals(value / 1e4, 2)}万`;
  } else {
    if (value >= 999_999_500) return `${decimals(value / 1e9, 3)} billion`;
    if (value >= 1_000_000) return `${decimals(value / 1e6, 3)} million`;
  }
  return whole(value);
}

// On an axis.
export function short(value: number): string {
  return kept('short', () => new Intl.NumberFormat(i18n.locale, { notation: 'compact', maximumFractionDigits: 1 })).format(value);
}

export function percent(share: number | null | undefined): string {
  if (share === null || share === undefined) return '';
  if (share > 0 && share < 0.001) return i18n.language === 'zh' ? '不足0.1%' : 'under 0.1%';
  return kept('percent', () => new Intl.NumberFormat(i18n.locale, { style: 'percent', maximumFractionDigits: 1 })).format(share);
}

// The word that goes with a number: "hosts", "台".
export function unit(name: string, value: number): string {
  if (name === '%' || !name) return '';
  const pair = Object.hasOwn(t().units, name) ? t().units[name]! : null;
  if (!pair) return i18n.language === 'zh' ? '个' : name;
  return value === 1 ? pair[0] : pair[1];
}

export function amount(value: number | null | undefined, name: string): string {
  if (value === null || value === undefined) return '–';
  if (name === '%') return `${decimals(value, 1)}%`;
  return count(value);
}

export function amountWithUnit(value: number | null | undefined, name: string): string {
  const text = amount(value, name);
  const of = unit(name, value ?? 0);
  return of ? text + (i18n.language === 'zh' ? '' : ' ') + of : text;
}

// As a brief tells a change on the period before.
export function change(value: number, previous: number | null | undefined, name: string): string {
  const say = t().change;
  if (previous === null || previous === undefined) return say.none;
  const from = amount(previous, name);
  if (value === previous) return say.same(from);
  if (previous <= 0) return say.fromNone;
  const up = value > previous;
  if (name === '%') {
    const by = say.points(decimals(Math.abs(value - previous), 1));
    return up ? say.up(by, from) : say.down(by, from);
  }
  if (value >= 3 * previous) return say.times(decimals(value / previous, 1), from);
  if (previous < 20) return up ? say.upFrom(from) : say.downFrom(from);
  const by = percent(Math.abs(value - previous) / previous);
  return up ? say.up(by, from) : say.down(by, from);
}

export function bytes(value: number): string {
  const names = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let at = 0;
  while (value >= 1024 && at < names.length - 1) {
    value /= 1024;
    at += 1;
  }
  return `${decimals(value, at ? 1 : 0)} ${names[at]}`;
}

export function lag(seconds: number | null): string {
  if (seconds === null) return '–';
  const [value, name] =
    seconds < 90 ? [seconds, 'second'] : seconds < 5400 ? [seconds / 60, 'minute'] : seconds < 172_800 ? [seconds / 3600, 'hour'] : [seconds / 86_400, 'day'];
  return kept(`lag ${name}`, () => new Intl.NumberFormat(i18n.locale, { style: 'unit', unit: name as string, unitDisplay: 'short', maximumFractionDigits: 0 })).format(value as number);
}

// "Hong Kong SAR China", "Myanmar (Burma)": the first name is enough to tell the place, as in a brief.
export function country(code: string | null | undefined): string {
  if (!code) return t().state.unknownValue;
  if (!/^[A-Z]{2}$/.test(code)) return code;
  const names = kept('country', () => new Intl.DisplayNames([i18n.locale], { type: 'region', fallback: 'code' }));
  return (names.of(code) ?? code).replace(/ SAR China$| \(Burma\)$|特别行政区$/, '');
}

export const network = (asn: number | string | null | undefined): string => (asn ? `AS${asn}` : t().state.unknownValue);

export function sector(code: string | null | undefined): string {
  if (!code) return t().state.unknownValue;
  const found = here.status?.sectors?.find((one) => one.code === code);
  return found ? found[i18n.language] || code : code;
}

export function dimension(name: string): string {
  return Object.hasOwn(t().dimensions, name) ? t().dimensions[name]! : (here.catalogue?.dimensions.find((one) => one.name === name)?.[i18n.language] ?? name);
}

export const capital = (text: string): string => text.charAt(0).toLocaleUpperCase(i18n.locale) + text.slice(1);

// One value of a dimension, for people.
export function keyText(name: string, value: string | number | null | undefined): string {
  if (value === null || value === undefined || value === '') return t().state.unknownValue;
  const text = String(value);
  if (name.endsWith('-country')) return country(text);
  if (name.endsWith('-network')) return /^\d+$/.test(text) ? network(text) : text;
  if (name === 'target-sector') return sector(text);
  if (name === 'kind') return word(t().kinds, text);
  if (name === 'confidence') return word(t().confidences, text);
  if (name === 'day' || name === 'week') return dayText(text);
  if (name === 'month') return monthText(text);
  return text;
}

export const rowText = (by: string[], key: Key): string =>
  by.map((name) => keyText(name, key[name])).join(' · ');

export function dayText(day: string, style: 'medium' | 'short' = 'medium'): string {
  const date = new Date(`${day.slice(0, 10)}T00:00:00Z`);
  if (Number.isNaN(date.getTime())) return day;
  const options: Intl.DateTimeFormatOptions =
    style === 'short' ? { month: 'short', day: 'numeric', timeZone: 'UTC' } : { year: 'numeric', month: 'short', day: 'numeric', timeZone: 'UTC' };
  return kept(`day ${style}`, () => new Intl.DateTimeFormat(i18n.locale, options)).format(date);
}

export function monthText(month: string): string {
  const date = new Date(`${month.slice(0, 7)}-01T00:00:00Z`);
  if (Number.isNaN(date.getTime())) return month;
  return kept('month', () => new Intl.DateTimeFormat(i18n.locale, { year: 'numeric', month: 'long', timeZone: 'UTC' })).format(date);
}

export const axisDay = (at: string): string => (at.length === 7 ? monthText(at) : dayText(at, 'short'));

// A time in the viewer's own zone.
export function time(at: string | null | undefined): string {
  if (!at) return '–';
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return at;
  return kept('time', () => new Intl.DateTimeFormat(i18n.locale, { year: 'numeric', month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' })).format(date);
}
