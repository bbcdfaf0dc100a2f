/** How much of a long report the page shows. The page takes the first level that fits; report.json always has everything. */

export interface Limits {
  /** Rows of any table or list. */
  readonly rows: number;
  /** Bars of a chart. */
  readonly bars: number;
  /** UTF-16 units of a name; longer ones lose their middle. */
  readonly name: number;
  /** UTF-16 units of a message, command or JSON text. */
  readonly text: number;
}

/** A page stays below this many bytes, so that it opens at once and fits in a mail. */
export const PAGE_BYTES = 150_000;

export const LIMITS: readonly Limits[] = [
  { rows: 40, bars: 12, name: 240, text: 4000 },
  { rows: 24, bars: 12, name: 120, text: 2000 },
  { rows: 12, bars: 10, name: 80, text: 800 },
  { rows: 6, bars: 6, name: 48, text: 300 },
  { rows: 3, bars: 3, name: 32, text: 120 },
];
