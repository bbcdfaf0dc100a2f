/** graph.html: one picture for each module, links that lead somewhere, hostile names, a bounded size. */
import { describe, expect, test } from 'vitest';
import { renderGraphHtml } from '../../../shared/report/graph/graph-page.ts';
import { renderHtml } from '../../../shared/report/html.ts';
import { all, byClass, byId, byTag, cellsOf, parseHtml } from '../parse-html.ts';
import { FP32, HOSTILE_NAMES, INT8, quantization, SAMPLE, validation } from '../samples.ts';
import { chain, graph, tensor, type Written } from './samples.ts';

const FACTS = graph(
  [
    'Conv',
    'body.0',
    [],
    { weights: [tensor('w', [8, 8])], origin: { operator: 'aten::conv2d', module: 'body.0', line: 'net.py:7' } },
  ],
  ['Relu', 'body.0', [0]],
  ['Conv', 'body.1', [1]],
  ['Relu', 'body.1', [2]],
  ['Gemm', '', [3]],
);
const layers = [{ layer: 'body.0/Conv0', operator: 'Conv', module: 'body.0', sqnr: 7, maxAbsDiff: 1 }];
const kernels = [{ node: 'body.0/Conv0', operator: 'Conv', kernel: 'QLinearConv', reason: null }];
const int8 = { ...INT8, quantization: quantization({ layers, skipped: [] }), validation: validation({ kernels }) };
const REPORT = { ...SAMPLE, variants: [FP32, int8] };
const page = parseHtml(renderGraphHtml(FACTS, REPORT));

describe('the page', () => {
  test('shows the whole model, then each module', () => {
    expect(byClass(page, 'view').map((view) => byTag(view, 'h2')[0]!.text)).toEqual([
      'The whole model',
      'body',
      'body.0',
      'body.1',
    ]);
    const boxes = byClass(byClass(page, 'whole')[0]!, 'box').map((box) => byTag(box, 'title')[0]!.text);
    expect(boxes).toEqual([
      'body 4 nodes, worst 7.00 dB',
      'Gemm float32[batch, 8]',
      'x float32[batch, 8]',
      'y float32[batch, 8]',
    ]);
  });

  test('a node has its type, origin, kernel and distance', () => {
    const row = cellsOf(byId(page, 'n-0')!).map((cell) => cell.trim());
    expect(row).toEqual([
      'body.0/Conv0',
      'Conv',
      'float32[batch, 8]weights float32[8, 8]',
      'aten::conv2dbody.0, net.py:7',
      'QLinearConv, 7.00 dB',
    ]);
    expect(byClass(page, 'off').length).toBe(3);
  });

  test('asks for nothing and runs nothing, and every link leads somewhere', () => {
    const ids = all(page).flatMap((e) => e.attributes.get('id') ?? []);
    expect(new Set(ids).size).toBe(ids.length);
    expect(byTag(page, 'script')).toEqual([]);
    for (const link of byTag(page, 'a')) {
      const href = link.attributes.get('href')!;
      if (href.startsWith('#')) expect(ids).toContain(href.slice(1));
      else expect(href).toBe('./report.html');
    }
  });

  test('every arrow lies in its picture', () => {
    const facts = graph(
      ...Array.from({ length: 30 }, (_, at): Written => [
        'Op',
        '',
        at ? [at - 1, 0, at >> 1].filter((n, i, s) => n < at && s.indexOf(n) === i) : [],
      ]),
    );
    for (const svg of byClass(parseHtml(renderGraphHtml(facts, REPORT)), 'graph')) {
      const [width, height] = ['width', 'height'].map((side) => Number(svg.attributes.get(side)));
      for (const line of [...byTag(svg, 'polyline'), ...byTag(svg, 'polygon')])
        for (const point of line.attributes.get('points')!.split(' ')) {
          const [x, y] = point.split(',').map(Number);
          expect(x! >= 0 && x! <= width! && y! >= 0 && y! <= height!).toBe(true);
        }
    }
  });
});

test.each(HOSTILE_NAMES.map((name) => [name]))('%j is text and nothing else', (hostile) => {
  const facts = graph(['Op', hostile, [], { name: hostile, operator: hostile, results: [tensor(hostile, [hostile])] }]);
  const text = renderGraphHtml(facts, REPORT);
  expect(byTag(parseHtml(text), 'script')).toEqual([]);
  expect(text).not.toMatch(/<svg onload|[\u2066\u202e\u200b\0]/);
});

test('a large graph stays below its size, outer modules first', () => {
  const modules = Array.from({ length: 12_000 }, (_, at): Written => [
    'Conv',
    `stage${at % 10}.block${((at / 10) % 60) | 0}.part${(at / 600) | 0}`,
    at ? [at - 1] : [],
  ]);
  const text = renderGraphHtml(graph(...modules), REPORT);
  expect(Buffer.byteLength(text)).toBeLessThan(3_200_000);
  expect(text).toMatch(/The innermost [\d,]+ are left out/);
  const large = parseHtml(text);
  const ids = new Set(all(large).flatMap((e) => e.attributes.get('id') ?? []));
  for (const link of byTag(large, 'a'))
    if (link.attributes.get('href')!.startsWith('#')) expect(ids).toContain(link.attributes.get('href')!.slice(1));
}, 60_000);

test('a graph of many shapes stops where laying it out would take too long', () => {
  const wild = graph(
    ...Array.from({ length: 1600 }, (_, at): Written => [
      'Op',
      `block${(at / 40) | 0}`,
      at ? [...new Set([at - 1, Math.max(0, at - 2 - ((at * 7919) % 23))])] : [],
    ]),
  );
  const text = renderGraphHtml(wild, REPORT);
  expect(text).toMatch(/The innermost \d+ are left out/);
  expect(byClass(parseHtml(text), 'view').length).toBeGreaterThan(10);
}, 120_000);

describe('in the report', () => {
  test('the whole model leads into the page', () => {
    const section = byId(parseHtml(renderHtml(REPORT, FACTS)), 'graph')!;
    expect(byTag(section, 'a').map((a) => a.attributes.get('href'))).toEqual([
      '#graph',
      './graph.html',
      './graph.html#v-1',
      './graph.html#n-4',
    ]);
  });

  test('stays within the size of a report', () => {
    expect(Buffer.byteLength(renderHtml(REPORT, chain(5000)))).toBeLessThan(150_000);
  });

  test('is not there without a graph', () => expect(byId(parseHtml(renderHtml(REPORT)), 'graph')).toBeUndefined());
});
