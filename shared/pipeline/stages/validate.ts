/** Validate: run a variant and say how far it is from PyTorch and from FP32. */
import { openModel } from '../../onnx/proto/read.ts';
import { DEFAULT_TOLERANCE } from '../../runtime/compare.ts';
import { readReference } from '../../runtime/reference.ts';
import { readSamples } from '../../runtime/samples.ts';
import { type ValidationRequest, validateModel } from '../../runtime/validate.ts';
import { declaredOf } from '../../steps/declared.ts';
import { verifyLinkedWeights } from '../../steps/linked-weights.ts';
import { keptExamples } from '../workspace/kept-examples.ts';
import { jobStage } from '../workspace/job-stage.ts';
import { factsOf, variantOf } from '../workspace/previous.ts';
import type { ConvertFacts, QuantizeFacts, ValidateFacts } from '../workspace/record.ts';
import type { Workspace } from '../workspace/workspace.ts';

export const run = jobStage<ValidateFacts>('validate', async (workspace, input, { signal }) => {
  const { options } = workspace.job;
  const converted = await factsOf<ConvertFacts>(workspace, 'convert', null);
  const variant = variantOf(converted, input);
  const [fp32] = await workspace.fetch(converted.files);
  const [model] = variant.quantize
    ? await workspace.fetch((await factsOf<QuantizeFacts>(workspace, 'quantize', variant.name)).files)
    : [fp32];
  if (converted.conversion?.weights === 'link') await verifyLinkedWeights(fp32!);
  signal?.throwIfAborted();
  const validation = await validateModel({
    model: model!,
    ...(variant.quantize ? { fp32: fp32! } : {}),
    ranges: new Map(Object.entries(converted.ranges)),
    tolerance: { ...DEFAULT_TOLERANCE, ...options.tolerance },
    seed: options.seed,
    // Runs of a small model take microseconds: a clock of whole milliseconds would call them nothing.
    now: () => performance.now(),
    ...(converted.examples ? { archive: await keptExamples(workspace, converted.examples) } : {}),
    ...(await givenData(workspace, model!)),
  });
  return { facts: { validation }, output: { samples: validation.samples } };
});

/** What the job brings: labelled samples win over examples; a reference is compared besides. */
async function givenData(
  workspace: Workspace,
  model: string,
): Promise<Pick<ValidationRequest, 'samples' | 'reference'>> {
  const { test_data, example_inputs, labels, reference } = workspace.job.options;
  const data = test_data ?? example_inputs;
  if (data === null && reference === null) return {};
  const opened = await openModel(model);
  try {
    const inputs = declaredOf(opened.model.graph.inputs);
    const outputs = declaredOf(opened.model.graph.outputs);
    return {
      ...(data === null
        ? {}
        : {
            samples: await readSamples(await workspace.openBeside(data), inputs, {
              code: 'BadReferenceData',
              ...(test_data === null ? {} : { labels }),
            }),
          }),
      ...(reference === null
        ? {}
        : { reference: await readReference(await workspace.openBeside(reference), inputs, outputs) }),
    };
  } finally {
    opened.close();
  }
}
