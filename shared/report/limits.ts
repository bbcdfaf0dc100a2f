/** How much of a long report a page shows: the first level of detail that fits. The JSON file always has everything. */

export interface Limits {
  /** Rows of any table or list. */
  readonly rows: number;
  /** Bars of a chart. */
  readonly bars: number;
  /** UTF-16 units of a name; longer ones lose their middle. */
  readonly name: number;
  /** UTF-16 units of a message, command or JSON text. */
  readonly text: number;
  /** The file that has everything, named where the page leaves something out. */
  readonly full: string;
}

/** A page stays below this many bytes, so that it opens at once and fits in a mail. */
const PAGE_BYTES = 150_000;

const LEVELS: readonly Omit<Limits, 'full'>[] = [
  { rows: 40, bars: 12, name: 240, text: 4000 },
  { rows: 24, bars: 12, name: 120, text: 2000 },
  { rows: 12, bars: 10, name: 80, text: 800 },
  { rows: 6, bars: 6, name: 48, text: 300 },
  { rows: 3, bars: 3, name: 32, text: 120 },
];

/** The first rendering that stays within the size; the last level, should even that be larger. */
export function withinSize(full: string, render: (limits: Limits) => string): string {
  let text = '';
  for (const level of LEVELS) {
    text = render({ ...level, full });
    if (Buffer.byteLength(text) <= PAGE_BYTES) break;
  }
  return text;
}
