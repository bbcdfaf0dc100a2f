/**
 * INT8 against FP32 in decibels, ours beside onnxruntime's own tool: `npm run bench:quant -- [--python PYTHON]
 * [--without-vnni] [--models NAME,NAME] [--models-in FOLDER]`. PYTHON: of a venv with onnxruntime, for its tool; where it
 * has torch, timm and transformers too, ResNet-50, MobileNetV2, ViT-tiny and a BERT follow (or those that are named, kept
 * in FOLDER), with latency and the cost of quantizing. With `--without-vnni` the models run on an emulated processor
 * (qemu-x86_64) where this one has VNNI, which takes minutes.
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
import { declaredOf } from '../shared/steps/declared.ts';
import { benchLarge } from './quant-large.ts';
import { samplesUnder } from './quant-samples.ts';

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
const EMULATOR = ['qemu-x86_64', '-cpu', 'Haswell'] as const;
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

interface Decibels {
  readonly byDefault: number;
  readonly precise: number;
}

function measure(fp32: string, samples: string, models: readonly string[]): Decibels[] {
  const [program, ...more] = [...(emulates ? EMULATOR : []), process.execPath];
  const script = join(import.meta.dirname, 'quant-sqnr.ts');
  const { stdout, stderr, status } = spawnSync(program!, [...more, script, fp32, samples, 'x', ...models], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`"${fp32}" could not be measured: ${stderr}`);
  return JSON.parse(stdout) as Decibels[];
}

const { values } = parseArgs({
  options: {
    python: { type: 'string' },
    'without-vnni': { type: 'boolean' },
    models: { type: 'string', default: '' },
    'models-in': { type: 'string' },
  },
});
const { python } = values;
const CPUINFO = '/proc/cpuinfo';
const host = hostProcessor(process.arch, existsSync(CPUINFO) ? readFileSync(CPUINFO, 'utf8') : '');
const emulates = values['without-vnni'] === true && !host.addsPairsIn16Bits;
if (emulates && spawnSync(EMULATOR[0], ['--version']).status !== 0)
  throw new Error(`there is no ${EMULATOR[0]} (Debian: qemu-user)`);
console.log(`on ${emulates ? 'x64 without VNNI, emulated' : host.title}; SQNR in dB with default options / precise`);
if (!emulates && !host.addsPairsIn16Bits) console.log('nothing saturates on this processor: see --without-vnni');
if (python === undefined) console.log("skipped: onnxruntime's own tool (give --python, of a venv with onnxruntime)");

const folder = mkdtempSync(join(tmpdir(), 'torchferry-bench-'));
try {
  const columns = [...Object.keys(WAYS), ...(python === undefined ? [] : ["onnxruntime's tool"])];
  console.log(`| model | ${columns.join(' | ')} |\n| --- |${' --- |'.repeat(columns.length)}`);
  for (const [name, samples] of Object.entries(MODELS))
    for (const approach of APPROACHES) {
      const [fp32, data] = [fixture('quantize', name, 'fp32.onnx'), fixture('quantize', name, 'data.npz')];
      const paths: string[] = [];
      for (const [i, way] of Object.values(WAYS).entries())
        paths.push(await ours(fp32, data, { approach, ...way }, join(folder, `${name}.${i}.onnx`)));
      const other = approach === 'static' ? theirs(fp32, data, join(folder, `${name}.tool.onnx`)) : null;
      const measured = measure(fp32, fixture(samples), other === null ? paths : [...paths, other]);
      const cells = measured.map(({ byDefault, precise }) => `${byDefault.toFixed(1)} / ${precise.toFixed(1)}`);
      console.log(`| ${name}, ${approach} | ${cells.join(' | ')} |`);
    }
  const names = values.models.split(',').filter((name) => name !== '');
  const models = values['models-in'] ?? folder;
  const rounds = { cost: 3, latency: 60 };
  if (python !== undefined)
    await benchLarge({ python, folder, models, emulator: emulates ? EMULATOR : [], names, rounds });
} finally {
  rmSync(folder, { recursive: true });
}
