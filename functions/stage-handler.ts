/**
 * What is around every stage on Lambda: logs, traces and numbers that name the job, a folder that goes away, and S3.
 * The error goes out as it is.
 */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { availableParallelism, cpus } from 'node:os';
import { join } from 'node:path';
import { Logger } from '@aws-lambda-powertools/logger';
import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import { Tracer } from '@aws-lambda-powertools/tracer';
import { captureLambdaHandler } from '@aws-lambda-powertools/tracer/middleware';
import type { S3Client } from '@aws-sdk/client-s3';
import withMiddlewares from '@middy/core';
import { isAlive } from '../shared/bytes/unfinished.ts';
import { FerryError, isOfTheUpload } from '../shared/errors.ts';
import type { Json } from '../shared/pipeline/machine/asl.ts';
import { type StageName, STAGES } from '../shared/pipeline/machine/stages.ts';
import { hostProcessor } from '../shared/runtime/host-processor.ts';
import type { RunStage } from '../shared/pipeline/workspace/services.ts';
import { billing } from './billing.ts';
import { s3Client } from './s3-client.ts';
import { s3Store } from './s3-store.ts';
import { scannedStore } from './scanned-store.ts';

/** The part of Lambda's context that is used here. */
interface Invocation {
  getRemainingTimeInMillis(): number;
  readonly memoryLimitInMB: string;
}

type StageHandler = (input: Json, invocation: Invocation) => Promise<Json>;

// Time to say that the time is over: a function that is stopped says nothing.
const LAST_WORDS_MS = 5_000;
const CPUINFO = '/proc/cpuinfo';

export function stageHandler(stage: StageName, run: RunStage, client: S3Client = s3Client()): StageHandler {
  const logger = new Logger({ persistentKeys: { stage } });
  const metrics = new Metrics();
  const tracer = new Tracer();
  const all = s3Store(tracer.captureAWSv3Client(client));
  const scanned = process.env['SCANNED_BUCKET'];
  const store = scanned ? scannedStore(all, scanned) : all;
  const billed = billing(client);
  const processor = hostProcessor(process.arch, existsSync(CPUINFO) ? readFileSync(CPUINFO, 'utf8') : '', {
    model: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
  });
  const root = ownFolder(stage);

  const invoke = async (input: Json, invocation: Invocation): Promise<Json> => {
    const job = correlationOf(input);
    if (job) logger.setCorrelationId(job);
    if (job) tracer.putAnnotation('job', job);
    const temporaryFolder = mkdtempSync(join(root, 'job-'));
    const limit = timeLimit(stage, invocation);
    const began = performance.now();
    try {
      return await run(input, {
        store,
        temporaryFolder,
        processor,
        signal: limit.signal,
        secondsLeft: () => (invocation.getRemainingTimeInMillis() - LAST_WORDS_MS) / 1000,
        now: Date.now,
        log: (message, facts) => logger.info(message, { ...facts }),
        billed: billed(Number(invocation.memoryLimitInMB) || STAGES[stage].memoryMb),
      });
    } catch (error) {
      logger.error('the stage failed', error as Error);
      throw error;
    } finally {
      limit.clear();
      rmSync(temporaryFolder, { recursive: true, force: true });
      measure(metrics, { stage, ms: performance.now() - began, input });
    }
  };

  // middy's early timeout would answer while the work goes on, in an environment that is used again; here the work
  // itself ends, or Lambda ends both.
  return withMiddlewares(invoke, { timeoutEarlyInMillis: 0 })
    .use(injectLambdaContext(logger, { resetKeys: true }))
    .use(captureLambdaHandler(tracer, { captureResponse: false })) as unknown as StageHandler;
}

/**
 * A folder of this process, so that functions that share a /tmp never take each other's files. Lambda starts a function
 * that was stopped again in the same /tmp: what such a process left there would fill it, and goes.
 */
function ownFolder(stage: StageName): string {
  const folder = join(tmpdir(), 'torchferry');
  mkdirSync(folder, { recursive: true });
  for (const name of readdirSync(folder)) {
    const [, owner, pid] = /^(\w+)-(\d+)-/.exec(name) ?? [];
    const path = join(folder, name);
    if (owner === stage && isLeftBy(Number(pid), path)) rmSync(path, { recursive: true, force: true });
  }
  return mkdtempSync(join(folder, `${stage}-${process.pid}-`));
}

/** Whether the process that made a folder is gone; a new one may have its number. */
function isLeftBy(pid: number, path: string): boolean {
  if (pid !== process.pid) return !isAlive(pid);
  const made = statSync(path, { throwIfNoEntry: false });
  return made !== undefined && made.mtimeMs < performance.timeOrigin;
}

function timeLimit(stage: StageName, invocation: Invocation): { readonly signal: AbortSignal; clear(): void } {
  const controller = new AbortController();
  const ms = Math.max(invocation.getRemainingTimeInMillis() - LAST_WORDS_MS, 0);
  const reason = new FerryError('LimitExceeded', {
    file: stage,
    what: 'the time of the stage',
    found: `more than ${ms} ms`,
    limit: `${ms} ms`,
  });
  const timer = setTimeout(() => controller.abort(reason), ms);
  return { signal: controller.signal, clear: () => clearTimeout(timer) };
}

const field = (value: Json | undefined, name: string): Json | undefined =>
  value !== null && typeof value === 'object' && !Array.isArray(value)
    ? (value as { readonly [key: string]: Json })[name]
    : undefined;

/** The job's id; before there is one, the execution that asks for it. */
function correlationOf(input: Json): string | null {
  const id = field(field(input, 'job'), 'id') ?? field(input, 'execution') ?? field(field(input, 'batch'), 'id');
  return typeof id === 'string' ? id : null;
}

/** Each number is written at once, in a line of its own: they differ in their dimensions. */
function measure(metrics: Metrics, { stage, ms, input }: { stage: StageName; ms: number; input: Json }): void {
  const perStage = metrics.singleMetric();
  perStage.addDimension('stage', stage);
  perStage.addMetric('StageTime', MetricUnit.Milliseconds, ms);
  // Release hears of every job that failed, whatever ended it.
  const code = field(field(input, 'failure'), 'error');
  if (stage === 'release' && typeof code === 'string' && field(input, 'redriven') !== true)
    metrics.singleMetric().addMetric(isOfTheUpload(code) ? 'RefusedUploads' : 'FaultedJobs', MetricUnit.Count, 1);
  const size = field(field(input, 'request'), 'size');
  if (stage === 'claim' && typeof size === 'number')
    metrics.singleMetric().addMetric('ModelBytes', MetricUnit.Bytes, size);
}
