/** What a TorchFerry is made of: all of it optional, with what holds where nothing is said and what is refused. */
import { Token } from 'aws-cdk-lib';
import type { IVpc, Vpc } from 'aws-cdk-lib/aws-ec2';
import type { EventBus, IEventBus } from 'aws-cdk-lib/aws-events';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { Architecture } from 'aws-cdk-lib/aws-lambda';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { Bucket, IBucket } from 'aws-cdk-lib/aws-s3';
import type { ITopic, Topic } from 'aws-cdk-lib/aws-sns';
import { fail } from '../shared/errors.ts';
import { FARGATE_SIZES } from '../shared/pipeline/machine/fargate-sizes.ts';
import { RESULTS, type Results } from './results.ts';

// With exactOptionalPropertyTypes a Bucket is no IBucket, and so with others: both are named.
export interface TorchFerryProps {
  /**
   * Where models are uploaded, versioned; its uploads are made to be announced through EventBridge.
   * @default a bucket of its own
   */
  readonly inputBucket?: IBucket | Bucket;
  /**
   * Where results appear; another than that of uploads, so that no result starts a conversion.
   * @default a bucket of its own
   */
  readonly outputBucket?: IBucket | Bucket;
  /**
   * Where jobs leave what the next stage reads, below `claims/`, `jobs/` and `batches/`. Nothing else expires what is
   * there when it is given.
   * @default a bucket of its own
   */
  readonly workBucket?: IBucket | Bucket;
  /**
   * Where all functions run; validation measures latency there.
   * @default Architecture.ARM_64
   */
  readonly architecture?: Architecture;
  /**
   * Memory of the functions that hold a model, 512 to 10240.
   * @default 3008: new accounts stop there until a quota is raised
   */
  readonly memoryMb?: number;
  /**
   * Memory of second functions for models that the others cannot hold, 3009 to 10240.
   * @default none: such models are refused
   */
  readonly largeMemoryMb?: number;
  /**
   * Memory of the largest Fargate task for models that no function holds: 16384, 30720, 61440 or 122880.
   * @default none: such models are refused
   */
  readonly fargateMemoryMb?: number;
  /**
   * Where those tasks stand: in private subnets with a NAT gateway where it has them, else in public ones.
   * @default a network of its own with public subnets and no NAT gateway
   */
  readonly fargateVpc?: IVpc | Vpc;
  /**
   * How many of each function that holds a model may run at once.
   * @default as many as the account allows
   */
  readonly reservedConcurrency?: number;
  /** @default RetentionDays.ONE_MONTH */
  readonly logRetentionDays?: RetentionDays;
  /**
   * After this the facts of finished jobs are deleted, in a work bucket of its own; results are kept.
   * @default 30
   */
  readonly workRetentionDays?: number;
  /**
   * Models and their files have keys below this; elsewhere an upload starts nothing, and nothing may be read. Results
   * lie below it too, since their keys begin as those of the models do.
   * @default all of the bucket
   */
  readonly inputPrefix?: string;
  /**
   * Uploads below this start nothing: batches convert them. Empty: every upload starts a conversion.
   * @default 'batch/', below `inputPrefix`
   */
  readonly batchPrefix?: string;
  /**
   * Where completed and failed conversions are announced.
   * @default the default bus of the account
   */
  readonly eventBus?: IEventBus | EventBus;
  /**
   * Who hears of alarms.
   * @default nobody: they are seen on the dashboard
   */
  readonly alarmEmail?: string;
  /**
   * A topic that alarms are sent to, beside `alarmEmail`; it must let CloudWatch publish.
   * @default none
   */
  readonly alarmTopic?: ITopic | Topic;
  /**
   * Whether GuardDuty scans uploads for malware, which then start a conversion when the scan is done: nothing is read
   * that it did not find clean.
   * @default false
   */
  readonly malwareProtection?: boolean;
  /**
   * Which results are sent to a topic, `resultTopic`.
   * @default none: there is no such topic
   */
  readonly results?: Results;
  /**
   * A key for the buckets, topics and logs of its own. CloudWatch Logs, CloudWatch and EventBridge are let use it; one
   * that is imported must let them already.
   * @default keys that the services manage
   */
  readonly encryptionKey?: IKey;
}

export const ARCHITECTURES = [Architecture.ARM_64, Architecture.X86_64];

const DEFAULTS = {
  architecture: Architecture.ARM_64,
  logRetentionDays: RetentionDays.ONE_MONTH,
  workRetentionDays: 30,
  inputPrefix: '',
  batchPrefix: 'batch/',
  malwareProtection: false,
} as const satisfies TorchFerryProps;

type Given = keyof typeof DEFAULTS;

/** The props with what holds where nothing was said. */
export type Settings = Omit<TorchFerryProps, Given> & Required<Pick<TorchFerryProps, Given>>;

export interface Rule<T> {
  readonly expected: string;
  readonly isValid: (value: T) => boolean;
}

const wholeNumber = (from: number, to: number): Rule<number> => ({
  expected: `a whole number from ${from} to ${to}`,
  isValid: (value) => Number.isInteger(value) && value >= from && value <= to,
});

const oneOf = <T extends string>(names: readonly T[]): Rule<T> => ({
  expected: names.join(' or '),
  isValid: (value) => names.includes(value),
});

// It stands in an expression of the machine.
const PREFIX: Rule<string> = {
  expected: 'the start of keys, ending in "/", or nothing',
  isValid: (prefix) => /^([\w./-]{1,256}\/)?$/.test(prefix),
};

const FARGATE_MEMORY_MB: readonly number[] = Object.values(FARGATE_SIZES).map(({ memoryMb }) => memoryMb);

// The only numbers of days that CloudWatch Logs knows.
const RETENTION_DAYS = [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1827, 3653];

/** What a prop must be, beyond its type. */
export const RULES = {
  architecture: {
    expected: ARCHITECTURES.map(({ name }) => name).join(' or '),
    isValid: ({ name }) => ARCHITECTURES.some((each) => each.name === name),
  },
  memoryMb: wholeNumber(512, 10_240),
  largeMemoryMb: wholeNumber(3009, 10_240),
  fargateMemoryMb: {
    expected: `one of ${FARGATE_MEMORY_MB.join(', ')}`,
    isValid: (memoryMb) => FARGATE_MEMORY_MB.includes(memoryMb),
  },
  reservedConcurrency: wholeNumber(1, 1000),
  logRetentionDays: {
    expected: `one of ${RETENTION_DAYS.join(', ')}`,
    isValid: (days) => RETENTION_DAYS.includes(days),
  },
  // Step Functions can redrive an execution for 14 days, and a redriven stage reads the facts of those before it.
  workRetentionDays: wholeNumber(14, 3650),
  inputPrefix: PREFIX,
  batchPrefix: PREFIX,
  results: oneOf(Object.keys(RESULTS) as Results[]),
  alarmEmail: {
    expected: 'an e-mail address',
    isValid: (address) => Token.isUnresolved(address) || /^[^\s@]+@[^\s@]+$/.test(address),
  },
} as const satisfies { readonly [K in keyof TorchFerryProps]?: Rule<NonNullable<TorchFerryProps[K]>> };

/** Fails with BadOption. */
export function settingsOf(props: TorchFerryProps): Settings {
  // What is set to undefined is not set.
  const given = Object.fromEntries(Object.entries(props).filter(([, value]) => value !== undefined)) as TorchFerryProps;
  for (const [option, { expected, isValid }] of Object.entries<Rule<never>>(RULES)) {
    const value = given[option as keyof TorchFerryProps];
    if (value !== undefined && !isValid(value as never)) {
      fail('BadOption', { option, value: String(value), expected });
    }
  }
  const { inputPrefix = '', batchPrefix = inputPrefix + DEFAULTS.batchPrefix } = given;
  if (batchPrefix !== '' && !batchPrefix.startsWith(inputPrefix)) {
    const expected = `the start of keys below inputPrefix, "${inputPrefix}"`;
    fail('BadOption', { option: 'batchPrefix', value: batchPrefix, expected });
  }
  return { ...DEFAULTS, ...given, batchPrefix };
}
