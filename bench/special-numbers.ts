/**
 * Every operator on NaN, infinities, signed zeros, subnormals and nothing: recorded with PyTorch, then swept without and
 * with `nan: exact`. `node bench/special-numbers.ts --python PYTHON`; the Python needs torch and expecttest.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { NAN } from '../shared/choices.ts';
import { CONVERTERS } from '../shared/convert/registry.ts';

const { values } = parseArgs({ options: { python: { type: 'string', default: 'python3' } } });
const needed = 'import torch, expecttest';
if (spawnSync(values.python, ['-c', needed]).status !== 0) {
  console.log(`SKIPPED: "${values.python}" cannot "${needed}"; nothing was recorded and nothing compared`);
  process.exit(0);
}
const folder = mkdtempSync(join(tmpdir(), 'torchferry-special-'));
try {
  const [operators, cases] = [join(folder, 'operators.txt'), join(folder, 'special-numbers.jsonl')];
  writeFileSync(operators, [...CONVERTERS.keys()].join('\n'));
  const env = { ...process.env, TORCH_CPP_LOG_LEVEL: 'ERROR' };
  const script = join(import.meta.dirname, 'special-numbers.py');
  const { status } = spawnSync(values.python, [script, operators, cases], { stdio: 'inherit', env });
  if (status !== 0) throw new Error(`${script} ended with ${status}`);
  for (const nan of NAN)
    spawnSync(process.execPath, [join(import.meta.dirname, 'sweep.ts'), '--nan', nan, cases], {
      stdio: ['ignore', 'inherit', 'ignore'],
    });
} finally {
  rmSync(folder, { recursive: true, force: true });
}
