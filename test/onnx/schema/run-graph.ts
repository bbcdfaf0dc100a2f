/** A graph under test, written as a file and run by onnxruntime. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Graph } from '../../../shared/onnx/ir.ts';
import { irVersionOf } from '../../../shared/onnx/opset.ts';
import { writeModel } from '../../../shared/onnx/proto/write.ts';
import { type MemoryTensors, openSession } from '../../../shared/runtime/session.ts';
import type { TensorData } from '../../../shared/tensor/data.ts';

/** Runs the graph once for each set of inputs; nodes are left as they are. */
export async function runGraph(
  graph: Graph,
  opset: number,
  feeds: readonly ReadonlyMap<string, TensorData>[],
): Promise<MemoryTensors[]> {
  const folder = mkdtempSync(join(tmpdir(), 'torchferry-'));
  try {
    const path = join(folder, 'model.onnx');
    const opsets = new Map([
      ['', opset],
      ['com.microsoft', 1],
    ]);
    await writeModel(
      { graph, opsets, irVersion: irVersionOf(opset), producerName: 'test', producerVersion: '', metadata: new Map() },
      path,
      { weights: 'embed' },
    );
    const session = await openSession(path, { optimize: 'none', threads: 1 });
    try {
      const results: MemoryTensors[] = [];
      for (const inputs of feeds) results.push(await session.run(inputs));
      return results;
    } finally {
      await session.release();
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}
