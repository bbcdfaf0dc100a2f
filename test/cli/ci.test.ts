/** The command line in CI: limits that end it with code 1, JUnit XML, an index over several reports, opening one. */
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { printed } from './in-process.ts';

const DIGITS = resolve(import.meta.dirname, '../../examples/digits/digits_cnn.pt2');
let folder: string;
const at = (name: string): string => join(folder, name);
const text = (name: string): string => readFileSync(at(name), 'utf8');
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'torchferry-ci-'));
  mkdirSync(at('in'));
  copyFileSync(DIGITS, at('in/net.pt2'));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

describe('limits', () => {
  test('that are missed are named, with code 1, and fail their case', async () => {
    const limits = ['--min-sqnr', '200', '--max-size-ratio', '0.99'];
    const { code, err } = await printed('run', at('in/net.pt2'), '-o', at('out'), '--junit', at('ci.xml'), ...limits);
    expect([code, err]).toEqual([
      1,
      expect.stringMatching(/CriterionMissed: .*int8 has [\d.]+ dB SQNR \(asked: at least 200 dB\)/),
    ]);
    expect(err).not.toContain('times the size');
    expect(text('ci.xml')).toContain('name="criterion minSqnr"><failure type="CriterionMissed"');
    expect(text('ci.xml')).toContain('name="criterion maxSizeRatio"/>');
    expect(existsSync(at('out/report.html'))).toBe(true);
  });

  test('that are met change nothing', async () => {
    const { code } = await printed(
      'run',
      at('in/net.pt2'),
      '-o',
      at('out'),
      '--junit',
      at('ci.xml'),
      '--min-sqnr',
      '5',
    );
    expect([code, /failures="(\d+)"/.exec(text('ci.xml'))![1]]).toEqual([0, '0']);
  });

  test.each([
    ['--min-sqnr', 'much', 'a number'],
    ['--min-top1-agreement', '98', 'a number from 0 up to 1'],
  ])('%s %s is no limit', async (option, value, expected) => {
    const { code, err } = await printed('run', at('in/net.pt2'), option, value);
    expect([code, err]).toEqual([
      2,
      expect.stringContaining(`option ${option}: "${value}" is not valid; expected ${expected}`),
    ]);
  });

  test('hold for two files beside each other', async () => {
    await printed('run', at('in/net.pt2'), '-o', at('out'));
    const compared = ['validate', at('out/model.int8.onnx'), '--against', at('out/model.onnx')];
    const { code, err } = await printed(...compared, '--min-sqnr', '200', '--junit', at('ci.xml'));
    expect([code, err]).toEqual([1, expect.stringContaining('asked: at least 200 dB')]);
    expect(text('ci.xml')).toContain('name="keeps enough of FP32"><failure');
  });
});

describe('an index', () => {
  const lines = (): { key: string; status: string; report: string | null }[] =>
    (JSON.parse(text('out/index.json')) as { items: { key: string; status: string; report: string | null }[] }).items;

  test('of a run over a folder has failures first, and links its reports', async () => {
    writeFileSync(at('in/zero.pt2'), 'no model');
    const { code, out, err } = await printed(
      'run',
      at('in'),
      '-o',
      at('out'),
      '--dtype',
      'fp32',
      '--junit',
      at('ci.xml'),
    );
    expect([code, out]).toEqual([1, expect.stringContaining(at('out/index.html'))]);
    expect(err.match(/^.* of 2 models: .*$/gm)).toEqual([
      `1 of 2 models: ${at('in/net.pt2')}`,
      `2 of 2 models: ${at('in/zero.pt2')}`,
    ]);
    expect(lines().map(({ key, status }) => [key, status])).toEqual([
      [at('in/zero.pt2'), 'fail'],
      [at('in/net.pt2'), 'warn'],
    ]);
    for (const { report } of lines()) expect(existsSync(at(`out/${report}`))).toBe(true);
    expect(text('out/index.html')).toContain('href="./net/report.html"');
    expect(/tests="\d+" failures="(\d+)"/.exec(text('ci.xml'))![1]).toBe('1');
  });

  test('of a batch lies in the folder of its results', async () => {
    writeFileSync(at('in/zero.pt2'), 'no model');
    writeFileSync(at('in/job.json'), '{"dtype": "fp32"}');
    const { code, err } = await printed('batch', at('in'), '-o', at('out'), '--junit', at('ci.xml'));
    expect(code).toBe(1);
    expect(err).toMatch(/^zero\.pt2: fail: .*UnsupportedFormat/m);
    expect(err).toMatch(/^net\.pt2: warn: /m);
    expect(lines().map(({ key, status }) => [key, status])).toEqual([
      ['zero.pt2', 'fail'],
      ['net.pt2', 'warn'],
    ]);
    for (const { report } of lines()) expect(existsSync(at(`out/${report}`))).toBe(true);
    expect(/tests="\d+" failures="(\d+)"/.exec(text('ci.xml'))![1]).toBe('1');
  });
});

describe.skipIf(process.platform !== 'linux')('--open', () => {
  test('opens the report', async () => {
    mkdirSync(at('bin'));
    writeFileSync(at('bin/xdg-open'), `#!/bin/sh\necho "$1" > ${at('opened')}\n`);
    chmodSync(at('bin/xdg-open'), 0o755);
    vi.stubEnv('PATH', `${at('bin')}${delimiter}${process.env['PATH']}`);
    await printed('run', at('in/net.pt2'), '-o', at('out'), '--dtype', 'fp32', '--open');
    await vi.waitFor(() => expect(text('opened').trim()).toBe(at('out/report.html')), { timeout: 5000 });
  });

  test('fails nothing where there is nothing to open with', async () => {
    vi.stubEnv('PATH', at('nowhere'));
    const { code } = await printed('run', at('in/net.pt2'), '-o', at('out'), '--dtype', 'fp32', '--open');
    expect(code).toBe(0);
  });
});
