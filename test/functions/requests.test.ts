/** What a job asks of S3 where it only has to look: bytes of Claim, requests of Report. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { s3Store } from '../../functions/s3-store.ts';
import { makeFerry } from '../../local/ferry.ts';
import { run as claim } from '../../shared/pipeline/stages/claim.ts';
import { run as report } from '../../shared/pipeline/stages/report.ts';
import type { RunStage } from '../../shared/pipeline/workspace/services.ts';
import { fakeStages, PROGRAM } from '../local/fake-stages.ts';
import { MemoryS3 } from './memory-s3.ts';

let temporaryFolder: string;
beforeEach(() => {
  temporaryFolder = mkdtempSync(join(tmpdir(), 'requests-'));
});
afterEach(() => rmSync(temporaryFolder, { recursive: true }));

interface Asked {
  readonly operations: readonly string[];
  readonly bytes: number;
}

/** Convert one model and say what each of two stages asked for. */
async function ask(model: Uint8Array): Promise<Readonly<Record<'claim' | 'report', Asked>>> {
  const s3 = new MemoryS3();
  s3.put('input', 'net.pt2', model);
  const asked = { claim: { operations: [] as string[], bytes: 0 }, report: { operations: [] as string[], bytes: 0 } };
  const watched =
    (stage: keyof typeof asked, run: RunStage): RunStage =>
    async (input, services) => {
      s3.disturb = ({ headers }, operation) => {
        asked[stage].operations.push(operation);
        const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(headers['range'] ?? '') ?? [];
        if (to !== undefined) asked[stage].bytes += Number(to) - Number(from) + 1;
        return undefined;
      };
      try {
        return await run(input, services);
      } finally {
        s3.disturb = () => undefined;
      }
    };
  const outcome = await makeFerry({
    buckets: { input: '', output: '', work: '' },
    store: s3Store(s3.client()),
    temporaryFolder,
    stages: { ...fakeStages(), claim: watched('claim', claim), report: watched('report', report) },
  }).convert({ bucket: 'input', key: 'net.pt2' });
  expect(outcome).toMatchObject({ status: 'SUCCEEDED', output: { verdict: 'pass' } });
  return asked;
}

it('Claim fetches two looks of a large model, Report asks for no object before it reads it', async () => {
  const { claim: claimed, report: reported } = await ask(Buffer.concat([PROGRAM], 40 << 20));
  expect(claimed.bytes).toBeLessThanOrEqual(2 * 2 ** 18);
  expect(reported.operations.filter((operation) => operation === 'HeadObject')).toEqual([]);
  // The record, the facts of five stages, latest.json before the report is made and after, and the graph, of which there is none; two reports, latest.json and the ending of the claim.
  expect(reported.operations.filter((operation) => operation === 'GetObject')).toHaveLength(9);
  expect(reported.operations.filter((operation) => operation === 'PutObject')).toHaveLength(4);
});
