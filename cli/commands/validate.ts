/** `torchferry validate`: run an ONNX model in onnxruntime and say what is right and wrong with it. */
import { fileSource } from '../../shared/bytes/byte-source.ts';
import { openModel } from '../../shared/onnx/proto/read.ts';
import { declaredOf } from '../../shared/steps/declared.ts';
import { verifyLinkedWeights } from '../../shared/steps/linked-weights.ts';
import type { Validation } from '../../shared/report/report.ts';
import { readReference } from '../../shared/runtime/reference.ts';
import { readSamples } from '../../shared/runtime/samples.ts';
import type { Declared } from '../../shared/runtime/session.ts';
import { validateModel } from '../../shared/runtime/validate.ts';
import type { Command } from '../command.ts';
import { onnxFiles } from '../files.ts';
import { eachFile, type FileOutcome } from '../outcomes.ts';
import { text } from '../values.ts';

export const validate: Command = {
  summary: 'run ONNX models in onnxruntime and compare',
  usage:
    'torchferry validate <model.onnx>... [--data NPZ] [--labels NAME] [--reference NPZ] [--against FP32.onnx] [--json]',
  options: {
    data: { type: 'string', value: 'NPZ', describe: 'inputs to run with; default: seeded random ones' },
    labels: { type: 'string', value: 'NAME', describe: 'array of labels in the data, to measure accuracy' },
    reference: { type: 'string', value: 'NPZ', describe: "inputs and PyTorch's outputs to compare with" },
    against: { type: 'string', value: 'ONNX', describe: 'the FP32 model to compare with' },
  },
  async run({ files, options, progress }) {
    return eachFile(onnxFiles(files), progress, async (file) => {
      progress.step(`validating ${file}`);
      const against = text(options, 'against');
      const validation = await validateFile({
        file,
        data: text(options, 'data'),
        labels: text(options, 'labels'),
        reference: text(options, 'reference'),
        fp32: against,
      });
      return outcome(file, validation);
    });
  },
};

interface Request {
  readonly file: string;
  readonly data: string | undefined;
  readonly labels: string | undefined;
  readonly reference: string | undefined;
  readonly fp32: string | undefined;
}

async function validateFile({ file, data, labels, reference, fp32 }: Request): Promise<Validation> {
  const { inputs, outputs } = await declaredIn(file);
  await verifyLinkedWeights(file);
  const sources = {
    data: data === undefined ? null : fileSource(data),
    reference: reference === undefined ? null : fileSource(reference),
  };
  try {
    const samples =
      sources.data &&
      (await readSamples(sources.data, inputs, {
        code: 'BadReferenceData',
        ...(labels === undefined ? {} : { labels }),
      }));
    const known = sources.reference && (await readReference(sources.reference, inputs, outputs));
    return await validateModel({
      model: file,
      declared: { inputs, outputs },
      now: () => performance.now(),
      ...(samples ? { samples } : {}),
      ...(known ? { reference: known } : {}),
      ...(fp32 === undefined ? {} : { fp32 }),
    });
  } finally {
    sources.data?.close();
    sources.reference?.close();
  }
}

/** With dimensions as expressions, so that sizes can be checked against each other. */
async function declaredIn(file: string): Promise<{ inputs: Declared[]; outputs: Declared[] }> {
  const { model, close } = await openModel(file);
  close();
  return { inputs: declaredOf(model.graph.inputs), outputs: declaredOf(model.graph.outputs) };
}

function outcome(file: string, validation: Validation): FileOutcome {
  const failed = validation.checks.filter((c) => !c.passed);
  const lines = [
    `${file}: ${failed.length ? 'failed' : 'passed'}, ${validation.samples} samples`,
    ...validation.checks.map((c) => `  ${c.passed ? 'ok  ' : 'FAIL'} ${c.name}${c.detail ? `: ${c.detail}` : ''}`),
    ...validation.comparisons.flatMap((c) =>
      c.outputs.map(
        (o) =>
          `  ${o.output} against ${c.against}: max abs diff ` +
          `${o.maxAbsDiff.toPrecision(3)}${o.sqnr === null ? '' : `, SQNR ${o.sqnr.toFixed(1)} dB`}${o.top1Agreement === null ? '' : `, top-1 agreement ${(100 * o.top1Agreement).toFixed(1)} %`}`,
      ),
    ),
    ...(validation.accuracy
      ? [
          `  top-1 ${(100 * validation.accuracy.top1).toFixed(2)} % (${validation.accuracy.correct} of ` +
            `${validation.accuracy.samples})`,
        ]
      : []),
    ...(validation.latency
      ? [`  ${validation.latency.medianMs.toPrecision(3)} ms a run, batch ${validation.latency.batch}`]
      : []),
  ];
  const beyond = validation.comparisons.flatMap((c) =>
    c.against === 'pytorch'
      ? c.outputs
          .filter((o) => o.withinTolerance === false)
          .map((o) => `output "${o.output}" differs from PyTorch by ${o.maxAbsDiff}`)
      : [],
  );
  const problems = [...failed.map((c) => `${c.name}: ${c.detail}`), ...beyond];
  const facts = { ...validation };
  if (problems.length === 0) return { text: lines.join('\n'), facts };
  return { text: lines.join('\n'), facts, error: { code: 'ValidationFailed', message: problems.join('; ') } };
}
