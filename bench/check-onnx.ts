/** onnx.checker over many models, in the Python of a venv that has it. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

/** What it says of each model; null: it is clean. Throws where `python` has no onnx. */
export function checkOnnx(python: string, models: readonly string[]): (string | null)[] {
  const script = join(import.meta.dirname, 'check-onnx.py');
  const { status, stdout, stderr } = spawnSync(python, [script, ...models], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`onnx.checker could not run: ${stderr}`);
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as string | null);
}
