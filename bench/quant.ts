/**
 * INT8 against FP32 in decibels, ours beside onnxruntime's own tool: `npm run bench:quant -- [--python PYTHON]
 * [--models NAME,NAME] [--models-in FOLDER] [--sections NAME,NAME]`. PYTHON: of a venv with onnxruntime, for its tool;
 * where it has torch, timm and transformers too, ResNet-50, MobileNetV2, ViT-tiny and a BERT follow (or those that are
 * named, kept in FOLDER), with latency and the cost of quantizing; then the tool's ranges and codes (bench:parity),
 * recipe auto, and weight-only (bench:weight-only). What a processor without VNNI computes:
 * `node bench/without-vnni/run.ts --python PYTHON npm run bench:quant -- ...`.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { fileSource } from '../shared/bytes/file-source.ts';
import { openModel } from '../shared/onnx/proto/read.ts';
import { writeModel } from '../shared/onnx/proto/write.ts';
import { DEFAULT_SMOOTH_QUANT } from '../shared/choices.ts';
import type { AccuracyChoice } from '../shared/quantize/accuracy/adjust.ts';
import { quantizeModel, type QuantizeRequest } from '../shared/quantize/quantize.ts';
import type { RecipeChoice } from '../shared/quantize/recipe.ts';
import { hostProcessor } from '../shared/runtime/host-processor.ts';
import type { Samples } from '../shared/runtime/samples.ts';
import type { Declared } from '../shared/runtime/session.ts';
import { declaredOf } from '../shared/steps/declared.ts';
import { benchAuto } from './quant-auto.ts';
import { benchLarge } from './quant-large.ts';
import { samplesUnder } from './quant-samples.ts';
import { decibelsOf, decibelsText } from './quant-sqnr.ts';

/** Each with its samples; the last two are made so that few channels are large. */
const MODELS = {
  digits_cnn: 'inc/digits_cnn.npz',
  digits_transformer: 'inc/digits_transformer.npz',
  token_classifier: 'inc/token_classifier.npz',
  outlier_transformer: 'quantize/outlier_transformer/data.npz',
  uneven_conv: 'quantize/uneven_conv/data.npz',
} as const;
const APPROACHES = ['static', 'dynamic'] as const;
const WAYS: Readonly<Record<string, RecipeChoice & AccuracyChoice>> = {
  'any processor': {},
  'full range': { processor: 'vnni' },
  reduce_range: { reduceRange: true },
  smooth_quant: { smoothQuant: DEFAULT_SMOOTH_QUANT },
  'alpha 0.5': { smoothQuant: { alpha: 0.5 } },
  cross_layer_equalization: { crossLayerEqualization: true },
  bias_correction: { biasCorrection: true },
  'all three': { smoothQuant: DEFAULT_SMOOTH_QUANT, crossLayerEqualization: true, biasCorrection: true },
};
/** Samples that run at once. */
const BATCH = 16;
const fixture = (...parts: string[]): string => join(import.meta.dirname, '../test/fixtures', ...parts);

type Way = RecipeChoice & AccuracyChoice & Pick<QuantizeRequest, 'approach'>;

async function ours(fp32: string, data: string, way: Way, path: string): Promise<string> {
  const [{ model, close }, source] = [await openModel(fp32), fileSource(data)];
  try {
    const samples = await samplesUnder(source, 'calib', declaredOf(model, 'inputs'));
    const calibration = samples.batches(1);
    await quantizeModel(model, { format: 'QDQ', ...way, calibration, workFolder: folder });
    await writeModel(model, path, { weights: 'embed' });
    return path;
  } finally {
    source.close();
    close();
  }
}

function theirs(fp32: string, data: string, path: string): string | null {
  if (python === undefined) return null;
  const script = join(import.meta.dirname, 'onnxruntime-quantize.py');
  const { status, stderr } = spawnSync(python, [script, fp32, data, 'calib', path], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`onnxruntime's tool failed on "${fp32}": ${stderr}`);
  return path;
}

async function measure(fp32: string, data: string, models: readonly string[]): Promise<string[]> {
  const source = fileSource(data);
  const samples = (inputs: readonly Declared[]): Promise<Samples> => samplesUnder(source, 'x', inputs);
  try {
    const cells: string[] = [];
    for (const model of models) cells.push(decibelsText(await decibelsOf(fp32, model, { samples, batch: BATCH })));
    return cells;
  } finally {
    source.close();
  }
}

const { values } = parseArgs({
  options: {
    python: { type: 'string' },
    models: { type: 'string', default: '' },
    'models-in': { type: 'string' },
    sections: { type: 'string', default: 'small,large,parity,auto,weight-only' },
  },
});
const { python } = values;
const CPUINFO = '/proc/cpuinfo';
const host = hostProcessor(process.arch, existsSync(CPUINFO) ? readFileSync(CPUINFO, 'utf8') : '');
console.log(`on ${host.title}; SQNR in dB with default options / precise`);
if (!host.addsPairsIn16Bits) console.log('nothing saturates on this processor: see bench/without-vnni/run.ts');
if (python === undefined)
  console.log("skipped: onnxruntime's own tool, and what needs it (give --python, of a venv with onnxruntime)");

const folder = mkdtempSync(join(tmpdir(), 'torchferry-bench-'));

async function benchSmall(): Promise<void> {
  const columns = [...Object.keys(WAYS), ...(python === undefined ? [] : ["onnxruntime's tool"])];
  console.log(`| model | ${columns.join(' | ')} |\n| --- |${' --- |'.repeat(columns.length)}`);
  for (const [name, samples] of Object.entries(MODELS))
    for (const approach of APPROACHES) {
      const [fp32, data] = [fixture('quantize', name, 'fp32.onnx'), fixture('quantize', name, 'data.npz')];
      const paths: string[] = [];
      for (const [i, way] of Object.values(WAYS).entries())
        paths.push(await ours(fp32, data, { approach, ...way }, join(folder, `${name}.${i}.onnx`)));
      const other = approach === 'static' ? theirs(fp32, data, join(folder, `${name}.tool.onnx`)) : null;
      const cells = await measure(fp32, fixture(samples), other === null ? paths : [...paths, other]);
      console.log(`| ${name}, ${approach} | ${cells.join(' | ')} |`);
    }
}

const names = values.models.split(',').filter((name) => name !== '');
const models = values['models-in'] ?? folder;
const rounds = { cost: 3, latency: 60 };

/** A bench that is a command of its own, too. */
function benchBy(script: string, ...args: readonly string[]): void {
  const { status } = spawnSync(process.execPath, [join(import.meta.dirname, script), ...args], { stdio: 'inherit' });
  if (status !== 0) process.exitCode = 1;
}

const SECTIONS = {
  small: { needsPython: false, run: benchSmall },
  large: { needsPython: true, run: (venv) => benchLarge({ python: venv, folder, models, names, rounds }) },
  parity: { needsPython: true, run: async (venv) => benchBy('quant-parity.ts', '--python', venv) },
  auto: { needsPython: false, run: () => benchAuto(folder) },
  'weight-only': {
    needsPython: true,
    run: async (venv) => benchBy('weight-only.ts', '--python', venv, '--models', models),
  },
} as const satisfies Record<string, { readonly needsPython: boolean; run(python: string): Promise<void> }>;

const asked = values.sections.split(',');
const unknown = asked.find((name) => !Object.hasOwn(SECTIONS, name));
if (unknown !== undefined) throw new Error(`there is no section "${unknown}": ${Object.keys(SECTIONS).join(', ')}`);
try {
  for (const [name, { needsPython, run }] of Object.entries(SECTIONS)) {
    if (!asked.includes(name) || (needsPython && python === undefined)) continue;
    console.log(`\n${name}`);
    await run(python ?? '');
  }
} finally {
  rmSync(folder, { recursive: true });
}
