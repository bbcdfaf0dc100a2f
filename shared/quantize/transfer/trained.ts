/** Parameters that the FP32 graph does not have as the quantized model has them: training went on in between. */
import { constantOf } from '../../onnx/match.ts';
import type { Graph } from '../../onnx/ir.ts';
import { asFloat32, channelsOf } from '../../tensor/arithmetic.ts';
import { decodeNumbers } from '../../tensor/numbers.ts';
import { CODES } from '../../tensor/qparams.ts';
import type { QuantizedModel } from '../../torch/quantized/quantized-model.ts';
import type { QuantizedTensor } from '../../torch/quantized-weights.ts';
import type { Placed } from './place.ts';
import { isTransposed, turned } from './weighted.ts';

/** Modules whose codes are not the weights of the graph rounded. Weights are read one at a time. */
export async function trainedModules(placed: readonly Placed[]): Promise<string[]> {
  const trained = new Set<string>();
  for (const { module, found } of placed) {
    if (!module.weight || !found || trained.has(module.module)) continue;
    const { node, weightIndex } = found;
    const values = asFloat32(await constantOf(node.inputs[weightIndex])!.read());
    const weight = isTransposed(node) ? turned(module.weight) : module.weight;
    if (!(await isRounded(values, weight))) trained.add(module.module);
  }
  return [...trained];
}

/** Half a step, and what folding a batch normalization in another order of operations changes. */
const TOLERANCE = 0.51;

/** Whether every number is within half a step of its code; the last codes stand for what lies beyond them too. */
export async function isRounded(values: Float32Array, { codes, qparams }: QuantizedTensor): Promise<boolean> {
  const { granularity, scale, zeroPoint, dtype } = qparams;
  const stored = decodeNumbers(codes.dtype, await codes.read());
  const scales = decodeNumbers(scale.dtype, await scale.read());
  const zeros = zeroPoint ? decodeNumbers(zeroPoint.dtype, await zeroPoint.read()) : new Float64Array(scales.length);
  const { channels, inner } = channelsOf(codes.shape, granularity.kind === 'axis' ? granularity.axis : null);
  const { low, high } = CODES[dtype];
  for (let i = 0; i < values.length; i++) {
    const channel = Math.floor(i / inner) % channels;
    const code = stored[i]!;
    const exact = values[i]! / scales[channel]! + zeros[channel]!;
    const isBeyond = (code === low && exact < low) || (code === high && exact > high);
    if (Math.abs(exact - code) > TOLERANCE && !isBeyond) return false;
  }
  return true;
}

/** Puts every float parameter of the file where the graph has it; what has no place is named. */
export function placeParameters(graph: Graph, { parameters }: QuantizedModel, placed: readonly Placed[]): string[] {
  const biases = new Set(placed.filter(({ module }) => module.bias).map(({ module }) => `${module.module}.bias`));
  const byName = new Map([...graph.initializers].map((value) => [value.name, value] as const));
  return [...parameters].flatMap(([name, data]) => {
    if (biases.has(name)) return [];
    const value = byName.get(name);
    const fits = value?.data?.shape.join() === data.shape.join() && value.data.dtype === data.dtype;
    if (value && fits) value.data = data;
    return fits ? [] : [`the trained parameter "${name}" [${data.shape.join(', ')}] is no initializer of the graph`];
  });
}
