/** Reports and graphs in Chromium: keyboard only, dark, 390 px, axe, labels of charts, and nothing that is asked for. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { GRAPH_PAGE } from '../../shared/report/graph/facts.ts';
import { renderGraphHtml } from '../../shared/report/graph/graph-page.ts';
import { renderHtml } from '../../shared/report/html.ts';
import type { Report, Variant } from '../../shared/report/report.ts';
import { graph, type Written } from '../report/graph/samples.ts';
import { FAILED, FP32, INT8, quantization, SAMPLE, validation, withLayers } from '../report/samples.ts';
import { CHROMIUM, faults, launch } from './chromium.ts';

const layer = (at: number, reads: readonly number[]): readonly Written[] => [
  ['MatMul', `encoder.layer.${at}.attention`, reads],
  ['Softmax', `encoder.layer.${at}.attention`, [at * 4]],
  ['MatMul', `encoder.layer.${at}.output`, [at * 4 + 1]],
  ['Add', `encoder.layer.${at}.output`, [at * 4 + 2, ...reads]],
];
const FACTS = graph(...[0, 1, 2].flatMap((at) => layer(at, at ? [at * 4 - 1] : [])), ['Gemm', '', [11]]);
const kernels = FACTS.nodes
  .filter(({ operator }) => operator === 'MatMul')
  .map(({ name }) => ({ node: name, operator: 'MatMul', kernel: 'QLinearMatMul', reason: null }));
const layers = kernels.map(({ node }, at) => ({
  layer: node,
  operator: 'MatMul',
  module: '',
  sqnr: 4 + at * 5,
  maxAbsDiff: 1,
}));
const int8: Variant = { ...INT8, quantization: quantization({ layers }), validation: { ...INT8.validation!, kernels } };
const REPORT: Report = { ...SAMPLE, variants: [FP32, int8] };

/** Variants that lie on each other, whose labels have to give way. */
const CROWDED: Report = {
  ...SAMPLE,
  variants: Array.from({ length: 14 }, (_, at) => ({
    ...(at ? INT8 : FP32),
    name: at ? `int8-a-long-name-${at}` : 'fp32',
    bytes: 25_000_000 + (at % 3) * 40_000,
    validation: validation({ ...INT8.validation!, accuracy: { top1: 341 / 360, correct: 341, samples: 360 } }),
  })),
};

const REPORTS = { sample: SAMPLE, drawn: REPORT, crowded: CROWDED, failed: FAILED, layers: withLayers(40) };

let browser: Browser;
let folder: string;
const addressOf = (file: string): string => pathToFileURL(join(folder, file)).href;

async function open(address: string, options: Parameters<Browser['newPage']>[0] = {}): Promise<Page> {
  const page = await browser.newPage(options);
  page.setDefaultTimeout(10_000);
  page.on('request', (request) => asked.push(request.url()));
  await page.goto(address);
  return page;
}
const asked: string[] = [];
const shown = (page: Page): Promise<unknown> =>
  page.evaluate(
    '[...document.querySelectorAll(".view")].filter((v) => v.offsetParent !== null).map((v) => v.querySelector("h2").textContent)',
  );

/** Pairs of texts in one chart whose boxes lie on each other. */
const collisions = (page: Page): Promise<unknown> =>
  page.evaluate(`[...document.querySelectorAll('svg.chart')].flatMap((chart) => {
    const texts = [...chart.querySelectorAll('text')].map((t) => [t.textContent, t.getBoundingClientRect()]).filter(([, r]) => r.width > 0);
    const frame = chart.getBoundingClientRect();
    return texts.flatMap(([a, p], i) => [
      ...(p.left < frame.left - 1 || p.right > frame.right + 1 ? [[chart.id, a, 'is cut off']] : []),
      ...texts.slice(i + 1).flatMap(([b, q]) =>
        p.left < q.right - 1 && q.left < p.right - 1 && p.top + 2 < q.bottom - 2 && q.top + 2 < p.bottom - 2 ? [[chart.id, a, b]] : []),
    ]);
  })`);

describe.skipIf(CHROMIUM === undefined)('reports', () => {
  beforeAll(async () => {
    browser = await launch();
    folder = mkdtempSync(join(tmpdir(), 'torchferry-report-'));
    for (const [name, report] of Object.entries(REPORTS))
      writeFileSync(join(folder, `${name}.html`), renderHtml(report, name === 'drawn' ? FACTS : null));
    writeFileSync(join(folder, 'report.html'), renderHtml(REPORT, FACTS));
    writeFileSync(join(folder, GRAPH_PAGE), renderGraphHtml(FACTS, REPORT));
  });
  afterAll(async () => {
    await browser.close();
    rmSync(folder, { recursive: true });
  });

  test.each(Object.keys(REPORTS))('%s: labels never collide, at any width', async (name) => {
    for (const width of [390, 600, 900, 1280]) {
      const page = await open(addressOf(`${name}.html`), { viewport: { width, height: 900 } });
      expect([width, await collisions(page)]).toEqual([width, []]);
      await page.close();
    }
  });

  test.each(['light', 'dark'] as const)(
    'in %s and at 390 px: axe finds nothing, the page does not scroll sideways',
    async (colorScheme) => {
      for (const file of ['sample.html', 'report.html', 'failed.html', GRAPH_PAGE]) {
        const page = await open(addressOf(file), { viewport: { width: 390, height: 844 }, colorScheme });
        expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(390);
        expect([file, await faults(page)]).toEqual([file, []]);
        await page.close();
      }
    },
  );

  test('at 390 px Result is in view', async () => {
    const page = await open(addressOf('sample.html'), { viewport: { width: 390, height: 844 } });
    const rights = await page.evaluate(
      '[...document.querySelectorAll("#variants tbody tr")].map((row) => row.children[1].getBoundingClientRect().right)',
    );
    expect(Math.max(...(rights as number[]))).toBeLessThanOrEqual(390);
  });

  test('a graph opens collapsed; boxes lead in, crumbs lead out, a node leads to its row', async () => {
    const page = await open(addressOf(GRAPH_PAGE));
    expect(await shown(page)).toEqual(['The whole model']);
    await page.getByRole('link', { name: /^encoder\.layer 12 nodes/ }).click();
    expect(await shown(page)).toEqual(['encoder.layer']);
    await page.getByRole('link', { name: /^1 4 nodes/ }).click();
    await page.getByRole('link', { name: /^attention 2 nodes/ }).click();
    expect(await shown(page)).toEqual(['encoder.layer.1.attention']);
    expect(await faults(page)).toEqual([]);
    await page.getByRole('link', { name: /^MatMul/ }).click();
    expect(await shown(page)).toEqual(['encoder.layer.1.attention']);
    expect(await page.locator('tr:target').textContent()).toContain('QLinearMatMul');
    await page.getByRole('navigation').getByRole('link', { name: 'encoder.layer', exact: true }).click();
    expect(await shown(page)).toEqual(['encoder.layer']);
    await page.goBack();
    expect(await shown(page)).toEqual(['encoder.layer.1.attention']);
  });

  test('by keyboard alone', async () => {
    const page = await open(addressOf('report.html'));
    const to = async (name: RegExp): Promise<void> => {
      for (let steps = 0; steps < 120; steps++) {
        await page.keyboard.press('Tab');
        const text = await page.evaluate('document.activeElement.closest("a")?.textContent ?? ""');
        if (name.test(String(text))) return page.keyboard.press('Enter');
      }
      throw new Error(`no way to ${name}`);
    };
    await to(/^encoder\.layer 12 nodes/);
    await page.waitForURL(/graph\.html#/);
    expect(await shown(page)).toEqual(['encoder.layer']);
    await to(/^2 4 nodes/);
    expect(await shown(page)).toEqual(['encoder.layer.2']);
  });

  test('nothing was asked for but the files themselves', () => {
    expect(asked.filter((address) => !address.startsWith('file:') && !address.startsWith('data:'))).toEqual([]);
    expect(asked.length).toBeGreaterThan(20);
  });
});
