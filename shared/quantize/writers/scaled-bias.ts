/** The bias of a Gemm as an Add behind a product reads it. */
import type { Node, Value } from '../../onnx/ir.ts';
import { constantOf, float } from '../../onnx/match.ts';
import { asFloat32, bytesOf } from '../../tensor/arithmetic.ts';
import { derivedData } from '../../tensor/data.ts';
import type { Writing } from './writing.ts';

/** Its factor, beta, is multiplied in where it is not 1: the bias is constant then. */
export function scaledBias(writing: Writing, node: Node, bias: Value): Value {
  const beta = float(node, 'beta') ?? 1;
  if (beta === 1) return bias;
  const data = constantOf(bias)!;
  return writing.constant(
    `${bias.name}_scaled`,
    derivedData({ dtype: 'float32', shape: data.shape }, [data], (bytes) =>
      bytesOf(asFloat32(bytes!).map((v) => v * beta)),
    ),
  );
}
