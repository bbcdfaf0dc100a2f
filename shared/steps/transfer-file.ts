/**
 * An FP32 graph and a quantized PyTorch model to an INT8 ONNX file with PyTorch's own codes, scales and zero points.
 */
import type { ByteSource } from '../bytes/byte-source.ts';
import { requireOutput } from '../bytes/output-file.ts';
import type { ConvertOptions } from '../convert/convert.ts';
import type { Weights } from '../choices.ts';
import { opsetForInt8 } from '../onnx/opset.ts';
import { writeModel, type WrittenModel } from '../onnx/proto/write.ts';
import { raiseOpset } from '../onnx/raise-opset.ts';
import { overflowIn } from '../quantize/overflow.ts';
import { transfer, type TransferRequest } from '../quantize/transfer/transfer.ts';
import type { OperatorCount } from '../report/report.ts';
import type { Quantization } from '../report/quantization.ts';
import { overflowText } from '../report/sums.ts';
import { openGraph } from './fp32-graph.ts';
import { operatorCounts } from './model-facts.ts';
import { nameQuantized } from './origin.ts';
import { readPair } from './quantized-pair.ts';

export interface TransferFileRequest extends Omit<TransferRequest, 'source'> {
  /** Path of the FP32 model: a `.pt2`, or an `.onnx` whose weights may lie beside it. */
  readonly graph: string;
  /** Of the conversion, where the graph is a PyTorch program. */
  readonly options?: ConvertOptions;
  /** What Neural Compressor or `torch.save(int8_model.state_dict())` wrote. */
  readonly quantized: ByteSource;
  /** `best_configure.yaml`, where it lies in a file of its own (Neural Compressor 1.x). */
  readonly record?: ByteSource | null;
  /** Where the INT8 `.onnx` is written. */
  readonly path: string;
  /** Integer weights have nothing to be linked to, so `link` embeds them. */
  readonly weights: Weights;
  readonly signal?: AbortSignal | undefined;
}

export interface TransferredFile {
  readonly written: WrittenModel;
  readonly facts: Quantization;
  readonly operators: readonly OperatorCount[];
  readonly warnings: readonly string[];
}

export async function transferFile(request: TransferFileRequest): Promise<TransferredFile> {
  const { graph, options = {}, quantized, record = null, path, weights, signal, ...how } = request;
  requireOutput(path, [graph, quantized.name, ...(record ? [record.name] : [])]);
  const { opset, warnings } = opsetForInt8(options.opset_version);
  const source = { file: quantized.name, ...(await readPair(quantized, record)) };
  const opened = await openGraph(graph, { ...options, ...(opset === undefined ? {} : { opset_version: opset }) });
  try {
    const { model } = opened;
    const old = raiseOpset(model, graph);
    const { facts, warnings: differences } = await transfer(model, { ...how, source });
    const overflow = overflowText(await overflowIn(model));
    signal?.throwIfAborted();
    await nameQuantized(model, quantized, signal);
    const written = await writeModel(model, path, {
      weights: weights === 'link' ? 'embed' : weights,
      ...(signal ? { signal } : {}),
    });
    return {
      written,
      facts,
      operators: operatorCounts(model),
      warnings: [
        ...warnings,
        ...old,
        ...opened.warnings,
        ...differences,
        ...(overflow === null ? [] : [overflow]),
        ...written.warnings,
      ],
    };
  } finally {
    opened.close();
  }
}
