/** Job files: what they may say, what is said back when they are wrong, and where they are found. */
import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { didYouMean, levenshtein } from '../../shared/nearest.ts';
import { checkJob, parseJob } from '../../shared/pipeline/job/parse-job.ts';
import { filesOf, findFiles, findJob } from '../../shared/pipeline/job/job-files.ts';
import { resolveJob } from '../../shared/pipeline/job/job.ts';
import { weightOnlyOf } from '../../shared/pipeline/job/quantizer-words.ts';
import { jobJsonSchema, type JobFile } from '../../shared/pipeline/job/job-schema.ts';
import { memoryStore } from './memory-store.ts';

const problems = (job: unknown): readonly { path: string; problem: string; hint: string }[] => {
  try {
    checkJob('net.job.json', job);
  } catch (error) {
    expect(error).toMatchObject({ name: 'BadJob' });
    return (error as { details: { problems: [] } }).details.problems;
  }
  return [];
};

function messageOf(work: () => unknown): string {
  try {
    work();
    return '';
  } catch (error) {
    return (error as Error).message;
  }
}

describe('accepts', () => {
  it.each<[string, unknown, unknown]>([
    ['nothing', {}, {}],
    ['one dtype', { dtype: 'int8' }, { dtype: ['int8'] }],
    ['a list of dtypes, once each', { dtype: ['fp32', 'INT8', 'int8'] }, { dtype: ['fp32', 'int8'] }],
    [
      'formats in any case, and the other name for QLinear',
      { quant_format: ['qdq', 'QOperator'] },
      { quant_format: ['QDQ', 'QLinear'] },
    ],
    [
      'axes by name or as a list',
      { dynamic_axes: { x: { 0: 'batch', '-1': 'width' }, y: [0, 1] } },
      { dynamic_axes: { x: { 0: 'batch', '-1': 'width' }, y: [0, 1] } },
    ],
    ['files beside the model, below it too', { calibration: './data/calib.npz' }, { calibration: 'data/calib.npz' }],
    ['part of a tolerance', { tolerance: { atol: 0 } }, { tolerance: { atol: 0 } }],
    ['a recipe that was everything', { recipe: 'full' }, { quantize_all: true }],
    ['a recipe that was seven bits, in any case', { recipe: 'REDUCE_RANGE' }, { reduce_range: true }],
    [
      'old and new words together: the new ones win',
      { recipe: 'full', quantize_all: false, reduce_range: true },
      { quantize_all: false, reduce_range: true },
    ],
    [
      'all three at once',
      { recipe: 'QDQ_OP_INT32_BIAS', quantize_all: true, reduce_range: true },
      { recipe: 'QDQ_OP_INT32_BIAS', quantize_all: true, reduce_range: true },
    ],
    ['the schema for editors', { $schema: 'https://example.org/job.schema.json', seed: 1 }, { seed: 1 }],
  ])('%s', (_name, job, expected) => {
    expect(checkJob('job.json', job)).toEqual(expected);
  });
});

describe('refuses', () => {
  it.each<[string, unknown, string, RegExp, RegExp]>([
    [
      'an unknown option',
      { calibraton: 'x.npz' },
      'calibraton',
      /no option "calibraton"/,
      /did you mean "calibration"\?/,
    ],
    ['another spelling', { opsetVersion: 17 }, 'opsetVersion', /no option/, /did you mean "opset_version"\?/],
    ['an option like no other', { zzzzzzzz: 1 }, 'zzzzzzzz', /no option/, /the options are dtype/],
    ['a name every object has', { constructor: 1 }, 'constructor', /no option/, /./],
    [
      'an unknown field',
      { criterion: { minSQNR: 20 } },
      'criterion.minSQNR',
      /no option "minSQNR"/,
      /did you mean "minSqnr"\?/,
    ],
    ['a wrong type', { opset_version: '17' }, 'opset_version', /^"17" is not a whole number from 7 to 26$/, /^$/],
    ['a number out of range', { opset_version: 6 }, 'opset_version', /^6 is not/, /^$/],
    ['no whole number', { opset_version: 17.5 }, 'opset_version', /^17.5 is not/, /^$/],
    [
      'a wrong word',
      { dtype: 'int88' },
      'dtype',
      /"int88" is not "fp32", "int8", "int4", "U8S8"/,
      /did you mean "int8"/,
    ],
    ['a wrong word in a list', { quant_format: ['QDQ', 'QDK'] }, 'quant_format[1]', /"QDK"/, /did you mean "QDQ"/],
    ['an empty list', { dtype: [] }, 'dtype', /is not a list/, /^$/],
    ['a list that is none', { keep_float: 'conv1' }, 'keep_float', /is not a list/, /^$/],
    [
      'an axis that is no number',
      { dynamic_axes: { x: { batch: 0 } } },
      'dynamic_axes.x.batch',
      /"batch"/,
      /axis to name/,
    ],
    ['an axis name that is no text', { dynamic_axes: { x: { 0: 5 } } }, 'dynamic_axes.x.0', /5 is not a text/, /^$/],
    ['an absolute file', { calibration: '/etc/passwd' }, 'calibration', /is absolute/, /in the folder of the model/],
    ['a URL', { calibration: 's3://other/calib.npz' }, 'calibration', /is absolute/, /./],
    ['a file outside', { reference: 'a/../../secret.npz' }, 'reference', /leaves the folder/, /./],
    ['a file outside, the other way', { reference: '..\\secret.npz' }, 'reference', /leaves the folder/, /./],
    [
      'a share above 1',
      { criterion: { minTop1Agreement: 98 } },
      'criterion.minTop1Agreement',
      /98 is not a number from 0 to 1/,
      /^$/,
    ],
    [
      "an option of onnxruntime's tool that does not exist here",
      { extra_options: { CalibMaxIntermediateOutputs: 8 } },
      'extra_options.CalibMaxIntermediateOutputs',
      /no option "CalibMaxIntermediateOutputs"/,
      /one batch, however many samples/,
    ],
    [
      'one that is misspelt',
      { extra_options: { DedicatedQDQpairs: true } },
      'extra_options.DedicatedQDQpairs',
      /no option/,
      /did you mean "DedicatedQDQPair"/,
    ],
    [
      'an override in two types',
      { extra_options: { TensorQuantOverrides: { x: [{ convert: { quant_type: 'QUInt16' } }] } } },
      'extra_options.TensorQuantOverrides.x[0].convert',
      /no option "convert"/,
      /codes of one type for all its readers/,
    ],
    ['null', { seed: null }, 'seed', /null is not/, /^$/],
    ['a list', [], '$', /\[\] is not an object/, /./],
  ])('%s', (_name, job, path, problem, hint) => {
    expect(problems(job)).toEqual([
      { path, problem: expect.stringMatching(problem) as string, hint: expect.stringMatching(hint) as string },
    ]);
  });

  it('all at once', () => {
    expect(problems({ dtype: 'x', opset_version: 1, oops: 1, criterion: { a: 1 } }).map((p) => p.path)).toEqual([
      'dtype',
      'opset_version',
      'oops',
      'criterion.a',
    ]);
    expect(() => checkJob('net.job.json', { dtype: 'x', oops: 1 })).toThrow(
      /^job "net.job.json" has 2 problems:\n {2}at "dtype": .*\n {2}at "oops": /,
    );
  });

  it('what is no JSON, with the place', () => {
    expect(() => parseJob('job.json', '{"dtype": "int8",}')).toThrow(
      /^job "job.json", at "\$": it is no JSON: .*position 17.*; JSON has double quotes/,
    );
    expect(parseJob('job.json', '\ufeff{"seed": 3}')).toEqual({ seed: 3 });
  });

  it('options of the quantizer that do not go together', () => {
    const data = { calibration: 'x.npz', approach: 'static' } as const;
    const problemsOf = (job: JobFile): string => messageOf(() => resolveJob('job.json', { ...data, ...job }));
    expect(problemsOf({ activation_type: 'QUInt16', quant_format: ['QDQ', 'QLinear'] })).toMatch(
      /at "activation_type": uint16 is not possible here; expected 8 bits, or quant_format QDQ/,
    );
    expect(problemsOf({ activation_type: 'QUInt16' })).toBe('');
    expect(problemsOf({ extra_options: { WeightSymmetric: false } })).toMatch(/per_channel false/);
    expect(problemsOf({ extra_options: { DedicatedQDQPair: true }, dtype: ['int8', 'int4'] })).toBe('');
  });
  it('old names of options are read as the new ones', () => {
    const asked = '{"extra_options": {"OpTypesToExcludeOutputQuantizatioin": ["MatMul"]}}';
    expect(parseJob('job.json', asked)).toEqual({
      extra_options: { OpTypesToExcludeOutputQuantization: ['MatMul'] },
    });
  });

  it('weights in blocks for an opset without them', () => {
    const job = { dtype: ['int4'], opset_version: 17 } as const;
    expect(() => resolveJob('job.json', job)).toThrow(/at "opset_version": weights in blocks need opset 21 .* QDQ/);
    expect(() => resolveJob('job.json', { ...job, quant_format: ['QLinear'] })).not.toThrow();
  });

  it('blocks of a size that no kernel has', () => {
    expect(problems({ weight_only: { block_size: 48 } })).toEqual([
      { path: 'weight_only.block_size', problem: '48 is not 32, 64 or 128', hint: '' },
    ]);
  });

  it('trials without data to judge them by, and goals that are none', () => {
    expect(() => resolveJob('job.json', { recipe: 'auto' })).toThrow(/at "recipe": auto has no data to judge by; set/);
    expect(() => resolveJob('job.json', { recipe: 'auto', dtype: ['fp32'] })).not.toThrow();
    const auto = { recipe: 'auto', calibration: 'c.npz' } as const;
    expect(() => resolveJob('job.json', auto)).not.toThrow();
    expect(() => resolveJob('job.json', { ...auto, accuracy: { metric: 'top1' } })).toThrow(
      /at "accuracy.metric": top1 is counted with labels; set "test_data"/,
    );
    expect(() => resolveJob('job.json', { ...auto, accuracy: { metric: 'sqnr', max_drop: 1 } })).toThrow(
      /at "accuracy": SQNR .* say "min", in decibels/,
    );
    expect(() => resolveJob('job.json', { ...auto, accuracy: { metric: 'mse' } })).toThrow(/at "accuracy": how large/);
    expect(problems({ accuracy: { max_drop: -1 }, tuning: { trials: 0 } }).map((p) => p.path)).toEqual([
      'accuracy.max_drop',
      'tuning.trials',
    ]);
  });

  it('static quantization without calibration data', () => {
    expect(() => resolveJob('job.json', { approach: 'static' })).toThrow(
      /at "approach": static quantization needs calibration data/,
    );
    expect(() => resolveJob('job.json', { approach: 'static', dtype: ['fp32'] })).not.toThrow();
  });
});

it.each([
  [
    { group_size: 32, scheme: 'sym' },
    { blockSize: 32, symmetric: true },
  ],
  [
    { block_size: 128, is_symmetric: false, algorithm: 'RTN', embeddings: true },
    { blockSize: 128, symmetric: false, algorithm: 'RTN', embeddings: true },
  ],
] as const)('weight_only in the words of both tools: %j', (asked, expected) => {
  expect(weightOnlyOf(asked)).toEqual(expected);
});

describe('resolves', () => {
  it('defaults, and says which they are', () => {
    const { options, reported, variants, warnings } = resolveJob('job.json', {});
    expect(options).toMatchObject({
      dtype: ['fp32', 'int8'],
      opset_version: 21,
      quant_format: ['QDQ'],
      recipe: 'QDQ_OP_FP32_BIAS',
      reduce_range: false,
      quantize_all: false,
      approach: 'dynamic',
      weights: 'embed',
      calibration: null,
      seed: 0,
    });
    expect(reported.every((option) => option.from === 'default')).toBe(true);
    expect(variants.map((v) => [v.name, v.file, v.quantize])).toEqual([
      ['fp32', 'model.onnx', false],
      ['int8', 'model.int8.onnx', true],
    ]);
    expect(warnings).toEqual([]);
  });

  it('static when there is calibration data', () => {
    const { options, reported } = resolveJob('job.json', { calibration: 'c.npz' });
    expect(options.approach).toBe('static');
    expect(reported.filter((o) => o.from === 'job')).toEqual([{ name: 'calibration', value: 'c.npz', from: 'job' }]);
  });

  it.each<[string, Parameters<typeof resolveJob>[1], string[]]>([
    ['FP32 only', { dtype: ['fp32'] }, ['fp32 model.onnx']],
    ['INT8 only', { dtype: ['int8'] }, ['int8 model.int8.onnx']],
    [
      'both static forms',
      { calibration: 'c.npz', quant_format: ['QDQ', 'QLinear'] },
      ['fp32 model.onnx', 'int8.qdq model.int8.qdq.onnx', 'int8.qlinear model.int8.qlinear.onnx'],
    ],
    [
      'integers by name',
      { dtype: ['int8', 'U8S8', 'U8U8'], quantized_model: 'int8.pt' },
      ['int8.u8s8 model.int8.u8s8.onnx', 'int8.u8u8 model.int8.u8u8.onnx'],
    ],
    ['one kind of integers', { dtype: ['S8S8'], quantized_model: 'int8.pt' }, ['int8 model.int8.onnx']],
    [
      'weights alone',
      { dtype: ['int4', 'fp32', 'int8'], quant_format: ['QDQ', 'QLinear'] },
      [
        'fp32 model.onnx',
        'int8 model.int8.onnx',
        'int4.qdq model.int4.qdq.onnx',
        'int4.qlinear model.int4.qlinear.onnx',
      ],
    ],
    [
      "weights alone beside PyTorch's",
      { dtype: ['int4', 'S8S8'], quantized_model: 'int8.pt' },
      ['int8 model.int8.onnx', 'int4 model.int4.onnx'],
    ],
    [
      'one that is found by trial, whatever its form',
      { recipe: 'auto', calibration: 'c.npz', quant_format: ['QDQ', 'QLinear'] },
      ['fp32 model.onnx', 'int8 model.int8.onnx'],
    ],
    ['dynamic has one form', { quant_format: ['QDQ', 'QLinear'] }, ['fp32 model.onnx', 'int8 model.int8.onnx']],
  ])('variants: %s', (_name, job, expected) => {
    expect(resolveJob('job.json', job).variants.map((v) => `${v.name} ${v.file}`)).toEqual(expected);
  });

  it.each<[string, Parameters<typeof resolveJob>[1], RegExp[]]>([
    ['calibration of FP32', { dtype: ['fp32'], calibration: 'c.npz' }, [/^calibration has no effect: no INT8/]],
    [
      'a form of dynamic',
      { quant_format: ['QDQ'], recipe: 'QDQ_OP_INT32_BIAS' },
      [/^quant_format has no effect: dynamic/, /^recipe has no effect: dynamic/],
    ],
    [
      'a goal where nothing is tried',
      { accuracy: { max_drop: 0.01 }, tuning: { trials: 3 } },
      [/^accuracy has no effect: recipe is not "auto"/, /^tuning has no/],
    ],
    [
      "trials of PyTorch's codes",
      { recipe: 'auto', quantized_model: 'int8.pt' },
      [/^recipe has no effect: codes and scales are/],
    ],
    [
      'nothing where dynamic models are tried',
      { recipe: 'auto', test_data: 't.npz', accuracy: { max_drop: 0.01 } },
      [],
    ],
    ['nothing when it is of weights', { reduce_range: true }, []],
    ['activations of nothing', { dynamic_activations: 'onnx' }, [/^dynamic_activations has no effect: there is no/]],
    [
      'activations where weights alone are quantized',
      { dtype: ['int4'], approach: 'static', calibration: 'c.npz', recipe: 'QDQ_OP_INT32_BIAS', quant_format: ['QDQ'] },
      [/^approach has no effect: weights alone/, /^recipe has no effect: weights alone/],
    ],
    [
      'accuracy of weights in blocks',
      { dtype: ['int4'], smooth_quant: true, cross_layer_equalization: true },
      [/^smooth_quant has no effect: weights alone/, /^cross_layer_equalization has no effect: weights alone/],
    ],
    ['blocks of nothing', { weight_only: { block_size: 32 } }, [/^weight_only has no effect: no model/]],
    ['labels without data', { labels: 'target' }, [/^labels has no effect/]],
  ])('warns of %s', (_name, job, expected) => {
    expect(resolveJob('job.json', job).warnings).toEqual(expected.map((e) => expect.stringMatching(e) as string));
  });

  it('an opset too old for INT8: raised, and said; of FP32 alone it is refused', () => {
    const { options, warnings } = resolveJob('job.json', { opset_version: 11 });
    expect(options.opset_version).toBe(13);
    expect(warnings).toEqual(['INT8 models need opset 13 or newer: opset_version 11 was raised to 13']);
    expect(() => resolveJob('job.json', { opset_version: 11, dtype: ['fp32'] })).toThrow(
      /at "opset_version": 11 is older than what FP32 models are written for/,
    );
  });

  it('integers by name only where PyTorch chose codes', () => {
    const job = { dtype: ['fp32', 'U8U8'] } as const;
    expect(() => resolveJob('job.json', job)).toThrow(/at "dtype": integers of U8U8 can be chosen where PyTorch/);
    const { variants } = resolveJob('job.json', job, { quantized_model: 'net.int8.pt' });
    expect(variants.map(({ name, types }) => [name, types])).toEqual([
      ['fp32', 'U8S8'],
      ['int8', 'U8U8'],
    ]);
  });

  it('keys of the files it names', () => {
    const { options } = resolveJob('job.json', { calibration: 'data/c.npz' }, { reference: 'net.reference.npz' });
    expect(filesOf('models/net.pt2', options)).toEqual([
      { option: 'calibration', key: 'models/data/c.npz', isArrays: true },
      { option: 'reference', key: 'models/net.reference.npz', isArrays: true },
    ]);
  });
});

describe('is found', () => {
  const store = memoryStore();
  const put = (key: string, seed: number) =>
    store.putBytes({
      bucket: 'in',
      key,
      bytes: new Uint8Array(Buffer.from(JSON.stringify({ seed }))),
      contentType: 'application/json',
    });

  it('beside the model, the nearest name first', async () => {
    expect(await findJob(store, 'in', 'm/net.pt2')).toEqual({ key: null, job: {} });
    await put('job.json', 0);
    expect(await findJob(store, 'in', 'm/net.pt2')).toEqual({ key: null, job: {} });
    await put('m/job.json', 1);
    expect(await findJob(store, 'in', 'm/net.pt2')).toEqual({ key: 'm/job.json', job: { seed: 1 } });
    await put('m/net.job.json', 2);
    expect(await findJob(store, 'in', 'm/net.pt2')).toEqual({ key: 'm/net.job.json', job: { seed: 2 } });
    await put('m/net.pt2.job.json', 3);
    expect(await findJob(store, 'in', 'm/net.pt2')).toEqual({ key: 'm/net.pt2.job.json', job: { seed: 3 } });
  });

  it('with a reference that is called after the model', async () => {
    expect(await findFiles(store, 'in', 'm/net.pt2')).toMatchObject({ reference: null });
    await put('m/net.reference.npz', 0);
    await put('m/net.test.npz', 0);
    expect(await findFiles(store, 'in', 'm/net.pt2')).toEqual({
      calibration: null,
      test_data: 'net.test.npz',
      reference: 'net.reference.npz',
      quantized_model: null,
      int8_reference: null,
    });
  });

  it('and says so: calibration data that was found makes static quantization', () => {
    const found = { calibration: 'net.calibration.npz', test_data: 'net.test.npz', reference: null };
    const { options, reported } = resolveJob('job', { test_data: 'mine.npz' }, found);
    expect(options).toMatchObject({ approach: 'static', calibration: 'net.calibration.npz', test_data: 'mine.npz' });
    const origins = Object.fromEntries(reported.map(({ name, from }) => [name, from]));
    expect(origins).toMatchObject({
      calibration: 'found',
      test_data: 'job',
      reference: 'default',
      approach: 'default',
    });
    expect(resolveJob('job', { approach: 'dynamic' }, found).options.approach).toBe('dynamic');
  });

  it('for keys so long that no name beside them fits', async () => {
    expect(await findJob(store, 'in', `none/${'k'.repeat(1015)}.pt2`)).toEqual({ key: null, job: {} });
    expect(await findFiles(store, 'in', `none/${'k'.repeat(1015)}.pt2`)).toMatchObject({ reference: null });
  });

  it('but not when it is huge', async () => {
    await store.putBytes({
      bucket: 'in',
      key: 'big/job.json',
      bytes: new Uint8Array((1 << 20) + 1),
      contentType: 'application/json',
    });
    await expect(findJob(store, 'in', 'big/net.pt2')).rejects.toMatchObject({ name: 'LimitExceeded' });
  });
});

describe('words', () => {
  it.each([
    ['kitten', 'sitting', 3],
    ['', 'abc', 3],
    ['same', 'same', 0],
    ['flaw', 'lawn', 2],
  ])('%s and %s are %i apart', (a, b, distance) => {
    expect(levenshtein(a, b)).toBe(distance);
  });
  it('suggests nothing that is far', () => {
    expect(didYouMean('weights', ['seed', 'labels'])).toBe('');
  });
});

it('job.schema.json is what the table of options says', async () => {
  const written = JSON.parse(
    await readFile(new URL('../../shared/pipeline/job/job.schema.json', import.meta.url), 'utf8'),
  ) as unknown;
  expect(written).toEqual(JSON.parse(JSON.stringify(jobJsonSchema())));
});
