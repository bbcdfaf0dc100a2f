/**
 * The stack as `cdk synth` makes it, without bundling: with the flags of cdk.json, and what is chosen on the command
 * line.
 */
import { readFileSync } from 'node:fs';
import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { FerryStack } from '../../infra/ferry-stack.ts';

interface CdkJson {
  readonly app: string;
  readonly context: Readonly<Record<string, unknown>>;
}

export const CDK_JSON = JSON.parse(readFileSync(new URL('../../cdk.json', import.meta.url), 'utf8')) as CdkJson;

export interface Synthesized {
  readonly app: App;
  readonly stack: FerryStack;
  readonly template: Template;
  readonly resources: Readonly<Record<string, Resource>>;
}

/** CloudFormation as it comes: a template has no types. */
export type Untyped = ReturnType<Template['toJSON']>[string];

export interface Resource {
  readonly Type: string;
  readonly DeletionPolicy?: string;
  readonly Properties: Readonly<Record<string, Untyped>>;
}

export function synthesize(chosen: Readonly<Record<string, string>> = {}): Synthesized {
  const app = new App({ context: { ...CDK_JSON.context, ...chosen, 'aws:cdk:bundling-stacks': [] } });
  const stack = new FerryStack(app, 'Torchferry');
  const template = Template.fromStack(stack);
  return { app, stack, template, resources: template.toJSON().Resources as Record<string, Resource> };
}

export const ofType = (resources: Synthesized['resources'], type: string): [string, Resource][] =>
  Object.entries(resources).filter(([, resource]) => resource.Type === type);

export interface Statement {
  readonly Effect: string;
  readonly Action: string | string[];
  readonly Resource: unknown;
  readonly Condition?: unknown;
}

export const asList = <T>(value: T | readonly T[]): readonly T[] => (Array.isArray(value) ? value : [value as T]);

/**
 * All statements of a role's policies, one line per action and resource, CloudFormation's functions written short:
 * `s3:GetObject <InputBucket.Arn>/*`.
 */
export function allowed(resources: Synthesized['resources'], roleId: RegExp): string[] {
  const policies = ofType(resources, 'AWS::IAM::Policy').filter(([, { Properties }]) =>
    (Properties['Roles'] as { Ref: string }[]).some(({ Ref }) => roleId.test(Ref)),
  );
  return policies
    .flatMap(([, { Properties }]) => (Properties['PolicyDocument'].Statement as Statement[]).flatMap(lines))
    .toSorted();
}

const lines = ({ Effect, Action, Resource, Condition }: Statement): string[] =>
  asList(Action).flatMap((action) =>
    asList(Resource).map((resource) =>
      [
        Effect === 'Allow' ? '' : `${Effect} `,
        action,
        ' ',
        short(resource),
        Condition ? ` if ${JSON.stringify(Condition)}` : '',
      ].join(''),
    ),
  );

/** Logical ids lose their hash: `InputBucket3BF8630A` to `InputBucket`. */
const withoutHash = (id: string): string => id.replace(/[0-9A-F]{8}$/, '');

export function short(value: unknown): string {
  if (typeof value === 'string') return value;
  const [[name, argument]] = Object.entries(value as object) as [[string, Untyped]];
  if (name === 'Ref') return `<${withoutHash(argument)}>`;
  if (name === 'Fn::GetAtt') return `<${withoutHash(argument[0])}.${argument[1]}>`;
  if (name === 'Fn::Join') return (argument[1] as unknown[]).map(short).join(argument[0]);
  if (name === 'Fn::Sub') return (argument as string).replaceAll(/\$\{([^}]+)\}/g, '<$1>');
  throw new Error(`${name} is not written short`);
}
