/** Every exception to the AwsSolutions rules, with its reason. What is not listed here fails the synthesis. */
import { Validations } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';

const EXCEPTIONS = {
  accessLogBucket: {},
  conversionRole: {},
  batchRole: {},
  functionRole: {},
  undeliveredEvents: {},
} as const satisfies Record<string, Readonly<Record<string, string>>>;

export function acknowledge(construct: IConstruct, exception: keyof typeof EXCEPTIONS): void {
  const rules = Object.entries(EXCEPTIONS[exception]).map(([id, reason]) => ({ id, reason: String(reason) }));
  Validations.of(construct).acknowledge(...rules);
}
