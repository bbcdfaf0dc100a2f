/** Arithmetic on ranges of sizes. */
import type { DIM_FUNCTIONS } from './dim.ts';

/** Both ends included. */
export type Interval = readonly [low: number, high: number];

export const ANYTHING: Interval = [-Infinity, Infinity];

/** Whether a comparison holds for every difference of its sides in a range. */
export const IMPLIED = {
  eq: (low: number, high: number) => low === 0 && high === 0,
  ne: (low: number, high: number) => low > 0 || high < 0,
  lt: (_: number, high: number) => high < 0,
  le: (_: number, high: number) => high <= 0,
} as const;

// 0 times infinity is 0 here: the infinite end is never reached.
const product = (a: number, b: number): number => (a === 0 || b === 0 ? 0 : a * b);
const corners = (f: (a: number, b: number) => number, [a, b]: Interval, [c, d]: Interval): Interval => {
  const all = [f(a, c), f(a, d), f(b, c), f(b, d)];
  return [Math.min(...all), Math.max(...all)];
};
export const times = (a: Interval, b: Interval): Interval => corners(product, a, b);
const quotient = (a: number, b: number): number =>
  Number.isFinite(b) ? Math.floor(a / b) : Number.isFinite(a) ? (a < 0 ? -1 : 0) : a;

/** What a call gives for arguments of two ranges. */
export const CALL_RANGES: Readonly<Record<keyof typeof DIM_FUNCTIONS, (a: Interval, b: Interval) => Interval>> = {
  floordiv: (a, b) => (b[0] >= 1 ? corners(quotient, a, b) : ANYTHING),
  mod: (a, b) => (b[0] >= 1 ? [0, Math.min(b[1] - 1, a[0] >= 0 ? a[1] : Infinity)] : ANYTHING),
  min: (a, b) => [Math.min(a[0], b[0]), Math.min(a[1], b[1])],
  max: (a, b) => [Math.max(a[0], b[0]), Math.max(a[1], b[1])],
  pow: (a, b) => (a[0] >= 1 && b[0] >= 0 ? [1, Infinity] : ANYTHING),
};
