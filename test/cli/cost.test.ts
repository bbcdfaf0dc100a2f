/** `cost`: many models projected from what some reports say, each figure worked out by hand. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Projection } from '../../shared/pipeline/cost/projection.ts';
import type { CostSummary } from '../../shared/report/cost.ts';
import { printed } from './in-process.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'cost-'));
});
afterEach(() => rmSync(root, { recursive: true }));

const used = (part: Partial<CostSummary> = {}): CostSummary => ({
  usd: 1,
  basis: 'local',
  architecture: 'arm64',
  seconds: 10,
  gbSeconds: 20,
  storageGbSeconds: 100,
  invocations: 6,
  transitions: 17,
  events: 1,
  s3Writes: null,
  s3Reads: null,
  ...part,
});
const report = (name: string, cost: object): string => {
  const path = join(root, name);
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, JSON.stringify({ cost }));
  return path;
};

interface Facts {
  readonly measured: { readonly models: number; readonly reports: number };
  readonly projections: readonly Projection[];
  readonly assumptions: readonly string[];
}
const facts = async (...args: string[]): Promise<Facts> =>
  JSON.parse((await printed('cost', ...args, '--json')).out) as Facts;

describe('of measured conversions', () => {
  it('multiplies their mean, with the transitions of a batch and a cold start for each of those at a time', async () => {
    const { measured, projections } = await facts(
      report('a/report.json', used({ gbSeconds: 10 })),
      report('b/report.json', used({ gbSeconds: 30 })),
      '--models',
      '1000',
    );
    expect(measured).toMatchObject({ models: 2, reports: 2 });
    const [{ cost, seconds, limitedBy }] = projections as [Projection];
    // 1000 x 20, and 20 x 6 functions of 3008 MB that start in 0.6 s: 120 x 0.6 x 2.9375.
    expect(cost.gbSeconds).toBeCloseTo(20_000 + 211.5, 6);
    // 17 + 4 each
    expect(cost.transitions).toBe(21_000);
    // 20,211.5 x 0.0000133334 + 100,000 x 0.0000000309 + 6000 x 0.0000002 + 21,000 x 0.000025 + 1000 x 0.000001
    expect(cost.usd).toBeCloseTo(0.2694880141 + 0.00309 + 0.0012 + 0.525 + 0.001, 8);
    // 1000 models of 10 s, 20 at a time.
    expect([seconds, limitedBy]).toEqual([500, 'concurrency']);
  });

  it('of a batch has its transitions already, and on AWS its cold starts', async () => {
    const path = report('batch-report.json', {
      ...used({ basis: 'aws', gbSeconds: 2000, s3Writes: 400, s3Reads: 900 }),
      models: 100,
    });
    const [{ cost }] = (await facts(path, '--models', '1000')).projections as [Projection];
    expect(cost.gbSeconds).toBeCloseTo(20_000, 6);
    expect(cost.transitions).toBe(170);
    // 4000 x $0.005 / 1000 and 9000 x $0.0004 / 1000
    const part = (name: string) => cost.parts.find((each) => each.name === name)!.usd;
    expect([part('s3Writes'), part('s3Reads')]).toEqual([0.02, 0.0036]);
  });

  it('a folder with the report of a batch counts once', async () => {
    report('out/list/run/batch-report.json', { ...used(), models: 7 });
    report('out/net/1/report.json', used());
    expect((await facts(join(root, 'out'))).measured).toMatchObject({ models: 7, reports: 1 });
  });
});

describe('how long it takes', () => {
  it('is decided by transitions where very many run at a time', async () => {
    const path = report('report.json', used());
    const { projections, assumptions } = await facts(path, '--models', '1000000', '--concurrency', '10000');
    // 1,000,000 x 21 transitions at 5,000 a second; by models at a time it would be 1000 s.
    expect(projections[0]).toMatchObject({ seconds: 4200, limitedBy: 'transitions', isTooLong: false });
    expect(assumptions.join('\n')).toMatch(/they, and not the models at a time, decide how long 1,000,000 models take/);
  });

  it('may be more than a batch is allowed', async () => {
    const { projections, assumptions } = await facts(
      report('report.json', used({ seconds: 100 })),
      '--models',
      '1000000',
    );
    // 1,000,000 x 100 s / 20 = 58 days
    expect(projections[0]).toMatchObject({ seconds: 5_000_000, isTooLong: true });
    expect(assumptions.join('\n')).toMatch(/longer than a batch may \(7 d 0 h\): raise --concurrency/);
  });

  it('is never less than one model takes', async () =>
    expect((await facts(report('report.json', used()), '--models', '3')).projections[0]!.seconds).toBe(10));
});

it('says 1,000, 100,000 and 1,000,000 models with its assumptions', async () => {
  const { code, out } = await printed('cost', report('report.json', used()), '--architecture', 'x86_64');
  expect(code).toBe(0);
  // 20,211.5 GB-s at $0.0000166667: 0.3368590; with the rest as above $0.8671.
  expect(out).toMatch(/^ +1,000 +\$0\.87 +20,212 +21,000 +8 min 20 s$/m);
  expect(out).toMatch(/^ +1,000,000 +\$8\d\d +20,000,212 +21,000,000 +5 d 19 h$/m);
  for (const assumed of [
    /prices of us-east-1 of 2026-11, x86_64/,
    /20 models at a time/,
    /starts once/,
    /the free tier/,
  ])
    expect(out).toMatch(assumed);
});

it.each([
  [['none.json'], 'FileNotFound'],
  [[], 'WrongUsage'],
  [['report.json', '--models', '0'], 'BadOption'],
  [['report.json', '--models', '1k'], 'BadOption'],
  [['report.json', '--concurrency', '10001'], 'BadOption'],
  [['report.json', '--architecture', 'mips'], 'BadOption'],
  [['old.json'], 'UnsupportedFormat'],
  [['text.json'], 'UnsupportedFormat'],
])('refuses %j with %s', async (args, failure) => {
  report('report.json', used());
  writeFileSync(join(root, 'old.json'), '{}');
  writeFileSync(join(root, 'text.json'), 'no JSON');
  const { code, err } = await printed('cost', ...args.map((arg) => (arg.endsWith('.json') ? join(root, arg) : arg)));
  expect(code).toBeGreaterThan(0);
  expect(err).toContain(failure);
});
