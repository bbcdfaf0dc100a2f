/** Whether the integer weights of a quantized PyTorch model stand in an ONNX file as they are: codes and scales. */
import type { FileSource } from '../shared/bytes/file-source.ts';
import type { Model } from '../shared/onnx/ir.ts';
import { asFloat32, bytesOf } from '../shared/tensor/arithmetic.ts';
import type { TensorData } from '../shared/tensor/data.ts';
import { decodeNumbers } from '../shared/tensor/numbers.ts';
import { readQuantizedWeights } from '../shared/torch/quantized/read-state-dict.ts';

export interface Share {
  readonly found: number;
  readonly all: number;
}

export interface CarriedWeights {
  /** One by one. */
  readonly codes: Share;
  /** Of the weights; of per-channel ones each. */
  readonly scales: Share;
}

export async function carriedWeights(quantized: FileSource, { graph }: Model): Promise<CarriedWeights> {
  const stored = new Set<string>();
  const numbers: number[] = [];
  for (const { data } of graph.initializers) {
    if (!data) continue;
    const bytes = await data.read();
    stored.add(keyOf(bytes));
    if (data.dtype === 'float32' && data.byteLength === 4) numbers.push(asFloat32(bytes)[0]!);
  }
  const codes = { found: 0, all: 0 };
  const scales = { found: 0, all: 0 };
  for (const { weight } of (await readQuantizedWeights(quantized)).modules) {
    if (!weight) continue;
    const bytes = await weight.codes.read();
    codes.all += bytes.byteLength;
    if (stored.has(keyOf(bytes)) || stored.has(keyOf(transposed(weight.codes, bytes)))) codes.found += bytes.byteLength;
    const { scale } = weight.qparams;
    const values = Float32Array.from(decodeNumbers(scale.dtype, await scale.read()));
    scales.all += values.length;
    // Sums of integers have one scale: that of the activation, which QuantizeLinear reads, times the weight's.
    const forms = [values, ...new Set(numbers)].map((by) =>
      typeof by === 'number' ? values.map((value) => value * by) : by,
    );
    if (forms.some((form) => stored.has(keyOf(bytesOf(form))))) scales.found += values.length;
  }
  return { codes, scales };
}

const keyOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');

/** Linear keeps [outputs, inputs] where MatMul wants them the other way round. */
function transposed({ shape }: TensorData, bytes: Uint8Array): Uint8Array {
  const [rows, columns] = shape as [number, number];
  if (shape.length !== 2) return bytes;
  return bytes.map((_, i) => bytes[(i % rows) * columns + Math.floor(i / rows)]!);
}
