/** `torchferry convert` with the codes and scales of an INT8 model of PyTorch. */
import { codeTypesOf, DEFAULT_DYNAMIC_ACTIVATIONS, DYNAMIC_ACTIVATION_NAMES } from '../../shared/choices.ts';
import { equalText } from '../../shared/report/equal-samples.ts';
import type { Quantization } from '../../shared/report/quantization.ts';
import { atolOf, compareWithInt8 } from '../../shared/steps/int8-reference.ts';
import { withQuantized } from '../../shared/steps/quantized-pair.ts';
import { transferFile } from '../../shared/steps/transfer-file.ts';
import { readNpz } from '../../shared/tensor/npz.ts';
import { besideModel } from '../job-options.ts';
import { type FileOutcome } from '../outcomes.ts';
import { size } from '../sizes.ts';
import { choice, text } from '../values.ts';
import { thisProcessor } from '../this-processor.ts';
import { withSourceOf } from '../with-source.ts';
import { bytesOf, formOf, type Task } from './task.ts';

/** The graph is a `.pt2` or an `.onnx`; its FP32 form is not written. */
export async function carryOver(task: Task, from: string): Promise<FileOutcome> {
  const named = task.job.int8_reference;
  const reference = text(task.options, 'int8-reference') ?? (named && besideModel(task.file, named));
  return withSourceOf(reference, async (source) => {
    // What cannot be read is known before the work.
    if (source) await readNpz(source);
    const made = await carriedOver(task, from);
    if (!source) return made;
    task.progress.step(`comparing ${task.path} with PyTorch`);
    const atol = atolOf(made.facts.transfer);
    const int8 = await compareWithInt8(task.path, { source, atol }, thisProcessor());
    return { text: `${made.text}\n  ${equalText(int8)}`, facts: { ...made.facts, int8 } };
  });
}

async function carriedOver(task: Task, from: string): Promise<FileOutcome & { readonly facts: Quantization }> {
  const { file, path, weights, options, converting, job, progress, signal } = task;
  progress.step(`carrying INT8 over to ${file}`);
  const made = await withQuantized(from, (pair) =>
    transferFile({
      ...pair,
      graph: file,
      options: converting,
      path,
      weights,
      ...formOf(options, job),
      types: codeTypesOf(task.wanted),
      activations: choice(options, 'dynamic-activations', {
        among: DYNAMIC_ACTIVATION_NAMES,
        fallback: job.dynamic_activations ?? DEFAULT_DYNAMIC_ACTIVATIONS,
      }),
      signal,
    }),
  );
  for (const warning of made.warnings) progress.note(`note: ${warning}`);
  const { modules, operators } = made.facts.transfer!;
  return {
    text:
      `${path}: ${modules.length} modules and ${operators} operators as PyTorch computes them, ` +
      size(bytesOf(made.written.files)),
    facts: { files: made.written.files, warnings: made.warnings, ...made.facts },
  };
}
