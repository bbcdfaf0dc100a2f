/** `cdk deploy` starts here. */
import { App, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import { FerryStack } from './ferry-stack.ts';

const app = new App();
const name: unknown = app.node.tryGetContext('stackName');
new FerryStack(app, typeof name === 'string' ? name : 'Torchferry');
Validations.of(app).addPlugins(new AwsSolutionsChecks(app, { verbose: true }));
