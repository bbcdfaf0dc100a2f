/** Enumerations of the torch.export schema: written as numbers, by some writers as names. */
import { fail } from '../../errors.ts';
import type { Dtype } from '../../tensor/dtype.ts';
import type { Json } from '../json.ts';

type Row<T> = readonly [number: number, name: string, value: T];

// Not the numbers of c10::ScalarType, which TorchScript uses.
const SCALAR_TYPES: readonly Row<Dtype | null>[] = [
  [0, 'UNKNOWN', null],
  [1, 'BYTE', 'uint8'],
  [2, 'CHAR', 'int8'],
  [3, 'SHORT', 'int16'],
  [4, 'INT', 'int32'],
  [5, 'LONG', 'int64'],
  [6, 'HALF', 'float16'],
  [7, 'FLOAT', 'float32'],
  [8, 'DOUBLE', 'float64'],
  [9, 'COMPLEXHALF', 'complex32'],
  [10, 'COMPLEXFLOAT', 'complex64'],
  [11, 'COMPLEXDOUBLE', 'complex128'],
  [12, 'BOOL', 'bool'],
  [13, 'BFLOAT16', 'bfloat16'],
  [28, 'UINT16', 'uint16'],
  [29, 'FLOAT8E4M3FN', 'float8e4m3fn'],
  [30, 'FLOAT8E5M2', 'float8e5m2'],
  [31, 'FLOAT8E4M3FNUZ', 'float8e4m3fnuz'],
  [32, 'FLOAT8E5M2FNUZ', 'float8e5m2fnuz'],
  [33, 'FLOAT8E8M0FNU', 'float8e8m0fnu'],
  [34, 'UINT32', 'uint32'],
  [35, 'UINT64', 'uint64'],
];

const LAYOUTS: readonly Row<string>[] = [
  [0, 'Unknown', 'unknown'],
  [1, 'SparseCoo', 'sparse_coo'],
  [2, 'SparseCsr', 'sparse_csr'],
  [3, 'SparseCsc', 'sparse_csc'],
  [4, 'SparseBsr', 'sparse_bsr'],
  [5, 'SparseBsc', 'sparse_bsc'],
  [6, '_mkldnn', '_mkldnn'],
  [7, 'Strided', 'strided'],
];

const MEMORY_FORMATS: readonly Row<string>[] = [
  [0, 'Unknown', 'unknown'],
  [1, 'ContiguousFormat', 'contiguous_format'],
  [2, 'ChannelsLast', 'channels_last'],
  [3, 'ChannelsLast3d', 'channels_last_3d'],
  [4, 'PreserveFormat', 'preserve_format'],
];

const lookup = <T>(rows: readonly Row<T>[]): ReadonlyMap<unknown, T> =>
  new Map(
    rows.flatMap(
      ([number, name, value]) =>
        [
          [number, value],
          [name, value],
        ] as [unknown, T][],
    ),
  );

const BY_KEY = { dtype: lookup(SCALAR_TYPES), layout: lookup(LAYOUTS), memoryFormat: lookup(MEMORY_FORMATS) };

export function readDtype(json: Json): Dtype {
  const dtype = BY_KEY.dtype.get(json.value);
  if (dtype === undefined) json.fail(`${String(json.value)} is no dtype`);
  return (
    dtype ??
    fail('UnsupportedType', {
      what: json.where,
      dtype: 'unknown',
      hint: 'PyTorch had no name for the type of this tensor; export the model with plain tensors',
    })
  );
}

export function readLayout(json: Json): string {
  return BY_KEY.layout.get(json.value) ?? json.fail(`${String(json.value)} is no layout`);
}

export function readMemoryFormat(json: Json): string {
  return BY_KEY.memoryFormat.get(json.value) ?? json.fail(`${String(json.value)} is no memory format`);
}
