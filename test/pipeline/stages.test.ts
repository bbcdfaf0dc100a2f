/** The table of stages agrees with their code: what needs onnxruntime says so, and nothing else loads it. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { stageFile } from '../../shared/pipeline/machine/stage.ts';
import { STAGE_NAMES, STAGES } from '../../shared/pipeline/machine/stages.ts';
import { loadStage } from '../../shared/pipeline/stages/load.ts';

const ROOT = join(import.meta.dirname, '../../shared/pipeline');

/** Packages that a file and everything it imports load at run time. */
function packages(file: string, seen = new Set<string>()): Set<string> {
  const found = new Set<string>();
  if (seen.has(file)) return found;
  seen.add(file);
  for (const [, specifier] of readFileSync(file, 'utf8').matchAll(
    /^(?:import|export)\s+(?!type\b)[^'";]*?from\s+'([^']+)'/gm,
  )) {
    if (specifier!.startsWith('.'))
      for (const inner of packages(join(dirname(file), specifier!), seen)) found.add(inner);
    else found.add(specifier!);
  }
  return found;
}

it.each(STAGE_NAMES)('%s', async (stage) => {
  const loaded = packages(join(ROOT, 'stages', stageFile(stage)));
  expect(loaded.has('onnxruntime-node')).toBe(STAGES[stage].needsOnnxRuntime);
  expect(typeof (await loadStage(stage))).toBe('function');
});

it('reading the table loads no stage', () => {
  expect([...packages(join(ROOT, 'machine/stages.ts'))]).toEqual([]);
});
