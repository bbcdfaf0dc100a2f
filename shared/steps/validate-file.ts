/** An ONNX file run in onnxruntime and compared: with what was given, with PyTorch, with FP32. */
import type { ByteSource } from '../bytes/byte-source.ts';
import { DEFAULT_PROCESSOR, type Processor } from '../choices.ts';
import type { Model } from '../onnx/ir.ts';
import { holdsCodes } from '../onnx/holds-codes.ts';
import { openModel } from '../onnx/proto/read.ts';
import { weightBytes } from '../onnx/weight-bytes.ts';
import { overflowIn } from '../quantize/overflow.ts';
import type { EightBitSums, Validation } from '../report/report.ts';
import { otherThan } from '../report/sums.ts';
import { type HostProcessor, productsFor, UNKNOWN_PROCESSOR } from '../runtime/host-processor.ts';
import { readReference } from '../runtime/reference.ts';
import { readSamples } from '../runtime/samples.ts';
import { measureModel, validateModel } from '../runtime/validate.ts';
import type { ValidationRequest } from '../runtime/validation-request.ts';
import { MAP_FROM } from '../runtime/session.ts';
import { declaredOf } from './declared.ts';
import { compareWithInt8, type Int8Reference } from './int8-reference.ts';
import { integerKernels } from './integer-kernels.ts';
import { verifyLinkedWeights } from './linked-weights.ts';
import { withMappable } from './mappable-model.ts';
import { requireOnnx } from './onnx-model.ts';
import { validFor } from './valid-for.ts';

export interface ValidateFileRequest extends Pick<
  ValidationRequest,
  'ranges' | 'archive' | 'tolerance' | 'seed' | 'now' | 'tell'
> {
  /** Path of the `.onnx`; weights may lie beside it. */
  readonly model: string;
  /** Of the FP32 model that this one was made of. */
  readonly fp32?: string;
  /** An .npz of inputs to run with; `labels` names the array of classes in it. */
  readonly data?: { readonly source: ByteSource; readonly labels?: string | undefined } | undefined;
  /** An .npz of inputs and of what PyTorch computes from them. */
  readonly reference?: ByteSource | undefined;
  /** What PyTorch's INT8 computes, of a quantized model: how many samples equal it. */
  readonly int8Reference?: Int8Reference | undefined;
  /** Where files may be made on the way: given, operators are timed and the integer kernels of a quantized
   * model counted. */
  readonly workFolder?: string | undefined;
  /** Where a quantized model will run: the sums of 8-bit products it is judged by are those of that processor. */
  readonly processor?: Processor | undefined;
  /** What runs it here; left out, its sums may saturate. */
  readonly host?: HostProcessor | undefined;
  readonly signal?: AbortSignal | undefined;
}

export async function validateFile(request: ValidateFileRequest): Promise<Validation> {
  const { data, reference, int8Reference, workFolder, processor = DEFAULT_PROCESSOR, signal, ...more } = request;
  const { host: known = undefined, ...how } = more;
  const host = known ?? UNKNOWN_PROCESSOR;
  for (const path of [request.model, request.fp32]) if (path !== undefined) await requireOnnx(path);
  const file = await modelIn(request.model);
  const { graph } = file;
  // With dimensions as expressions, so that sizes can be checked against each other; onnxruntime knows only names.
  const inputs = declaredOf(file, 'inputs');
  // A file may leave the types of its outputs open; then onnxruntime's own say what they are.
  const outputs = graph.outputs.every(({ type }) => type !== null) ? declaredOf(file, 'outputs') : null;
  const samples =
    data &&
    (await readSamples(data.source, inputs, {
      code: 'BadReferenceData',
      ...(data.labels === undefined ? {} : { labels: data.labels }),
    }));
  const expected = reference && (await readReference(reference, inputs, outputs ?? declaredOf(file, 'outputs')));
  for (const path of [request.model, request.fp32]) if (path !== undefined) await verifyLinkedWeights(path);
  signal?.throwIfAborted();
  const isQuantized = holdsCodes(file);
  const judged = isQuantized ? productsFor(processor, host) : 'default';
  const asked: ValidationRequest = {
    ...how,
    ...(workFolder === undefined ? {} : { workFolder }),
    ...(known ? { host: known } : {}),
    products: judged,
    conditions: validFor(file),
    ...(outputs ? { declared: { inputs, outputs } } : {}),
    ...(samples ? { samples } : {}),
    ...(expected ? { reference: expected } : {}),
  };
  const validation = await validated(request, asked);
  const loads = validation.checks.some(({ passed }) => passed);
  if (!loads || !isQuantized) return validation;
  const runs = validation.checks.every(({ passed }) => passed);
  const other = runs && host.addsPairsIn16Bits ? await measureModel({ ...asked, products: otherThan(judged) }) : null;
  const sums: EightBitSums = { processor: host.title, judged, other, overflow: await overflowOf(request.model) };
  const kernels = workFolder === undefined ? {} : { kernels: await integerKernels(request.model, workFolder) };
  const int8 = runs && int8Reference ? { int8: await compareWithInt8(request.model, int8Reference, host) } : {};
  return { ...validation, ...kernels, ...int8, sums };
}

/** Weights of a large model are mapped: of both, so that their latencies are those of the same kernels. */
async function validated(
  { model, fp32, workFolder }: ValidateFileRequest,
  asked: ValidationRequest,
): Promise<Validation> {
  const large = weightBytes((await modelIn(fp32 ?? model)).graph) >= MAP_FROM;
  if (!large || workFolder === undefined) return validateModel(asked);
  const mapping = { workFolder, from: MAP_FROM / 2 };
  return withMappable(model, mapping, (own) =>
    fp32 === undefined
      ? validateModel({ ...asked, model: own, mapWeights: true })
      : withMappable(fp32, mapping, (float) => validateModel({ ...asked, model: own, fp32: float, mapWeights: true })),
  );
}

async function overflowOf(file: string): Promise<EightBitSums['overflow']> {
  const { model, close } = await openModel(file);
  try {
    return await overflowIn(model);
  } finally {
    close();
  }
}

async function modelIn(file: string): Promise<Model> {
  const { model, close } = await openModel(file);
  close();
  return model;
}
