/**
 * The free oracle: PyTorch recorded dtype and shape of nearly every value, so a lowered value is held against its
 * record. Where a file records nothing, the lowered type becomes the record.
 */
import { fail } from '../errors.ts';
import { type Dim, sameDim, symbol } from '../tensor/dim.ts';
import { type Dtype, isComplex } from '../tensor/dtype.ts';
import { type TensorType, typeText } from '../tensor/type.ts';
import { isUnknownDim } from '../onnx/unknown-dim.ts';
import type { Value } from '../onnx/ir.ts';
import type { TorchGraph, TorchValue } from '../torch/program.ts';
import type { RecordedSizes } from './recorded-sizes.ts';

/** ONNX runtimes compute on reals: a complex tensor is a real one with a last axis of 2 (real, imaginary). */
const REAL_PAIR: Partial<Record<Dtype, Dtype>> = { complex32: 'float16', complex64: 'float32', complex128: 'float64' };

export function representedType(recorded: TensorType): TensorType {
  const real = REAL_PAIR[recorded.dtype];
  return real ? { dtype: real, shape: [...recorded.shape, 2] } : recorded;
}

type RecordedTensor = Extract<TorchValue, { kind: 'tensor' }>;

/** One output of a node, as a message names it. */
export interface OutputPlace {
  readonly name: string;
  readonly operator: string;
  readonly at: string;
}

/** What the file records of the values of one graph. */
export class Records {
  readonly #values: TorchGraph['values'];
  readonly #sizes: RecordedSizes;
  readonly #outer: Records | null;

  constructor(values: TorchGraph['values'], sizes: RecordedSizes, outer: Records | null) {
    this.#values = values;
    this.#sizes = sizes;
    this.#outer = outer;
  }

  /** As the file has it; null where nothing is recorded. */
  tensor(name: string): RecordedTensor | null {
    const recorded = this.#values.get(name);
    return recorded?.kind === 'tensor' ? recorded : null;
  }

  /** With friendly symbols, as ONNX holds it; null where nothing is recorded. */
  typeOf(name: string): TensorType | null {
    const recorded = this.tensor(name);
    if (!recorded) return null;
    const { dtype, shape } = recorded.type;
    return representedType({ dtype, shape: shape.map((d) => this.#sizes.friendly(d)) });
  }

  /** null where nothing is recorded. */
  isComplex(name: string): boolean | null {
    const recorded = this.tensor(name);
    return recorded && isComplex(recorded.type.dtype);
  }

  /** A symbolic int as a dimension; inner graphs use those of the graphs around them. */
  dim(name: string): Dim {
    const recorded = this.#find(name);
    if (recorded?.kind === 'symint') return this.#sizes.friendly(recorded.dim);
    const reason = recorded ? 'it is used as an int but recorded as something else' : 'the file does not record it';
    return fail('CorruptModel', { file: 'graph', where: name, reason });
  }

  /** Hold a lowered value against its record and give it the recorded type, whose symbols have names. */
  settle(value: Value, { name, operator, at }: OutputPlace): void {
    const expected = this.typeOf(name);
    const found = value.type;
    if (!expected) {
      if (!found)
        return fail('ConversionFailed', {
          operator,
          at,
          reason: `neither the file nor ONNX tells the type of "${name}"`,
        });
      value.type = withOwnSizes(found, name);
      return;
    }
    if (found && !this.#agrees(found, expected)) {
      fail('RecordedTypeDiffers', {
        operator,
        value: name,
        recorded: typeText(expected),
        lowered: typeText(found),
        at,
      });
    }
    value.type = expected;
  }

  #find(name: string): TorchValue | undefined {
    return this.#values.get(name) ?? (this.#outer ? this.#outer.#find(name) : undefined);
  }

  #agrees(found: TensorType, expected: TensorType): boolean {
    return (
      found.dtype === expected.dtype &&
      found.shape.length === expected.shape.length &&
      found.shape.every((dim, i) => isUnknownDim(dim) || this.#sizes.agree(dim, expected.shape[i]!))
    );
  }
}

/** A size that only a run tells gets a symbol named after the value: from here on it is as good as recorded. */
function withOwnSizes({ dtype, shape }: TensorType, name: string): TensorType {
  const ownSize = (dim: Dim): Dim => symbol(`${name}_size_${shape.findIndex((other) => sameDim(dim, other))}`);
  return { dtype, shape: shape.map((dim) => (isUnknownDim(dim) ? ownSize(dim) : dim)) };
}
