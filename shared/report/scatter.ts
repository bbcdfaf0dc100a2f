/** A scatter of few named points as inline SVG: what a variant costs against how far it is off. */
import { chart, isDrawable, percent, position, scaleOf, type Scale } from './chart.ts';
import { html, shorten, type Html } from './markup.ts';

export interface Point {
  readonly label: string;
  readonly x: number;
  readonly y: number;
  readonly detail: string;
  readonly chosen: boolean;
}

export interface Axis {
  readonly title: string;
  readonly tick: (value: number) => string;
}

export interface Scatter {
  readonly id: string;
  readonly title: string;
  readonly x: Axis;
  /** `log` puts zero on the floor of the plot, below the smallest decade. */
  readonly y: Axis & { readonly kind: 'linear' | 'log' };
  readonly points: readonly Point[];
}

const LEFT = 48;
const TOP = 24;
const HEIGHT = 150;
/** The plot's share of the width: with the left margin and half a label it still fits 280 pixels, a phone's. */
const WIDTH = 0.77;
const LABEL_GAP = 14;
const DETOURS = Array.from({ length: 25 }, (_, i) => (i % 2 ? -(i + 1) / 2 : i / 2));

interface Placed {
  readonly point: Point;
  readonly x: number;
  readonly y: number;
}

/** Decades that hold every value above zero, at most about six of them marked. */
export function decades(values: readonly number[]): Scale {
  const logs = values.filter((v) => v > 0).map(Math.log10);
  const low = Math.floor(Math.min(...(logs.length ? logs : [0])));
  const high = Math.max(Math.ceil(Math.max(...(logs.length ? logs : [0]))), low + 1);
  const every = Math.ceil((high - low) / 6);
  const ticks = Array.from({ length: Math.floor((high - low) / every) + 1 }, (_, i) => low + i * every);
  return { low, high, ticks };
}

/** A label's line: its height and from where to where it runs. */
export interface Line {
  readonly y: number;
  readonly from: number;
  readonly to: number;
}

/**
 * Labels move up or down, as little as it takes, until none lies on another; points keep their place. Gives the height
 * of each.
 */
export function spread(lines: readonly Line[]): readonly number[] {
  const placed: (Line & { readonly at: number })[] = [];
  for (const { line, at } of lines
    .map((line, at) => ({ line, at }))
    .sort((a, b) => a.line.y - b.line.y || a.at - b.at)) {
    const isFree = (y: number): boolean =>
      !placed.some((p) => p.from < line.to && line.from < p.to && Math.abs(p.y - y) < LABEL_GAP);
    const y = DETOURS.map((steps) => line.y + steps * LABEL_GAP).find(isFree) ?? line.y;
    placed.push({ ...line, y, at });
  }
  return placed.sort((a, b) => a.at - b.at).map((p) => p.y);
}

/** Points that cannot be drawn are left out; the table next to the chart has them. */
export function scatterChart({ id, title, x, y, points }: Scatter): Html {
  const drawn = points.filter((p) => isDrawable(p.x) && isDrawable(p.y));
  const across = scaleOf([0, ...drawn.map((p) => p.x)], 4);
  const log = y.kind === 'log';
  const up = log ? decades(drawn.map((p) => p.y)) : scaleOf(around(drawn.map((p) => p.y)), 4);
  const height = (value: number): number =>
    TOP + HEIGHT * (1 - (log && value <= 0 ? 0 : position(log ? Math.log10(value) : value, up)));
  const placed = drawn.map((point) => ({ point, x: position(point.x, across) * WIDTH, y: height(point.y) }));
  const labels = spread(placed.map(lineOf));
  const body = [
    ...up.ticks.map((tick) => horizontal(TOP + HEIGHT * (1 - position(tick, up)), y.tick(log ? 10 ** tick : tick))),
    ...across.ticks.map((tick) => vertical(position(tick, across) * WIDTH, x.tick(tick))),
    ...placed.map((p, i) => mark(p, labels[i]!)),
    html`<text class="axis" x="${percent(WIDTH)}" y="${TOP + HEIGHT + 31}" text-anchor="end">${x.title}</text>`,
  ];
  return chart({ id, title, height: TOP + HEIGHT + 36 }, [
    html`<text class="axis" x="0" y="10">${y.title}</text>`,
    html`<g transform="translate(${LEFT} 0)">${body}</g>`,
  ]);
}

const isRight = (x: number): boolean => x > WIDTH * 0.5;
const labelText = (point: Point): string => `${shorten(point.label, 22)}${point.chosen ? ', chosen' : ''}`;

// In pixels of a narrow chart: there labels are closest.
function lineOf({ point, x, y }: Placed): Line {
  const length = labelText(point).length * 6.6 + 20;
  const start = x * 280;
  return isRight(x) ? { y: y + 4, from: start - length, to: start } : { y: y + 4, from: start, to: start + length };
}

/** A little air around values, and none below zero. */
function around(values: readonly number[]): readonly number[] {
  const low = Math.min(...values);
  const high = Math.max(...values);
  const air = (high - low || Math.abs(high) || 1) * 0.15;
  return [low >= 0 ? Math.max(0, low - air) : low - air, high + air];
}

const horizontal = (
  y: number,
  label: string,
): Html => html`<line class="grid" x1="0" x2="${percent(WIDTH)}" y1="${y.toFixed(1)}" y2="${y.toFixed(1)}"/>\
<text class="tick" x="-8" y="${(y + 4).toFixed(1)}" text-anchor="end">${label}</text>`;

const vertical = (
  x: number,
  label: string,
): Html => html`<line class="grid" x1="${percent(x)}" x2="${percent(x)}" y1="${TOP}" y2="${TOP + HEIGHT}"/>\
<text class="tick" x="${percent(x)}" y="${TOP + HEIGHT + 16}" text-anchor="middle">${label}</text>`;

// The chosen point differs by shape and word, not only by colour.
function mark({ point, x, y }: Placed, labelY: number): Html {
  const right = isRight(x);
  const ring = point.chosen ? html`<circle class="ring" cx="${percent(x)}" cy="${y.toFixed(1)}" r="9"/>` : null;
  return html`<g><title>${point.detail}</title>${ring}<circle class="point ${point.chosen ? 'chosen' : 'plain'}" cx="${percent(x)}" cy="${y.toFixed(1)}" r="5"/>\
<text class="${point.chosen ? 'strong' : 'name'}" x="${percent(x)}" dx="${right ? -13 : 13}" y="${labelY.toFixed(1)}" \
text-anchor="${right ? 'end' : 'start'}">${labelText(point)}</text></g>`;
}
