/**
 * What `cdk deploy -c alarmEmail=me@example.org` can choose: each option of the CDK context, as text, and the prop that
 * it becomes.
 */
import { Annotations } from 'aws-cdk-lib';
import { Vpc } from 'aws-cdk-lib/aws-ec2';
import { EventBus } from 'aws-cdk-lib/aws-events';
import { Key } from 'aws-cdk-lib/aws-kms';
import type { Construct } from 'constructs';
import { fail } from '../shared/errors.ts';
import { ownKey } from './encryption.ts';
import { ARCHITECTURES, RULES, type Rule, type TorchFerryProps } from './props.ts';

interface Option<K extends keyof TorchFerryProps> {
  readonly prop: K;
  readonly expected: string;
  /** undefined: not valid. What is named and lies elsewhere becomes a part of `scope`. */
  readonly parse: (text: string, scope: Construct) => TorchFerryProps[K] | undefined;
}

type AnyOption = { readonly [K in keyof TorchFerryProps]-?: Option<K> }[keyof TorchFerryProps];

const valid = <T>({ isValid }: Rule<T>, value: T): T | undefined => (isValid(value) ? value : undefined);

type Numbers =
  'memoryMb' | 'largeMemoryMb' | 'fargateMemoryMb' | 'reservedConcurrency' | 'logRetentionDays' | 'workRetentionDays';
const number = <K extends Numbers>(prop: K): Option<K> => ({
  prop,
  expected: RULES[prop].expected,
  parse: (text) => valid<number>(RULES[prop], Number(text)),
});

const text = <K extends 'inputPrefix' | 'batchPrefix' | 'alarmEmail' | 'results'>(prop: K): Option<K> => ({
  prop,
  expected: RULES[prop].expected,
  // The rule says whether it is one of the prop's.
  parse: (value) => valid<string>(RULES[prop] as Rule<string>, value) as TorchFerryProps[K] | undefined,
});

const ID = '[0-9a-f]{8}(?:[0-9a-f]{9})?';
const VPC = new RegExp(`^(vpc-${ID}):(subnet-${ID}(?:,subnet-${ID})*)$`);
const KEY_ARN = /^arn:[\w-]+:kms:[\w-]+:\d{12}:key\/(mrk-[0-9a-f]{32}|[0-9a-f-]{36})$/;

export const OPTIONS = {
  architecture: {
    prop: 'architecture',
    expected: RULES.architecture.expected,
    parse: (name) => ARCHITECTURES.find((each) => each.name === name),
  },
  memoryMb: number('memoryMb'),
  largeMemoryMb: number('largeMemoryMb'),
  fargateMemoryMb: number('fargateMemoryMb'),
  fargateVpc: {
    prop: 'fargateVpc',
    expected: 'a VPC and its private subnets, "vpc-ID:subnet-ID,subnet-ID"',
    parse: (text, scope) => {
      const [, vpcId, subnets] = VPC.exec(text) ?? [];
      if (vpcId === undefined || subnets === undefined) return undefined;
      const privateSubnetIds = subnets.split(',');
      // Which zones they are in makes no difference to a task.
      const availabilityZones = privateSubnetIds.map((_, i) => `zone-${i}`);
      const vpc = Vpc.fromVpcAttributes(scope, 'FargateVpc', { vpcId, privateSubnetIds, availabilityZones });
      Annotations.of(vpc).acknowledgeWarning('@aws-cdk/aws-ec2:noSubnetRouteTableId', 'nothing reads their routes');
      return vpc;
    },
  },
  reservedConcurrency: number('reservedConcurrency'),
  logRetentionDays: number('logRetentionDays'),
  workRetentionDays: number('workRetentionDays'),
  inputPrefix: text('inputPrefix'),
  batchPrefix: text('batchPrefix'),
  eventBus: {
    prop: 'eventBus',
    expected: 'the name of an event bus',
    parse: (name, scope) =>
      /^[\w./-]{1,256}$/.test(name) ? EventBus.fromEventBusName(scope, 'EventBus', name) : undefined,
  },
  alarmEmail: text('alarmEmail'),
  malwareProtection: {
    prop: 'malwareProtection',
    expected: 'true or false',
    parse: (given) => (given === 'true' ? true : given === 'false' ? false : undefined),
  },
  results: text('results'),
  encryptionKey: {
    prop: 'encryptionKey',
    expected: '"own" or the ARN of a KMS key',
    parse: (given, scope) => {
      if (given === 'own') return ownKey(scope);
      return KEY_ARN.test(given) ? Key.fromKeyArn(scope, 'EncryptionKey', given) : undefined;
    },
  },
} as const satisfies Readonly<Record<string, AnyOption>>;

/** Fails with BadOption. */
export function readOptions(scope: Construct): TorchFerryProps {
  const chosen = Object.entries<AnyOption>(OPTIONS).flatMap(([option, { prop, expected, parse }]) => {
    const given: unknown = scope.node.tryGetContext(option);
    if (given === undefined || given === null) return [];
    const value = parse(String(given), scope) ?? fail('BadOption', { option, value: String(given), expected });
    return [[prop, value] as const];
  });
  // Object.fromEntries forgets the keys; each row has that of its value.
  return Object.fromEntries(chosen) as TorchFerryProps;
}
