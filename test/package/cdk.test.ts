/** The package in another CDK app: types, synthesis of the example of docs/cdk.md, the very functions that we deploy. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { FerryStack } from '../../infra/ferry-stack.ts';
import { VERSION } from '../../shared/version.ts';
import { blocksOf, PAGES } from '../docs/pages.ts';
import { CDK_JSON, ofType, short, type Resource, type Untyped } from '../infra/synthesize.ts';
import { install, pack, type Scratch } from './scratch.ts';

const ROOT = join(import.meta.dirname, '../..');
const [EXAMPLE] = blocksOf(
  PAGES.find(({ path }) => path === 'docs/cdk.md')!,
  'ts',
) as [string];

let archive: string;
let cdkApp: Scratch;
beforeAll(async () => {
  archive = await pack();
  cdkApp = await install(archive, { alsoHas: ['aws-cdk-lib', 'constructs', '@types/node'] });
}, 300_000);
afterAll(() => [dirname(archive), cdkApp.folder].forEach((folder) => rmSync(folder, { recursive: true })));

const write = (name: string, text: string): void => writeFileSync(join(cdkApp.folder, name), text);
const template = (name: string): Readonly<Record<string, Resource>> =>
  (JSON.parse(readFileSync(join(cdkApp.folder, 'out', `${name}.template.json`), 'utf8')) as Untyped).Resources;

it('synthesizes the example, with buckets of its own and with given ones', { timeout: 300_000 }, async () => {
  write('app.mts', EXAMPLE.replace('new App()', "new App({ outdir: 'out' })"));
  await cdkApp.run(process.execPath, 'app.mts');
  const resources = template('Models');
  const named = (type: string): string[] => ofType(resources, type).map(([id]) => id.replace(/[0-9A-F]{8}$/, ''));
  expect(named('AWS::S3::Bucket').toSorted()).toEqual(
    [
      'Uploads',
      ...['AccessLog', 'Input', 'Output', 'Work'].map((role) => `Experiments${role}Bucket`),
      ...['AccessLog', 'Work'].map((role) => `Production${role}Bucket`),
    ].toSorted(),
  );
  expect(named('AWS::StepFunctions::StateMachine')).toHaveLength(5);
  const convert = ofType(resources, 'AWS::Lambda::Function').find(([id]) => id.startsWith('ProductionConvert'))![1];
  expect(convert.Properties).toMatchObject({ MemorySize: 4096, ReservedConcurrentExecutions: 20 });
  const rule = ofType(resources, 'AWS::Events::Rule').find(([id]) => id.startsWith('ProductionRollOut'))![1];
  expect(rule.Properties['EventPattern'].source).toEqual(['torchferry']);
  expect(short(rule.Properties['EventPattern'].resources[0])).toBe('<ProductionConversionStateMachine>');
});

it(
  'synthesizes from CommonJS what the sources synthesize, to the byte of the functions',
  { timeout: 300_000 },
  async () => {
    write(
      'app.cjs',
      `const { App, Stack } = require('aws-cdk-lib');
const { TorchFerry } = require('torchferry/cdk');
const app = new App({ outdir: 'out', context: ${JSON.stringify(CDK_JSON.context)} });
new TorchFerry(new Stack(app, 'Torchferry'), 'Default', { fargateMemoryMb: 16384 });
app.synth();`,
    );
    await cdkApp.run(process.execPath, 'app.cjs');
    const context = { ...CDK_JSON.context, fargateMemoryMb: '16384' };
    const ours = new App({ outdir: join(cdkApp.folder, 'ours'), context });
    const stack = new FerryStack(ours, 'Torchferry');
    const { Resources } = ours.synth().getStackArtifact(stack.artifactId).template as Untyped;
    expect(template('Torchferry')).toEqual(Resources);
  },
);

it('has types, which refuse what is none of its props', { timeout: 300_000 }, async () => {
  write(
    'checked.mts',
    `${EXAMPLE}\n// @ts-expect-error memory is a number\nnew TorchFerry(stack, 'X', { memoryMb: '1' });\n`,
  );
  write(
    'tsconfig.json',
    JSON.stringify({
      compilerOptions: { module: 'nodenext', target: 'es2023', strict: true, noEmit: true, types: ['node'] },
      files: ['checked.mts'],
    }),
  );
  expect(await cdkApp.run(join(ROOT, 'node_modules/.bin/tsc'), '-p', '.').catch(({ stdout }) => stdout as string)).toBe(
    '',
  );
});

it('is installed without CDK by who does not need it', { timeout: 300_000 }, async () => {
  const bare = await install(archive, { alsoHas: [] });
  try {
    expect(await bare.run(process.execPath, 'node_modules/torchferry/dist/cli/main.js', '--version')).toBe(
      `${VERSION}\n`,
    );
    const code = `import { VERSION } from 'torchferry'; console.log(VERSION)`;
    expect(await bare.run(process.execPath, '--input-type=module', '-e', code)).toBe(`${VERSION}\n`);
    const cdk = bare.run(process.execPath, '--input-type=module', '-e', `import 'torchferry/cdk'`);
    await expect(cdk).rejects.toThrow(/Cannot find (package|module) '(aws-cdk-lib|constructs)/);
  } finally {
    rmSync(bare.folder, { recursive: true });
  }
});
