/** Tensors and storages of a torch.save pickle, until the bytes of their storages are found. */
import { memorySource } from '../bytes/byte-source.ts';
import { fail } from '../errors.ts';
import type { TensorData } from '../tensor/data.ts';
import { byteLength, type Dtype } from '../tensor/dtype.ts';
import { gather, type Window } from '../tensor/strided.ts';
import { elementCount, rowMajorStrides } from '../tensor/type.ts';
import type { NumpyArray } from './pickle-numpy.ts';
import { Rebuilt } from './pickle-values.ts';
import { Storage } from './storage.ts';

/** `torch.FloatStorage` and its like; untyped ones count bytes. */
export class StorageType extends Rebuilt {
  readonly name: string;
  readonly dtype: Dtype | null;
  constructor(name: string, dtype: Dtype | null) {
    super();
    this.name = name;
    this.dtype = dtype;
  }
  get isQuantized(): boolean {
    return this.name.startsWith('Q');
  }
}

export class TorchDtype extends Rebuilt {
  readonly name: string;
  readonly dtype: Dtype;
  constructor(name: string, dtype: Dtype) {
    super();
    this.name = name;
    this.dtype = dtype;
  }
}

/** A storage by its key; the bytes are attached when the pickle is through. */
export class StorageRef extends Rebuilt {
  readonly key: string;
  readonly type: StorageType;
  readonly count: number;
  storage: Storage | null = null;
  constructor(key: string, type: StorageType, count: number) {
    super();
    this.key = key;
    this.type = type;
    this.count = count;
  }
  get bytes(): number {
    return byteLength(this.type.dtype ?? 'uint8', this.count);
  }
}

export type Quantizer =
  | { readonly scheme: 'per_tensor_affine'; readonly scale: number; readonly zeroPoint: number }
  | {
      readonly scheme: 'per_channel_affine' | 'per_channel_affine_float_qparams';
      readonly scales: SavedTensor | readonly number[];
      readonly zeroPoints: SavedTensor | readonly number[];
      readonly axis: number;
    };

/** What the numbers of the storage are; left out: what the storage says. */
interface Meaning {
  readonly dtype?: TorchDtype | null;
  readonly quantizer?: Quantizer | null;
}

export class SavedTensor extends Rebuilt {
  readonly storage: StorageRef;
  readonly dtype: Dtype;
  readonly window: Window;
  /** How integer codes stand for numbers; null for plain tensors. */
  readonly quantizer: Quantizer | null;
  constructor(storage: StorageRef, window: Window, { dtype = null, quantizer = null }: Meaning = {}) {
    super();
    this.storage = storage;
    this.dtype = dtype?.dtype ?? storage.type.dtype ?? 'uint8';
    this.window = window;
    this.quantizer = quantizer;
  }

  get shape(): readonly number[] {
    return this.window.shape;
  }

  /** The numbers of a plain tensor. `name` is for messages. */
  plain(name: string): TensorData {
    if (this.quantizer || this.storage.type.isQuantized) {
      fail('UnsupportedType', {
        what: `weight "${name}"`,
        dtype: `quantized ${this.dtype}`,
        hint: 'a quantized tensor is needed as codes with scale and zero_point',
      });
    }
    return this.codes(name);
  }

  /** The numbers as they are stored: of a quantized tensor its integer codes. */
  codes(name: string): TensorData {
    if (!this.storage.storage) throw new Error(`the storage of "${name}" was not attached`);
    return this.storage.storage.view(name, this.dtype, this.window);
  }
}

/** A tensor without numbers. */
export function metaTensor(dtype: TorchDtype, shape: readonly number[], strides: readonly number[]): SavedTensor {
  return new SavedTensor(inMemory(dtype.dtype, new Uint8Array(0)), { shape, strides, offset: 0 }, { dtype });
}

/** A tensor saved as a numpy array (tensors of devices torch cannot write directly). */
export function arrayTensor(array: NumpyArray, dtype: TorchDtype, refuse: (reason: string) => never): SavedTensor {
  const { shape, bytes } = array;
  const size = byteLength(dtype.dtype, 1);
  if (!bytes || array.dtype?.order === '>' || bytes.byteLength !== size * elementCount(shape))
    return refuse('an array does not fit its tensor');
  const strides = array.isFortranOrder ? rowMajorStrides(shape.toReversed()).toReversed() : rowMajorStrides(shape);
  const storage = inMemory(dtype.dtype, gather(bytes, size, { shape, strides, offset: 0 }));
  return new SavedTensor(storage, { shape, strides: rowMajorStrides(shape), offset: 0 }, { dtype });
}

function inMemory(dtype: Dtype, bytes: Uint8Array): StorageRef {
  const ref = new StorageRef('', new StorageType('memory', dtype), bytes.byteLength / byteLength(dtype, 1));
  ref.storage = new Storage({
    file: 'memory',
    source: memorySource('memory', bytes),
    isLinkable: false,
    memory: bytes,
  });
  return ref;
}
