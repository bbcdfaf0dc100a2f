/** The real stack, deployed by the real CLI to an emulator, once for all tests here. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createWriteStream, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { TestProject } from 'vitest/node';
import { freePort, PYTHON } from './python.ts';

/** What the tests are told of the deployment; null: there is none, for this reason. */
export interface Deployment {
  readonly endpoint: string;
  /** The outputs of the stack, by name. */
  readonly outputs: Readonly<Record<string, string>>;
  /** A line of JSON for each decision of IAM. */
  readonly callsFile: string;
  /** The synthesized template. */
  readonly templateFile: string;
}

declare module 'vitest' {
  interface ProvidedContext {
    deployment: Deployment | null;
  }
}

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const BIN = join(ROOT, 'node_modules', '.bin');
const STACK = 'Torchferry';
// What a deployment may leave out; all else is as it comes.
const CHOSEN = ['encryptionKey=own', 'results=all', 'alarmEmail=me@example.org'];

export default async function setup(project: TestProject): Promise<(() => Promise<void>) | void> {
  const found = spawnSync(PYTHON, ['-c', 'import ministack'], { encoding: 'utf8' });
  if (found.status !== 0) {
    console.warn(`SKIPPED: ${PYTHON} has no ministack (python3 -m venv V && V/bin/pip install ministack==1.5.33,`);
    console.warn('         then PYTHON=V/bin/python npm run e2e): nothing was deployed, nothing was tested');
    project.provide('deployment', null);
    return;
  }
  const folder = mkdtempSync(join(tmpdir(), 'torchferry-e2e-'));
  const port = await freePort();
  const endpoint = `http://127.0.0.1:${port}`;
  const callsFile = join(folder, 'calls.jsonl');
  Object.assign(process.env, environment(endpoint));
  const emulator = start(port, { callsFile, log: join(folder, 'emulator.log'), temporary: join(folder, 'tmp') });
  try {
    await answers(endpoint, emulator);
    const assembly = join(folder, 'cdk.out');
    // Outside of the project: bootstrap would synthesize the app it finds.
    run('cdk', ['bootstrap', 'aws://000000000000/us-east-1'], folder);
    const architecture = process.arch === 'arm64' ? 'arm64' : 'x86_64';
    const app = [
      '--app',
      `node ${join(ROOT, 'test/e2e/app.ts')}`,
      '-o',
      assembly,
      '-c',
      `architecture=${architecture}`,
      '-c',
      'fargateMemoryMb=16384',
      ...CHOSEN.flatMap((option) => ['-c', option]),
    ];
    const outputsFile = join(folder, 'outputs.json');
    run('cdk', ['deploy', ...app, '--require-approval', 'never', '--outputs-file', outputsFile], ROOT);
    const outputs = (JSON.parse(readFileSync(outputsFile, 'utf8')) as Record<string, Record<string, string>>)[STACK]!;
    const templateFile = join(assembly, `${STACK}.template.json`);
    project.provide('deployment', { endpoint, outputs, callsFile, templateFile });
  } catch (error) {
    emulator.kill('SIGKILL');
    throw error;
  }
  return async () => {
    emulator.kill('SIGTERM');
    await Promise.race([new Promise((done) => emulator.once('exit', done)), sleep(5_000)]);
    emulator.kill('SIGKILL');
    if (process.env['KEEP'] === undefined) rmSync(folder, { recursive: true, force: true });
    else console.warn(`kept: ${folder}`);
  };
}

/** Functions run on the Node of the project, as they would on Lambda. */
const environment = (endpoint: string): Record<string, string> => ({
  PATH: `${BIN}${delimiter}${process.env['PATH'] ?? ''}`,
  AWS_ENDPOINT_URL: endpoint,
  AWS_ACCESS_KEY_ID: 'test',
  AWS_SECRET_ACCESS_KEY: 'test',
  AWS_REGION: 'us-east-1',
  AWS_DEFAULT_REGION: 'us-east-1',
  CDK_DISABLE_VERSION_CHECK: '1',
});

interface Files {
  readonly callsFile: string;
  readonly log: string;
  readonly temporary: string;
}

function start(port: number, { callsFile, log, temporary }: Files): ChildProcess {
  mkdirSync(temporary);
  const script = fileURLToPath(new URL('emulator.py', import.meta.url));
  const child = spawn(PYTHON, [script, String(port), callsFile], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, TMPDIR: temporary },
  });
  const file = createWriteStream(log);
  child.stdout.pipe(file, { end: false });
  child.stderr.pipe(file, { end: false });
  return child;
}

async function answers(endpoint: string, emulator: ChildProcess): Promise<void> {
  for (let tries = 0; tries < 120; tries++) {
    if (emulator.exitCode !== null) break;
    const response = await fetch(`${endpoint}/_ministack/health`).catch(() => null);
    if (response?.ok) return;
    await sleep(500);
  }
  throw new Error('the emulator does not answer; its log is beside the deployment (KEEP=1 keeps it)');
}

function run(command: string, args: readonly string[], cwd: string): void {
  const done = spawnSync(command, args, { cwd, encoding: 'utf8', timeout: 300_000 });
  if (done.status !== 0) throw new Error(`${command} ${args[0]} failed:\n${done.stdout}\n${done.stderr}`);
}
