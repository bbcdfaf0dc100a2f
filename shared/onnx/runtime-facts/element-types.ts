/**
 * Element types that ONNX allows and onnxruntime has no CPU kernel for, in every opset, and one that holds every value
 * of each. Found by loading one model for each operator and type.
 */
import type { Dtype } from '../../tensor/dtype.ts';
import type { OnnxOp } from '../schema/index.ts';

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

export const ELEMENT_TYPE_GAPS = {
  probedOn: '1.30',
  operators: {
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
  },
} as const satisfies {
  readonly probedOn: string;
  readonly operators: Partial<Record<OnnxOp, Gap>>;
};
