// Which chart an answer has: a line over time, else lying bars; with another answer beside it if it is compared.
import type { ChartData, Series } from './charts';
import { axisDay, keyText, rowText } from './format';
import { filled } from './period';
import type { FigureAnswer } from './types';

const times = ['day', 'week', 'month'];
export const overTime = (by: string[]): string | undefined => by.find((name) => times.includes(name));

const most = 15;

// Rows over time in the order of time.
export function inTime(answer: FigureAnswer): FigureAnswer {
  const time = overTime(answer.by);
  if (!time) return answer;
  return { ...answer, rows: [...answer.rows].sort((a, b) => String(a.key[time]).localeCompare(String(b.key[time])) || b.value - a.value) };
}

export function sameKey(by: string[], a: Record<string, unknown>, b: Record<string, unknown>): boolean {
  return by.every((name) => (a[name] ?? '') === (b[name] ?? ''));
}

export function chartOf(one: FigureAnswer, two: FigureAnswer | null, names: [string, string]): ChartData {
  const time = overTime(one.by);
  if (!time) {
    const rows = one.rows.slice(0, most);
    const series: Series[] = [{ name: names[0], values: rows.map((row) => row.value) }];
    if (two) series.push({ name: names[1], values: rows.map((row) => two.rows.find((other) => sameKey(one.by, row.key, other.key))?.value ?? 0) });
    return { sort: 'bars', labels: rows.map((row) => rowText(one.by, row.key)), series, unit: one.unit };
  }
  const rest = one.by.find((name) => name !== time);
  if (rest) {
    const at = [...new Set(one.rows.map((row) => String(row.key[time])))];
    const keys = [...new Set(one.rows.map((row) => row.key[rest] ?? null))].slice(0, 2);
    const values = (key: string | number | null) =>
      at.map((moment) => one.rows.find((row) => String(row.key[time]) === moment && (row.key[rest] ?? null) === key)?.value ?? 0);
    return { sort: 'line', labels: at.map(axisDay), series: keys.map((key) => ({ name: keyText(rest, key), values: values(key) })), unit: one.unit };
  }
  const trendOf = (answer: FigureAnswer) => {
    const trend = answer.rows.map((row) => ({ at: String(row.key[time]), value: row.value }));
    return answer.unit === '%' ? trend : filled(trend, time, answer.from, answer.to);
  };
  const first = trendOf(one);
  const series: Series[] = [{ name: names[0], values: first.map((row) => row.value) }];
  if (two) {
    const second = trendOf(two);
    // The same stretch of time is compared moment by moment, another one from its beginning.
    const same = one.from === two.from;
    series.push({
      name: names[1],
      values: first.map((row, i) => (same ? (second.find((other) => other.at === row.at)?.value ?? 0) : (second[i]?.value ?? null))),
    });
  }
  return { sort: 'line', labels: first.map((row) => axisDay(row.at)), series, unit: one.unit };
}
