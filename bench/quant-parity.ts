/**
 * The same ranges, scales, zero points and codes as onnxruntime's own tool: `npm run bench:parity -- --python PYTHON`,
 * of a venv with onnxruntime. Both calibrate on the same samples; another build of onnxruntime rounds sums otherwise,
 * so that what follows from activations may differ in its last digit.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { fileSource } from '../shared/bytes/file-source.ts';
import { inferModel } from '../shared/onnx/infer.ts';
import { openModel } from '../shared/onnx/proto/read.ts';
import { calibrate } from '../shared/quantize/calibrate.ts';
import type { Range } from '../shared/quantize/formulas.ts';
import { OBSERVERS } from '../shared/quantize/observers/index.ts';
import { quantizeModel } from '../shared/quantize/quantize.ts';
import { recipeOf } from '../shared/quantize/recipe.ts';
import { declaredOf } from '../shared/steps/declared.ts';
import { decodeNumbers } from '../shared/tensor/numbers.ts';
import { samplesUnder } from './quant-samples.ts';

const MODELS = ['digits_cnn', 'digits_transformer', 'token_classifier'] as const;
const BINS = 2048;
/** Width of a bin of a tensor; MinMax has none, and a code is one of 255 steps. */
const METHODS = {
  MinMax: ({ min, max }: Range) => (max - min) / 255,
  Percentile: ({ min, max }: Range) => Math.max(Math.abs(min), Math.abs(max)) / BINS,
  Entropy: ({ min, max }: Range) => (2 * Math.max(Math.abs(min), Math.abs(max))) / BINS,
} as const satisfies Partial<Record<keyof typeof OBSERVERS, (range: Range) => number>>;
type Method = keyof typeof METHODS;

interface Theirs {
  readonly ranges: Readonly<Record<Method, Readonly<Record<string, readonly [number, number]>>>>;
  readonly tensors: Readonly<Record<string, readonly number[]>>;
}

const fixture = (...parts: string[]): string => join(import.meta.dirname, '../test/fixtures/quantize', ...parts);

function theirs(name: string): Theirs {
  const script = join(import.meta.dirname, 'quant-parity.py');
  const args = [script, fixture(name, 'fp32.onnx'), fixture(name, 'data.npz'), 'calib', join(folder, 'tool.onnx')];
  const { status, stdout, stderr } = spawnSync(python!, args, { encoding: 'utf8', maxBuffer: 1 << 28 });
  if (status !== 0) throw new Error(`onnxruntime's tool failed on "${name}": ${stderr}`);
  return JSON.parse(stdout) as Theirs;
}

/** With the model and its calibration samples open. */
async function withModel<T>(
  name: string,
  work: (
    model: Awaited<ReturnType<typeof openModel>>['model'],
    samples: Awaited<ReturnType<typeof samplesUnder>>,
  ) => Promise<T>,
): Promise<T> {
  const [{ model, close }, source] = [
    await openModel(fixture(name, 'fp32.onnx')),
    fileSource(fixture(name, 'data.npz')),
  ];
  try {
    return await work(model, await samplesUnder(source, 'calib', declaredOf(model, 'inputs')));
  } finally {
    source.close();
    close();
  }
}

const rangesBy = (name: string, method: Method, tensors: readonly string[]): Promise<ReadonlyMap<string, Range>> =>
  withModel(name, async (model, samples) => {
    inferModel(model);
    const values = [...model.graph.inputs, ...[...model.graph.nodes].flatMap(({ outputs }) => outputs)];
    const spec = recipeOf({}).activations;
    const { ranges } = await calibrate({
      model,
      watched: values
        .filter((value) => tensors.includes(value.name))
        .map((tensor) => ({ tensor, watch: OBSERVERS[method].watch(spec, { numBins: BINS }) })),
      rounds: OBSERVERS[method].rounds,
      batches: {
        async *[Symbol.asyncIterator]() {
          for await (const { feeds } of samples.batches(1)) yield feeds;
        },
      },
      file: samples.file,
      workFolder: folder,
    });
    return new Map([...ranges].map(([tensor, range]) => [tensor.name, range]));
  });

const parametersOf = (name: string): Promise<ReadonlyMap<string, readonly number[]>> =>
  withModel(name, async (model, samples) => {
    const how = { approach: 'static', format: 'QDQ', recipe: 'QDQ_OP_INT32_BIAS', processor: 'vnni' } as const;
    await quantizeModel(model, { ...how, calibration: samples.batches(1), workFolder: folder });
    const all = new Map<string, readonly number[]>();
    for (const { name: tensor, data } of model.graph.initializers)
      if (data) all.set(tensor, [...decodeNumbers(data.dtype, await data.read())]);
    return all;
  });

const { values: options } = parseArgs({ options: { python: { type: 'string' } } });
const { python } = options;
const folder = mkdtempSync(join(tmpdir(), 'torchferry-bench-'));
try {
  if (python === undefined) console.log("skipped: onnxruntime's own tool (give --python, of a venv with onnxruntime)");
  else {
    console.log('| model | method | tensors | largest difference of a range, in bins |\n| --- | --- | --- | --- |');
    const found = new Map(MODELS.map((name) => [name, theirs(name)]));
    for (const [name, { ranges }] of found)
      for (const [method, widthOf] of Object.entries(METHODS) as [Method, (typeof METHODS)[Method]][]) {
        const own = await rangesBy(name, method, Object.keys(ranges[method]));
        const differences = [...own].map(([tensor, { min, max }]) => {
          const [lowest, highest] = ranges[method][tensor]!;
          const [least, most] = ranges.MinMax[tensor]!;
          const difference = Math.max(Math.abs(min - lowest), Math.abs(max - highest));
          return difference === 0 ? 0 : difference / widthOf({ min: least, max: most });
        });
        console.log(`| ${name} | ${method} | ${differences.length} | ${Math.max(...differences).toPrecision(2)} |`);
      }
    console.log('\n| model | scales: equal, largest relative difference | zero points | codes of weights |');
    console.log('| --- | --- | --- | --- |');
    for (const [name, { tensors }] of found) console.log(await parityLine(name, tensors));
  }
} finally {
  rmSync(folder, { recursive: true });
}

/** Of what both quantize alike: rows of a table have scales of their own here, and one for all there. */
async function parityLine(name: string, tensors: Theirs['tensors']): Promise<string> {
  const own = await parametersOf(name);
  const scales: number[] = [];
  const equal = { zeroPoints: [] as boolean[], codes: [] as boolean[] };
  for (const [tensor, theirNumbers] of Object.entries(tensors)) {
    const mine = own.get(tensor);
    const stem = tensor.replace(/_(scale|zero_point|quantized)$/, '');
    const theirScale = tensors[`${stem}_scale`] ?? tensors[`${stem}_quantized_scale`];
    if (!mine || own.get(`${stem}_scale`)?.length !== theirScale?.length) continue;
    if (tensor.endsWith('_scale'))
      mine.forEach((scale, i) => scales.push(Math.abs(scale / Math.fround(theirNumbers[i]!) - 1)));
    else
      (tensor.endsWith('_zero_point') ? equal.zeroPoints : equal.codes).push(
        ...mine.map((number, i) => number === theirNumbers[i]),
      );
  }
  const share = (all: readonly boolean[]): string => `${all.filter(Boolean).length} of ${all.length}`;
  const largest = Math.max(...scales).toPrecision(2);
  return (
    `| ${name} | ${share(scales.map((difference) => difference === 0))}, ${largest} ` +
    `| ${share(equal.zeroPoints)} | ${share(equal.codes)} |`
  );
}
