/**
 * Static quantization as a whole process, time and peak memory beside onnxruntime's tool in one run:
 * `npm run bench:quantize-speed -- --python PYTHON [model.onnx ... --calibration NPZ]`. PYTHON: of a venv with
 * onnxruntime; without models it also needs timm, which makes three. Ours runs as it is installed: build it first.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { BUILT_CLI, type Cost, costOfNode, costOfPython } from './process-cost.ts';

const ours = (...args: string[]): Cost => costOfNode(BUILT_CLI, ...args);

function theirs(python: string, model: string, data: string): Cost {
  const script = join(import.meta.dirname, 'onnxruntime-quantize.py');
  const at = (name: string): string => join(folder, name);
  return costOfPython(python, script, model, data, 'x', at('theirs.onnx'), at('prepared.onnx'));
}

function madeModels(python: string): string[] {
  const script = join(import.meta.dirname, 'quantize-speed.py');
  if (spawnSync(python, [script, folder], { stdio: 'inherit' }).status !== 0) {
    console.log(`SKIPPED: "${python}" cannot make models (timm); name some, with --calibration`);
    return [];
  }
  const programs = readdirSync(folder).filter((name) => name.endsWith('.pt2'));
  return programs.map((name) => {
    const model = join(folder, name.replace('.pt2', '.onnx'));
    ours('convert', join(folder, name), '-o', model);
    return model;
  });
}

const { values, positionals } = parseArgs({
  options: { python: { type: 'string' }, calibration: { type: 'string' } },
  allowPositionals: true,
});
const { python } = values;
const folder = mkdtempSync(join(tmpdir(), 'torchferry-bench-'));
try {
  if (python === undefined) console.log("SKIPPED: onnxruntime's tool (give --python, of a venv with onnxruntime)");
  else if (!existsSync(BUILT_CLI)) console.log('SKIPPED: nothing is built (npm run build)');
  else {
    const models = positionals.length > 0 ? positionals : madeModels(python);
    const data = values.calibration ?? join(folder, 'calibration.npz');
    for (const model of models) {
      const other = theirs(python, model, data);
      const own = ours('quantize', model, '--calibration', data, '-o', join(folder, 'ours.onnx'));
      const side = ({ seconds, megabytes }: Cost): string => `${seconds.toFixed(1)} s ${megabytes.toFixed(0)} MB`;
      const [time, memory] = [own.seconds / other.seconds, own.megabytes / other.megabytes];
      console.log(
        `${basename(model).padEnd(28)} ours ${side(own)}, onnxruntime's tool ${side(other)}: ` +
          `${time.toFixed(2)}x the time, ${memory.toFixed(2)}x the memory`,
      );
    }
  }
} finally {
  rmSync(folder, { recursive: true });
}
