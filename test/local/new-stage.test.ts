/** A new stage is a row of the table and a file: the machine, the report and the command line know it. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { runLocal } from '../../local/run.ts';
import { STAGES } from '../../shared/pipeline/machine/stages.ts';
import { jobStage } from '../../shared/pipeline/workspace/job-stage.ts';
import type { RunStage } from '../../shared/pipeline/workspace/services.ts';
import type { Stage } from '../../shared/pipeline/machine/stage.ts';
import { ferryStateMachine } from '../../shared/pipeline/machine/state-machine.ts';
import type { Report } from '../../shared/report/report.ts';
import { fakeStages, PROGRAM } from './fake-stages.ts';

// The row.
vi.mock(import('../../shared/pipeline/machine/stages.ts'), async (original) => {
  const table = await original();
  const stampFile: Stage = {
    place: 'variant',
    doing: 'stamping',
    nextStep: 'Read the stamp.',
    functionName: 'StampFileFunction',
    memoryMb: 512,
    timeoutSeconds: 30,
    temporaryMb: 512,
    needsOnnxRuntime: false,
    grants: [],
  };
  const STAGES = { ...table.STAGES, stampFile };
  return { ...table, STAGES, STAGE_NAMES: Object.keys(STAGES) } as unknown as typeof table;
});

// The file, which exports it as `run`.
const run = jobStage('stampFile', async (workspace, input) => {
  const { name } = input['variant'] as { name: string };
  const stamp = await workspace.storeText(`${name}.stamp`, name);
  return { facts: { files: [stamp], warnings: ['the ink is dry'] }, output: {} };
});

test('it runs for each variant, is timed and may warn', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'torchferry-test-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, 'net.pt2'), PROGRAM);
  const outDir = join(folder, 'out');
  const stages: Record<string, RunStage> = { ...fakeStages(), stampFile: run };
  const doing: string[] = [];
  const { verdict, files } = await runLocal({
    model: join(folder, 'net.pt2'),
    outDir,
    stages,
    onEvent: (event) => event.kind === 'stage' && doing.push(STAGES[event.stage].doing),
  });
  expect(verdict).toBe('pass');
  expect(doing).toContain('stamping');
  expect(files.filter((file) => file.endsWith('.stamp')).sort()).toEqual(
    ['fp32', 'int8'].map((name) => join(outDir, `${name}.stamp`)),
  );
  const report = JSON.parse(await readFile(join(outDir, 'report.json'), 'utf8')) as Report;
  expect(report.stages.filter(({ name }) => name === 'stampFile').map(({ variant }) => variant)).toEqual([
    'fp32',
    'int8',
  ]);
  expect(report.warnings).toContainEqual({ message: 'the ink is dry', nextStep: 'Read the stamp.' });
});

test('it is in the machine that deploys, behind the last of its place', () => {
  expect(JSON.stringify(ferryStateMachine())).toContain('${StampFileFunction}');
});
