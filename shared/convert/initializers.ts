/** Weights of the program as initializers of the graph. */
import type { Value } from '../onnx/ir.ts';
import type { TensorData } from '../tensor/data.ts';
import type { AtenBuilder } from './converter.ts';

/** Weights become initializers when first read; tied weights (same numbers, same shape) become one. */
export function initializers(op: AtenBuilder): (name: string, data: TensorData) => Value {
  const known = new Map<object, { data: TensorData; value: Value }[]>();
  return (name, data) => {
    const same = known
      .get(data.identity)
      ?.find((k) => k.data.dtype === data.dtype && k.data.shape.join() === data.shape.join());
    if (same) return same.value;
    const value = op.constant(data, name);
    known.set(data.identity, [...(known.get(data.identity) ?? []), { data, value }]);
    return value;
  };
}
