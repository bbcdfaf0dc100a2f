/** A PyTorch file to an ONNX file: open, convert, write. */
import type { ByteSource } from '../bytes/byte-source.ts';
import { requireOutput } from '../bytes/output-file.ts';
import { convertProgram, type ConvertOptions } from '../convert/convert.ts';
import type { InterfaceName } from '../convert/interface-names.ts';
import type { Weights } from '../choices.ts';
import type { Value } from '../onnx/ir.ts';
import { holdsCodes } from '../onnx/holds-codes.ts';
import { writeModel, type WrittenModel } from '../onnx/proto/write.ts';
import { changesModel, type QuantizedForm, writeInForm } from '../quantize/transfer/quantized-program.ts';
import type { Conversion, ReportedTensor } from '../report/report.ts';
import { openProgram } from '../formats/open.ts';
import type { TorchProgram } from '../torch/program.ts';
import { holdsQuantizers } from '../torch/quantized/pt2e-program.ts';
import { operatorCounts, reportedTensor } from './model-facts.ts';
import { nameSource } from './origin.ts';
import { parameterSizes } from './parameter-sizes.ts';

export interface ConvertFileRequest {
  readonly source: ByteSource;
  /** Where the `.onnx` is written. */
  readonly path: string;
  readonly options: ConvertOptions;
  readonly weights: Weights;
  /** How a program that PyTorch quantized is written; left out: with Q and DQ around float operators. */
  readonly form?: QuantizedForm | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface ConvertedFile {
  readonly program: TorchProgram;
  readonly written: WrittenModel;
  readonly facts: Conversion;
  readonly warnings: readonly string[];
  /** The program was quantized by PyTorch: there is no FP32 form of it. */
  readonly isQuantized: boolean;
}

export async function convertFile({
  source,
  path,
  options,
  weights,
  form,
  signal,
}: ConvertFileRequest): Promise<ConvertedFile> {
  requireOutput(path, [source.name]);
  const program = await openProgram(source);
  const newForm = form && changesModel(form) && holdsQuantizers(program) ? form : null;
  // Weights that are computed have nothing to be linked to.
  const place = newForm && weights === 'link' ? 'embed' : weights;
  const { model, torchNodes, passes, validFor, losesNaN, names, warnings } = convertProgram(program, {
    ...options,
    keepWeights: place === 'link',
  });
  await nameSource(model, source, signal);
  if (newForm) writeInForm(model, newForm);
  const written = await writeModel(model, path, { weights: place, ...(signal ? { signal } : {}) });
  const facts: Conversion = {
    opset: model.opsets.get('')!,
    irVersion: model.irVersion,
    weights: written.weights,
    torchNodes,
    onnxNodes: model.graph.nodes.size,
    operators: operatorCounts(model),
    passes,
    inputs: model.graph.inputs.map((value, i) => namedTensor(value, names.inputs[i])),
    outputs: model.graph.outputs.map((value, i) => namedTensor(value, names.outputs[i])),
    ...parameterSizes(program),
    ...(validFor.length ? { validFor } : {}),
    ...(losesNaN.length ? { losesNaN } : {}),
  };
  return { program, written, facts, warnings: [...warnings, ...written.warnings], isQuantized: holdsCodes(model) };
}

function namedTensor(value: Value, named: InterfaceName | undefined): ReportedTensor {
  const { from, aliases } = named ?? { from: 'graph', aliases: [] };
  return { ...reportedTensor(value), named: { from, aliases } };
}
