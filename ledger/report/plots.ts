/** Plots as SVG within HTML: no script, no style but classes, every text escaped. Pure. */

import { escapedHtml } from "../../host/escaped-html.ts";
import { number as amount } from "../../host/terminal/amounts.ts";
import { shown } from "../../manifests/records/names.ts";

const width = 800;
const height = 260;
const left = 62;
const right = 12;
const top = 26;
const bottom = 40;
const plotWidth = width - left - right;
const plotHeight = height - top - bottom;

export interface Plot {
  /** said to who cannot see it */
  readonly title: string;
  /** of the numbers at the side */
  readonly unit: string;
  /** below: one for each place */
  readonly labels: readonly string[];
}

/** Bars of stacked parts; `parts[n].values` has one amount a place. */
export function stackedBars(
  { labels, title, unit }: Plot,
  parts: readonly { readonly name: string; readonly className: string; readonly values: readonly number[] }[],
): string {
  const sums = labels.map((_, at) => parts.reduce((sum, { values }) => sum + (values[at] ?? 0), 0));
  const scale = scaleOf(Math.max(0, ...sums));
  const step = plotWidth / Math.max(1, labels.length);
  const bar = Math.max(1, Math.min(48, step * 0.78));
  const rectangles = labels.flatMap((label, at) => {
    let base = 0;
    return parts.flatMap(({ className, name, values }) => {
      const value = values[at] ?? 0;
      if (value === 0) return [];
      const [y0, y1] = [yOf(base, scale), yOf(base + value, scale)];
      base += value;
      const x = left + at * step + (step - bar) / 2;
      const told = escapedHtml(`${label}, ${shown(name)}: ${amount(value)}`);
      return [
        `<rect class="${className}" x="${fixed(x)}" y="${fixed(y1)}" width="${fixed(bar)}" height="${fixed(Math.max(0.5, y0 - y1))}"><title>${told}</title></rect>`,
      ];
    });
  });
  return svg(title, [...grid(scale, unit), ...rectangles, ...below(labels, step)]);
}

/** A line by steps over the places, with another line across where something alarms. */
export function stepLine({ labels, title, unit }: Plot, values: readonly number[], alarm: number): string {
  const scale = scaleOf(Math.max(alarm, ...values));
  const step = plotWidth / Math.max(1, labels.length);
  const points = values.map((value, at) => {
    const y = fixed(yOf(value, scale));
    return `${fixed(left + at * step)},${y} ${fixed(left + (at + 1) * step)},${y}`;
  });
  const ground = fixed(yOf(0, scale));
  const y = fixed(yOf(alarm, scale));
  const hits = labels.map((label, at) => {
    const told = escapedHtml(`${label}: ${hoursText(values[at] ?? 0)}`);
    return `<rect class="hit" x="${fixed(left + at * step)}" y="${top}" width="${fixed(step)}" height="${plotHeight}"><title>${told}</title></rect>`;
  });
  return svg(title, [
    ...grid(scale, unit),
    `<polygon class="area" points="${left},${ground} ${points.join(" ")} ${fixed(left + values.length * step)},${ground}"/>`,
    `<polyline class="line" points="${points.join(" ")}"/>`,
    `<line class="alarm" x1="${left}" x2="${width - right}" y1="${y}" y2="${y}"/>`,
    `<text class="alarm-text" x="${width - right - 4}" y="${fixed(Number(y) - 5)}" text-anchor="end">alarm: ${escapedHtml(hoursText(alarm))}</text>`,
    ...below(labels, step),
    ...hits,
  ]);
}

/** A dot for the middle of each place, with a line up to the longest. */
export function dots(
  { labels, title, unit }: Plot,
  middle: readonly (number | null)[],
  longest: readonly (number | null)[],
): string {
  const scale = scaleOf(Math.max(0, ...longest.map((one) => one ?? 0)));
  const step = plotWidth / Math.max(1, labels.length);
  const marks = labels.flatMap((label, at) => {
    const [value, most] = [middle[at] ?? null, longest[at] ?? null];
    if (value === null || most === null) return [];
    const x = fixed(left + (at + 0.5) * step);
    const told = escapedHtml(`${label}: median ${hoursText(value)}, longest ${hoursText(most)}`);
    return [
      `<g><title>${told}</title><line class="whisker" x1="${x}" x2="${x}" y1="${fixed(yOf(value, scale))}" y2="${fixed(yOf(most, scale))}"/>`,
      `<line class="whisker" x1="${fixed(Number(x) - 4)}" x2="${fixed(Number(x) + 4)}" y1="${fixed(yOf(most, scale))}" y2="${fixed(yOf(most, scale))}"/>`,
      `<circle class="dot" cx="${x}" cy="${fixed(yOf(value, scale))}" r="4"/></g>`,
    ];
  });
  return svg(title, [...grid(scale, unit), ...marks, ...below(labels, step)]);
}

/** `40 min`, `3.5 h`, `12 days`. */
export function hoursText(hours: number): string {
  if (hours < 1) return `${Math.round(hours * 60)} min`;
  if (hours < 48) return `${Math.round(hours * 10) / 10} h`;
  return `${Math.round((hours / 24) * 10) / 10} days`;
}

interface Scale {
  readonly most: number;
  readonly ticks: readonly number[];
}

/** Four or five round numbers, the last at or above `most`. */
function scaleOf(most: number): Scale {
  const rough = Math.max(most, 1e-9) / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const tick = most === 0 ? 1 : ([1, 2, 2.5, 5, 10].find((one) => one * power >= rough) ?? 10) * power;
  const count = most === 0 ? 4 : Math.ceil(most / tick - 1e-9);
  const ticks = Array.from({ length: count + 1 }, (_, at) => at * tick);
  return { most: count * tick, ticks };
}

function yOf(value: number, { most }: Scale): number {
  return top + plotHeight * (1 - value / most);
}

function grid(scale: Scale, unit: string): readonly string[] {
  return [
    `<text class="unit" x="${left}" y="14">${escapedHtml(unit)}</text>`,
    ...scale.ticks.flatMap((value) => {
      const y = fixed(yOf(value, scale));
      return [
        `<line class="${value === 0 ? "axis" : "grid"}" x1="${left}" x2="${width - right}" y1="${y}" y2="${y}"/>`,
        `<text class="tick" x="${left - 8}" y="${fixed(Number(y) + 4)}" text-anchor="end">${tickText(value)}</text>`,
      ];
    }),
  ];
}

function tickText(value: number): string {
  return Number.isInteger(value) ? amount(value) : String(Math.round(value * 1000) / 1000);
}

/** Half of a label's width. */
const halfLabel = 34;

/** As many labels as have room. */
function below(labels: readonly string[], step: number): readonly string[] {
  const every = Math.max(1, Math.ceil(84 / step));
  return labels.flatMap((label, at) =>
    at % every === 0 && left + (at + 0.5) * step + halfLabel <= width
      ? [
          `<text class="tick" x="${fixed(left + (at + 0.5) * step)}" y="${height - 16}" text-anchor="middle">${escapedHtml(label)}</text>`,
        ]
      : [],
  );
}

function svg(title: string, parts: readonly string[]): string {
  return `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${escapedHtml(title)}">\n${parts.join("\n")}\n</svg>`;
}

function fixed(value: number): string {
  return String(Math.round(value * 10) / 10);
}
