/**
 * The exceptions to the AwsSolutions rules: each names one finding and its reason. What is not acknowledged fails the
 * synthesis.
 */
import { type CfnResource, Stack, Validations } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';

/** Accept findings on a construct and what is below it. */
export function acknowledge(construct: IConstruct, findings: Readonly<Record<string, string>>): void {
  Validations.of(construct).acknowledge(...Object.entries(findings).map(([id, reason]) => ({ id, reason })));
}

/** The finding on a policy whose resource, written as cdk-nag writes it, holds a `*`. */
export const wildcard = (resource: string): string => `AwsSolutions-IAM5[Resource::${resource}]`;

/** A resource's attribute as cdk-nag writes it. */
export function attribute(construct: IConstruct, name: 'Arn' | 'Name'): string {
  const resource = construct.node.defaultChild as CfnResource;
  return `<${Stack.of(construct).getLogicalId(resource)}.${name}>`;
}
