/** Sample reports, written by hand: plausible numbers that nothing measured. */
import type { Comparison, OutputComparison, Report, Validation, Variant } from '../../shared/report/report.ts';
import type { LayerError, Quantization, SkippedNode } from '../../shared/report/quantization.ts';

export const output = (part: Partial<OutputComparison> = {}): OutputComparison => ({
  output: 'logits',
  dtype: 'float32',
  elements: 360_000,
  maxAbsDiff: 3.1e-6,
  meanAbsDiff: 4.2e-7,
  cosine: 0.9999999999,
  sqnr: 121.4,
  top1Agreement: 1,
  withinTolerance: true,
  ...part,
});

export const comparison = (part: Partial<Comparison> = {}): Comparison => ({
  against: 'pytorch',
  samples: 360,
  rtol: 1e-3,
  atol: 1e-4,
  outputs: [output()],
  ...part,
});

export const validation = (part: Partial<Validation> = {}): Validation => ({
  checks: [
    { name: 'structure', passed: true, detail: '' },
    { name: 'loads in onnxruntime', passed: true, detail: '' },
    { name: 'inputs and outputs as in PyTorch', passed: true, detail: '1 input, 2 outputs' },
    { name: 'outputs are finite', passed: true, detail: '360 samples' },
  ],
  data: 'file',
  samples: 360,
  comparisons: [comparison()],
  accuracy: null,
  latency: null,
  runtime: { name: 'onnxruntime', version: '1.30.0' },
  ...part,
});

const accuracy = (correct: number): Validation['accuracy'] => ({ top1: correct / 360, correct, samples: 360 });
const latency = (medianMs: number, ratioToFp32: number | null): Validation['latency'] => ({
  medianMs,
  fp32MedianMs: ratioToFp32 === null ? null : medianMs / ratioToFp32,
  ratioToFp32,
  runs: 50,
  batch: 1,
});

export const FP32: Variant = {
  name: 'fp32',
  dtype: 'fp32',
  bytes: 97_823_441,
  sizeRatio: 1,
  operators: [],
  quantization: null,
  failure: null,
  files: [
    {
      path: 'out/resnet50/model.onnx',
      bytes: 97_823_441,
      sha256: '9b4c1f0e2d7a63855cc1f0d4b8a7e6934f2f1f3a7f9a5f6d0f4d2c1b0a998877',
    },
  ],
  validation: validation({
    comparisons: [
      comparison({
        outputs: [
          output(),
          output({
            output: 'features',
            elements: 737_280,
            maxAbsDiff: 1.9e-6,
            meanAbsDiff: 2.2e-7,
            sqnr: 124.8,
            top1Agreement: null,
          }),
        ],
      }),
    ],
    accuracy: accuracy(341),
    latency: latency(21.43, null),
  }),
};

const LAYERS: readonly LayerError[] = [
  ['/layer4/layer4.2/conv3/Conv', 'Conv', 'layer4.2.conv3', 8.12, 1.93],
  ['/layer4/layer4.0/downsample/downsample.0/Conv', 'Conv', 'layer4.0.downsample.0', 13.4, 1.12],
  ['/conv1/Conv', 'Conv', 'conv1', 15.86, 0.871],
  ['/layer1/layer1.0/conv1/Conv', 'Conv', 'layer1.0.conv1', 18.21, 0.412],
  ['/layer2/layer2.0/downsample/downsample.0/Conv', 'Conv', 'layer2.0.downsample.0', 21.5, 0.385],
  ['/layer3/layer3.5/conv2/Conv', 'Conv', 'layer3.5.conv2', 24.02, 0.306],
  ['/layer3/layer3.0/conv1/Conv', 'Conv', 'layer3.0.conv1', 25.77, 0.288],
  ['/layer1/layer1.2/conv3/Conv', 'Conv', 'layer1.2.conv3', 27.9, 0.21],
  ['/layer2/layer2.3/conv3/Conv', 'Conv', 'layer2.3.conv3', 29.33, 0.174],
  ['/layer2/layer2.1/conv2/Conv', 'Conv', 'layer2.1.conv2', 30.6, 0.151],
  ['/fc/Gemm', 'Gemm', 'fc', 31.2, 0.149],
  ['/layer1/layer1.1/conv2/Conv', 'Conv', 'layer1.1.conv2', 33.14, 0.12],
  ['/layer1/layer1.1/conv1/Conv', 'Conv', 'layer1.1.conv1', 35.9, 0.09],
  ['/avgpool/GlobalAveragePool', 'GlobalAveragePool', 'avgpool', 39.2, 0.04],
].map(([layer, operator, module, sqnr, maxAbsDiff]) => ({ layer, operator, module, sqnr, maxAbsDiff }) as LayerError);

const SKIPPED: readonly SkippedNode[] = [
  { node: '/Softmax', operator: 'Softmax', reason: 'onnxruntime has no INT8 kernel for it' },
  { node: '/LayerNormalization', operator: 'LayerNormalization', reason: 'onnxruntime has no INT8 kernel for it' },
  { node: '/Shape', operator: 'Shape', reason: 'works on int64, not on float' },
  { node: '/Gather', operator: 'Gather', reason: 'works on int64, not on float' },
  { node: '/Concat', operator: 'Concat', reason: 'works on int64, not on float' },
  { node: '/Gather_1', operator: 'Gather', reason: 'works on int64, not on float' },
  { node: '/head/Gemm', operator: 'Gemm', reason: 'kept by the job: exclude /head/*' },
];

export const quantization = (part: Partial<Quantization> = {}): Quantization => ({
  approach: 'static',
  format: 'QDQ',
  calibration: { method: 'minmax', samples: 128, file: 'calibration.npz' },
  quantized: 71,
  skipped: SKIPPED,
  layers: LAYERS,
  ...part,
});

const int8Output = (maxAbsDiff: number, sqnr: number, agreement: number): OutputComparison =>
  output({
    maxAbsDiff,
    meanAbsDiff: maxAbsDiff / 9,
    cosine: 0.99931,
    sqnr,
    top1Agreement: agreement,
    withinTolerance: null,
  });

const againstBoth = (one: OutputComparison): readonly Comparison[] => [
  comparison({ against: 'fp32', outputs: [one] }),
  comparison({ outputs: [{ ...one, maxAbsDiff: one.maxAbsDiff * 1.0001 }] }),
];

export const INT8: Variant = {
  name: 'int8',
  dtype: 'int8',
  bytes: 25_611_203,
  sizeRatio: 0.262,
  failure: null,
  files: [
    {
      path: 'out/resnet50/model.int8.onnx',
      bytes: 25_611_203,
      sha256: '1f0e2d7a63855cc1f0d4b8a7e6934f2f1f3a7f9a5f6d0f4d2c1b0a9988779b4c',
    },
  ],
  operators: [
    ['Conv', 53],
    ['QuantizeLinear', 124],
    ['DequantizeLinear', 231],
    ['Relu', 0],
    ['Add', 16],
    ['MaxPool', 1],
    ['GlobalAveragePool', 1],
    ['Flatten', 1],
    ['Gemm', 1],
  ].map(([operator, count]) => ({ operator, count }) as { operator: string; count: number }),
  quantization: quantization(),
  validation: validation({
    comparisons: againstBoth(int8Output(0.412, 29.4, 0.989)),
    accuracy: accuracy(341),
    latency: latency(8.15, 0.3803),
  }),
};

export const DYNAMIC: Variant = {
  ...INT8,
  name: 'int8-dynamic',
  bytes: 25_980_330,
  files: [{ path: 'out/resnet50/model.int8-dynamic.onnx', bytes: 25_980_330, sha256: null }],
  quantization: quantization({ approach: 'dynamic', calibration: null, quantized: 54, skipped: [], layers: [] }),
  validation: validation({
    comparisons: againstBoth(int8Output(0.871, 22.1, 0.975)),
    accuracy: accuracy(335),
    latency: latency(16.9, 0.789),
  }),
};

/** Everything went well. */
export const SAMPLE: Report = {
  reportVersion: 1,
  torchferry: '0.1.0',
  job: {
    id: 'a41f6c2e90b7',
    created: '2026-01-15T09:30:00.000Z',
    config: 'models/vision/resnet50.job.json',
    options: [
      { name: 'variants', value: ['fp32', 'int8', 'int8-dynamic'], from: 'job' },
      { name: 'opset', value: 21, from: 'default' },
      { name: 'weights', value: 'embed', from: 'default' },
      { name: 'calibration.method', value: 'minmax', from: 'default' },
      { name: 'calibration.samples', value: 128, from: 'job' },
      { name: 'rtol', value: 1e-3, from: 'default' },
      { name: 'atol', value: 1e-4, from: 'default' },
      { name: 'exclude', value: ['/head/*'], from: 'job' },
    ],
  },
  model: {
    key: 'models/vision/resnet50.pt2',
    bytes: 102_540_417,
    sha256: '5cc1f0d4b8a7e6934f2f1f3a7f9a5f6d0f4d2c1b0a9988779b4c1f0e2d7a6385',
    version: '3sL4kqtJlcpXroDTDmJ+rmSpXd3dIbrHY',
    format: 'pt2 archive (torch.export)',
    torchVersion: '2.13.0',
  },
  verdict: {
    status: 'pass',
    sentence:
      'Passed: FP32 equals PyTorch within 1e-4 (max 3.1e-6 over 360 samples); INT8 "int8" is 3.8x ' +
      'smaller and keeps 94.7 % of 94.7 % top-1.',
  },
  conversion: {
    opset: 21,
    irVersion: 10,
    weights: 'embed',
    torchNodes: 174,
    onnxNodes: 122,
    parameters: 25_557_032,
    parameterBytes: 102_228_128,
    operators: [
      ['Conv', 53],
      ['Relu', 49],
      ['Add', 16],
      ['MaxPool', 1],
      ['GlobalAveragePool', 1],
      ['Flatten', 1],
      ['Gemm', 1],
    ].map(([operator, count]) => ({ operator, count }) as { operator: string; count: number }),
    passes: [
      { pass: 'fold-constants', changes: 12 },
      { pass: 'fold-batch-norm', changes: 53 },
      { pass: 'merge-transposes', changes: 0 },
      { pass: 'remove-unused', changes: 214 },
    ],
    inputs: [{ name: 'image', dtype: 'float32', shape: ['batch', 3, 224, 224] }],
    outputs: [
      { name: 'logits', dtype: 'float32', shape: ['batch', 1000] },
      { name: 'features', dtype: 'float32', shape: ['batch', 2048] },
    ],
  },
  variants: [FP32, INT8, DYNAMIC],
  chosen: 'int8',
  criterion: { maxTop1Drop: 1 },
  stages: [
    { name: 'claim', variant: null, startMs: 0, endMs: 84, status: 'done' },
    { name: 'convert', variant: null, startMs: 84, endMs: 2961, status: 'done' },
    { name: 'quantize', variant: 'int8', startMs: 2990, endMs: 13_870, status: 'done' },
    { name: 'quantize', variant: 'int8-dynamic', startMs: 2991, endMs: 4160, status: 'done' },
    { name: 'validate', variant: 'fp32', startMs: 2992, endMs: 12_004, status: 'done' },
    { name: 'validate', variant: 'int8', startMs: 13_880, endMs: 19_212, status: 'done' },
    { name: 'validate', variant: 'int8-dynamic', startMs: 4170, endMs: 11_950, status: 'done' },
    { name: 'report', variant: null, startMs: 19_230, endMs: 19_322, status: 'done' },
  ],
  warnings: [
    {
      message: 'The job gave no labels for 24 of 384 samples; they were left out of top-1.',
      nextStep: 'Add the missing labels to labels.npz, or remove the samples.',
    },
  ],
  failure: null,
  environment: { node: 'v24.21.0', platform: 'linux arm64', onnxruntime: '1.30.0' },
  reproduce: [
    'torchferry convert models/vision/resnet50.pt2 --opset 21 --out model.onnx',
    'torchferry quantize model.onnx --calibration calibration.npz --samples 128 --exclude "/head/*" ' +
      '--out model.int8.onnx',
    'torchferry validate model.int8.onnx --against model.onnx --data samples.npz',
  ],
};

/** Stopped in convert: nothing was written, most is unknown. */
export const FAILED: Report = {
  ...SAMPLE,
  verdict: { status: 'fail', sentence: 'Failed in convert: no converter for 2 operators (UnsupportedOperator).' },
  conversion: null,
  variants: [],
  chosen: null,
  stages: [
    { name: 'claim', variant: null, startMs: 0, endMs: 84, status: 'done' },
    { name: 'convert', variant: null, startMs: 84, endMs: 512, status: 'failed' },
  ],
  warnings: [],
  failure: {
    code: 'UnsupportedOperator',
    stage: 'convert',
    message:
      'no converter for 2 operators:\n  aten::_fft_r2c (4 uses, first at encoder.fft, model.py:88)\n  aten::linalg_svd (1 use, first at head, model.py:120)\nsee "torchferry ops" for what is supported',
    details: {
      operators: [
        { name: 'aten::_fft_r2c', count: 4, at: 'encoder.fft, model.py:88' },
        { name: 'aten::linalg_svd', count: 1, at: 'head, model.py:120' },
      ],
    },
  },
};

/** Stopped before anything was known. */
export const EMPTY: Report = {
  reportVersion: 1,
  torchferry: '0.1.0',
  job: { id: '', created: '', options: [], config: null },
  model: { key: '', bytes: 0, sha256: null, version: null, format: null, torchVersion: null },
  verdict: { status: 'fail', sentence: '' },
  conversion: null,
  variants: [],
  chosen: null,
  stages: [],
  warnings: [],
  failure: { code: '', message: '', stage: '', details: null },
  environment: { node: '', platform: '', onnxruntime: null },
  reproduce: [],
};

/** Names that want to be markup, reorder their neighbours, or never end. */
export const HOSTILE_NAMES = [
  '</script><img src=x onerror=alert(1)>',
  '"><svg onload=alert(1)>',
  "' onmouseover='alert(1)",
  '</title></style><script>alert(1)</script>',
  'safe\u202egpj.exe\u202c',
  'zero\u200bwidth\u2066',
  `long.${'very_'.repeat(2000)}end`,
  '\ud800lone',
  'javascript:alert(1)',
  '`${alert(1)}`',
  '&lt;b&gt;',
] as const;

/** The sample with every name in it replaced; keys and unions stay. */
export function renamed(report: Report, name: string): Report {
  const kept = new Set(['status', 'dtype', 'against', 'approach', 'format', 'from', 'data', 'weights']);
  const replace = (value: unknown, key: string): unknown => {
    if (typeof value === 'string') return kept.has(key) ? value : name;
    if (Array.isArray(value)) return value.map((item) => replace(item, key));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, replace(v, k)]));
  };
  return replace(report, '') as Report;
}

/** The sample with `count` layers, each stuck with a long module path. */
export const withLayers = (count: number): Report => {
  const layers = Array.from({ length: count }, (_, i): LayerError => ({
    layer: `/model/decoder/layers.${i}/self_attn/out_proj/MatMul_${i}`,
    operator: 'MatMul',
    module: `model.decoder.layers.${i}.self_attn.out_proj`,
    sqnr: 5 + i / 7,
    maxAbsDiff: 3 / (i + 1),
  }));
  const skipped = layers.map((l, i): SkippedNode => ({
    node: `${l.layer}/Softmax`,
    operator: i % 2 ? 'Softmax' : 'Erf',
    reason: i % 3 ? 'onnxruntime has no INT8 kernel for it' : `reason ${i}`,
  }));
  const checks = layers.map((l) => ({
    name: `codes of ${l.layer} as PyTorch wrote them`,
    passed: true,
    detail: 'bit for bit',
  }));
  const outputs = layers.map((l) => output({ output: l.layer }));
  const variant = {
    ...INT8,
    quantization: quantization({ layers, skipped }),
    validation: validation({
      checks,
      comparisons: [comparison({ against: 'fp32', outputs }), comparison({ outputs })],
    }),
  };
  return {
    ...SAMPLE,
    variants: [FP32, variant, { ...variant, name: 'int8-percentile' }, { ...variant, name: 'int8-dynamic' }],
  };
};
