/** From what the stages wrote down to the report. */
import type { Failure, Report, ReportedStage, Variant, Warning } from '../../report/report.ts';
import { REPORT_VERSION } from '../../report/report.ts';
import { chooseVariant, decideVerdict } from '../../report/verdict.ts';
import { VERSION } from '../../version.ts';
import { isObject } from '../job/json-reader.ts';
import { STAGE_NAMES, type StageName } from '../machine/stages.ts';
import { rowOf, stagesAt } from '../machine/stages-at.ts';
import type { VariantRequest } from '../job/job.ts';
import type { ConvertFacts, FactsByStage, JobRecord, StageFacts, StoredFile } from '../workspace/record.ts';
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

/** What stages wrote, by name and in their order; one that wrote nothing is missing. */
type Written = ReadonlyMap<string, StageFacts<unknown>>;

interface VariantParts {
  readonly request: VariantRequest;
  readonly written: Written;
  readonly caught: CaughtFailure | null;
}

interface Parts {
  readonly written: Written;
  readonly variants: readonly VariantParts[];
}

/** The facts of a stage, unless it failed or did not run. Each writes its own kind: see `FactsByStage`. */
const factsIn = <S extends keyof FactsByStage>(written: Written, stage: S): FactsByStage[S] | null =>
  (written.get(stage)?.facts ?? null) as FactsByStage[S] | null;

export async function buildReport(workspace: Workspace, request: ReportRequest): Promise<Report> {
  const { job } = workspace;
  const parts = await readParts(workspace, request);
  const failure = jobFailure(parts, request.failure);
  const convert = factsIn(parts.written, 'convert');
  const variants = convert ? parts.variants.map((part) => variantOf(part, convert, failure)) : [];
  const criterion = job.options.criterion ?? {};
  return {
    ...frame(job),
    model: modelOf(job, convert),
    verdict: decideVerdict({ variants, criterion, failure }),
    conversion: convert?.conversion ?? null,
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
  const written = await readWritten(workspace, [...stagesAt('start'), ...stagesAt('job')]);
  const variants = await Promise.all(
    (factsIn(written, 'convert')?.variants ?? []).map(async (request): Promise<VariantParts> => ({
      request,
      written: await readWritten(workspace, stagesOfVariant(request), request.name),
      caught: outcomes.find((o) => o.variant === request.name)?.failure ?? null,
    })),
  );
  return { written, variants };
}

function stagesOfVariant(request: VariantRequest): readonly StageName[] {
  return stagesAt('variant').filter((stage) => {
    const { only } = rowOf(stage);
    return only === undefined || request[only];
  });
}

async function readWritten(
  workspace: Workspace,
  stages: readonly StageName[],
  variant: string | null = null,
): Promise<Written> {
  const all = await Promise.all(stages.map((stage) => workspace.readFacts<unknown>(stage, variant)));
  return new Map(all.flatMap((facts) => (facts ? [[facts.stage, facts]] : [])));
}

/** The stage's own account when it could give one: it has the details. */
function jobFailure({ written }: Parts, caught: CaughtFailure | null): Failure | null {
  if (!caught) return null;
  const own = written.get(caught.stage)?.failure;
  return own && own.code === caught.error ? own : failureOfCaught(caught);
}

function variantFailure({ request, written, caught }: VariantParts, job: Failure | null): Failure | null {
  const own = [...written.values()].find(({ failure }) => failure)?.failure;
  if (caught) return own && own.code === caught.error ? own : failureOfCaught(caught);
  const isFinished = stagesOfVariant(request).every((stage) => written.has(stage));
  return own ?? (job && !isFinished ? { ...job, message: `it was not finished: ${job.message}` } : null);
}

const sum = (files: readonly StoredFile[]): number => files.reduce((n, file) => n + file.bytes, 0);

function variantOf(parts: VariantParts, convert: ConvertFacts, job: Failure | null): Variant {
  const { request, written } = parts;
  const quantize = factsIn(written, 'quantize');
  const files = request.quantize ? (quantize?.files ?? []) : convert.files;
  const fp32Bytes = sum(convert.files);
  return {
    name: request.name,
    dtype: request.dtype,
    files: files.map(({ path, bytes, sha256 }) => ({ path, bytes, sha256 })),
    bytes: sum(files),
    sizeRatio: request.quantize && files.length && fp32Bytes ? sum(files) / fp32Bytes : null,
    operators: request.quantize ? (quantize?.operators ?? []) : convert.operators,
    quantization: quantize?.quantization ?? null,
    validation: factsIn(written, 'validate')?.validation ?? null,
    failure: variantFailure(parts, job),
  };
}

function stagesOf({ written, variants }: Parts, { failure, now }: ReportRequest, created: number): ReportedStage[] {
  const known = [written, ...variants.map((variant) => variant.written)].flatMap((each) => [...each.values()]);
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

function warningsOf(job: JobRecord, { written, variants }: Parts): Warning[] {
  const all = [written, ...variants.map((variant) => variant.written)];
  return [
    ...advised(job.warnings, 'Take the option out of the job, or change what makes it idle.'),
    ...STAGE_NAMES.flatMap((stage) => {
      const { nextStep } = rowOf(stage);
      const messages = all.flatMap((each) => messagesIn(each.get(stage)?.facts));
      return nextStep === null ? [] : advised(messages, nextStep);
    }),
  ];
}

const advised = (messages: readonly string[], nextStep: string): Warning[] =>
  [...new Set(messages)].map((message) => ({ message, nextStep }));

/** Facts of any stage may have warnings. */
const messagesIn = (facts: unknown): readonly string[] =>
  isObject(facts) && Array.isArray(facts['warnings']) ? (facts['warnings'] as readonly string[]) : [];

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
