/**
 * Element types that ONNX allows and onnxruntime 1.30 has no CPU kernel for: computed in a type that holds every value,
 * in
 * every opset. Found by loading one model for each operator and type.
 */
import type { Dtype } from '../../tensor/dtype.ts';
import type { Builder } from '../builder.ts';
import type { Value } from '../ir.ts';
import type { OnnxOp } from '../schema/index.ts';
import type { OpCall } from '../schema/row.ts';
import { castTo, type Form, type Forms } from './form.ts';

export interface Gap {
  /** Element type that does not go, and the one to use in its place. */
  readonly through: Readonly<Partial<Record<Dtype, Dtype>>>;
  /** The inputs that have the type; all of them unless told. */
  readonly inputs?: readonly number[];
  /** The outputs that have it. */
  readonly outputs: readonly number[];
}

const NARROW = { uint16: 'int32', int16: 'int32' } as const;
/** Values are only moved: 64 bits without a sign may be read as 64 bits with one. */
const MOVED = { ...NARROW, int8: 'int32', uint32: 'int64', uint64: 'int64' } as const;
const COMPARED = { ...NARROW, uint32: 'int64' } as const;

const GAPS = {
  Clip: { through: NARROW, outputs: [0] },
  Max: { through: NARROW, outputs: [0] },
  Min: { through: NARROW, outputs: [0] },
  CumProd: { through: NARROW, inputs: [0], outputs: [0] },
  BitShift: { through: { uint16: 'uint32' }, outputs: [0] },
  ArgMax: { through: COMPARED, outputs: [] },
  ArgMin: { through: COMPARED, outputs: [] },
  TopK: { through: { uint16: 'int32', uint32: 'int64' }, inputs: [0], outputs: [0] },
  Unique: { through: { ...COMPARED, bool: 'int64', uint8: 'int64', int32: 'int64' }, outputs: [0] },
  Where: { through: MOVED, inputs: [1, 2], outputs: [0] },
  Trilu: {
    through: { ...MOVED, uint8: 'int64', int8: 'int64', uint16: 'int64', int16: 'int64' },
    inputs: [0],
    outputs: [0],
  },
  Pad: { through: NARROW, inputs: [0, 2], outputs: [0] },
  NonZero: {
    through: { int8: 'bool', uint16: 'bool', int16: 'bool', uint32: 'bool', uint64: 'bool', float64: 'bool' },
    outputs: [],
  },
} as const satisfies Partial<Record<OnnxOp, Gap>>;

export function widened(name: OnnxOp, { through, inputs, outputs }: Gap): Form {
  const first = inputs?.[0] ?? 0;
  return {
    below: Infinity,
    when: (c) => c.isOf(first, ...(Object.keys(through) as Dtype[])),
    write(c: OpCall, op: Builder): Value[] {
      const from = c.dtypeOf(first);
      const operands = c.inputs.map((x, i) => (x && (inputs?.includes(i) ?? true) ? castTo(op, x, through[from]!) : x));
      return op[name](operands, c.given(), c.outputs).map((y, i) => (outputs.includes(i) ? castTo(op, y, from) : y));
    },
  };
}

/** condition ? x : y of booleans, with boolean operators. */
const chooseBool: Form = {
  below: Infinity,
  when: (c) => c.isOf(1, 'bool'),
  write: (c, op) => op.Or([op.And([c.input(0), c.input(1)]), op.And([op.Not([c.input(0)]), c.input(2)])]),
};

const indicesAsInt64: Form = {
  below: Infinity,
  when: (c) => c.isOf(0, 'int8', 'uint8', 'int16', 'uint16', 'int32', 'uint32'),
  write: (c, op) => op.OneHot([op.Cast([c.input(0)], { to: 'int64' }), ...c.inputs.slice(1)], c.given()),
};

/** Without an inner axis the product is zero and C alone is left, which onnxruntime's Gemm forgets. */
const innerless: Form = {
  below: Infinity,
  when: (c) => c.has(2) && c.shape(0)[c.int('transA') ? 0 : 1] === 0,
  write: (c, op) => {
    const turned = (i: number, attribute: string): Value =>
      c.int(attribute) ? op.Transpose([c.input(i)], { perm: [1, 0] }) : c.input(i);
    const scaled = c.float('beta') === 1 ? c.input(2) : op.Mul([c.input(2), op.scalar(c.dtypeOf(0), c.float('beta'))]);
    return op.Add([op.MatMul([turned(0, 'transA'), turned(1, 'transB')]), scaled]);
  },
};

export const KERNEL_FORMS: Forms = {
  ...Object.fromEntries(Object.entries(GAPS).map(([name, gap]) => [name, [widened(name as OnnxOp, gap)]])),
  Where: [chooseBool, widened('Where', GAPS.Where)],
  OneHot: [indicesAsInt64],
  Gemm: [innerless],
};
