/** Operators that read, change or fill in the shape of a tensor. */
import { type Dim, dimText, divideExactly, floorDivDims, isStatic, mulDims } from '../../tensor/dim.ts';
import { isUnknownDim } from '../unknown-dim.ts';
import type { Inferred, OpCall, OpRow } from './row.ts';
import {
  agreeDim,
  axesIn,
  axisIn,
  broadcastShapes,
  productDims,
  requireDtype,
  typed,
  unknownShape,
} from './shape-rules.ts';

const SINCE = [1, 13, 21, 23, 24, 25] as const;

export const SHAPE = {
  Shape: {
    since: [1, 13, 15, 19, 21, 23, 24, 25],
    inputs: 'data',
    outputs: 'shape',
    attributes: { start: { kind: 'int', since: 15, default: 0 }, end: { kind: 'int', since: 15, optional: true } },
    infer: (c) => {
      const end = c.attribute('end') ? c.int('end') : c.rank(0);
      const dims = c.shape(0).slice(c.int('start'), end);
      return typed('int64', [dims.length], dims);
    },
  },
  Size: {
    since: [1, 13, 19, 21, 23, 24, 25],
    inputs: 'data',
    outputs: 'size',
    infer: (c) => typed('int64', [], [productDims(c.shape(0))]),
  },
  Reshape: {
    since: [1, 5, 13, 14, 19, 21, 23, 24, 25],
    inputs: 'data shape',
    outputs: 'reshaped',
    attributes: {
      allowzero: { kind: 'int', since: 14, default: 0 },
      shape: { kind: 'ints', optional: true, until: 5 },
    },
    infer: reshape,
  },
  Flatten: {
    since: [1, 9, 11, 13, 21, 23, 24, 25],
    inputs: 'input',
    outputs: 'output',
    attributes: { axis: { kind: 'int', default: 1 } },
    infer: (c) => {
      // Unlike elsewhere the axis may equal the rank.
      const axis = c.int('axis') === c.rank(0) ? c.rank(0) : axisIn(c.int('axis'), c.rank(0));
      return typed(
        c.dtypeOf(0),
        [productDims(c.shape(0).slice(0, axis)), productDims(c.shape(0).slice(axis))],
        c.content(0),
      );
    },
  },
  Transpose: {
    since: SINCE,
    inputs: 'data',
    outputs: 'transposed',
    attributes: { perm: { kind: 'ints', optional: true } },
    infer: (c) => {
      const rank = c.rank(0);
      const perm = c.ints('perm') ?? Array.from({ length: rank }, (_, i) => rank - 1 - i);
      if (perm.length !== rank || new Set(perm).size !== rank)
        throw new Error(`Transpose: [${perm}] does not permute ${rank} axes`);
      return typed(
        c.dtypeOf(0),
        perm.map((p) => c.shape(0)[axisIn(p, rank)]!),
        rank <= 1 ? c.content(0) : null,
      );
    },
  },
  Squeeze: {
    since: [1, 11, 13, 21, 23, 24, 25],
    inputs: 'data axes?',
    outputs: 'squeezed',
    attributes: { axes: { kind: 'ints', optional: true, until: 13 } },
    infer: squeeze,
  },
  Unsqueeze: {
    since: [1, 11, 13, 21, 23, 24, 25],
    inputs: 'data axes',
    outputs: 'expanded',
    attributes: { axes: { kind: 'ints', optional: true, until: 13 } },
    infer: (c) => {
      const axes = c.integers(1, 'axes');
      if (!axes) return { type: null };
      const rank = c.rank(0) + axes.length;
      const at = new Set(axesIn(axes, rank));
      if (at.size !== axes.length) throw new Error(`Unsqueeze: axes [${axes}] repeat`);
      const dims = [...c.shape(0)];
      return typed(
        c.dtypeOf(0),
        Array.from({ length: rank }, (_, i) => (at.has(i) ? 1 : dims.shift()!)),
        c.content(0),
      );
    },
  },
  Expand: {
    since: [8, 13],
    inputs: 'input shape',
    outputs: 'output',
    infer: (c) => {
      const shape = c.content(1) ?? unknownShape(c, 1);
      if (!shape) return { type: null };
      const dims = broadcastShapes([c.shape(0), shape], () => c.unknownDim());
      return typed(c.dtypeOf(0), dims, repeated(c.content(0), dims));
    },
  },
  Tile: {
    since: [1, 6, 13],
    inputs: 'input repeats',
    outputs: 'output',
    infer: (c) => {
      const repeats = c.content(1);
      if (repeats && repeats.length !== c.rank(0))
        throw new Error(`Tile: ${repeats.length} repeats for rank ${c.rank(0)}`);
      return typed(
        c.dtypeOf(0),
        c.shape(0).map((d, i) => (repeats ? mulDims(d, repeats[i]!) : c.unknownDim())),
      );
    },
  },
  DepthToSpace: {
    since: [1, 11, 13],
    inputs: 'input',
    outputs: 'output',
    attributes: { blocksize: { kind: 'int' }, mode: { kind: 'string', since: 11, default: 'DCR' } },
    infer: (c) => {
      const [n, channels, ...spatial] = c.shape(0);
      const block = c.int('blocksize');
      return typed(c.dtypeOf(0), [
        n!,
        exactly(c, channels!, block ** spatial.length),
        ...spatial.map((d) => mulDims(d, block)),
      ]);
    },
  },
  SpaceToDepth: {
    since: [1, 13],
    inputs: 'input',
    outputs: 'output',
    attributes: { blocksize: { kind: 'int' } },
    infer: (c) => {
      const [n, channels, ...spatial] = c.shape(0);
      const block = c.int('blocksize');
      return typed(c.dtypeOf(0), [
        n!,
        mulDims(channels!, block ** spatial.length),
        ...spatial.map((d) => exactly(c, d, block)),
      ]);
    },
  },
  ReverseSequence: {
    since: [10],
    inputs: 'input sequence_lens',
    attributes: { batch_axis: { kind: 'int', default: 1 }, time_axis: { kind: 'int', default: 0 } },
    infer: (c) => {
      requireDtype(c, 1, 'int64');
      return { type: c.type(0) };
    },
  },
  Trilu: {
    since: [14],
    inputs: 'input k?',
    outputs: 'output',
    attributes: { upper: { kind: 'int', default: 1 } },
    infer: (c) => {
      if (c.rank(0) < 2) throw new Error('Trilu takes matrices');
      return { type: c.type(0) };
    },
  },
} as const satisfies Record<string, OpRow>;

function exactly(c: OpCall, dim: Dim, by: number): Dim {
  if (isStatic(dim) && dim % by !== 0) throw new Error(`${c.op}: ${dim} is not divisible by ${by}`);
  return floorDivDims(dim, by);
}

/** A scalar, repeated to a vector of known length. */
function repeated(content: readonly Dim[] | null, shape: readonly Dim[]): readonly Dim[] | null {
  if (!content || shape.length > 1) return null;
  const length = shape[0] ?? 1;
  if (content.length !== 1) return content;
  return isStatic(length) && length <= 64 ? new Array<Dim>(length).fill(content[0]!) : null;
}

function reshape(c: OpCall): Inferred {
  const data = c.shape(0);
  const target = c.has(1) ? (c.content(1) ?? unknownShape(c, 1)) : c.ints('shape');
  if (!target) return { type: null };
  const keepZero = c.int('allowzero') === 1;
  const dims = target.map((d, i): Dim => (d === 0 && !keepZero ? (data[i] ?? wrong(c, target)) : d));
  const inferredAt = dims.indexOf(-1);
  if (dims.some((d, i) => isStatic(d) && (d < -1 || (d === -1 && i !== inferredAt)))) wrong(c, target);
  const { left, right } = cancelCommon(
    data,
    dims.filter((d) => d !== -1),
  );
  if (inferredAt >= 0) dims[inferredAt] = quotient(c, { left, right, target });
  // With nothing symbolic left over the number of elements must be the same.
  else if (left.every(isStatic) && right.every(isStatic) && productDims(left) !== productDims(right)) wrong(c, target);
  return typed(c.dtypeOf(0), dims, c.content(0));
}

/** Both lists of factors without the symbolic ones they share: what remains often divides without a remainder. */
function cancelCommon(a: readonly Dim[], b: readonly Dim[]): { left: Dim[]; right: Dim[] } {
  const [left, right] = [[...a], [...b]];
  for (const dim of b) {
    const at = isStatic(dim) ? -1 : left.findIndex((d) => dimText(d) === dimText(dim));
    if (at < 0) continue;
    left.splice(at, 1);
    right.splice(right.indexOf(dim), 1);
  }
  return { left, right };
}

function quotient(
  c: OpCall,
  {
    left,
    right,
    target,
  }: { readonly left: readonly Dim[]; readonly right: readonly Dim[]; readonly target: readonly Dim[] },
): Dim {
  const [total, rest] = [productDims(left), productDims(right)];
  const exact = divideExactly(total, rest);
  if (exact !== null) return exact;
  if (rest === 0 || (isStatic(total) && isStatic(rest))) wrong(c, target);
  if (isUnknownDim(total) || isUnknownDim(rest)) return c.unknownDim();
  const common = isStatic(rest) ? commonFactor(total, rest) : 1;
  return floorDivDims(divideExactly(total, common)!, divideExactly(rest, common)!);
}

/** The largest divisor of `by` that divides every term of `dim`. */
function commonFactor(dim: Dim, by: number): number {
  const gcd = (a: number, b: number): number => (b === 0 ? Math.abs(a) : gcd(b, a % b));
  return isStatic(dim) ? gcd(by, dim) : dim.terms.reduce((g, { factor }) => gcd(g, factor), by);
}

const wrong = (c: OpCall, target: readonly Dim[]): never => {
  throw new Error(`Reshape: [${c.shape(0).map(dimText)}] cannot become [${target.map(dimText)}]`);
};

function squeeze(c: OpCall): Inferred {
  const shape = c.shape(0);
  if (c.has(1) && !c.numbers(1)) return { type: null };
  const given = c.integers(1, 'axes');
  // Without axes every 1 goes: known only when no dimension is symbolic.
  if (!given && !shape.every(isStatic)) return { type: null };
  const axes = new Set(given ? axesIn(given, shape.length) : shape.flatMap((d, i) => (d === 1 ? [i] : [])));
  for (const axis of axes) agreeDim(shape[axis]!, 1, 'Squeeze');
  return typed(
    c.dtypeOf(0),
    shape.filter((_, i) => !axes.has(i)),
    c.content(0),
  );
}
