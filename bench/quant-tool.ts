/** onnxruntime's own quantization tool, from a venv. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import type { Subject } from './quant-models.ts';

const SCRIPT = join(import.meta.dirname, 'onnxruntime-quantize.py');

/** What it is called with to quantize the model into a file, as its manual wants. */
export const toolArguments = ({ fp32, calibration }: Pick<Subject, 'fp32' | 'calibration'>, out: string): string[] => [
  SCRIPT,
  fp32,
  calibration,
  '-',
  out,
  '--prepared',
  `${out}.prepared.onnx`,
];

const FORMS = ['QDQ', 'QOperator'] as const;

/** Both forms of its file, by name; where it fails, or its file does not load, it is said and left out. */
export function toolFiles(python: string, { name, ...subject }: Subject, folder: string): Map<string, string> {
  const files = new Map<string, string>();
  for (const form of FORMS) {
    const out = join(folder, `${name}.${form}.onnx`);
    const args = [...toolArguments(subject, out), '--format', form];
    const { status, stderr } = spawnSync(python, args, { encoding: 'utf8' });
    if (status === 0) files.set(form, out);
    else console.log(`onnxruntime's tool fails on ${name} as ${form}: ${stderr.trim().split('\n').at(-1)}`);
  }
  return files;
}
