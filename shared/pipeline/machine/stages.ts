/**
 * The stages: what each is called, how large its function is, what it may touch, and where its code is. Data only, so
 * that infra/ can read it.
 */
import type { Json } from './asl.ts';
import type { Services } from '../workspace/services.ts';

/**
 * The buckets by role: models are dropped into `input`, results appear in `output`, `work` holds claims, facts and
 * batch records.
 */
export const BUCKET_ROLES = ['input', 'output', 'work'] as const;
export type BucketRole = (typeof BUCKET_ROLES)[number];

export interface Grant {
  readonly bucket: BucketRole;
  /** Keys that start with this; empty: the whole bucket. */
  readonly prefix: string;
  /** `list` is also what lets S3 answer "not found" instead of "access denied". */
  readonly access: 'read' | 'write' | 'list';
}

export type RunStage = (input: Json, services: Services) => Promise<Json>;

export interface Stage {
  /** Name of the placeholder in the state machine definition: `${ConvertFunction}`. */
  readonly functionName: string;
  readonly memoryMb: number;
  readonly timeoutSeconds: number;
  /** Size of the temporary folder. */
  readonly temporaryMb: number;
  readonly needsOnnxRuntime: boolean;
  readonly grants: readonly Grant[];
  /** Loaded on demand: reading this table must not load onnxruntime. */
  readonly load: () => Promise<RunStage>;
}

/** What lies where in the work bucket. */
export const WORK_PREFIXES = { claims: 'claims/', jobs: 'jobs/', batches: 'batches/' } as const;

const read = (bucket: BucketRole, prefix = ''): Grant => ({ bucket, prefix, access: 'read' });
const write = (bucket: BucketRole, prefix = ''): Grant => ({ bucket, prefix, access: 'write' });
const list = (bucket: BucketRole, prefix = ''): Grant => ({ bucket, prefix, access: 'list' });
const { claims, jobs, batches } = WORK_PREFIXES;

// New AWS accounts stop at 3008 MB per function until a quota is raised; weights are streamed, so this carries models
// far larger than it.
const LARGE_MB = 3008;

export const STAGES = {
  claim: {
    functionName: 'ClaimFunction',
    memoryMb: 1024,
    timeoutSeconds: 60,
    temporaryMb: 512,
    needsOnnxRuntime: false,
    grants: [
      read('input'),
      list('input'),
      read('work', claims),
      write('work', claims),
      read('work', jobs),
      write('work', jobs),
      list('work'),
    ],
    load: async () => (await import('../stages/claim.ts')).run,
  },
  convert: {
    functionName: 'ConvertFunction',
    memoryMb: LARGE_MB,
    timeoutSeconds: 900,
    temporaryMb: 10_240,
    needsOnnxRuntime: false,
    grants: [read('input'), list('input'), read('work', jobs), write('work', jobs), list('work'), write('output')],
    load: async () => (await import('../stages/convert.ts')).run,
  },
  quantize: {
    functionName: 'QuantizeFunction',
    memoryMb: LARGE_MB,
    timeoutSeconds: 900,
    temporaryMb: 10_240,
    needsOnnxRuntime: true,
    grants: [
      read('input'),
      list('input'),
      read('work', jobs),
      write('work', jobs),
      list('work'),
      read('output'),
      write('output'),
      list('output'),
    ],
    load: async () => (await import('../stages/quantize.ts')).run,
  },
  validate: {
    functionName: 'ValidateFunction',
    memoryMb: LARGE_MB,
    timeoutSeconds: 900,
    temporaryMb: 10_240,
    needsOnnxRuntime: true,
    grants: [
      read('input'),
      list('input'),
      read('work', jobs),
      write('work', jobs),
      list('work'),
      read('output'),
      list('output'),
    ],
    load: async () => (await import('../stages/validate.ts')).run,
  },
  report: {
    functionName: 'ReportFunction',
    memoryMb: 1024,
    timeoutSeconds: 120,
    temporaryMb: 512,
    needsOnnxRuntime: false,
    // The input bucket, because a failed claim leaves it to the report to look the model up.
    grants: [
      read('input'),
      list('input'),
      read('work', jobs),
      write('work', jobs),
      list('work'),
      read('output'),
      write('output'),
      list('output'),
    ],
    load: async () => (await import('../stages/report.ts')).run,
  },
  batchReport: {
    functionName: 'BatchReportFunction',
    memoryMb: 1024,
    timeoutSeconds: 600,
    temporaryMb: 512,
    needsOnnxRuntime: false,
    // The input bucket, to find the report of an item that failed: its key holds the model's version.
    grants: [read('input'), list('input'), read('work', batches), list('work'), write('output')],
    load: async () => (await import('../stages/batch-report.ts')).run,
  },
} as const satisfies Record<string, Stage>;

export type StageName = keyof typeof STAGES;
export const STAGE_NAMES = Object.keys(STAGES) as readonly StageName[];
