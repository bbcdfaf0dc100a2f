/**
 * A channel of zeros for convolutions of images: onnxruntime's direct kernels for integers on x64 (MlasConvSym) take
 * channels by fours, and copy each place of the kernel where there are three. The sums stay the same integers.
 */
import { FreshNames } from '../onnx/fresh-names.ts';
import type { Model, Node, Value } from '../onnx/ir.ts';
import { constantOf, int, isStandard } from '../onnx/match.ts';
import { removeUnused } from '../onnx/passes/remove-unused.ts';
import { builderFor } from '../onnx/rewrite.ts';
import { derivedData, type TensorData } from '../tensor/data.ts';

/** With one channel the padding would be three quarters of the work. */
const CHANNELS = { from: 3, to: 4 } as const;
/** Outputs that such a kernel computes at once, and what their number has to be a multiple of. */
const OUTPUTS = { least: 16, step: 8 } as const;

/** `isKept`: what is to stay as it is. The nodes that add the channel. */
export function padChannels(model: Model, isKept: (node: Node) => boolean): readonly Node[] {
  const { graph } = model;
  const names = new FreshNames(graph);
  const op = builderFor(model);
  const padded = new Map<Value, Value>();
  const padding = (x: Value, rank: number): Value => {
    const amounts = new Array<number>(2 * rank).fill(0);
    amounts[rank + 1] = CHANNELS.to - CHANNELS.from;
    const result = op.Pad([x, op.ints(amounts)]);
    result.name = names.of(`${x.name}_padded`);
    result.producer!.name = names.of(`${x.name}_Pad`);
    return result;
  };
  for (const node of [...graph.nodes]) {
    const data = isKept(node) ? null : weightToPad(node);
    if (!data) continue;
    const [x, w] = node.inputs as [Value, Value];
    const images = padded.get(x) ?? padding(x, data.shape.length);
    padded.set(x, images);
    node.setInput(0, images);
    node.setInput(1, op.constant(withZeros(data), names.of(`${w.name}_padded`)));
  }
  if (padded.size === 0) return [];
  graph.sortNodes();
  removeUnused.run(model);
  return [...padded.values()].map(({ producer }) => producer!);
}

/** Where an image is padded and then becomes codes, its codes are padded instead: a fourth of the bytes. */
export function padCodes(model: Model, pads: readonly Node[]): void {
  const { graph } = model;
  const op = builderFor(model);
  const names = new FreshNames(graph);
  for (const pad of pads) {
    const [images, amounts] = pad.inputs as [Value, Value];
    const [floats] = pad.outputs as [Value];
    for (const { node: quantize } of [...floats.uses]) {
      const [, , zero] = quantize.inputs;
      if (!isStandard(quantize, 'QuantizeLinear') || !zero) continue;
      const [codes] = quantize.outputs as [Value];
      const padded = op.Pad([codes, amounts, zero]);
      padded.name = names.of(`${codes.name}_padded`);
      padded.producer!.name = names.of(pad.name);
      padded.type = codes.type;
      for (const { node, index } of [...codes.uses]) if (node !== padded.producer) node.setInput(index, padded);
      quantize.setInput(0, images);
      codes.type = images.type && codes.type && { ...images.type, dtype: codes.type.dtype };
    }
  }
  if (pads.length === 0) return;
  graph.sortNodes();
  removeUnused.run(model);
}

function weightToPad(node: Node): TensorData | null {
  if (!isStandard(node, 'Conv') || int(node, 'group') !== 1) return null;
  const data = constantOf(node.inputs[1]);
  if (data?.dtype !== 'float32' || constantOf(node.inputs[0])) return null;
  const [outputs = 0, channels, ...kernel] = data.shape;
  const isDirect = outputs >= OUTPUTS.least && outputs % OUTPUTS.step === 0 && kernel.some((size) => size > 1);
  return channels === CHANNELS.from && isDirect ? data : null;
}

/** `[M, 3, ...kernel]` as `[M, 4, ...kernel]`. */
function withZeros(data: TensorData): TensorData {
  const [outputs = 0, , ...kernel] = data.shape;
  return derivedData({ dtype: data.dtype, shape: [outputs, CHANNELS.to, ...kernel] }, [data], (bytes) => {
    const from = bytes!.byteLength / outputs;
    const to = (from / CHANNELS.from) * CHANNELS.to;
    const padded = new Uint8Array(outputs * to);
    for (let row = 0; row < outputs; row++) padded.set(bytes!.subarray(row * from, (row + 1) * from), row * to);
    return padded;
  });
}
