/** Every family of converters; each of their exports registers. */
import type { OpConverter } from '../converter.ts';
import * as activation from './activation.ts';
import * as arithmetic from './arithmetic.ts';
import * as attention from './attention.ts';
import * as comparison from './comparison.ts';
import * as complex from './complex.ts';
import * as convolution from './convolution.ts';
import * as creation from './creation.ts';
import * as geometry from './geometry.ts';
import * as host from './host.ts';
import * as indexing from './indexing.ts';
import * as join from './join.ts';
import * as linear from './linear.ts';
import * as loss from './loss.ts';
import * as normalization from './normalization.ts';
import * as order from './order.ts';
import * as pointwise from './pointwise.ts';
import * as pooling from './pooling.ts';
import * as recurrent from './recurrent.ts';
import * as reduction from './reduction.ts';
import * as resize from './resize.ts';
import * as special from './special.ts';
import * as symbolic from './symbolic.ts';
import * as view from './view.ts';
import * as window from './window.ts';

/** Exported functions are the family's tools; exported lists are its converters. */
type Family = Readonly<Record<string, readonly OpConverter[] | ((...args: never[]) => unknown)>>;

export const FAMILIES: readonly Family[] = [
  activation,
  arithmetic,
  attention,
  comparison,
  convolution,
  creation,
  geometry,
  host,
  indexing,
  join,
  linear,
  loss,
  normalization,
  order,
  pointwise,
  pooling,
  recurrent,
  reduction,
  resize,
  special,
  symbolic,
  view,
  window,
];

/** Used instead, for nodes that take or give complex tensors. */
export const COMPLEX_FAMILIES: readonly Family[] = [complex];
