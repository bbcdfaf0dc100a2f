/**
 * What is uploaded to Lambda: a module per stage that loads by itself, nothing of other stages, of onnxruntime one
 * platform.
 */
import { spawnSync } from 'node:child_process';
import { globSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundle, type NodeArch } from '../../infra/bundle.ts';
import { FerryStack } from '../../infra/ferry-stack.ts';
import { stageFile } from '../../shared/pipeline/machine/stage.ts';
import { STAGE_NAMES, STAGES, type StageName } from '../../shared/pipeline/machine/stages.ts';
import { CDK_JSON, type Untyped } from './synthesize.ts';

// The platform of this machine, so that what was made can be loaded; Lambda's other one is asked for below.
const HERE: NodeArch = process.arch === 'arm64' ? 'arm64' : 'x64';
const folder = mkdtempSync(join(tmpdir(), 'bundle-'));
const assets = new Map<StageName, string>();

beforeAll(() => {
  const app = new App({
    outdir: join(folder, 'cdk.out'),
    context: { ...CDK_JSON.context, architecture: HERE === 'arm64' ? 'arm64' : 'x86_64' },
  });
  const stack = new FerryStack(app, 'Torchferry');
  const { Resources } = app.synth().getStackArtifact(stack.artifactId).template as Untyped;
  for (const name of STAGE_NAMES) {
    const [[, { Properties }]] = Object.entries<Untyped>(Resources).filter(
      ([id]) => id.replace(/[0-9A-F]{8}$/, '') === STAGES[name].functionName,
    ) as [[string, Untyped]];
    assets.set(name, join(folder, 'cdk.out', `asset.${Properties.Code.S3Key.replace('.zip', '')}`));
  }
});
afterAll(() => rmSync(folder, { recursive: true }));

const bytesOf = (path: string): number =>
  globSync('**/*', { cwd: path })
    .map((file) => statSync(join(path, file)).size)
    .reduce((a, b) => a + b, 0);
const platforms = (path: string): string[] => globSync('node_modules/onnxruntime-node/bin/*/*/*', { cwd: path });
const platform = (arch: NodeArch): string => `node_modules/onnxruntime-node/bin/napi-v6/linux/${arch}`;

describe.each(STAGE_NAMES)('%s', (name) => {
  const { needsOnnxRuntime } = STAGES[name];

  it('is one small module and what it loads on demand, with the code of this stage and of no other', () => {
    const folder = assets.get(name)!;
    const modules = globSync('*.mjs', { cwd: folder });
    expect(modules).toContain('index.mjs');
    expect(modules.reduce((sum, each) => sum + statSync(join(folder, each)).size, 0)).toBeLessThan(5e6);
    // esbuild heads every file it takes in with its path, and those it splits more than once.
    const text = modules.map((each) => readFileSync(join(folder, each), 'utf8')).join('\n');
    const sources = [...new Set([...text.matchAll(/^\/\/ (.*\.ts)$/gm)].map((match) => match[1]!))];
    expect(sources.filter((source) => source.startsWith('shared/pipeline/stages/'))).toEqual([
      `shared/pipeline/stages/${stageFile(name)}`,
    ]);
    expect(sources.filter((source) => /^(infra|local|cli|test)\//.test(source))).toEqual([]);
  });

  it(needsOnnxRuntime ? 'brings onnxruntime for one platform' : 'brings no onnxruntime', () => {
    expect(platforms(assets.get(name)!)).toEqual(needsOnnxRuntime ? [platform(HERE)] : []);
    expect(bytesOf(assets.get(name)!)).toBeLessThan(needsOnnxRuntime ? 70e6 : 5e6);
  });

  // What is brought along runs on Linux only.
  it.runIf(process.platform === 'linux' || !needsOnnxRuntime)('loads where nothing else is installed', () => {
    const code = `const { handler } = await import('./index.mjs'); console.log(typeof handler)`;
    const env = { PATH: process.env['PATH'], AWS_REGION: 'us-east-1', TMPDIR: folder };
    const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', code], {
      cwd: assets.get(name)!,
      encoding: 'utf8',
      env,
    });
    expect({ stdout, stderr }).toEqual({ stdout: 'function\n', stderr: '' });
  });
});

it('takes the binaries of the other platform when asked', () => {
  const other: NodeArch = HERE === 'arm64' ? 'x64' : 'arm64';
  bundle('validate', join(folder, 'other'), other);
  expect(platforms(join(folder, 'other'))).toEqual([platform(other)]);
});
