/** ATen operators that choose, place, rank and group elements. */
export * as advanced from './advanced.ts';
export * as gather from './gather.ts';
export * as order from './order.ts';
export * as placement from './placement.ts';
export * as runs from './runs.ts';
export * as scatter from './scatter.ts';
export * as selection from './selection.ts';
export * as sliceScatter from './slice-scatter.ts';
export * as sort from './sort.ts';
