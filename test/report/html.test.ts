import { describe, expect, test } from 'vitest';
import { renderHtml } from '../../shared/report/html.ts';
import type { EightBitSums, Report, Validation } from '../../shared/report/report.ts';
import type { Quantization } from '../../shared/report/quantization.ts';
import { all, byClass, byId, byTag, cellsOf, parseHtml, skeleton, type Element } from './parse-html.ts';
import {
  comparison,
  EMPTY,
  FAILED,
  FP32,
  HOSTILE_NAMES,
  INT8,
  output,
  quantization,
  renamed,
  SAMPLE,
  validation,
  withLayers,
} from './samples.ts';

const LIMIT = 150_000;
const PAGES = { sample: SAMPLE, failed: FAILED, empty: EMPTY, layers: withLayers(300) } as const satisfies Record<
  string,
  Report
>;
const read = (report: Report): Element => parseHtml(renderHtml(report));
const sample = read(SAMPLE);

const tableOf = (element: Element, label: string): readonly (readonly string[])[] => {
  const box = all(element).find((e) => e.attributes.get('aria-label') === label);
  if (!box) throw new Error(`no table "${label}"`);
  return byTag(box, 'tr').map(cellsOf);
};
const factOf = (element: Element, term: string): string | undefined =>
  byTag(element, 'dl')
    .flatMap((dl) => dl.children)
    .find((pair) => pair.children[0]!.text === term)?.children[1]!.text;

describe.each(Object.entries(PAGES))('every page: %s', (_, report) => {
  const text = renderHtml(report);
  const root = parseHtml(text);

  test('asks for nothing and runs nothing', () => {
    for (const tag of ['script', 'iframe', 'object', 'embed', 'img', 'form', 'base'])
      expect(byTag(root, tag)).toEqual([]);
    const [csp] = byTag(root, 'meta').filter((m) => m.attributes.get('http-equiv') === 'Content-Security-Policy');
    expect(csp!.attributes.get('content')).toMatch(/^default-src 'none'; style-src 'unsafe-inline'; img-src data:/);
    for (const element of all(root)) {
      for (const [key, value] of element.attributes) {
        expect(key).not.toMatch(/^on|^src|^style$/);
        if (key === 'href') expect(value).toMatch(/^(#[\w-]+|report\.json|\.\/[^/:]+|data:,)$/);
      }
    }
    expect(text).not.toMatch(/url\(|@import/);
  });

  test('links lead somewhere and ids are single', () => {
    const ids = all(root).flatMap((e) => e.attributes.get('id') ?? []);
    expect(new Set(ids).size).toBe(ids.length);
    for (const link of byTag(root, 'a')) {
      const href = link.attributes.get('href')!;
      if (href.startsWith('#')) expect(ids).toContain(href.slice(1));
    }
    for (const element of all(root))
      for (const key of ['aria-labelledby', 'aria-describedby'])
        if (element.attributes.has(key)) expect(ids).toContain(element.attributes.get(key));
  });

  test('charts are images with a title and a table next to them', () => {
    for (const svg of byClass(root, 'chart')) {
      expect(svg.attributes.get('role')).toBe('img');
      expect(svg.children[0]!.tag).toBe('title');
      expect(svg.children[0]!.text).not.toBe('');
    }
  });

  test('tables have as many cells as columns, and numbers stand on the right', () => {
    for (const table of byTag(root, 'table')) {
      const columns = byTag(byTag(table, 'thead')[0]!, 'th');
      for (const row of byTag(byTag(table, 'tbody')[0]!, 'tr')) {
        if (row.children[0]!.attributes.has('colspan')) continue;
        expect(row.children.map((c) => c.attributes.get('class'))).toEqual(
          columns.map((c) => c.attributes.get('class')),
        );
      }
    }
  });

  test('fits, and is the same twice', () => {
    expect(Buffer.byteLength(text)).toBeLessThan(LIMIT);
    expect(renderHtml(structuredClone(report))).toBe(text);
    expect(text.endsWith('</html>\n')).toBe(true);
    expect(text).not.toMatch(/undefined|\[object|NaN%/);
  });
});

describe('the sample', () => {
  test('says the verdict in words, not in colour alone', () => {
    const [verdict] = byClass(sample, 'verdict');
    expect(byTag(verdict!, 'b')[0]!.text).toBe('Verdict: pass');
    expect(byTag(verdict!, 'span')[0]!.text).toBe(SAMPLE.verdict.sentence);
  });

  test('names its source', () => {
    expect(byTag(sample, 'h1')[0]!.text).toBe('resnet50.pt2');
    expect(['Source', 'Size', 'SHA-256', 'PyTorch', 'Created'].map((term) => factOf(sample, term))).toEqual([
      'models/vision/resnet50.pt2',
      '103 MB',
      SAMPLE.model.sha256,
      '2.13.0',
      '2026-01-15 09:30 UTC',
    ]);
  });

  test('shows four headline numbers of the chosen variant against FP32', () => {
    expect(byClass(sample, 'tile').map((t) => t.children.map((p) => p.text))).toEqual([
      ['Size, INT8', '25.6 MB', 'FP32 97.8 MB, 3.8x smaller'],
      ['Largest difference from PyTorch', '3.1e-6', 'FP32; INT8 29.4 dB SQNR'],
      ['Latency, INT8, batch 1', '8.15 ms', 'FP32 21.4 ms, 2.63x faster'],
      ['Top-1, INT8', '94.7 %', 'FP32 94.7 %, 360 samples'],
    ]);
  });

  test('keeps exact numbers in tooltips', () => {
    const titles = all(sample).flatMap((e) => e.attributes.get('title') ?? []);
    expect(titles).toEqual(
      expect.arrayContaining(['25,611,203 bytes', '0.0000031', '341 of 360 correct', 'median of 50 runs: 8.15 ms']),
    );
  });

  test('puts the variants side by side', () => {
    expect(tableOf(sample, 'Variants side by side').map((row) => row.map((cell) => cell.trim()))).toEqual([
      ['Variant', 'Result', 'Size', 'of FP32', 'Max diff. from PyTorch', 'SQNR from FP32', 'Top-1', 'Median latency'],
      ['fp32', 'passed', '97.8 MB', '100 %', '3.1e-6', '–', '94.7 %', '21.4 ms'],
      ['int8chosen', 'passed', '25.6 MB', '26.2 %', '0.412', '29.4 dB', '94.7 %', '8.15 ms'],
      ['int8-dynamic', 'misses the criterion', '26.0 MB', '26.6 %', '0.871', '22.1 dB', '93.1 %', '16.9 ms'],
    ]);
  });

  test('draws size and latency against error with the chosen one marked', () => {
    for (const id of ['chart-size', 'chart-latency']) {
      const chart = byId(sample, id)!;
      expect(byClass(chart, 'point').length).toBe(3);
      expect(byClass(chart, 'strong').map((t) => t.text)).toEqual(['int8, chosen']);
    }
  });

  test('compares every output with each reference', () => {
    const rows = tableOf(byId(sample, 'variant-0')!, 'How far the outputs are off').map((row) =>
      row.map((cell) => cell.trim()),
    );
    expect(rows).toEqual([
      ['Output', 'Against', 'Samples', 'Max diff.', 'Mean diff.', 'Cosine', 'SQNR', 'Same top-1', 'Tolerance'],
      ['logits float32', 'PyTorch', '360', '3.1e-6', '4.2e-7', '> 0.999999', '121 dB', '100 %', 'within'],
      ['features float32', 'PyTorch', '360', '1.9e-6', '2.2e-7', '> 0.999999', '125 dB', '–', 'within'],
    ]);
    expect(tableOf(byId(sample, 'variant-1')!, 'How far the outputs are off').map((row) => row[1])).toEqual([
      'Against',
      'FP32',
      'PyTorch',
    ]);
  });

  test('holds INT8 to no tolerance, although one was measured', () => {
    const outputs = [output({ withinTolerance: false })];
    const page = read({
      ...SAMPLE,
      variants: [
        FP32,
        { ...INT8, validation: validation({ comparisons: [comparison({ against: 'fp32', outputs })] }) },
      ],
    });
    expect(tableOf(byId(page, 'variant-1')!, 'How far the outputs are off')[1]!.at(-1)).toBe('–');
    expect(byClass(byId(page, 'variant-1')!, 'fail')).toEqual([]);
  });

  test('draws the worst layers and lists them all', () => {
    const section = byId(sample, 'variant-1')!;
    const chart = byId(section, 'chart-layers-1')!;
    expect(byTag(chart, 'rect').length).toBe(12);
    expect(byClass(chart, 'bad').length).toBe(1);
    expect(tableOf(section, 'Layers by SQNR, worst first').length).toBe(1 + 14);
  });

  test('groups what stayed in float by reason', () => {
    expect(tableOf(byId(sample, 'variant-1')!, 'What stayed in float')).toEqual([
      ['Reason', 'Nodes', 'Which'],
      ['works on int64, not on float', '4', 'Gather ×2, Shape, Concat/Shape, /Gather, /Concat, 1 more'],
      ['onnxruntime has no INT8 kernel for it', '2', 'Softmax, LayerNormalization/Softmax, /LayerNormalization'],
      ['kept by the job: exclude /head/*', '1', 'Gemm/head/Gemm'],
    ]);
  });

  test('counts integer kernels and groups operators on codes that have none', () => {
    const bias = 'its bias is float, and QGemm adds int32';
    const kernels = [
      { node: '/conv1/Conv', operator: 'Conv', kernel: 'QLinearConv', reason: null },
      { node: '/fc1/Gemm', operator: 'Gemm', kernel: null, reason: bias },
      { node: '/conv2/Conv', operator: 'Conv', kernel: 'QLinearConv', reason: null },
      { node: '/fc2/Gemm', operator: 'Gemm', kernel: null, reason: bias },
    ];
    const page = read({ ...SAMPLE, variants: [{ ...INT8, validation: validation({ kernels }) }] });
    expect(factOf(page, 'Integer kernels')).toBe('2 of 4: QLinearConv 2');
    expect(tableOf(page, 'Without integer kernel')).toEqual([
      ['Reason', 'Nodes', 'Which'],
      [bias, '2', 'Gemm ×2/fc1/Gemm, /fc2/Gemm'],
    ]);
  });

  test('shows what saturating and exact sums give, and says where they differ', () => {
    const against = (sqnr: number) => comparison({ against: 'fp32', outputs: [output({ sqnr })] });
    const sums: EightBitSums = {
      processor: 'x64 without VNNI',
      judged: 'default',
      other: { comparisons: [against(38.3)], accuracy: null },
      overflow: [{ node: '/fc1/Gemm', operator: 'Gemm', overflowing: 1200, pairs: 4096 }],
    };
    const page = read({
      ...SAMPLE,
      variants: [{ ...INT8, validation: validation({ comparisons: [against(18.2)], sums }) }],
    });
    expect(tableOf(page, 'How far the outputs are off').map((row) => [row[1], row[6]])).toEqual([
      ['Against', 'SQNR'],
      ['FP32, default options', '18.2 dB'],
      ['FP32, x64quantprecision', '38.3 dB'],
    ]);
    expect(factOf(page, '8-bit sums')).toBe(
      '1,200 of 4,096 pairs of weights of "/fc1/Gemm" can overflow on x64 without VNNI: set the session option ' +
        'session.x64quantprecision to 1 there; judged on x64 without VNNI with default options',
    );
  });

  test('says by which criterion INT8 was judged', () => {
    expect(byId(sample, 'variant-1')!.text).toContain('Criterion keeps its top-1 (limit: 1)');
    expect(byId(sample, 'variant-2')!.text).toContain('Criterion loses 1.67 points top-1 (limit: 1)');
  });

  test('marks defaults', () => {
    const rows = tableOf(sample, 'Options');
    expect(rows[1]).toEqual(['variants', 'fp32, int8, int8-dynamic', 'job']);
    expect(rows[2]).toEqual(['opset', '21', 'default']);
  });

  test('has inputs, outputs, passes, operators, stages, environment', () => {
    expect(tableOf(sample, 'Inputs')).toEqual([
      ['Inputs', 'Type'],
      ['image', 'float32[batch, 3, 224, 224]'],
    ]);
    expect(tableOf(sample, 'Outputs').length).toBe(3);
    expect(tableOf(sample, 'Passes and changes')).toContainEqual(['fold-batch-norm', '53']);
    expect(tableOf(sample, 'Nodes by operator').slice(0, 3)).toEqual([
      ['Operator', 'Converted', 'int8', 'int8-dynamic'],
      ['Conv', '53', '53', '53'],
      ['Relu', '49', '0', '0'],
    ]);
    expect(tableOf(sample, 'Stages').map((row) => row.map((cell) => cell.trim()))).toContainEqual([
      'quantize int8',
      '2.99 s',
      '10.9 s',
      'done',
    ]);
    expect(byTag(byId(sample, 'chart-stages')!, 'rect').length).toBe(8);
    expect([factOf(sample, 'Node.js'), factOf(sample, 'onnxruntime'), factOf(sample, 'Parameters')]).toEqual([
      'v24.21.0',
      '1.30.0',
      '25,557,032',
    ]);
  });

  test('gives the commands word for word', () => {
    expect(byClass(sample, 'commands')[0]!.text).toBe(`${SAMPLE.reproduce.join('\n')}\n`);
  });

  test('gives every warning its next step', () => {
    expect(byClass(sample, 'warnings')[0]!.text).toBe(
      `${SAMPLE.warnings[0]!.message} Next: ${SAMPLE.warnings[0]!.nextStep}`,
    );
  });
});

describe('a failure', () => {
  const page = read(FAILED);
  test('shows code, stage, message, what to do', () => {
    const section = byId(page, 'failure')!;
    expect([factOf(section, 'Code'), factOf(section, 'Stage')]).toEqual(['UnsupportedOperator', 'convert']);
    expect(byTag(section, 'pre')[0]!.text).toBe(FAILED.failure!.message);
    expect(section.text).toContain('What to do: Replace the operators named above');
    expect(section.text).toContain('"at":"encoder.fft, model.py:88"');
  });

  test('stands before all else, and what was never made has no section', () => {
    expect(byTag(page, 'section')[0]!.attributes.get('id')).toBe('failure');
    for (const id of ['variants', 'model', 'operators', 'warnings']) expect(byId(page, id)).toBeUndefined();
    expect(byClass(page, 'tile')).toEqual([]);
  });

  test('names the failed stage in words', () => {
    expect(byClass(byId(page, 'chart-stages')!, 'number').map((t) => t.text)).toEqual(['84.0 ms', 'failed']);
  });

  test('of one variant stands in its card', () => {
    const broken = {
      ...INT8,
      validation: null,
      quantization: null,
      failure: { code: 'Sandbox.Timedout', message: 'took longer than 900 s', stage: 'quantize', details: {} },
    };
    const section = byId(read({ ...SAMPLE, variants: [FP32, broken], chosen: 'fp32' }), 'variant-1')!;
    expect(section.text).toContain('took longer than 900 s');
    expect(section.text).toContain('What to do: The stage took longer than its time limit');
    expect(section.text).not.toContain('Details');
  });
});

describe('names of any kind', () => {
  test.each(HOSTILE_NAMES.filter((name) => name.length < 200).map((name) => [name]))(
    '%j is text and nothing else',
    (hostile) => {
      const report = renamed({ ...SAMPLE, failure: FAILED.failure }, hostile);
      // Commands are split at spaces, so the harmless name has its spaces in the same places.
      const harmless = renamed({ ...SAMPLE, failure: FAILED.failure }, hostile.replaceAll(/[^ ]/g, 'x'));
      expect(skeleton(read(report))).toBe(skeleton(read(harmless)));
    },
  );

  test('a hostile name reads as it is, controls made visible', () => {
    expect(byTag(read(renamed(SAMPLE, HOSTILE_NAMES[1])), 'h1')[0]!.text).toBe('"><svg onload=alert(1)>');
    expect(byTag(read(renamed(SAMPLE, 'safe\u202egpj.exe')), 'h1')[0]!.text).toBe('safe\\u{202e}gpj.exe');
    expect(renderHtml(renamed(SAMPLE, 'a\u2066\u200b\0'))).not.toMatch(/[\u2066\u200b\0]/);
  });

  test('a name without end is cut in the middle and may break anywhere', () => {
    const page = renderHtml(renamed(SAMPLE, HOSTILE_NAMES[6]));
    expect(Buffer.byteLength(page)).toBeLessThan(LIMIT);
    expect(byTag(parseHtml(page), 'h1')[0]!.text).toMatch(/^long\.very_.*….*very_end$/);
    expect(page).toMatch(/code\{[^}]*overflow-wrap:anywhere/);
  });
});

describe('size', () => {
  test('long lists end with an honest count', () => {
    const layers = withLayers(300).variants[1]!.quantization!.layers;
    const page = read({ ...SAMPLE, variants: [FP32, { ...INT8, quantization: quantization({ layers }) }] });
    const rows = tableOf(page, 'Layers by SQNR, worst first');
    expect(rows.length).toBe(1 + 40 + 1);
    expect(rows.at(-1)).toEqual(['and 260 more, see report.json']);
    expect(rows[1]![0]).toBe('/model/decoder/layers.0/self_attn/out_proj/MatMul_0');
  });

  test('what failed stands first, so that no cut hides it', () => {
    const checks = Array.from({ length: 100 }, (_, i) => ({ name: `check ${i}`, passed: i !== 99, detail: '' }));
    const outputs = Array.from({ length: 100 }, (_, i) => output({ output: `o${i}`, withinTolerance: i !== 99 }));
    const page = read({
      ...SAMPLE,
      variants: [{ ...FP32, validation: validation({ checks, comparisons: [comparison({ outputs })] }) }],
      chosen: null,
    });
    const [failed, passed] = byClass(page, 'checks');
    expect(byTag(failed!, 'li').map((item) => item.text.trim())).toEqual(['check 99 failed']);
    expect(byTag(passed!, 'li').at(-1)!.text).toBe('and 59 more, see report.json');
    expect(tableOf(page, 'How far the outputs are off')[1]!.map((c) => c.trim())).toEqual(
      expect.arrayContaining(['o99 float32', 'outside']),
    );
  });

  test('everything long at once still fits', () => {
    const endless = 'é</b>"'.repeat(20_000);
    const big = renamed(withLayers(1000), endless);
    const grown: Report = {
      ...big,
      variants: Array.from({ length: 60 }, () => big.variants[1]!),
      warnings: Array(500).fill(big.warnings[0]),
      reproduce: Array(500).fill(endless),
      stages: Array(500).fill(big.stages[2]),
      failure: { code: endless, message: endless, stage: endless, details: { endless } },
    };
    expect(Buffer.byteLength(renderHtml(grown))).toBeLessThan(LIMIT);
  });
});

test.each([
  [NaN, 'NaN'],
  [Infinity, '∞'],
  [-0, '0'],
])('%d in a measurement prints as %s', (maxAbsDiff, shown) => {
  const outputs = [
    output({ maxAbsDiff, meanAbsDiff: maxAbsDiff, cosine: maxAbsDiff, sqnr: maxAbsDiff, withinTolerance: null }),
  ];
  const page = read({
    ...SAMPLE,
    variants: [{ ...FP32, validation: validation({ comparisons: [comparison({ outputs })] }) }, INT8],
  });
  expect(tableOf(byId(page, 'variant-0')!, 'How far the outputs are off')[1]!.slice(3, 5)).toEqual([shown, shown]);
  expect(byClass(page, 'tile')[1]!.children[1]!.text).toBe(shown);
});

test('what was done to layers for accuracy, line by line', () => {
  const adjustments = [
    { method: 'smooth_quant', layer: 'q', operator: 'MatMul', module: 'q', what: 'alpha 0.5, Mul "x" inserted' },
    {
      method: 'bias_correction',
      layer: '<b>',
      operator: 'Gemm',
      module: '',
      what: 'left as it is: its bias is computed',
    },
  ] as const;
  const variant = { ...INT8, quantization: { ...quantization(), adjustments } };
  const page = read({ ...SAMPLE, variants: [FP32, variant] });
  expect(tableOf(page, 'Done for accuracy').slice(1)).toEqual([
    ['SmoothQuant', 'q', 'MatMul', 'alpha 0.5, Mul "x" inserted'],
    ['Bias correction', '<b>', 'Gemm', 'left as it is: its bias is computed'],
  ]);
});

describe("what was carried over from PyTorch's INT8", () => {
  const transfer = {
    file: 'net.int8.pt',
    types: 'U8U8',
    activations: 'torch',
    modules: [
      { module: 'fc1', node: '/fc1/MatMul', mode: 'dynamic', codes: 2048, scaleFrom: null },
      { module: 'conv', node: '/conv/Conv', mode: 'static', codes: 72, scaleFrom: 'conv.scale' },
      { module: 'ln', node: null, mode: 'static', codes: 0, scaleFrom: 'ln.scale' },
    ],
    operators: 3,
  } as const satisfies Quantization['transfer'];
  const int8 = { samples: 360, equal: 354, share: 354 / 360, atol: 1e-6, maxAbsDiff: 0.0802 };
  const page = (
    changed: Partial<typeof transfer> | Record<string, unknown> = {},
    more: Partial<Validation> = { int8 },
  ): Element => {
    const quantized = { ...quantization(), transfer: { ...transfer, ...changed } } as Quantization;
    const variant = { ...INT8, quantization: quantized, validation: validation(more) };
    return read({ ...SAMPLE, variants: [FP32, variant] });
  };

  test('the codes by their types', () => {
    expect(factOf(page(), 'Codes')).toBe('U8U8: uint8 activations, uint8 weights');
    expect(factOf(page({ types: 'S8S8' }), 'Codes')).toBe('S8S8: int8 activations, int8 weights');
  });

  test('how dynamic modules round, where there are any', () => {
    expect(factOf(page(), 'Dynamic modules')).toMatch(/^round what they read .*7 bits/);
    expect(factOf(page({ activations: 'onnx' }), 'Dynamic modules')).toMatch(/^round what they read .*8 bits/);
    expect(factOf(page({ activations: null }), 'Dynamic modules')).toBeUndefined();
  });

  test('how many samples equal, where PyTorch gave its numbers', () => {
    expect(factOf(page(), "PyTorch's INT8")).toMatch(
      /^98\.3 % of 360 samples equal PyTorch's INT8 within 1e-6, largest difference 0\.0802/,
    );
    expect(factOf(page({}, {}), "PyTorch's INT8")).toBeUndefined();
  });

  test('module by module', () => {
    const [, ...rows] = tableOf(page(), 'Carried over from PyTorch');
    expect(rows).toEqual([
      ['fc1', '/fc1/MatMul', 'dynamic', '2,048', 'float'],
      ['conv', '/conv/Conv', 'static', '72', 'conv.scale'],
      ['ln', '', 'static', '', 'ln.scale'],
    ]);
  });
});
