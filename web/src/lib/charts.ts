// What charts look like: one look for all, made of the style sheet's colours.
import type { EChartsCoreOption } from './echarts';
import { styleColour } from './colours';
import { amount, short, whole } from './format';

export interface Series {
  name: string;
  values: (number | null)[];
  colour?: string;
}

export interface ChartData {
  labels: string[]; // along the axis
  series: Series[];
  sort: 'bars' | 'line' | 'columns'; // bars lie, columns stand
  stacked?: boolean;
  unit?: string;
}

// How much larger the page's type is than usual: on a wall it is read from afar, and what is drawn must grow with it.
export const scaleOf = () => parseFloat(getComputedStyle(document.documentElement).fontSize) / 16;

export function optionOf(data: ChartData, narrow: boolean): EChartsCoreOption {
  const ink = styleColour('--ink');
  const quiet = styleColour('--quiet');
  const rule = styleColour('--rule');
  const font = getComputedStyle(document.body).fontFamily;
  const palette = [styleColour('--accent'), data.sort === 'bars' ? styleColour('--s2') : '#d55e00'];
  const scale = scaleOf();
  const text = { color: quiet, fontFamily: font, fontSize: 12 * scale };
  const lying = data.sort === 'bars';
  const many = data.series.length > 1;
  const suffix = data.unit === '%' ? '%' : '';
  const label = (value: number) => short(value) + suffix; // along an axis
  const full = (value: number) => (suffix ? amount(value, '%') : whole(value)); // as the table has it
  const longest = lying && !many ? Math.max(0, ...data.series.flatMap((one) => one.values.map((value) => full(value ?? 0).length))) : 0;
  const categories = {
    type: 'category', data: data.labels, inverse: lying, axisTick: { show: false }, axisLine: { lineStyle: { color: rule } },
    axisLabel: { ...text, color: lying ? ink : quiet, width: (narrow ? 96 : 200) * scale, overflow: lying ? 'truncate' : undefined, hideOverlap: true },
  };
  const numbers = {
    type: 'value', axisLabel: { ...text, formatter: label, hideOverlap: true }, splitLine: { lineStyle: { color: rule } }, minInterval: data.unit === '%' ? 0 : 1,
  };
  return {
    animation: false,
    textStyle: { fontFamily: font },
    grid: { left: 4, right: Math.max(12, 14 + 7 * longest) * scale, top: (many ? 36 : 12) * scale, bottom: 4, containLabel: true },
    legend: many ? { type: 'plain', top: 0, left: 0, textStyle: { ...text, color: ink }, itemWidth: 14 * scale, itemHeight: 10 * scale, icon: 'roundRect' } : undefined,
    // Rich text is drawn on the canvas; the other way needs style attributes, which the policy forbids.
    tooltip: {
      trigger: 'axis', renderMode: 'richText', axisPointer: { type: lying || data.sort === 'columns' ? 'shadow' : 'line', label: { show: false } },
      backgroundColor: styleColour('--raised'), borderColor: rule, textStyle: { ...text, color: ink }, confine: true,
      valueFormatter: (value: unknown) => (typeof value === 'number' ? full(value) : '–'),
    },
    xAxis: lying ? numbers : categories,
    yAxis: lying ? categories : numbers,
    series: data.series.map((one, i) => {
      const colour = one.colour ?? palette[i % palette.length]!;
      const common = { name: one.name, data: one.values, itemStyle: { color: colour }, emphasis: { disabled: true } };
      if (data.sort === 'line') {
        return { ...common, type: 'line', symbol: 'circle', symbolSize: 5 * scale, showSymbol: data.labels.length < 40, lineStyle: { width: 2 * scale, color: colour, type: i ? 'dashed' : 'solid' } };
      }
      return {
        ...common, type: 'bar', stack: data.stacked ? 'all' : undefined, barMaxWidth: 22 * scale, barGap: '10%',
        label: lying && !many ? { show: true, position: 'right', formatter: (p: { value: number }) => full(p.value), ...text } : undefined,
      };
    }),
  };
}
