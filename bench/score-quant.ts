/**
 * PyTorch's INT8 carried over, case by case, beside what PyTorch's own operators give one by one on the same codes:
 * `npm run score:quant -- [--fixtures DIR] [--python PYTHON]`. Without `--fixtures`, the cases the project carries.
 * PYTHON: of a venv with onnx, for its checker.
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { checkOnnx } from './check-onnx.ts';
import { type CaseResult, ceilingOf, type How, runIncCase, toleranceOf, waysOf } from './inc-case.ts';
import { casesIn, type IncCase, ownCases } from './inc-cases.ts';

interface Row extends CaseResult {
  readonly of: IncCase;
  readonly how: How;
  readonly path: string;
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

interface Requirement {
  /** What is measured, beside what it is held against. */
  says(row: Row): string;
  isMet(row: Row): boolean;
}

const ceilingFor = ({ of, how }: Row) => ceilingOf(of.ceilings, how);
const mostEqual = (row: Row): number => ceilingFor(row)['equal_1e-5'] ?? ceilingFor(row)['equal_1e-6'];
/** One step of the output's codes more than those, where it has codes; what counts as equal counts as no more. */
const furthest = (row: Row): number =>
  ceilingFor(row).max_abs_diff + (row.of.ceilings.step ?? 0) + toleranceOf(row.of.ceilings);

const REQUIREMENTS: Readonly<Record<string, Requirement>> = {
  equal: {
    says: (row) => `${percent(row.equal).padStart(7)} (PyTorch's operators one by one ${percent(mostEqual(row))})`,
    isMet: (row) => row.equal >= mostEqual(row) - 0.02,
  },
  furthest: {
    says: (row) => `${row.worst.toFixed(5)} (at most ${furthest(row).toFixed(5)})`,
    isMet: (row) => row.worst <= furthest(row),
  },
  'top-1': {
    says: ({ top1, of }) => `${percent(top1)} (PyTorch ${percent(of.ceilings.top1)})`,
    isMet: ({ top1, of }) => Math.abs(top1 - of.ceilings.top1) <= 0.003,
  },
  codes: {
    says: ({ codes }) => percent(codes.found / codes.all),
    isMet: ({ codes }) => codes.found === codes.all,
  },
  scales: {
    says: ({ scales }) => percent(scales.found / scales.all),
    isMet: ({ scales }) => scales.found === scales.all,
  },
  structure: {
    says: ({ problems }) => problems[0] ?? 'clean',
    isMet: ({ problems }) => problems.length === 0,
  },
};

const { values } = parseArgs({ options: { fixtures: { type: 'string' }, python: { type: 'string' } } });
const { fixtures, python } = values;
if (fixtures !== undefined && !existsSync(join(fixtures, 'inc'))) {
  console.error(`there is no folder "${join(fixtures, 'inc')}"`);
  process.exit(2);
}
const folder = mkdtempSync(join(tmpdir(), 'torchferry-score-'));
try {
  const rows: Row[] = [];
  for (const of of fixtures === undefined ? ownCases() : casesIn(fixtures)) {
    for (const how of waysOf(of.ceilings)) {
      const path = join(folder, `${rows.length}.onnx`);
      const row = { of, how, path, ...(await runIncCase(of.files, { how, ceilings: of.ceilings, path })) };
      rows.push(row);
      print(row);
    }
  }
  const missed = rows.filter((row) => failures(row).length > 0);
  console.log(`${rows.length - missed.length} of ${rows.length} pass: ${Object.keys(REQUIREMENTS).join(', ')}`);
  for (const [name, { isMet }] of Object.entries(REQUIREMENTS))
    console.log(`  ${name}: ${rows.filter(isMet).length} of ${rows.length}`);
  const isClean = checked(rows);
  process.exitCode = missed.length === 0 && isClean ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true });
}

function failures(row: Row): string[] {
  return Object.entries(REQUIREMENTS).flatMap(([name, { isMet }]) => (isMet(row) ? [] : [name]));
}

function print(row: Row): void {
  const missed = failures(row);
  console.log(
    [
      missed.length ? `FAIL (${missed.join(', ')})` : 'pass',
      row.of.name.padEnd(44),
      row.how.format.padEnd(8),
      row.how.recipe.padEnd(21),
      ...Object.entries(REQUIREMENTS).map(([name, { says }]) => `${name} ${says(row)}`),
    ].join('  '),
  );
}

/** False where the checker found something. */
function checked(rows: readonly Row[]): boolean {
  if (python === undefined) {
    console.log('skipped: onnx.checker with full_check (give --python, of a venv with onnx)');
    return true;
  }
  const found = checkOnnx(
    python,
    rows.map(({ path }) => path),
  );
  found.forEach((problem, i) => {
    if (problem !== null) console.log(`onnx.checker of ${rows[i]!.of.name} ${rows[i]!.how.format}: ${problem}`);
  });
  const clean = found.filter((problem) => problem === null).length;
  console.log(`onnx.checker with full_check: ${clean} of ${rows.length} clean`);
  return clean === rows.length;
}
