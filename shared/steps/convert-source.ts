/** A PyTorch file to an ONNX model, not yet written: open, convert, say what was found. */
import type { ByteSource } from '../bytes/byte-source.ts';
import { convertProgram, type ConvertOptions } from '../convert/convert.ts';
import type { InterfaceName } from '../convert/interface-names.ts';
import type { Weights } from '../choices.ts';
import type { Model, Value } from '../onnx/ir.ts';
import { holdsCodes } from '../onnx/holds-codes.ts';
import { changesModel, type QuantizedForm, writeInForm } from '../quantize/transfer/quantized-program.ts';
import type { Conversion, ReportedTensor } from '../report/report.ts';
import { openProgram } from '../formats/open.ts';
import type { TorchProgram } from '../torch/program.ts';
import { holdsQuantizers } from '../torch/quantized/pt2e-program.ts';
import { operatorCounts, reportedTensor } from './model-facts.ts';
import { nameSource, type NameSourceOptions } from './origin.ts';
import { parameterSizes } from './parameter-sizes.ts';

export interface ConvertSourceRequest {
  readonly source: ByteSource;
  /** What is known of the source without reading it; left out: it is hashed. */
  readonly content?: NameSourceOptions['content'];
  readonly options: ConvertOptions;
  readonly weights: Weights;
  /** The options of all that is done, for the metadata; left out: those of the conversion. */
  readonly job?: object | undefined;
  /** How a program that PyTorch quantized is written; left out: with Q and DQ around float operators. */
  readonly form?: QuantizedForm | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface ConvertedModel {
  readonly program: TorchProgram;
  /** Its weights are read from the source when it is written. */
  readonly model: Model;
  /** Where the weights can go. */
  readonly weights: Weights;
  readonly facts: Omit<Conversion, 'weights'>;
  readonly warnings: readonly string[];
  /** Of the source; null: not known. */
  readonly sha256: string | null;
  /** The program was quantized by PyTorch: there is no FP32 form of it. */
  readonly isQuantized: boolean;
}

export async function convertSource({
  source,
  content,
  options,
  weights: wanted,
  job,
  form,
  signal,
}: ConvertSourceRequest): Promise<ConvertedModel> {
  const program = await openProgram(source);
  const newForm = form && changesModel(form) && holdsQuantizers(program) ? form : null;
  // Weights that are computed have nothing to be linked to.
  const weights = newForm && wanted === 'link' ? 'embed' : wanted;
  const { model, torchNodes, passes, validFor, losesNaN, names, warnings } = convertProgram(program, {
    ...options,
    keepWeights: weights === 'link',
  });
  const { keepWeights: _, stages: __, ...asked } = options;
  const converting = { ...asked, opset_version: model.opsets.get(''), weights };
  const sha256 = await nameSource(model, source, { content, job: job ?? converting, signal });
  if (newForm) writeInForm(model, newForm);
  const facts = {
    opset: model.opsets.get('')!,
    irVersion: model.irVersion,
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
  return { program, model, weights, facts, warnings, sha256, isQuantized: holdsCodes(model) };
}

function namedTensor(value: Value, named: InterfaceName | undefined): ReportedTensor {
  const { from, aliases } = named ?? { from: 'graph', aliases: [] };
  return { ...reportedTensor(value), named: { from, aliases } };
}
