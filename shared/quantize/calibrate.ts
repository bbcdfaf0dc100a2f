/** Ranges of tensors over calibration data: the only step of quantization that runs the model. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fail } from '../errors.ts';
import { type Graph, type Model, Node, Value } from '../onnx/ir.ts';
import { writeModel } from '../onnx/proto/write.ts';
import { type MemoryTensors, withSession } from '../runtime/session.ts';
import { asFloat32 } from '../tensor/arithmetic.ts';
import { tensorType } from '../tensor/type.ts';
import type { Range } from './qparams.ts';

export interface CalibrationRequest {
  readonly model: Model;
  readonly tensors: readonly Value[];
  readonly batches: AsyncIterable<MemoryTensors>;
  /** Where the batches come from, for messages. */
  readonly file: string;
  readonly workFolder: string;
}

export interface Calibration {
  /** Tensors without elements are missing. */
  readonly ranges: ReadonlyMap<Value, Range>;
  readonly batches: number;
}

/**
 * Smallest and largest value of each tensor over all batches, of any shapes; NaN and infinities are refused with the
 * tensor's name.
 */
export async function calibrateMinMax({
  model,
  tensors,
  batches,
  file,
  workFolder,
}: CalibrationRequest): Promise<Calibration> {
  const probes = addProbes(model.graph, tensors);
  const path = join(workFolder, 'calibrate.onnx');
  try {
    await writeModel(model, path, { weights: 'embed' });
  } finally {
    probes.remove();
  }
  try {
    // Optimizations would fuse away the very tensors that are looked at.
    return await withSession(path, { optimize: 'none' }, async (session) => {
      const ranges = new Map<Value, Range>();
      let count = 0;
      for await (const feeds of batches) {
        const results = await session.run(feeds, probes.outputs);
        for (const [i, tensor] of tensors.entries()) {
          const [min, max, sum] = REDUCTIONS.map(
            (_, r) => asFloat32(results.get(probes.outputs[i * REDUCTIONS.length + r]!)!.memory)[0]!,
          );
          widen(ranges, tensor, { min: min!, max: max!, sum: sum! }, file);
        }
        count++;
      }
      return { ranges, batches: count };
    });
  } finally {
    for (const written of [path, `${path}.data`]) await rm(written, { force: true });
  }
}

// ReduceMin and ReduceMax pass over a NaN that does not come first; the sum does not.
const REDUCTIONS = ['ReduceMin', 'ReduceMax', 'ReduceSum'] as const;

interface Probes {
  readonly outputs: readonly string[];
  remove(): void;
}

/** Reductions to one number each as extra outputs, so that a batch leaves three numbers per tensor and no tensor. */
function addProbes(graph: Graph, tensors: readonly Value[]): Probes {
  const kept = graph.outputs.length;
  const nodes = tensors.flatMap((tensor, i) =>
    REDUCTIONS.map((op) => {
      const output = new Value(`torchferry.range.${i}.${op}`, tensorType('float32', []));
      const node = new Node({
        op,
        inputs: [tensor],
        outputs: [output],
        attributes: [['keepdims', { kind: 'int', value: 0 }]],
      });
      graph.outputs.push(output);
      return graph.addNode(node);
    }),
  );
  return {
    outputs: nodes.map((node) => node.outputs[0]!.name),
    remove() {
      graph.outputs.length = kept;
      for (const node of nodes) graph.removeNode(node);
    },
  };
}

function widen(
  ranges: Map<Value, Range>,
  tensor: Value,
  { min, max, sum }: Range & { readonly sum: number },
  file: string,
): void {
  if (min === Infinity && max === -Infinity) return;
  if (Number.isNaN(sum) || !Number.isFinite(min) || !Number.isFinite(max)) {
    fail('BadCalibrationData', {
      file,
      problem: `"${tensor.name}" has NaN or infinity`,
      expected: 'inputs for which every tensor of the FP32 model is finite',
    });
  }
  const known = ranges.get(tensor);
  ranges.set(tensor, known ? { min: Math.min(known.min, min), max: Math.max(known.max, max) } : { min, max });
}
