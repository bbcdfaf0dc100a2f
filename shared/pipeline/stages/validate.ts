/** Validate: run a variant and say how far it is from PyTorch and from FP32. */
import { isQuantized } from '../../choices.ts';
import { DEFAULT_TOLERANCE } from '../../runtime/compare.ts';
import { atolOf } from '../../steps/int8-reference.ts';
import { validateFile, type ValidateFileRequest } from '../../steps/validate-file.ts';
import type { VariantRequest } from '../job/variants.ts';
import { jobStage } from '../workspace/job-stage.ts';
import { keptExamples } from '../workspace/kept-examples.ts';
import { factsOf, variantOf } from '../workspace/previous.ts';
import type { QuantizeFacts, ValidateFacts } from '../workspace/record.ts';
import type { Workspace } from '../workspace/workspace.ts';

export const run = jobStage<ValidateFacts>('validate', async (workspace, input, { signal, processor: host }) => {
  const { options } = workspace.job;
  const converted = await factsOf(workspace, 'convert');
  const variant = variantOf(converted, input);
  const [fp32] = await workspace.fetch(converted.files);
  const quantized = variant.quantize ? await factsOf(workspace, 'quantize', variant.name) : null;
  const [model] = quantized ? await workspace.fetch(quantized.files) : [fp32];
  const validation = await validateFile({
    model: model!,
    ...(variant.quantize ? { fp32: fp32! } : {}),
    ranges: new Map(Object.entries(converted.ranges)),
    tolerance: { ...DEFAULT_TOLERANCE, ...options.tolerance },
    seed: options.seed,
    processor: options.processor,
    host,
    workFolder: workspace.folder,
    // Runs of a small model take microseconds: a clock of whole milliseconds would call them nothing.
    now: () => performance.now(),
    ...(converted.examples ? { archive: await keptExamples(workspace, converted.examples) } : {}),
    ...(await givenData(workspace)),
    int8Reference: await int8Reference(workspace, variant, quantized),
    signal,
  });
  return { facts: { validation }, output: { samples: validation.samples } };
});

/** What the job brings: labelled samples win over examples; a reference is compared besides. */
async function givenData(workspace: Workspace): Promise<Pick<ValidateFileRequest, 'data' | 'reference'>> {
  const { test_data, example_inputs, labels, reference } = workspace.job.options;
  const data = test_data ?? example_inputs;
  return {
    ...(data === null
      ? {}
      : { data: { source: await workspace.openBeside(data), ...(test_data === null ? {} : { labels }) } }),
    ...(reference === null ? {} : { reference: await workspace.openBeside(reference) }),
  };
}

/** Only of codes that PyTorch chose: those we compute are meant to be others. */
async function int8Reference(
  workspace: Workspace,
  variant: VariantRequest,
  quantized: QuantizeFacts | null,
): Promise<ValidateFileRequest['int8Reference']> {
  const { int8_reference: name } = workspace.job.options;
  const transfer = quantized?.quantization.transfer;
  if (name === null || !isQuantized(variant) || (quantized && !transfer)) return undefined;
  return { source: await workspace.openBeside(name), atol: atolOf(transfer) };
}
