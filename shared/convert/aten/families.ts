/** Every family of converters: a folder, whose index names its files; what a file exports registers. */
import type { OpConverter } from '../converter.ts';
import * as complex from './complex/index.ts';
import * as creation from './creation/index.ts';
import * as elementwise from './elementwise/index.ts';
import * as indexing from './indexing/index.ts';
import * as linalg from './linalg/index.ts';
import * as nn from './nn/index.ts';
import * as program from './program/index.ts';
import * as quantized from './quantized/index.ts';
import * as random from './random/index.ts';
import * as reduce from './reduce/index.ts';
import * as shape from './shape/index.ts';
import * as signal from './signal/index.ts';
import * as special from './special/index.ts';
import * as torchvision from '../torchvision/index.ts';

/** Exported lists are a file's converters; exported functions are its tools. */
type File = Readonly<Record<string, readonly OpConverter[] | ((...args: never[]) => unknown)>>;
export type Family = Readonly<Record<string, File>>;

export const FAMILIES: readonly Family[] = [
  creation,
  elementwise,
  indexing,
  linalg,
  nn,
  program,
  quantized,
  random,
  reduce,
  shape,
  signal,
  special,
  torchvision,
];

/** Used instead, for nodes that take or give complex tensors. */
export const COMPLEX_FAMILIES: readonly Family[] = [complex, signal];
