/** From what the stages wrote down to the report. */
import type { Failure, Report, ReportedStage, Variant, Warning } from '../../report/report.ts';
import { REPORT_VERSION } from '../../report/report.ts';
import { chooseVariant, decideVerdict } from '../../report/verdict.ts';
import { VERSION } from '../../version.ts';
import { isObject } from '../job/json-reader.ts';
import { STAGE_NAMES } from '../machine/stages.ts';
import { rowOf } from '../machine/stages-at.ts';
import type { ConvertFacts, JobRecord, StoredFile } from '../workspace/record.ts';
import type { Workspace } from '../workspace/workspace.ts';
import { criterionOf } from './criterion-of.ts';
import { failureOfCaught, jobFailure, variantFailure } from './failures.ts';
import {
  type CaughtFailure,
  factsIn,
  type JobFacts,
  readJobFacts,
  type VariantFacts,
  type VariantOutcome,
} from './job-facts.ts';
import { reproduce } from './reproduce.ts';

export interface ReportRequest {
  readonly variants: readonly VariantOutcome[];
  readonly failure: CaughtFailure | null;
  /** Milliseconds since 1970. */
  readonly now: number;
}

export async function buildReport(workspace: Workspace, request: ReportRequest): Promise<Report> {
  const { job } = workspace;
  const parts = await readJobFacts(workspace, request.variants);
  const failure = jobFailure(parts, request.failure);
  const convert = factsIn(parts.written, 'convert');
  const variants = convert ? parts.variants.map((part) => variantOf(part, convert, failure)) : [];
  const asked = criterionOf(job.options, variants);
  const criterion = asked ?? {};
  return {
    ...frame(job),
    model: modelOf(job, convert),
    verdict: decideVerdict({ variants, criterion, failure }),
    conversion: convert?.conversion ?? null,
    variants,
    chosen: failure ? null : chooseVariant(variants, criterion),
    ...(asked ? { criterion } : {}),
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

const sum = (files: readonly StoredFile[]): number => files.reduce((n, file) => n + file.bytes, 0);

function variantOf(parts: VariantFacts, convert: ConvertFacts, job: Failure | null): Variant {
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

function stagesOf({ written, variants }: JobFacts, { failure, now }: ReportRequest, created: number): ReportedStage[] {
  const known = [written, ...variants.map((variant) => variant.written)].flatMap((each) => [...each.values()]);
  const stages = known.map(({ stage: name, variant, started, ended, failure: own, billed }): ReportedStage => ({
    name,
    variant,
    startMs: started - created,
    endMs: ended - created,
    status: own ? 'failed' : 'done',
    ...(billed ? { billed } : {}),
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

function warningsOf(job: JobRecord, { written, variants }: JobFacts): Warning[] {
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
