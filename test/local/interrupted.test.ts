/** What is left when a process is ended from outside, and what a second one does meanwhile. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { withFolderLock } from '../../local/folder-lock.ts';
import { runLocal } from '../../local/run.ts';
import { fileSource } from '../../shared/bytes/file-source.ts';
import { convertFile } from '../../shared/steps/convert-file.ts';
import { fakeStages, PROGRAM } from './fake-stages.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const DIGITS = join(ROOT, 'examples/digits/digits_cnn.pt2');

let folder: string;
let gone: number;
const at = (name: string): string => join(folder, name);
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'torchferry-interrupted-'));
  const child = spawn(process.execPath, ['-e', '']);
  await once(child, 'exit');
  gone = child.pid!;
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const machine = hostname().replaceAll(/[^\w]/g, '_').slice(0, 64);

test.skipIf(process.platform === 'win32').each([
  ['SIGTERM', 143],
  ['SIGHUP', 129],
] as const)('%s ends a run without a trace', async (signal, code) => {
  const args = [join(ROOT, 'cli/main.ts'), 'run', DIGITS, '-o', at('out')];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  child.stderr.once('data', () => child.kill(signal));
  const [exit] = (await once(child, 'exit')) as [number | null];
  expect([exit, readdirSync(at('out'))]).toEqual([code, []]);
});

test('half a model that a killed conversion left goes with the next one; that of a living process stays', async () => {
  const left = at(`.torchferry-partial-${machine}-${gone}-x`);
  const others = [`.torchferry-partial-${machine}-${process.ppid}-x`, `.torchferry-partial-elsewhere-${gone}-x`];
  for (const path of [left, ...others.map(at)]) writeFileSync(path, 'half');
  const source = fileSource(DIGITS);
  await convertFile({ source, path: at('m.onnx'), options: {}, weights: 'embed' });
  source.close();
  expect(readdirSync(folder).sort()).toEqual([...others, 'm.onnx'].sort());
});

describe('a folder of results', () => {
  const model = (): string => {
    mkdirSync(at('models'), { recursive: true });
    writeFileSync(at('models/net.pt2'), PROGRAM);
    return at('models/net.pt2');
  };
  const run = (): Promise<unknown> => runLocal({ model: model(), outDir: at('out'), stages: fakeStages() });
  const lock = at.bind(null, 'out/.torchferry-lock');
  const locked = (holder: unknown): void => {
    mkdirSync(at('out'), { recursive: true });
    writeFileSync(lock(), JSON.stringify(holder));
  };

  test('is one run’s at a time: the second is told the process of the first', async () => {
    let second: unknown;
    const stages = fakeStages(async (stage) => {
      if (stage === 'convert') second = await run().catch((error: unknown) => error);
    });
    await runLocal({ model: model(), outDir: at('out'), stages });
    expect(second).toMatchObject({ code: 'OutputInUse', details: { who: `process ${process.pid}` } });
    expect(readdirSync(at('out')).sort()).toEqual(['model.int8.onnx', 'model.onnx', 'report.html', 'report.json']);
    await run();
  });

  test('is free when the process that had it is gone', async () => {
    locked({ pid: gone, machine });
    await run();
    expect(existsSync(lock())).toBe(false);
  });

  test.each([
    ['a living process', () => ({ pid: process.ppid, machine })],
    ['a process of another machine', () => ({ pid: gone, machine: 'elsewhere' })],
    ['nobody known', () => 'mine'],
  ])('stays that of %s', async (_, holder) => {
    locked(holder());
    await expect(run()).rejects.toMatchObject({ code: 'OutputInUse' });
    expect(JSON.parse(readFileSync(lock(), 'utf8'))).toEqual(holder());
    expect(readdirSync(at('out'))).toEqual(['.torchferry-lock']);
  });

  test('goes to exactly one of many who find a stale lock', async () => {
    locked({ pid: gone, machine });
    let inside = 0;
    let most = 0;
    const work = async (): Promise<void> => {
      most = Math.max(most, ++inside);
      await new Promise((done) => setTimeout(done, 30));
      inside--;
    };
    const all = await Promise.allSettled(Array.from({ length: 8 }, () => withFolderLock(at('out'), work)));
    expect(most).toBe(1);
    expect(all.filter(({ status }) => status === 'fulfilled').length).toBeGreaterThanOrEqual(1);
    expect(readdirSync(at('out'))).toEqual([]);
  });
});
