/** From what the stages wrote down to the report. */
import type { Failure, Report, ReportedStage, Variant, Warning } from '../../report/report.ts';
import { REPORT_VERSION } from '../../report/report.ts';
import { chooseVariant, decideVerdict } from '../../report/verdict.ts';
import { VERSION } from '../../version.ts';
import { isObject } from '../job/json-reader.ts';
import type { VariantRequest } from '../job/job.ts';
import type {
  ConvertFacts,
  JobRecord,
  QuantizeFacts,
  StageFacts,
  StoredFile,
  ValidateFacts,
} from '../workspace/record.ts';
import { reproduce } from './reproduce.ts';
import type { Workspace } from '../workspace/workspace.ts';

/** A failure as the state machine saw it. */
export interface CaughtFailure {
  readonly stage: string;
  readonly error: string;
  readonly cause: string;
  /** When the state was entered, ISO. */
  readonly entered?: string;
}

/** A variant that came through, or did not, as the Map returns it. */
export interface VariantOutcome {
  readonly variant: string;
  readonly failure: CaughtFailure | null;
}

export interface ReportRequest {
  readonly variants: readonly VariantOutcome[];
  readonly failure: CaughtFailure | null;
  /** Milliseconds since 1970. */
  readonly now: number;
}

interface VariantParts {
  readonly request: VariantRequest;
  readonly quantize: StageFacts<QuantizeFacts> | null;
  readonly validate: StageFacts<ValidateFacts> | null;
  readonly caught: CaughtFailure | null;
}

interface Parts {
  readonly claim: StageFacts<null> | null;
  readonly convert: StageFacts<ConvertFacts> | null;
  readonly variants: readonly VariantParts[];
}

export async function buildReport(workspace: Workspace, request: ReportRequest): Promise<Report> {
  const { job } = workspace;
  const parts = await readParts(workspace, request);
  const failure = jobFailure(parts, request.failure);
  const variants = parts.convert?.facts
    ? parts.variants.map((part) => variantOf(part, parts.convert!.facts!, failure))
    : [];
  const criterion = job.options.criterion ?? {};
  return {
    ...frame(job),
    model: modelOf(job, parts.convert?.facts ?? null),
    verdict: decideVerdict({ variants, criterion, failure }),
    conversion: parts.convert?.facts?.conversion ?? null,
    variants,
    chosen: failure ? null : chooseVariant(variants, criterion),
    ...(job.options.criterion ? { criterion } : {}),
    stages: stagesOf(parts, request, Date.parse(job.created)),
    warnings: warningsOf(job, parts),
    failure,
    environment: environment(variants),
  };
}

/** When nothing but the failure is known: the facts cannot be read, or the failure came before there were any. */
export function minimalReport(job: JobRecord, caught: CaughtFailure): Report {
  const failure = failureOfCaught(caught);
  return {
    ...frame(job),
    model: modelOf(job, null),
    verdict: decideVerdict({ variants: [], criterion: {}, failure }),
    conversion: null,
    variants: [],
    chosen: null,
    stages: [],
    warnings: [],
    failure,
    environment: environment([]),
  };
}

const frame = (job: JobRecord): Pick<Report, 'reportVersion' | 'torchferry' | 'job' | 'reproduce'> => ({
  reportVersion: REPORT_VERSION,
  torchferry: VERSION,
  job: { id: job.id, created: job.created, options: job.reported, config: job.config },
  reproduce: reproduce(job),
});

const modelOf = ({ input, format }: JobRecord, convert: ConvertFacts | null): Report['model'] => ({
  key: input.key,
  bytes: input.bytes,
  version: input.version || null,
  sha256: convert?.sha256 ?? null,
  format: convert?.format ?? format?.name ?? null,
  torchVersion: convert?.torchVersion ?? null,
});

const environment = (variants: readonly Variant[]): Report['environment'] => ({
  node: process.versions.node,
  platform: `${process.platform}-${process.arch}`,
  onnxruntime: variants.find((v) => v.validation)?.validation?.runtime.version ?? null,
});

async function readParts(workspace: Workspace, { variants: outcomes }: ReportRequest): Promise<Parts> {
  const [claim, convert] = await Promise.all([
    workspace.readFacts<null>('claim'),
    workspace.readFacts<ConvertFacts>('convert'),
  ]);
  const variants = await Promise.all(
    (convert?.facts?.variants ?? []).map(async (request): Promise<VariantParts> => {
      const [quantize, validate] = await Promise.all([
        request.quantize ? workspace.readFacts<QuantizeFacts>('quantize', request.name) : null,
        workspace.readFacts<ValidateFacts>('validate', request.name),
      ]);
      return { request, quantize, validate, caught: outcomes.find((o) => o.variant === request.name)?.failure ?? null };
    }),
  );
  return { claim, convert, variants };
}

/** The stage's own account when it could give one: it has the details. */
function jobFailure({ claim, convert }: Parts, caught: CaughtFailure | null): Failure | null {
  if (!caught) return null;
  const own = { claim, convert }[caught.stage]?.failure;
  return own && own.code === caught.error ? own : failureOfCaught(caught);
}

function variantFailure({ quantize, validate, caught }: VariantParts, job: Failure | null): Failure | null {
  const own = quantize?.failure ?? validate?.failure;
  if (caught) return own && own.code === caught.error ? own : failureOfCaught(caught);
  return own ?? (job && !validate ? { ...job, message: `it was not finished: ${job.message}` } : null);
}

const sum = (files: readonly StoredFile[]): number => files.reduce((n, file) => n + file.bytes, 0);

function variantOf(parts: VariantParts, convert: ConvertFacts, job: Failure | null): Variant {
  const { request, quantize, validate } = parts;
  const files = request.quantize ? (quantize?.facts?.files ?? []) : convert.files;
  const fp32Bytes = sum(convert.files);
  return {
    name: request.name,
    dtype: request.dtype,
    files: files.map(({ path, bytes, sha256 }) => ({ path, bytes, sha256 })),
    bytes: sum(files),
    sizeRatio: request.quantize && files.length && fp32Bytes ? sum(files) / fp32Bytes : null,
    operators: request.quantize ? (quantize?.facts?.operators ?? []) : convert.operators,
    quantization: quantize?.facts?.quantization ?? null,
    validation: validate?.facts?.validation ?? null,
    failure: variantFailure(parts, job),
  };
}

function stagesOf(
  { claim, convert, variants }: Parts,
  { failure, now }: ReportRequest,
  created: number,
): ReportedStage[] {
  const known = [claim, convert, ...variants.flatMap(({ quantize, validate }) => [quantize, validate])].filter(
    (facts) => facts !== null,
  );
  const stages = known.map(({ stage: name, variant, started, ended, failure: own }): ReportedStage => ({
    name,
    variant,
    startMs: started - created,
    endMs: ended - created,
    status: own ? 'failed' : 'done',
  }));
  // A stage that was ended from outside could write nothing: it began when its state was entered.
  const silent = [
    ...(failure ? [{ variant: null, failure }] : []),
    ...variants.flatMap(({ request, caught }) => (caught ? [{ variant: request.name, failure: caught }] : [])),
  ];
  for (const { variant, failure: caught } of silent) {
    if (caught.entered === undefined || stages.some((s) => s.name === caught.stage && s.variant === variant)) continue;
    stages.push({
      name: caught.stage,
      variant,
      startMs: Date.parse(caught.entered) - created,
      endMs: now - created,
      status: 'failed',
    });
  }
  return stages.sort((a, b) => a.startMs - b.startMs);
}

const NEXT_STEPS = {
  job: 'Take the option out of the job, or change what makes it idle.',
  convert: 'Look at the comparison with PyTorch before you rely on the model.',
  quantize: 'Look at what was kept in float and at the worst layers.',
} as const;

function warningsOf(job: JobRecord, { convert, variants }: Parts): Warning[] {
  const of = (stage: keyof typeof NEXT_STEPS, messages: readonly string[]): Warning[] =>
    [...new Set(messages)].map((message) => ({ message, nextStep: NEXT_STEPS[stage] }));
  return [
    ...of('job', job.warnings),
    ...of('convert', convert?.facts?.warnings ?? []),
    ...of(
      'quantize',
      variants.flatMap(({ quantize }) => quantize?.facts?.warnings ?? []),
    ),
  ];
}

/** Lambda gives the error as JSON text, which may have been cut. */
export function failureOfCaught({ stage, error, cause }: CaughtFailure): Failure {
  return { code: error, message: messageOf(cause) || error, stage, details: null };
}

function messageOf(cause: string): string {
  if (!cause.startsWith('{')) return cause;
  try {
    const value: unknown = JSON.parse(cause);
    if (isObject(value) && typeof value['errorMessage'] === 'string') return value['errorMessage'];
  } catch {
    const cut = /"errorMessage":"((?:[^"\\]|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4})*)/.exec(cause)?.[1];
    if (cut !== undefined) return JSON.parse(`"${cut}"`) as string;
  }
  return cause;
}
