/** What stands beside the figures of a page: machine, time by operator, worst samples, links, hashes last. */
import { describe, expect, test } from 'vitest';
import { renderHtml } from '../../shared/report/html.ts';
import type { Report, Variant } from '../../shared/report/report.ts';
import { all, byClass, byId, byTag, cellsOf, type Element, parseHtml } from './parse-html.ts';
import { comparison, FP32, INT8, output, SAMPLE, validation } from './samples.ts';

const read = (variants: readonly Variant[], more: Partial<Report> = {}): Element =>
  parseHtml(renderHtml({ ...SAMPLE, ...more, variants }));
const tableOf = (page: Element, label: string): readonly (readonly string[])[] | null => {
  const box = all(page).find((e) => e.attributes.get('aria-label') === label);
  return box ? byTag(box, 'tr').map((row) => cellsOf(row).map((cell) => cell.trim())) : null;
};
const machine = { processor: 'AMD EPYC, x64 with VNNI', cores: 4, threads: 2 };
const on = (variant: Variant): Variant => ({
  ...variant,
  validation: { ...variant.validation!, latency: { ...variant.validation!.latency!, machine } },
});

test('processor, cores and threads stand beside every latency', () => {
  const page = read([on(FP32), on(INT8)]);
  const words = 'AMD EPYC, x64 with VNNI; 4 cores, 2 threads';
  expect(byClass(page, 'tile')[2]!.children[2]!.text).toBe(`FP32 21.4 ms, 2.63x faster; ${words}`);
  expect(byId(page, 'variants')!.text).toContain(`Latency on ${words}`);
  for (const at of [0, 1]) expect(byId(page, `variant-${at}`)!.text).toContain(`; ${words}`);
});

describe('time by operator', () => {
  const times = (operators: readonly (readonly [string, number, number])[]) => ({
    runs: 5,
    threads: 2,
    operators: operators.map(([operator, nodes, ms]) => ({ operator, nodes, ms })),
  });
  const timed = (variant: Variant, operatorTimes: ReturnType<typeof times>): Variant => ({
    ...variant,
    validation: { ...variant.validation!, operatorTimes },
  });

  test('FP32 and INT8 side by side, by the largest share of either', () => {
    const fp32 = timed(
      FP32,
      times([
        ['Conv', 53, 6],
        ['Gemm', 1, 4],
      ]),
    );
    const int8 = timed(
      INT8,
      times([
        ['QLinearConv', 53, 3],
        ['Transpose', 2, 1],
      ]),
    );
    expect(tableOf(read([fp32, int8]), 'Time by operator')).toEqual([
      ['Operator', 'fp32', 'int8'],
      ['QLinearConv', '–', '3.00 ms 75.0 %'],
      ['Conv', '6.00 ms 60.0 %', '–'],
      ['Gemm', '4.00 ms 40.0 %', '–'],
      ['Transpose', '–', '1.00 ms 25.0 %'],
    ]);
  });

  test('what was not profiled has no section', () => expect(byId(read([FP32]), 'operator-times')).toBeUndefined());
});

describe('the worst samples', () => {
  const worst = [
    { sample: 41, maxAbsDiff: 0.9, largest: { reference: 3, actual: 5 } },
    { sample: 7, maxAbsDiff: 0.5, largest: { reference: 1, actual: 1 } },
  ];
  const int8 = (samples: number): Variant => ({
    ...INT8,
    validation: validation({ comparisons: [comparison({ against: 'fp32', samples, outputs: [output({ worst })] })] }),
  });

  test('with their differences and the classes of both', () => {
    expect(tableOf(read([FP32, int8(360)]), 'Worst samples')).toEqual([
      ['Output', 'Sample', 'Max diff.', 'Top-1 of FP32', 'Top-1'],
      ['logits', '41', '0.900', '3', '5'],
      ['logits', '7', '0.500', '1', '1'],
    ]);
  });

  test('of a single sample say nothing', () => expect(tableOf(read([FP32, int8(1)]), 'Worst samples')).toBeNull());
});

test('links lead to the models beside the report', () => {
  const links = byTag(byId(read([FP32, INT8]), 'variant-1')!, 'a').map((a) => a.attributes.get('href'));
  expect(links).toContain('./model.int8.onnx');
});

test('the verdict stands first, hashes and ids last', () => {
  const text = renderHtml(SAMPLE);
  const [verdict, figures, source, variants] = ['class="verdict', 'class="tiles"', 'Source</dt>', 'id="variants"'].map(
    (part) => text.indexOf(part),
  );
  const order = [verdict!, figures!, source!, variants!];
  expect(order).toEqual(order.toSorted((a, b) => a - b));
  const last = text.indexOf('id="reproduce"');
  for (const id of [SAMPLE.model.sha256!, SAMPLE.job.id, SAMPLE.model.version!, FP32.files[0]!.sha256!])
    expect(text.indexOf(id)).toBeGreaterThan(last);
});

test('checks that passed are one line, a check that failed is read', () => {
  const checks = [
    { name: 'loads', passed: true, detail: '' },
    { name: 'runs', passed: false, detail: 'out of memory' },
  ];
  const card = byId(read([{ ...FP32, validation: validation({ checks }) }]), 'variant-0')!;
  const [folded] = byTag(card, 'details').filter((details) => details.text.includes('checks passed'));
  expect(byTag(folded!, 'summary')[0]!.text.trim()).toBe('1 of 2 checks passed');
  expect(folded!.text).not.toContain('out of memory');
  expect(card.text).toContain('runs failed: out of memory');
});
