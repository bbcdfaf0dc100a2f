/** A folder with the digits example under the names that the pages use; gone when the test has ended. */
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { arrayOf } from '../../bench/inc-case.ts';
import { writeNpz } from '../../shared/tensor/npz.ts';
import { ROOT } from './pages.ts';

export async function exampleFolder(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'torchferry-docs-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const digits = (name: string): string => join(ROOT, 'examples/digits', `digits_cnn.${name}`);
  const inc = (name: string): string => join(ROOT, 'test/fixtures/inc/digits_cnn-static', name);
  copyFileSync(digits('pt2'), join(folder, 'fp32.pt2'));
  for (const name of ['pt2', 'calibration.npz', 'test.npz', 'reference.npz'])
    copyFileSync(digits(name), join(folder, `model.${name}`));
  copyFileSync(inc('best_model.pt'), join(folder, 'best_model.pt'));
  const arrays = [
    ['x', await arrayOf(join(ROOT, 'test/fixtures/inc/digits_cnn.npz'), 'x')],
    ['output_0', await arrayOf(inc('int8.npz'), 'int8')],
  ] as const;
  writeFileSync(join(folder, 'model.int8.reference.npz'), await writeNpz(arrays));
  mkdirSync(join(folder, 'models'));
  for (const name of ['a', 'b']) copyFileSync(digits('pt2'), join(folder, 'models', `${name}.pt2`));
  return folder;
}
