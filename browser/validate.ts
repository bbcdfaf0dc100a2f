/** A converted model run by onnxruntime in this browser, as the stage `validate` runs it elsewhere. */
import { blobSource } from '../shared/bytes/blob-source.ts';
import type { ByteSource } from '../shared/bytes/byte-source.ts';
import type { Validation } from '../shared/report/report.ts';
import { readReference } from '../shared/runtime/reference.ts';
import { readSamples } from '../shared/runtime/samples.ts';
import { inMemory, type MemoryTensor } from '../shared/runtime/session.ts';
import { validateModel } from '../shared/runtime/validate.ts';
import type { ConvertedModel } from '../shared/steps/convert-source.ts';
import { declaredOf } from '../shared/steps/declared.ts';
import { exampleInputs } from '../shared/steps/example-inputs.ts';
import { symbolRanges } from '../shared/steps/symbol-ranges.ts';
import { validFor } from '../shared/steps/valid-for.ts';
import type { Result } from './messages.ts';

export interface Run {
  readonly result: Result;
  /** Of a quantized model: what it was made of. */
  readonly fp32: Result | null;
  /** Found by their names, as beside a model. */
  readonly data: readonly File[];
  /** Takes what else is to be said. */
  readonly notes: string[];
}

/** The labels in test data, as a job calls them by default. */
const LABELS = 'y';

export async function validate(converted: ConvertedModel, run: Run): Promise<Validation> {
  const { result, fp32, data } = run;
  const { model, facts, program } = converted;
  const [inputs, outputs] = [declaredOf(model, 'inputs'), declaredOf(model, 'outputs')];
  const [test, reference] = ['.test.npz', '.reference.npz'].map((end) => data.find(({ name }) => name.endsWith(end)));
  const warn = (note: string): void => void run.notes.push(note);
  const examples = await exampleInputs(program, { inputs: facts.inputs, warn });
  const archive = new Map<string, MemoryTensor>();
  for (const [i, example] of (examples ?? []).entries())
    archive.set(inputs[i]!.name, inMemory(example.dtype, example.shape, await example.read()));
  return validateModel({
    model: await bytesOf(result),
    ...(fp32 ? { fp32: await bytesOf(fp32) } : {}),
    declared: { inputs, outputs },
    ranges: new Map(Object.entries(symbolRanges(program, facts.inputs))),
    conditions: validFor(model),
    now: () => performance.now(),
    ...(examples ? { archive } : {}),
    ...(test
      ? { samples: await readSamples(sourceOf(test), inputs, { code: 'BadReferenceData', labels: LABELS }) }
      : {}),
    ...(reference ? { reference: await readReference(sourceOf(reference), inputs, outputs) } : {}),
  });
}

const bytesOf = async ({ blob }: Result): Promise<Uint8Array> => new Uint8Array(await blob.arrayBuffer());
const sourceOf = (file: File): ByteSource => blobSource(file.name, file);
