/** An ONNX file run in onnxruntime and compared: with what was given, with PyTorch, with FP32. */
import type { ByteSource } from '../bytes/byte-source.ts';
import type { Model } from '../onnx/ir.ts';
import { holdsCodes } from '../onnx/holds-codes.ts';
import { openModel } from '../onnx/proto/read.ts';
import type { Validation } from '../report/report.ts';
import { readReference } from '../runtime/reference.ts';
import { readSamples } from '../runtime/samples.ts';
import { validateModel, type ValidationRequest } from '../runtime/validate.ts';
import { declaredOf } from './declared.ts';
import { integerKernels } from './integer-kernels.ts';
import { verifyLinkedWeights } from './linked-weights.ts';
import { requireOnnx } from './onnx-model.ts';
import { validFor } from './valid-for.ts';

export interface ValidateFileRequest extends Pick<
  ValidationRequest,
  'fp32' | 'ranges' | 'archive' | 'tolerance' | 'seed' | 'now'
> {
  /** Path of the `.onnx`; weights may lie beside it. */
  readonly model: string;
  /** An .npz of inputs to run with; `labels` names the array of classes in it. */
  readonly data?: { readonly source: ByteSource; readonly labels?: string | undefined } | undefined;
  /** An .npz of inputs and of what PyTorch computes from them. */
  readonly reference?: ByteSource | undefined;
  /** Where files may be made on the way: given, the integer kernels of a quantized model are counted. */
  readonly workFolder?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

export async function validateFile(request: ValidateFileRequest): Promise<Validation> {
  const { data, reference, workFolder, signal, ...how } = request;
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
  const known = reference && (await readReference(reference, inputs, outputs ?? declaredOf(file, 'outputs')));
  for (const path of [request.model, request.fp32]) if (path !== undefined) await verifyLinkedWeights(path);
  signal?.throwIfAborted();
  const validation = await validateModel({
    ...how,
    conditions: validFor(file),
    ...(outputs ? { declared: { inputs, outputs } } : {}),
    ...(samples ? { samples } : {}),
    ...(known ? { reference: known } : {}),
  });
  const loads = validation.checks.some(({ passed }) => passed);
  if (workFolder === undefined || !loads || !holdsCodes(file)) return validation;
  return { ...validation, kernels: await integerKernels(request.model, workFolder) };
}

async function modelIn(file: string): Promise<Model> {
  const { model, close } = await openModel(file);
  close();
  return model;
}
