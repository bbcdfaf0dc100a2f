/**
 * PyTorch's INT8 carried over, case by case, beside what PyTorch's own operators give one by one on the same codes:
 * `node bench/score-quant.ts [--fixtures DIR]`. Without `--fixtures`, the cases the project carries.
 */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type CaseFiles, type Ceilings, ceilingOf, readCeilings, runIncCase, waysOf } from './inc-case.ts';

interface Row {
  readonly name: string;
  readonly files: CaseFiles;
  readonly ceilings: Ceilings;
}

const OWN = join(import.meta.dirname, '../test/fixtures');

function ownCases(): Row[] {
  const inc = join(OWN, 'inc');
  return Object.entries(readCeilings(join(inc, 'ceilings.json'))).map(([name, ceilings]) => {
    const [model] = name.split('-') as [string];
    const expected = join(inc, name, 'int8.npz');
    const files = { quantized: join(inc, name, 'best_model.pt'), samples: join(inc, `${model}.npz`), expected };
    return { name: `${name} onnx`, ceilings, files: { ...files, graph: join(OWN, 'quantize', model, 'fp32.onnx') } };
  });
}

/** `DIR/inc/<model>-<approach>/` with fp32.onnx, fp32.pt2, best_model.pt, data.npz and case.json. */
function casesIn(folder: string): Row[] {
  const inc = join(folder, 'inc');
  return readdirSync(inc).flatMap((name) => {
    const at = join(inc, name);
    const about = JSON.parse(readFileSync(join(at, 'case.json'), 'utf8')) as CaseFile;
    const { bias_float, bias_int32, activation_bits_7 } = { ...about.qdq_emulation, ...about.dynamic_emulation };
    const ceilings = {
      step: about.int8_output_step ?? null,
      top1: about.top1.int8_torch,
      ...(activation_bits_7 ? { activation_bits_7 } : { bias_float: bias_float!, bias_int32: bias_int32! }),
    };
    const data = join(at, 'data.npz');
    return ['onnx', 'pt2'].map((kind) => ({
      name: `${name} ${kind}`,
      ceilings,
      files: { graph: join(at, `fp32.${kind}`), quantized: join(at, 'best_model.pt'), samples: data, expected: data },
    }));
  });
}

/** Of `case.json`, what a score needs. */
interface CaseFile {
  readonly int8_output_step?: number | null;
  readonly top1: { readonly int8_torch: number };
  readonly qdq_emulation?: Partial<Ceilings>;
  readonly dynamic_emulation?: Partial<Ceilings>;
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

const { values } = parseArgs({ options: { fixtures: { type: 'string' } } });
const given = values.fixtures;
if (given !== undefined && !existsSync(join(given, 'inc'))) {
  console.error(`there is no folder "${join(given, 'inc')}"`);
  process.exit(2);
}
const folder = mkdtempSync(join(tmpdir(), 'torchferry-score-'));
let below = 0;
try {
  for (const { name, files, ceilings } of given === undefined ? ownCases() : casesIn(given)) {
    for (const how of waysOf(ceilings)) {
      const { equal, worst, top1, codes } = await runIncCase(files, { how, ceilings, folder });
      const ceiling = ceilingOf(ceilings, how);
      const most = ceiling['equal_1e-5'] ?? ceiling['equal_1e-6'];
      if (equal < most - 0.02 || codes.found < codes.all) below++;
      console.log(
        [
          name.padEnd(32),
          how.format.padEnd(8),
          how.recipe.padEnd(21),
          `equal ${percent(equal).padStart(7)} (PyTorch's operators one by one ${percent(most).padStart(7)})`,
          `furthest ${worst.toFixed(4)} (${ceiling.max_abs_diff.toFixed(4)})`,
          `top-1 ${percent(top1)} (PyTorch ${percent(ceilings.top1)})`,
          `codes ${percent(codes.found / codes.all)}`,
        ].join('  '),
      );
    }
  }
} finally {
  rmSync(folder, { recursive: true });
}
console.log(below === 0 ? 'every case at least as equal as those, less 2 points' : `${below} cases below`);
process.exitCode = below === 0 ? 0 : 1;
