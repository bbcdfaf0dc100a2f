/** Tensors out of nothing, or out of a few numbers: constants, ranges, random numbers, windows. */
import { addDims, ceilDivDims, type Dim, floorDivDims, isStatic, mulDims, subDims } from '../../tensor/dim.ts';
import { isInteger } from '../../tensor/dtype.ts';
import { isAtLeast } from './bounds.ts';
import { CONTENT_LIMIT, contentOf, floatsOf } from './content.ts';
import type { AttributeRow, Inferred, OpCall, OpRow } from './row.ts';
import { commonDtype, requireRank, typed, unknownShape } from './shape-rules.ts';

const OPTIONAL_DTYPE: AttributeRow = { kind: 'int', dtype: true, optional: true };
const FLOAT32 = 1;
const DTYPE: AttributeRow = { kind: 'int', dtype: true, default: FLOAT32 };
const SEED: AttributeRow = { kind: 'float', optional: true };
const NORMAL = {
  mean: { kind: 'float', default: 0 },
  scale: { kind: 'float', default: 1 },
  seed: SEED,
} as const satisfies Record<string, AttributeRow>;
const UNIFORM = {
  high: { kind: 'float', default: 1 },
  low: { kind: 'float', default: 0 },
  seed: SEED,
} as const satisfies Record<string, AttributeRow>;

const random = (attributes: Readonly<Record<string, AttributeRow>>): OpRow => ({
  since: [1, 22],
  inputs: '',
  outputs: 'output',
  attributes: { ...attributes, dtype: DTYPE, shape: { kind: 'ints' } },
  infer: (c) => typed(c.dtype('dtype'), c.ints('shape')!),
});
const like = (since: readonly number[], attributes: Readonly<Record<string, AttributeRow>>): OpRow => ({
  since,
  inputs: 'input',
  outputs: 'output',
  attributes: { ...attributes, dtype: OPTIONAL_DTYPE },
  infer: (c) => typed(c.attribute('dtype') ? c.dtype('dtype') : c.dtypeOf(0), c.shape(0)),
});
const window: OpRow = {
  since: [17],
  inputs: 'size',
  outputs: 'output',
  attributes: { output_datatype: DTYPE, periodic: { kind: 'int', default: 1 } },
  infer: (c) => typed(c.dtype('output_datatype'), [c.content(0)?.[0] ?? c.unknownDim()]),
};

export const CREATION = {
  Constant: {
    since: [1, 9, 11, 12, 13, 19, 21, 23, 24, 25],
    inputs: '',
    outputs: 'output',
    attributes: {
      value: { kind: 'tensor', optional: true },
      value_int: { kind: 'int', since: 12, optional: true },
      value_ints: { kind: 'ints', since: 12, optional: true },
      value_float: { kind: 'float', since: 12, optional: true },
      value_floats: { kind: 'floats', since: 12, optional: true },
      value_string: { kind: 'string', since: 12, optional: true },
      value_strings: { kind: 'strings', since: 12, optional: true },
    },
    infer: constant,
  },
  ConstantOfShape: {
    since: [9, 20, 21, 23, 24, 25],
    inputs: 'input',
    outputs: 'output',
    attributes: { value: { kind: 'tensor', optional: true } },
    infer: (c) => {
      const value = c.attribute('value');
      const data = value?.kind === 'tensor' ? value.value : null;
      const shape = c.content(0) ?? unknownShape(c, 0);
      if (!shape) return { type: null };
      const [length, element] = [shape[0] ?? 1, data && contentOf(data)];
      const content =
        element && shape.length <= 1 && isStatic(length) && length <= CONTENT_LIMIT
          ? new Array<Dim>(length).fill(element[0]!)
          : null;
      return typed(data?.dtype ?? 'float32', shape, content);
    },
  },
  Range: { since: [11], inputs: 'start limit delta', outputs: 'output', infer: range },
  EyeLike: {
    since: [9, 22],
    inputs: 'input',
    outputs: 'output',
    attributes: { k: { kind: 'int', default: 0 }, dtype: OPTIONAL_DTYPE },
    infer: (c) => {
      requireRank(c, 0, 2);
      return typed(c.attribute('dtype') ? c.dtype('dtype') : c.dtypeOf(0), c.shape(0));
    },
  },
  RandomNormal: random(NORMAL),
  RandomUniform: random(UNIFORM),
  RandomNormalLike: like([1, 22], NORMAL),
  RandomUniformLike: like([1, 22], UNIFORM),
  Bernoulli: like([15, 22], { seed: SEED }),
  Multinomial: {
    since: [7, 22],
    inputs: 'input',
    outputs: 'output',
    attributes: {
      dtype: { kind: 'int', dtype: true, default: 6 },
      sample_size: { kind: 'int', default: 1 },
      seed: SEED,
    },
    infer: (c) => {
      requireRank(c, 0, 2);
      return typed(c.dtype('dtype'), [c.shape(0)[0]!, c.int('sample_size')]);
    },
  },
  HannWindow: window,
  HammingWindow: window,
  BlackmanWindow: window,
  MelWeightMatrix: {
    since: [17],
    inputs: 'num_mel_bins dft_length sample_rate lower_edge_hertz upper_edge_hertz',
    outputs: 'output',
    attributes: { output_datatype: DTYPE },
    infer: (c) => {
      const [bins, length] = [c.content(0)?.[0], c.content(1)?.[0]];
      return typed(c.dtype('output_datatype'), [
        length === undefined ? c.unknownDim() : halfSpectrum(length),
        bins ?? c.unknownDim(),
      ]);
    },
  },
} as const satisfies Record<string, OpRow>;

/** Frequencies of a real signal: floor(n / 2) + 1. */
export const halfSpectrum = (length: Dim): Dim => addDims(floorDivDims(length, 2), 1);

const integers = (values: readonly (number | bigint)[]): number[] | null =>
  values.every((x) => Number.isSafeInteger(Number(x))) ? values.map(Number) : null;

function constant(c: OpCall): Inferred {
  for (const attribute of c.attributes.values()) {
    switch (attribute.kind) {
      case 'tensor':
        return typed(attribute.value.dtype, attribute.value.shape, contentOf(attribute.value));
      case 'int':
        return typed('int64', [], integers([attribute.value]));
      case 'ints':
        return typed('int64', [attribute.value.length], integers(attribute.value));
      case 'float':
        return typed('float32', []);
      case 'floats':
        return typed('float32', [attribute.value.length]);
      case 'string':
        return typed('string', []);
      case 'strings':
        return typed('string', [attribute.value.length]);
      case 'graph':
        break;
    }
  }
  throw new Error('Constant needs a value');
}

function range(c: OpCall): Inferred {
  const dtype = commonDtype(c);
  if (!isInteger(dtype)) return typed(dtype, [floatRangeLength(c)]);
  const [start, limit, delta] = [0, 1, 2].map((i) => c.content(i)?.[0]);
  if (start === undefined || limit === undefined || delta === undefined || !isStatic(delta))
    return typed(dtype, [c.unknownDim()]);
  if (delta === 0) throw new Error('Range: delta is 0');
  const distance = delta > 0 ? subDims(limit, start) : subDims(start, limit);
  if (!isStatic(distance) && !isAtLeast(distance, 0)) return typed(dtype, [c.unknownDim()]);
  const length = isStatic(distance)
    ? Math.max(0, Math.ceil(distance / Math.abs(delta)))
    : ceilDivDims(distance, Math.abs(delta));
  const content =
    isStatic(length) && length <= CONTENT_LIMIT
      ? Array.from({ length }, (_, i) => addDims(start, mulDims(i, delta)))
      : null;
  return typed(dtype, [length], content);
}

/** As onnxruntime computes it: the difference in the element type, the quotient in double precision. */
function floatRangeLength(c: OpCall): Dim {
  const [start, limit, delta] = [0, 1, 2].map((i) => floatsOf(c, i)?.[0]);
  if (start === undefined || limit === undefined || delta === undefined) return c.unknownDim();
  const difference = c.dtypeOf(0) === 'float64' ? limit - start : Math.fround(limit - start);
  return Math.max(0, Math.ceil(difference / delta));
}
