/** The real stack, without what the emulator cannot do (see README.md). */
import { App } from 'aws-cdk-lib';
import { CfnAlarm } from 'aws-cdk-lib/aws-cloudwatch';
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
