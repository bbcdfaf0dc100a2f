/**
 * Static quantization as a whole process, time and peak memory beside onnxruntime's tool in one run:
 * `npm run bench:quantize-speed -- --python PYTHON [--rounds N] [model.onnx ... --calibration NPZ]`. PYTHON: of a venv
 * with onnxruntime; without models it also needs torch, timm and transformers, which make four. Ours runs as it is
 * installed: build it first.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { costLine, isBuilt } from './quant-cost.ts';
import { madeModels } from './quant-models.ts';

const { values, positionals } = parseArgs({
  options: {
    python: { type: 'string' },
    calibration: { type: 'string' },
    rounds: { type: 'string', default: '3' },
  },
  allowPositionals: true,
});
const { python, calibration } = values;
const folder = mkdtempSync(join(tmpdir(), 'torchferry-bench-'));
try {
  if (python === undefined) console.log("SKIPPED: onnxruntime's tool (give --python, of a venv with onnxruntime)");
  else if (!isBuilt()) console.log('SKIPPED: nothing is built (npm run build)');
  else {
    const subjects =
      calibration === undefined
        ? await madeModels(python, folder)
        : positionals.map((fp32) => ({ name: basename(fp32), fp32, calibration }));
    for (const subject of subjects)
      console.log(`${subject.name}: ${await costLine(subject, { python, folder, rounds: Number(values.rounds) })}`);
  }
} finally {
  rmSync(folder, { recursive: true });
}
