/** The real stack, without what the emulator cannot do (see README.md). */
import { App } from 'aws-cdk-lib';
import { CfnAlarm } from 'aws-cdk-lib/aws-cloudwatch';
import { CfnStateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import type { Catcher } from '../../shared/pipeline/machine/asl.ts';
import { FerryStack } from '../../infra/ferry-stack.ts';

const app = new App();
const stack = new FerryStack(app, 'Torchferry');
for (const child of stack.node.findAll()) {
  if (!(child instanceof CfnAlarm) || child.metrics === undefined) continue;
  child.addPropertyDeletionOverride('Metrics');
  child.addPropertyOverride('Namespace', 'Emulated');
  child.addPropertyOverride('MetricName', child.node.path);
  child.addPropertyOverride('Statistic', 'Sum');
  child.addPropertyOverride('Period', 300);
}

/** No task runs there: a function that is killed fails its state, instead of handing its stage to one. */
const withoutHandingOver = (key: string, value: unknown): unknown =>
  key === 'Catch' ? (value as Catcher[]).filter(({ Next }) => !Next.endsWith('OnFargate')) : value;

for (const child of stack.node.findAll())
  if (child instanceof CfnStateMachine && child.definitionString)
    child.definitionString = JSON.stringify(JSON.parse(child.definitionString, withoutHandingOver));
