/** The tests of INT8 where 8-bit products are added in 16 bits: whoever has VNNI sees here what others see. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { withoutVnni } from '../../bench/without-vnni/possible.ts';
import { workFolder } from './fixture.ts';

const ROOT = join(import.meta.dirname, '../..');
const PLACES = ['test/quantize', 'test/runtime', 'test/local/digits.test.ts'];
const MINUTES = 8;

interface Outcome {
  readonly numPassedTests: number;
  readonly testResults: readonly {
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[];
  }[];
}

test(
  'INT8 is as good on an x64 processor without VNNI',
  async (context) => {
    const there = withoutVnni();
    if ('why' in there) return context.skip(`skipped: a processor without VNNI ${there.why}`);
    if (there.command.length === 0) return context.skip('skipped: this processor has no VNNI, so all tests say it');
    const found = join(workFolder(), 'outcome.json');
    const vitest = join(ROOT, 'node_modules/vitest/vitest.mjs');
    const how = ['--exclude', relative(ROOT, import.meta.filename), '--reporter=json', `--outputFile=${found}`];
    const [program, ...args] = [...there.command, process.execPath, vitest, 'run', ...PLACES, ...how];
    const child = spawn(program!, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] });
    const [said] = await Promise.all([text(child.stderr), text(child.stdout), once(child, 'close')]);
    expect(child.exitCode, said).not.toBeNull();
    const { numPassedTests, testResults } = JSON.parse(readFileSync(found, 'utf8')) as Outcome;
    const all = testResults.flatMap(({ assertionResults }) => assertionResults);
    expect(all.filter(({ status }) => status === 'failed').map(({ fullName }) => fullName)).toEqual([]);
    expect(numPassedTests).toBeGreaterThan(1000);
    expect(child.exitCode, said).toBe(0);
  },
  MINUTES * 60_000,
);
