/** Operators that hold graphs. */
import type { StructuralConverter } from './converter.ts';
import { autocast } from './structural/autocast.ts';
import { cond } from './structural/branch.ts';
import { inlinedWrappers } from './structural/wrappers.ts';
import { whileLoop } from './structural/while-loop.ts';
import { associativeScan, map, scan } from './structural/scan.ts';

export const STRUCTURAL: readonly StructuralConverter[] = [
  ...inlinedWrappers,
  autocast,
  cond,
  whileLoop,
  scan,
  map,
  associativeScan,
];
