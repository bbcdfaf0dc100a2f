/** NumPy's scalars and arrays as pickles hold them. */
import { latin1Bytes } from '../bytes/text.ts';
import { OpaqueObject, type PickleValue, Rebuilt, Tuple } from './pickle-values.ts';

type Refuse = (reason: string) => never;

/** A dtype such as `f8`; BUILD adds the byte order. */
export class NumpyDtype extends Rebuilt {
  readonly code: string;
  order = '|';
  constructor(code: string) {
    super();
    this.code = code.replace(/^[<>|=]/, '');
    if (code.startsWith('>')) this.order = '>';
  }
  override build(state: PickleValue): void {
    const order = state instanceof Tuple ? state.items[1] : null;
    if (typeof order === 'string') this.order = order;
  }
}

/** An array; everything comes with BUILD: (version, shape, dtype, is Fortran order, bytes). */
export class NumpyArray extends Rebuilt {
  shape: readonly number[] = [];
  dtype: NumpyDtype | null = null;
  isFortranOrder = false;
  bytes: Uint8Array | null = null;
  override build(state: PickleValue): void {
    const [, shape, dtype, order, bytes] = state instanceof Tuple ? state.items : [];
    this.shape = shape instanceof Tuple ? shape.items.map(Number) : [];
    this.dtype = dtype instanceof NumpyDtype ? dtype : null;
    this.isFortranOrder = order === true;
    this.bytes = bytes instanceof Uint8Array ? bytes : typeof bytes === 'string' ? latin1Bytes(bytes) : null;
  }
}

type Read = (view: DataView, order: { readonly little: boolean }) => number | bigint | boolean;

const SCALARS: Readonly<Record<string, Read>> = {
  b1: (v) => v.getUint8(0) !== 0,
  i1: (v) => v.getInt8(0),
  u1: (v) => v.getUint8(0),
  i2: (v, { little }) => v.getInt16(0, little),
  u2: (v, { little }) => v.getUint16(0, little),
  i4: (v, { little }) => v.getInt32(0, little),
  u4: (v, { little }) => v.getUint32(0, little),
  i8: (v, { little }) => shortened(v.getBigInt64(0, little)),
  u8: (v, { little }) => shortened(v.getBigUint64(0, little)),
  f2: (v, { little }) => v.getFloat16(0, little),
  f4: (v, { little }) => v.getFloat32(0, little),
  f8: (v, { little }) => v.getFloat64(0, little),
};

const shortened = (value: bigint): number | bigint => (Number.isSafeInteger(Number(value)) ? Number(value) : value);

export function numpyScalar(
  dtype: PickleValue | undefined,
  bytes: PickleValue | undefined,
  refuse: Refuse,
): PickleValue {
  if (!(dtype instanceof NumpyDtype)) return refuse('a numpy scalar has no dtype');
  const read = Object.hasOwn(SCALARS, dtype.code) ? SCALARS[dtype.code] : undefined;
  const raw = typeof bytes === 'string' ? latin1Bytes(bytes) : bytes;
  if (!read || !(raw instanceof Uint8Array)) return new OpaqueObject(`numpy ${dtype.code}`, []);
  if (raw.byteLength !== Number(dtype.code.slice(1))) return refuse('a numpy scalar has the wrong length');
  return read(new DataView(raw.buffer, raw.byteOffset, raw.byteLength), { little: dtype.order !== '>' });
}
