/** What a job asks for: defaults filled in and marked as such, contradictions refused, models named. */
import {
  APPROACHES,
  approachFor,
  codeTypesOf,
  DEFAULT_CODE_TYPES,
  QUANT_FORMAT_NAMES,
  WEIGHT_ALGORITHMS,
} from '../../choices.ts';
import { fail, type JobProblem } from '../../errors.ts';
import { FIRST_WITH_BLOCKS, OLDEST_OPSET, opsetForInt8 } from '../../onnx/opset.ts';
import { goalProblem } from '../../quantize/tuning/goal.ts';
import type { ReportedOption } from '../../report/report.ts';
import { type JobFile, type JobOptions, type OptionName, OPTION_NAMES, OPTIONS } from './job-schema.ts';
import type { FoundFiles } from './job-files.ts';
import { idleOptions } from './idle-options.ts';
import { refusedChoices } from './refused-choices.ts';
import { weightOnlyOf } from './quantizer-words.ts';
import { approachesOf, isTuned, quantizedDtypes, type VariantRequest, variantsOf } from './variants.ts';

export interface ResolvedJob {
  readonly options: JobOptions;
  /** Every option, with where its value is from. */
  readonly reported: readonly ReportedOption[];
  readonly variants: readonly VariantRequest[];
  /** What was asked and has no effect. */
  readonly warnings: readonly string[];
}

/**
 * Fill in defaults and work out what is made. `found` are files beside the model that count where the job names none.
 */
export function resolveJob(file: string, job: JobFile, found: Partial<FoundFiles> = {}): ResolvedJob {
  const approach = job.approach ?? approachFor((job.calibration ?? found.calibration ?? null) !== null);
  const defaults = {
    ...Object.fromEntries(OPTION_NAMES.map((name) => [name, OPTIONS[name].default])),
    approach,
    // All of them may be tried.
    ...(job.recipe === 'auto' ? { quant_format: QUANT_FORMAT_NAMES } : {}),
    ...found,
  };
  // The table gives every option a value or null, as JobOptions says.
  const asked = { ...defaults, ...job } as JobOptions;
  const { opset, warnings: raised } = wantsQuantized(asked) ? opsetForInt8(asked.opset_version) : NOT_RAISED;
  const options = { ...asked, opset_version: opset ?? asked.opset_version };
  const problems = contradictionsOf(options);
  if (problems.length) fail('BadJob', { file, problems });
  const reported = OPTION_NAMES.map((name): ReportedOption => ({
    name,
    value: options[name],
    from: originOf(name, { job, found }),
  }));
  return { options, reported, variants: variantsOf(options), warnings: [...raised, ...idleOptions(job, options)] };
}

/** Options that do not go with each other. */
function contradictionsOf(options: JobOptions): JobProblem[] {
  const problems: JobProblem[] = [];
  const approaches = approachesOf(options);
  if (approaches.some((each) => APPROACHES[each].needsCalibration) && options.calibration === null) {
    const hint = 'set "calibration" to an .npz beside the model, or "approach" to "dynamic"';
    problems.push({ path: 'approach', problem: `${options.approach} quantization needs calibration data`, hint });
  }
  const chosen = options.dtype.find((asked) => codeTypesOf(asked) !== DEFAULT_CODE_TYPES);
  if (chosen !== undefined && options.quantized_model === null) {
    const problem = `integers of ${chosen} can be chosen where PyTorch quantized the model; no such model was found`;
    problems.push({ path: 'dtype', problem, hint: 'set "quantized_model", or say "int8"' });
  }
  const { algorithm } = weightOnlyOf(options.weight_only ?? {});
  const needsData = algorithm !== undefined && WEIGHT_ALGORITHMS[algorithm].needsCalibration;
  if (approaches.includes('weight-only') && needsData && options.calibration === null) {
    const hint = 'set "calibration" to an .npz beside the model, or choose another algorithm';
    problems.push({ path: 'weight_only.algorithm', problem: `${algorithm} needs calibration data`, hint });
  }
  const measures = OF_MEASUREMENTS.find((name) => Boolean(options[name]));
  if (measures !== undefined && approaches.includes('dynamic') && options.calibration === null) {
    const hint = 'set "calibration" to an .npz beside the model';
    problems.push({ path: measures, problem: 'it measures layers on calibration data', hint });
  }
  if (approaches.includes('weight-only') && blocksNeedOpset(options)) {
    const problem = `weights in blocks need opset ${FIRST_WITH_BLOCKS} in the format QDQ`;
    const hint = `set it to ${FIRST_WITH_BLOCKS} or more, or "quant_format" to "QLinear"`;
    problems.push({ path: 'opset_version', problem, hint });
  }
  if (options.opset_version < OLDEST_OPSET) {
    const problem = `${options.opset_version} is older than what FP32 models are written for`;
    problems.push({ path: 'opset_version', problem, hint: `set it to ${OLDEST_OPSET} or more` });
  }
  if (quantizedDtypes(options).some((dtype) => isTuned(options, dtype))) problems.push(...tuningProblems(options));
  return [...problems, ...refusedChoices(options)];
}

/** Static quantization needs data anyway. */
const OF_MEASUREMENTS = ['smooth_quant', 'bias_correction'] as const;
function tuningProblems({ accuracy, test_data, example_inputs, calibration }: JobOptions): JobProblem[] {
  const problem = goalProblem(accuracy ?? {});
  const hasLabels = test_data !== null;
  return [
    ...(problem === null ? [] : [{ path: 'accuracy', problem, hint: '' }]),
    ...(accuracy?.metric === 'top1' && !hasLabels
      ? [
          {
            path: 'accuracy.metric',
            problem: 'top1 is counted with labels',
            hint: 'set "test_data", or say "top1_agreement"',
          },
        ]
      : []),
    ...(!hasLabels && example_inputs === null && calibration === null
      ? [
          {
            path: 'recipe',
            problem: 'auto has no data to judge by',
            hint: 'set "test_data" (with labels is best) or "calibration" to an .npz beside the model',
          },
        ]
      : []),
  ];
}

const wantsQuantized = (options: JobOptions): boolean => quantizedDtypes(options).length > 0;

const NOT_RAISED = { opset: undefined, warnings: [] };

function originOf(
  name: OptionName,
  { job, found }: { readonly job: JobFile; readonly found: Partial<FoundFiles> },
): ReportedOption['from'] {
  if (job[name] !== undefined) return 'job';
  return (found as Partial<Record<OptionName, string | null>>)[name] ? 'found' : 'default';
}

const blocksNeedOpset = ({ opset_version, quant_format }: JobOptions): boolean =>
  opset_version < FIRST_WITH_BLOCKS && quant_format.includes('QDQ');
