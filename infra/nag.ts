/** Every exception to the AwsSolutions rules, with its reason. What is not listed here fails the synthesis. */
import { type IConstruct } from 'constructs';
import { Validations } from 'aws-cdk-lib';

const EXCEPTIONS = {
} as const satisfies Record<string, Readonly<Record<string, string>>>;

export function acknowledge(construct: IConstruct, exception: keyof typeof EXCEPTIONS): void {
  const rules = Object.entries(EXCEPTIONS[exception]).map(([id, reason]) => ({ id, reason }));
  Validations.of(construct).acknowledge(...rules);
}
