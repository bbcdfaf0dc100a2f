/** ATen operators that choose, place, rank and group elements. */
export * as indexing from './indexing.ts';
export * as order from './order.ts';
export * as placement from './placement.ts';
export * as runs from './runs.ts';
