/** What AWS asks for what a job uses: one table. */
import type { Architecture, Usage } from '../../report/cost.ts';

interface Price {
  /** For people. */
  readonly what: string;
  /** US dollars for `per` of them. */
  readonly usd: Readonly<Record<Architecture, number>>;
  readonly per: number;
  /** Page of the public price list. */
  readonly source: string;
}

/** The first step of each price: beyond billions of GB-seconds a month they fall. Other regions ask up to half more. */
export const PRICE_LIST = { region: 'us-east-1', asOf: '2026-11' } as const;

const everywhere = (usd: number): Price['usd'] => ({ arm64: usd, x86_64: usd });

const LAMBDA = 'https://aws.amazon.com/lambda/pricing/';
const STEP_FUNCTIONS = 'https://aws.amazon.com/step-functions/pricing/';
const FARGATE = 'https://aws.amazon.com/fargate/pricing/';
const EVENT_BRIDGE = 'https://aws.amazon.com/eventbridge/pricing/';
const S3 = 'https://aws.amazon.com/s3/pricing/';

export const PRICES = {
  gbSeconds: {
    what: 'GB-seconds of Lambda functions',
    usd: { arm64: 0.0000133334, x86_64: 0.0000166667 },
    per: 1,
    source: LAMBDA,
  },
  storageGbSeconds: {
    what: 'GB-seconds of temporary storage beyond 512 MB',
    usd: everywhere(0.0000000309),
    per: 1,
    source: LAMBDA,
  },
  invocations: { what: 'Lambda requests', usd: everywhere(0.2), per: 1_000_000, source: LAMBDA },
  transitions: { what: 'Step Functions transitions', usd: everywhere(0.025), per: 1000, source: STEP_FUNCTIONS },
  events: { what: 'EventBridge events', usd: everywhere(1), per: 1_000_000, source: EVENT_BRIDGE },
  taskVcpuHours: {
    what: 'vCPU-hours of Fargate tasks',
    usd: { arm64: 0.03238, x86_64: 0.04048 },
    per: 1,
    source: FARGATE,
  },
  taskGbHours: {
    what: 'GB-hours of Fargate tasks',
    usd: { arm64: 0.00356, x86_64: 0.004445 },
    per: 1,
    source: FARGATE,
  },
  taskStorageGbHours: {
    what: 'GB-hours of storage of Fargate tasks beyond 20 GB',
    usd: everywhere(0.000111),
    per: 1,
    source: FARGATE,
  },
  s3Writes: { what: 'S3 requests that write or list', usd: everywhere(0.005), per: 1000, source: S3 },
  s3Reads: { what: 'S3 requests that read', usd: everywhere(0.0004), per: 1000, source: S3 },
} as const satisfies Readonly<Record<keyof Required<Usage>, Price>>;

/** Of the temporary storage of a function; more is billed. */
export const FREE_STORAGE_MB = 512;
/** Of the storage of a Fargate task. */
export const FREE_TASK_STORAGE_GIB = 20;
/** A Fargate task is billed for at least so many seconds. */
export const LEAST_TASK_SECONDS = 60;
