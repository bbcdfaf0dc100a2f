/** `batch` and `watch` reach what converts many models. */
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { printed } from './in-process.ts';

const DIGITS = resolve(import.meta.dirname, '../../examples/digits/digits_cnn.pt2');
let folder: string;
const at = (name: string): string => join(folder, name);
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'torchferry-many-'));
  mkdirSync(at('in'));
  copyFileSync(DIGITS, at('in/net.pt2'));
  writeFileSync(at('in/job.json'), '{"dtype": "fp32"}');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test('batch: one report, exit code 1 when a model failed', async () => {
  writeFileSync(at('in/bad.pt2'), 'no model');
  const { code, out, err } = await printed('batch', at('in'), '-o', at('out'), '--json');
  const { counts, report } = JSON.parse(out) as { counts: Record<string, number>; report: string };
  expect([code, counts['models'], counts['fail']]).toEqual([1, 2, 1]);
  expect(err).toContain('UnsupportedFormat: 2 models: ');
  expect(readFileSync(report, 'utf8')).toContain('net.pt2');
});

test('watch converts what is there and ends at a signal', { timeout: 60_000 }, async () => {
  const timer = setInterval(() => {
    if (existsSync(at('out/net/latest.json'))) process.emit('SIGINT');
  }, 200);
  await printed('watch', at('in'), '-o', at('out'));
  clearInterval(timer);
  expect(existsSync(at('out/net/latest.json'))).toBe(true);
});

test('--quiet says nothing on the way, but failures', async () => {
  expect(await printed('convert', at('in/net.pt2'), '--quiet')).toMatchObject({ code: 0, err: '' });
  const failed = await printed('convert', at('none.pt2'), '--quiet');
  expect([failed.code, failed.err]).toEqual([1, expect.stringContaining('FileNotFound')]);
});

test.each(['batch', 'watch'])('%s without a folder is wrong usage', async (command) => {
  expect((await printed(command)).code).toBe(2);
});
