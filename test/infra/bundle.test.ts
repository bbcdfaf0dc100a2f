/** What is uploaded to Lambda: one module per stage that loads by itself, nothing of other stages, of onnxruntime one platform. */
import { spawnSync } from 'node:child_process';
import { globSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { bundle, type NodeArch } from '../../infra/bundle.ts';
import { fileOf } from '../../infra/stage-function.ts';
import { STAGE_NAMES, STAGES } from '../../shared/pipeline/stages.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'bundle-'));
afterAll(() => rmSync(folder, { recursive: true }));

const HERE: NodeArch = process.arch === 'arm64' ? 'arm64' : 'x64';
const bytesOf = (path: string): number => globSync('**/*', { cwd: path }).map((file) => statSync(join(path, file)).size).reduce((a, b) => a + b, 0);
const binaries = (path: string): string[] => globSync('node_modules/onnxruntime-node/bin/*/*/*', { cwd: path });

describe.each(STAGE_NAMES)('%s', (name) => {
  const into = join(folder, name);
  const { needsOnnxRuntime } = STAGES[name];

  it('is one small module of its own code', () => {
    const { inputs } = bundle(join(ROOT, fileOf(name)), into, HERE);
    expect(statSync(join(into, 'index.mjs')).size).toBeLessThan(5e6);
    const stages = Object.keys(inputs).filter((input) => /^shared\/pipeline\/stages\//.test(input));
    expect(stages).toEqual([fileOf(name).replace('functions/', 'shared/pipeline/stages/')]);
    expect(Object.keys(inputs).filter((input) => /^(infra|local|cli|test)\//.test(input))).toEqual([]);
  });

  it(needsOnnxRuntime ? 'brings onnxruntime for one platform' : 'brings no onnxruntime', () => {
    expect(new Set(binaries(into))).toEqual(new Set(needsOnnxRuntime ? [`node_modules/onnxruntime-node/bin/napi-v6/linux/${HERE}`] : []));
    expect(bytesOf(into)).toBeLessThan(needsOnnxRuntime ? 70e6 : 5e6);
  });

  // The binaries are those of Linux.
  it.runIf(process.platform === 'linux' || !needsOnnxRuntime)('loads where nothing else is installed', () => {
    const code = `const { handler } = await import(${JSON.stringify(join(into, 'index.mjs'))}); console.log(typeof handler)`;
    const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', code], { cwd: into, encoding: 'utf8', env: { PATH: process.env['PATH'], AWS_REGION: 'us-east-1' } });
    expect({ stdout, stderr }).toEqual({ stdout: 'function\n', stderr: '' });
  });
});

it('takes the binaries of the other platform when asked', () => {
  const into = join(folder, 'other');
  const other: NodeArch = HERE === 'arm64' ? 'x64' : 'arm64';
  bundle(join(ROOT, fileOf('validate')), into, other);
  expect(new Set(binaries(into))).toEqual(new Set([`node_modules/onnxruntime-node/bin/napi-v6/linux/${other}`]));
});
