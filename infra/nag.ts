/**
 * The exceptions to the AwsSolutions rules: each names one finding and its reason. What is not acknowledged fails the
 * synthesis.
 */
import { Stack, Validations } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';

/** Accept findings on a construct and what is below it. */
export function acknowledge(construct: IConstruct, findings: Readonly<Record<string, string>>): void {
  Validations.of(construct).acknowledge(...Object.entries(findings).map(([id, reason]) => ({ id, reason })));
}

/** The finding on a policy of `scope` whose resource holds a `*`, as cdk-nag writes it. */
export const wildcard = (scope: IConstruct, resource: string): string =>
  `AwsSolutions-IAM5[Resource::${written(Stack.of(scope).resolve(resource))}]`;

type Intrinsic = Readonly<Record<string, unknown>>;

/** `{ Ref: "X" }` is `<X>`, an attribute is `<X.Arn>`. */
function written(value: unknown): string {
  if (typeof value === 'string') return value;
  const [[name, argument]] = Object.entries(value as Intrinsic) as [[string, unknown]];
  return INTRINSICS[name]?.(argument) ?? JSON.stringify(value);
}

const INTRINSICS: Readonly<Record<string, (argument: unknown) => string>> = {
  Ref: (id) => `<${String(id)}>`,
  'Fn::GetAtt': (path) => `<${(path as string[]).join('.')}>`,
  'Fn::Join': (join) => {
    const [delimiter, items] = join as [string, unknown[]];
    return items.map(written).join(delimiter);
  },
  'Fn::ImportValue': written,
};
