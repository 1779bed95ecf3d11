// Classes of a choropleth, as in the map of a brief: up to five distinct values have a shade each; more are put in five
// classes whose bounds are about equally far apart by ratio, rounded to 1, 2 or 5 times a power of ten.

export interface Class {
  from: number;
  to: number; // the largest in it
}

function rounded(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  const nearest = [1, 2, 5, 10].reduce((best, one) =>
    Math.abs(Math.log(value / (one * power))) < Math.abs(Math.log(value / (best * power))) ? one : best,
  );
  return nearest * power;
}

export function classesOf(values: number[]): Class[] {
  const distinct = [...new Set(values.filter((value) => value > 0))].sort((a, b) => a - b);
  if (distinct.length <= 5) return distinct.map((value) => ({ from: value, to: value }));
  const least = distinct[0]!;
  const most = distinct.at(-1)!;
  const bounds = new Set<number>();
  for (let i = 1; i < 5; i += 1) bounds.add(Math.max(rounded(least * (most / least) ** (i / 5)), least + 1));
  const starts = [least, ...[...bounds].filter((bound) => bound <= most).sort((a, b) => a - b)];
  return starts
    .map((from, i) => ({ from, to: i + 1 < starts.length ? starts[i + 1]! - 1 : most }))
    .filter((one) => distinct.some((value) => value >= one.from && value <= one.to));
}

// Which shade of five a class has: the last is always the darkest.
export const shadeOf = (index: number, classes: number): number =>
  classes <= 1 ? 5 : classes === 5 ? index + 1 : Math.round(1 + (index * 4) / (classes - 1));

export const classOf = (value: number, classes: Class[]): number =>
  classes.findLastIndex((one) => value >= one.from);
