/**
 * What the three ways to write weights cost, as ratios to copying the file within one run: `node bench/weights.ts
 * model.pt2`.
 */
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';

const given = process.argv[2];
if (!given) {
  console.error('usage: node bench/weights.ts model.pt2');
  process.exit(2);
}

const folder = mkdtempSync(join(tmpdir(), 'torchferry-bench-'));
const model = join(folder, basename(given));
const ROUNDS = 5;
// Peak memory of the process itself, printed by the process: no tool of the operating system is needed.
const MEASURED = `
  const [, file, out, weights] = process.argv;
  const { convertFile } = await import(${JSON.stringify(resolve(import.meta.dirname, '../shared/steps/convert-file.ts'))});
  const { fileSource } = await import(${JSON.stringify(resolve(import.meta.dirname, '../shared/bytes/file-source.ts'))});
  const source = fileSource(file);
  const start = performance.now();
  await convertFile({ source, path: out, options: {}, weights });
  console.log(JSON.stringify({ ms: performance.now() - start, mb: process.resourceUsage().maxRSS / 1024 }));
`;

interface Measured {
  readonly ms: number;
  readonly mb: number;
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;

function convert(weights: string): Measured {
  const { stdout, stderr } = spawnSync(
    process.execPath,
    ['--input-type=module', '-e', MEASURED, model, join(folder, 'model.onnx'), weights],
    { encoding: 'utf8' },
  );
  if (!stdout) throw new Error(stderr);
  return JSON.parse(stdout) as Measured;
}

function copy(): number {
  const start = performance.now();
  copyFileSync(model, join(folder, 'copy'), 0);
  return performance.now() - start;
}

try {
  copyFileSync(given, model);
  console.log(
    `${basename(given)}: ${(statSync(model).size / 1e6).toFixed(1)} MB; medians of ${ROUNDS} interleaved rounds`,
  );
  const copies: number[] = [];
  const runs: Record<string, Measured[]> = { link: [], pack: [], embed: [] };
  for (let round = 0; round < ROUNDS; round++) {
    copies.push(copy());
    for (const [mode, list] of Object.entries(runs)) list.push(convert(mode));
  }
  const base = median(copies);
  console.log(`copy   ${base.toFixed(0).padStart(6)} ms`);
  for (const [mode, list] of Object.entries(runs)) {
    const ms = median(list.map((m) => m.ms));
    console.log(
      `${mode.padEnd(6)} ${ms.toFixed(0).padStart(6)} ms  ${(ms / base).toFixed(2)} x copy  ` +
        `${median(list.map((m) => m.mb)).toFixed(0)} MB at the most`,
    );
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
