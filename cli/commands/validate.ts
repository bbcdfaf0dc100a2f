/** `torchferry validate`: run an ONNX model in onnxruntime and say what is right and wrong with it. */
import { writeFileSync } from 'node:fs';
import { type Criterion, DEFAULT_PROCESSOR, PROCESSOR_NAMES } from '../../shared/choices.ts';
import { OPTIONS } from '../../shared/pipeline/job/job-schema.ts';
import { judge } from '../../shared/report/criterion.ts';
import { junitXml, type JUnitSuite, PASSED, validationCases } from '../../shared/report/junit.ts';
import { formatMilliseconds, formatSpeedChange } from '../../shared/report/format.ts';
import { machineText } from '../../shared/report/machine.ts';
import { mayBeScores } from '../../shared/report/measures.ts';
import type { Latency, Validation } from '../../shared/report/report.ts';
import { otherThan, PRODUCTS, sumsText } from '../../shared/report/sums.ts';
import { readNpz } from '../../shared/tensor/npz.ts';
import { foundBeside, stemsOf } from '../beside.ts';
import type { Command, Progress } from '../command.ts';
import { criterionIn, criterionOptions } from '../criterion-options.ts';
import { onnxFiles, pathsOf } from '../files.ts';
import { kernelLines } from '../kernel-lines.ts';
import { eachFile, type FileOutcome } from '../outcomes.ts';
import { JUNIT } from '../reports.ts';
import { inTemporaryFolder } from '../temporary-folder.ts';
import { thisProcessor } from '../this-processor.ts';
import { timeLimitIn, timeLimitOption } from '../time-limit.ts';
import { validateInTime } from '../timed-validation.ts';
import { choice, text } from '../values.ts';
import { withSourceOf } from '../with-source.ts';

/** Seconds. */
const TIME_LIMIT = 600;

/** Those of two files beside each other, without labels of both and without their weights. */
const LIMITS = ['minTop1Agreement', 'minSqnr', 'maxLatencyRatio'] as const;

export const validate: Command = {
  usage:
    'torchferry validate <model.onnx>... [--data NPZ] [--labels NAME] [--reference NPZ] [--against FP32.onnx] ' +
    `[--processor ${PROCESSOR_NAMES.join('|')}] [--junit FILE] [--min-top1-agreement N] [--min-sqnr N] ` +
    '[--max-latency-ratio N] [--json]',
  options: {
    data: {
      type: 'string',
      value: 'NPZ',
      describe: 'inputs to run with; default: <model>.test.npz beside the model, else seeded random ones',
    },
    labels: { type: 'string', value: 'NAME', describe: 'array of labels in the data, to measure accuracy' },
    reference: {
      type: 'string',
      value: 'NPZ',
      describe: "inputs and PyTorch's outputs; default: <model>.reference.npz",
    },
    ...timeLimitOption('each model', TIME_LIMIT),
    against: { type: 'string', value: 'ONNX', describe: 'the FP32 model to compare with' },
    processor: {
      type: 'string',
      value: PROCESSOR_NAMES.join('|'),
      describe: 'where an INT8 model will run: it is judged by what that processor computes',
    },
    junit: JUNIT,
    ...criterionOptions(LIMITS),
  },
  async run({ files, options, progress, signal }) {
    const criterion = criterionIn(options) ?? {};
    const suites: JUnitSuite[] = [];
    const seconds = timeLimitIn(options, TIME_LIMIT);
    return eachFile(pathsOf(onnxFiles(files)), { progress, options }, async (file) => {
      progress.step(`validating ${file}`);
      const given = text(options, 'data');
      const data = given ?? foundBeside(file, 'test_data', { progress });
      const task = {
        model: file,
        data,
        labels: text(options, 'labels') ?? (given === undefined ? await labelsIn(data) : undefined),
        reference: text(options, 'reference') ?? foundReference(file, progress),
        fp32: text(options, 'against'),
        processor: choice(options, 'processor', { among: PROCESSOR_NAMES, fallback: DEFAULT_PROCESSOR }),
        host: thisProcessor(),
      };
      const validation = await inTemporaryFolder((workFolder) =>
        validateInTime({ ...task, workFolder }, { seconds, signal, tell: progress.advance }),
      );
      suites.push(suite(file, validation, criterion));
      return outcome(file, validation, criterion);
    }).finally(() => {
      const junit = text(options, 'junit');
      if (junit !== undefined) writeFileSync(junit, junitXml(suites));
    });
  },
};

/** As a job calls them. */
const LABELS = OPTIONS.labels.default!;

/** The labels of data that nobody named, where they have any. */
const labelsIn = (data: string | undefined): Promise<string | undefined> =>
  withSourceOf(data, async (source) => (source && (await readNpz(source)).has(LABELS) ? LABELS : undefined));

/** What PyTorch computes in float is no reference for codes: an INT8 model is compared with FP32. */
const foundReference = (model: string, progress: Progress): string | undefined =>
  stemsOf(model).length > 1 ? undefined : foundBeside(model, 'reference', { progress });

function outcome(file: string, validation: Validation, criterion: Criterion): FileOutcome {
  const failed = validation.checks.filter((c) => !c.passed);
  const beyond = validation.comparisons.flatMap((c) =>
    c.against === 'pytorch'
      ? c.outputs
          .filter((o) => o.withinTolerance === false)
          .map((o) => `output "${o.output}" differs from PyTorch by ${o.maxAbsDiff}`)
      : [],
  );
  const problems = [
    ...failed.map((c) => `${c.name}: ${c.detail}`),
    ...beyond,
    ...tooFarFromFp32(validation, criterion),
  ];
  const { sums } = validation;
  const measured = [
    ...validation.comparisons.map((c) => [sums?.other ? `, ${PRODUCTS[sums.judged]}` : '', c] as const),
    ...(sums?.other?.comparisons ?? []).map((c) => [`, ${PRODUCTS[otherThan(sums!.judged)]}`, c] as const),
  ];
  const lines = [
    `${file}: ${problems.length ? 'failed' : 'passed'}, ${validation.samples} samples`,
    ...validation.checks.map((c) => `  ${c.passed ? 'ok  ' : 'FAIL'} ${c.name}${c.detail ? `: ${c.detail}` : ''}`),
    ...measured.flatMap(([way, c]) =>
      c.outputs.map(
        (o) =>
          `  ${o.output} against ${c.against}${way}: max abs diff ` +
          o.maxAbsDiff.toPrecision(3) +
          (o.sqnr === null ? '' : `, SQNR ${o.sqnr.toFixed(1)} dB`) +
          (!mayBeScores(o) ? '' : `, top-1 agreement ${(100 * o.top1Agreement!).toFixed(1)} %`),
      ),
    ),
    ...(validation.accuracy
      ? [
          `  top-1 ${(100 * validation.accuracy.top1).toFixed(2)} % (${validation.accuracy.correct} of ` +
            `${validation.accuracy.samples})`,
        ]
      : []),
    ...(validation.latency ? [`  ${latencyText(validation.latency)}`] : []),
    ...(sums ? [`  ${sumsText(sums)}`] : []),
    ...kernelLines(validation.kernels ?? []).map((line) => `  ${line}`),
  ];
  const facts = { ...validation };
  if (problems.length === 0) return { text: lines.join('\n'), facts };
  return { text: lines.join('\n'), facts, error: { code: 'ValidationFailed', message: problems.join('; ') } };
}

const latencyText = ({ medianMs, fp32MedianMs, batch, machine }: Latency): string =>
  `${formatMilliseconds(medianMs)} a run, batch ${batch}` +
  (fp32MedianMs === null
    ? ''
    : `; FP32 in the same runs ${formatMilliseconds(fp32MedianMs)}: ${formatSpeedChange(fp32MedianMs, medianMs)}`) +
  (machine ? `; ${machineText(machine)}` : '');

/** A model compared with FP32 must keep what the pipeline asks of an INT8 model, or what was asked here. */
function tooFarFromFp32(validation: Validation, criterion: Criterion): string[] {
  if (!validation.comparisons.some(({ against }) => against === 'fp32')) return [];
  const { met, findings } = judge({ dtype: 'int8', validation }, null, criterion);
  return met ? [] : findings.filter((f) => !f.met).map(({ text }) => `against FP32 it ${text}`);
}

/** For CI: what the text says. */
function suite(file: string, validation: Validation, criterion: Criterion): JUnitSuite {
  const of = 'validate';
  const isCompared = validation.comparisons.some(({ against }) => against === 'fp32');
  const missed = tooFarFromFp32(validation, criterion).join('; ');
  const outcome = missed ? ({ kind: 'failed', message: missed, code: 'CriterionMissed' } as const) : PASSED;
  const kept = isCompared ? [{ of, name: 'keeps enough of FP32', outcome }] : [];
  return {
    name: file,
    seconds: 0,
    created: '',
    cases: [...validationCases(of, validation, { isJudged: true }), ...kept],
  };
}
