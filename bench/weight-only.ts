/**
 * Weight-only quantization of language models, beside onnxruntime's own tool in one run:
 * `npm run bench:weight-only -- --python PYTHON [--seconds N] [--models FOLDER]`, and `-- --memory` for the memory it
 * takes, which needs no Python. PYTHON: of a venv with torch, to train a Llama and a GPT-2 for so many seconds (they stay
 * in FOLDER for the next run), and with onnxruntime and onnx_ir for its tool.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { fileSource } from '../shared/bytes/file-source.ts';
import {
  DEFAULT_WEIGHT_ONLY,
  WEIGHT_ALGORITHM_NAMES,
  type WeightAlgorithm,
  type WeightBits,
} from '../shared/choices.ts';
import { openModel } from '../shared/onnx/proto/read.ts';
import { readSamples } from '../shared/runtime/samples.ts';
import { convertFile } from '../shared/steps/convert-file.ts';
import { declaredOf } from '../shared/steps/declared.ts';
import { quantizeFile } from '../shared/steps/quantize-file.ts';
import { perplexity } from './perplexity.ts';
import { measureMemory } from './weight-only-memory.ts';

const MODELS = ['llama', 'gpt2'] as const;
/** Above FP32's perplexity, of the better of HQQ and GPTQ; of the size of FP32's linear weights. */
const LIMITS: Readonly<Record<WeightBits, { readonly loss: number; readonly size: number }>> = {
  4: { loss: 0.02, size: 0.16 },
  8: { loss: 0.002, size: 0.28 },
};

interface Made {
  readonly path: string;
  /** Of linear weights, over their size in FP32: all that the file has besides is in both. */
  readonly size: number;
}

async function ours(fp32: string, algorithm: WeightAlgorithm, bits: WeightBits): Promise<Made> {
  const [path, data] = [join(work, 'ours.onnx'), join(models, 'calibration.npz')];
  const source = fileSource(data);
  try {
    const { facts } = await quantizeFile({
      model: fp32,
      path,
      approach: 'weight-only',
      format: 'QLinear',
      weightOnly: { ...DEFAULT_WEIGHT_ONLY, algorithm, bits },
      calibration: { name: data, source },
      weights: 'embed',
      workFolder: work,
    });
    const linear = 4 * facts.blocks!.elements;
    return { path, size: (statSync(path).size - (statSync(fp32).size - linear)) / linear };
  } finally {
    source.close();
  }
}

/** null: it cannot be run, which was said. */
function theirs(fp32: string, bits: WeightBits): string | null {
  if (python === undefined) return null;
  const path = join(work, 'theirs.onnx');
  const script = join(import.meta.dirname, 'onnxruntime-weight-only.py');
  const args = [script, fp32, path, String(bits), String(DEFAULT_WEIGHT_ONLY.blockSize)];
  const { status, stderr } = spawnSync(python, args, { encoding: 'utf8' });
  if (status === 0) return path;
  if (!/No module named/.test(stderr)) throw new Error(`onnxruntime's tool failed on "${fp32}": ${stderr}`);
  console.log(`SKIPPED: onnxruntime's tool (${stderr.trim().split('\n').at(-1)})`);
  return null;
}

async function measure(name: string): Promise<boolean> {
  const [program, fp32] = [join(models, `${name}.pt2`), join(work, `${name}.onnx`)];
  const source = fileSource(program);
  await convertFile({ source, path: fp32, options: {}, weights: 'embed' });
  source.close();
  const tokens = fileSource(join(models, 'test.npz'));
  const opened = await openModel(fp32);
  const windows = await readSamples(tokens, declaredOf(opened.model, 'inputs'), { code: 'BadReferenceData' });
  opened.close();
  const float = await perplexity(fp32, windows);
  console.log(`\n${name}: FP32 has a perplexity of ${float.toFixed(4)}`);
  const over = (found: number): string => `${found.toFixed(4)} (${(100 * (found / float - 1)).toFixed(2)} %)`;
  let isWithin = true;
  for (const bits of [4, 8] as const) {
    const { loss, size: largest } = LIMITS[bits];
    const found = new Map<WeightAlgorithm, number>();
    let size = 0;
    for (const algorithm of WEIGHT_ALGORITHM_NAMES) {
      const made = await ours(fp32, algorithm, bits);
      found.set(algorithm, await perplexity(made.path, windows));
      size = Math.max(size, made.size);
    }
    const other = theirs(fp32, bits);
    const sides = [...found].map(([algorithm, each]) => `${algorithm} ${over(each)}`);
    if (other !== null) sides.push(`onnxruntime's RTN ${over(await perplexity(other, windows))}`);
    const best = Math.min(found.get('HQQ')!, found.get('GPTQ')!) / float - 1;
    const isMet = best <= loss && size <= largest;
    isWithin &&= isMet;
    console.log(
      `  int${bits} ${size.toFixed(3)}x the size of linear weights: ${sides.join(', ')}; ` +
        `${isMet ? 'within' : 'NOT WITHIN'} ${100 * loss} % and ${largest}x`,
    );
  }
  tokens.close();
  return isWithin;
}

function haveModels(): boolean {
  if (MODELS.every((name) => existsSync(join(models, `${name}.pt2`)))) return true;
  if (python === undefined) {
    console.log('SKIPPED: perplexity (give --python, of a venv with torch, or --models)');
    return false;
  }
  mkdirSync(models, { recursive: true });
  const script = join(import.meta.dirname, 'weight-only.py');
  if (spawnSync(python, [script, models, values.seconds], { stdio: 'inherit' }).status === 0) return true;
  console.log(`SKIPPED: "${python}" cannot train models (torch)`);
  return false;
}

const { values } = parseArgs({
  options: {
    python: { type: 'string' },
    models: { type: 'string' },
    seconds: { type: 'string', default: '900' },
    memory: { type: 'boolean' },
  },
});
const { python } = values;
const work = mkdtempSync(join(tmpdir(), 'torchferry-bench-'));
const models = values.models ?? join(work, 'models');
try {
  let isWithin = true;
  if (values.memory) isWithin = await measureMemory(work);
  else if (haveModels()) for (const name of MODELS) isWithin = (await measure(name)) && isWithin;
  process.exitCode = isWithin ? 0 : 1;
} finally {
  rmSync(work, { recursive: true });
}
