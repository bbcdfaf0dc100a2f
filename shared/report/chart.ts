/**
 * Bar charts as inline SVG. Lengths are per cent of the width, so a chart narrows with its page while its text keeps
 * its size.
 */
import { html, shorten, type Html } from './markup.ts';

/** Bounds and round steps that hold all values: steps of 1, 2 or 5 times a power of ten. */
export interface Scale {
  readonly low: number;
  readonly high: number;
  readonly ticks: readonly number[];
}

export function scaleOf(values: readonly number[], steps: number): Scale {
  const low = Math.min(...values);
  const high = Math.max(...values);
  const rough = (high - low) / steps || Math.abs(high) || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= rough * 0.999) ?? rough;
  const first = Math.floor(low / step + 1e-9);
  const last = Math.max(Math.ceil(high / step - 1e-9), first + 1);
  const ticks = Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)) + 0);
  return { low: ticks[0]!, high: ticks.at(-1)!, ticks };
}

/** Whether a value can be drawn at all; beyond these sizes steps between ticks over- or underflow. */
export const isDrawable = (value: number): boolean =>
  value === 0 || (Math.abs(value) > 1e-100 && Math.abs(value) < 1e100);

export const position = (value: number, { low, high }: Scale): number => (value - low) / (high - low);

/** An SVG length or coordinate: per cent, at most two digits after the point. */
export const percent = (share: number): string => `${Number((share * 100).toFixed(2))}%`;

interface Frame {
  readonly id: string;
  readonly title: string;
  readonly height: number;
}

/** The outer element of every chart: read as one image with a title; its numbers stand in the table next to it. */
export const chart = (
  { id, title, height }: Frame,
  body: readonly Html[],
): Html => html`<svg class="chart" id="${id}" role="img" \
aria-labelledby="${id}-title" width="100%" height="${height}"><title id="${id}-title">${title}</title>${body}</svg>`;

export interface Bar {
  readonly label: string;
  readonly from: number;
  readonly to: number;
  /** The number as printed at the right edge. */
  readonly shown: string;
  /** What the tooltip says: the whole name and the exact number. */
  readonly detail: string;
  readonly mark: 'plain' | 'bad';
}

export interface BarChart {
  readonly id: string;
  readonly title: string;
  readonly axis: string;
  readonly tick: (value: number) => string;
  readonly layout: keyof typeof LAYOUTS;
  readonly bars: readonly Bar[];
}

interface Layout {
  /** Where bars begin and end, as shares of the width. */
  readonly left: number;
  readonly right: number;
  readonly row: number;
  /** Baselines of label and number, top and height of the bar, from the top of the row. */
  readonly text: number;
  readonly number: number;
  readonly bar: number;
  readonly thick: number;
  readonly label: number;
}

// `above` gives long names a line of their own; `beside` is compact. Label lengths fit a chart of 280 pixels, a
// phone's.
const LAYOUTS = {
  above: { left: 0, right: 0.81, row: 32, text: 12, number: 25, bar: 18, thick: 7, label: 41 },
  beside: { left: 0.4, right: 0.8, row: 21, text: 14, number: 14, bar: 5, thick: 11, label: 16 },
} as const satisfies Record<string, Layout>;

const ANCHORS = { first: 'start', last: 'end', between: 'middle' } as const;

/** Horizontal bars, one row each, over a labelled axis. Values that are no numbers keep their row and draw no bar. */
export function barChart({ id, title, axis, tick, layout, bars }: BarChart): Html {
  const at: Layout = LAYOUTS[layout];
  const scale = scaleOf([0, ...bars.flatMap((b) => [b.from, b.to]).filter(isDrawable)], 4);
  const x = (value: number): number => at.left + position(value, scale) * (at.right - at.left);
  const bottom = bars.length * at.row + 4;
  const rows = bars.map((b, i) => row(b, { at, top: i * at.row, x }));
  const grid = scale.ticks.map((value, i) => {
    const anchor = ANCHORS[i === 0 ? 'first' : i === scale.ticks.length - 1 ? 'last' : 'between'];
    return html`<line class="${value === 0 ? 'zero' : 'grid'}" x1="${percent(x(value))}" x2="${percent(x(value))}" y1="0" y2="${bottom}"/>\
<text class="tick" x="${percent(x(value))}" y="${bottom + 13}" text-anchor="${anchor}">${tick(value)}</text>`;
  });
  const name = html`<text class="axis" x="${percent(at.right)}" y="${bottom + 28}" text-anchor="end">${axis}</text>`;
  return chart({ id, title, height: bottom + 33 }, [...grid, ...rows, name]);
}

function row(
  bar: Bar,
  { at, top, x }: { readonly at: Layout; readonly top: number; readonly x: (value: number) => number },
): Html {
  const drawn = isDrawable(bar.from) && isDrawable(bar.to);
  const left = x(Math.min(bar.from, bar.to));
  const width = Math.max(Math.abs(x(bar.to) - x(bar.from)), 0.003);
  const rect = html`<rect class="bar ${bar.mark}" x="${percent(left)}" y="${top + at.bar}" width="${percent(width)}" height="${at.thick}" rx="2"/>`;
  return html`<g><title>${bar.detail}</title><text x="2" y="${top + at.text}">${shorten(bar.label, at.label)}</text>\
<text class="number" x="100%" y="${top + at.number}" text-anchor="end">${bar.shown}</text>${drawn ? rect : null}</g>`;
}
