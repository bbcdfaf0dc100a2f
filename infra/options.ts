/**
 * What a deployment can choose, read from the CDK context (`cdk deploy -c alarmEmail=me@example.org`) and checked at
 * the door.
 */
import type { Node } from 'constructs';
import { fail } from '../shared/errors.ts';

export const ARCHITECTURES = ['arm64', 'x86_64'] as const;
export type ArchitectureName = (typeof ARCHITECTURES)[number];

export interface DeploymentOptions {
  /** Where all functions run; validation measures latency there. */
  readonly architecture: ArchitectureName;
  /** Memory of the functions that hold a model; null: what shared/pipeline/machine/stages.ts says. */
  readonly memoryMb: number | null;
  /** Memory of second functions for models that the others cannot hold; null: such models are refused. */
  readonly largeMemoryMb: number | null;
  /** How many of each function that holds a model may run at once; null: as many as the account allows. */
  readonly reservedConcurrency: number | null;
  readonly logRetentionDays: number;
  /** After this the facts of finished jobs are deleted; results are kept. */
  readonly workRetentionDays: number;
  /** Uploads below this start nothing: batches convert them. Empty: every upload starts a conversion. */
  readonly batchPrefix: string;
  /** Where completed and failed conversions are announced. */
  readonly eventBus: string;
  /** Who hears of alarms; null: nobody, they are seen on the dashboard. */
  readonly alarmEmail: string | null;
  /** A KMS key for the buckets; null: keys that S3 manages. */
  readonly encryptionKeyArn: string | null;
}

interface Field<T> {
  readonly default: T;
  readonly expected: string;
  /** undefined: not valid. Context from the command line is always text. */
  readonly parse: (text: string) => T | undefined;
}

type Fields = { readonly [K in keyof DeploymentOptions]: Field<DeploymentOptions[K]> };

const integer =
  (from: number, to: number) =>
  (text: string): number | undefined => {
    const value = Number(text);
    return Number.isInteger(value) && value >= from && value <= to ? value : undefined;
  };
const matching =
  (pattern: RegExp) =>
  (text: string): string | undefined =>
    pattern.test(text) ? text : undefined;

// The only numbers of days that CloudWatch Logs knows.
const RETENTION_DAYS = [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1827, 3653];

const FIELDS: Fields = {
  architecture: {
    default: 'arm64',
    expected: ARCHITECTURES.join(' or '),
    parse: (text) => ARCHITECTURES.find((name) => name === text),
  },
  memoryMb: { default: null, expected: 'a whole number from 512 to 10240', parse: integer(512, 10_240) },
  largeMemoryMb: { default: null, expected: 'a whole number from 3009 to 10240', parse: integer(3009, 10_240) },
  reservedConcurrency: { default: null, expected: 'a whole number from 1 to 1000', parse: integer(1, 1000) },
  logRetentionDays: {
    default: 30,
    expected: `one of ${RETENTION_DAYS.join(', ')}`,
    parse: (text) => RETENTION_DAYS.find((days) => days === Number(text)),
  },
  // Step Functions can redrive an execution for 14 days, and a redriven stage reads the facts of those before it.
  workRetentionDays: { default: 30, expected: 'a whole number from 14 to 3650', parse: integer(14, 3650) },
  // It stands in an expression of the machine.
  batchPrefix: {
    default: 'batch/',
    expected: 'the start of keys, ending in "/", or nothing',
    parse: matching(/^([\w./-]{1,256}\/)?$/),
  },
  eventBus: { default: 'default', expected: 'the name of an event bus', parse: matching(/^[\w./-]{1,256}$/) },
  alarmEmail: { default: null, expected: 'an e-mail address', parse: matching(/^[^\s@]+@[^\s@]+$/) },
  encryptionKeyArn: {
    default: null,
    expected: 'the ARN of a KMS key',
    parse: matching(/^arn:[\w-]+:kms:[\w-]+:\d{12}:key\/(mrk-[0-9a-f]{32}|[0-9a-f-]{36})$/),
  },
};

export const DEFAULTS = Object.fromEntries(
  Object.entries(FIELDS).map(([name, field]) => [name, field.default]),
) as unknown as DeploymentOptions;

export function readOptions(node: Node): DeploymentOptions {
  const read = ([name, field]: [string, Field<unknown>]): [string, unknown] => {
    const given: unknown = node.tryGetContext(name);
    if (given === undefined || given === null) return [name, field.default];
    return [
      name,
      field.parse(String(given)) ?? fail('BadOption', { option: name, value: String(given), expected: field.expected }),
    ];
  };
  // Object.fromEntries forgets the keys; they are those of FIELDS.
  return Object.fromEntries(Object.entries(FIELDS).map(read)) as unknown as DeploymentOptions;
}
