/**
 * Programs that PyTorch quantized (PT2E), with and without the passes for integer kernels: equality with PyTorch, and
 * products that run as integers. `node bench/pt2e.ts [--fixtures DIR]`; without, the programs the project carries.
 */
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Converted, type Pt2eFiles, runPt2eCase } from './pt2e-case.ts';

interface Row {
  readonly name: string;
  readonly files: Pt2eFiles;
}

/** Names of a program in a case, best first, with the array of `data.npz` that the same PyTorch computed. */
const PROGRAMS = [
  ['model.pt2', 'int8'],
  ['quantized_weight.pt', 'int8'],
  ['model.torch213.pt2', 'int8'],
] as const;

/** Small ones that the project carries: one file of data for all of them. */
function ownCases(): Row[] {
  const own = join(import.meta.dirname, '../test/fixtures/pt2e');
  const programs = readdirSync(own).filter((name) => name.endsWith('.pt2'));
  return programs.map((file) => {
    const name = basename(file, '.pt2');
    return { name, files: { program: join(own, file), data: join(own, 'digits_cnn.npz'), expected: name } };
  });
}

function casesIn(folder: string): Row[] {
  return readdirSync(folder)
    .filter((name) => existsSync(join(folder, name, 'data.npz')))
    .map((name) => {
      const at = (file: string): string => join(folder, name, file);
      const [file, expected] = PROGRAMS.find(([candidate]) => existsSync(at(candidate)))!;
      return { name, files: { program: at(file), data: at('data.npz'), expected } };
    });
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`.padStart(7);
const integer = ({ products }: Converted): number => products.filter(({ kernel }) => kernel !== null).length;

const { values } = parseArgs({ options: { fixtures: { type: 'string' } } });
const fixtures = values.fixtures === undefined ? null : join(values.fixtures, 'pt2e');
if (fixtures !== null && !existsSync(fixtures)) {
  console.error(`there is no folder "${fixtures}"`);
  process.exit(2);
}
const folder = mkdtempSync(join(tmpdir(), 'torchferry-bench-'));
let worse = 0;
try {
  for (const { name, files } of fixtures === null ? ownCases() : casesIn(fixtures)) {
    const { quantized, before, after } = await runPt2eCase(files, folder);
    const lower = after.equal.asWritten < before.equal.asWritten;
    if (lower || integer(after) < quantized) worse++;
    console.log(
      [
        name.padEnd(36),
        `equal as written ${percent(before.equal.asWritten)} -> ${percent(after.equal.asWritten)}`,
        `optimized ${percent(before.equal.optimized)} -> ${percent(after.equal.optimized)}`,
        `integer kernels ${integer(before)} -> ${integer(after)} of ${quantized}`,
      ].join('  '),
    );
    for (const { node, reason, kernel } of after.products) if (kernel === null) console.log(`    ${node}: ${reason}`);
  }
} finally {
  rmSync(folder, { recursive: true });
}
console.log(worse === 0 ? 'nothing lost, every product runs as integers' : `${worse} programs with a loss`);
process.exitCode = worse === 0 ? 0 : 1;
