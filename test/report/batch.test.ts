import { safeLink } from '../../shared/report/link.ts';
import { describe, expect, test } from 'vitest';
import {
  batchItemJson,
  batchJson,
  renderBatchHtml,
  summarize,
  type BatchFrame,
  type BatchItem,
} from '../../shared/report/batch.ts';
import { all, byClass, byTag, cellsOf, parseHtml } from './parse-html.ts';

const item = (key: string, part: Partial<BatchItem> = {}): BatchItem => ({
  key,
  status: 'pass',
  code: null,
  sentence: `Passed: ${key}.`,
  report: `${key}/report.html`,
  bytes: 4_000_000,
  chosenBytes: 1_000_000,
  sizeRatio: 0.26,
  cost: 0.0012,
  ...part,
});
const failed = (key: string, code: string): BatchItem =>
  item(key, { status: 'fail', code, sentence: `Failed: ${key}.`, chosenBytes: null });
type Batch = BatchFrame & { readonly items: readonly BatchItem[] };
const batch = (...items: readonly BatchItem[]): Batch => ({
  batchReportVersion: 1,
  torchferry: '0.1.0',
  id: 'nightly',
  created: '2026-01-15T09:30:00Z',
  items,
});

const page = ({ items, ...frame }: Batch): string => renderBatchHtml(frame, summarize(items));

const MIXED = batch(
  item('a.pt2'),
  failed('b.pt2', 'CorruptArchive'),
  item('c.pt2', { status: 'warn', sentence: 'Not proven.' }),
  failed('d.pt2', 'UnsupportedOperator'),
  failed('e.pt2', 'UnsupportedOperator'),
);

test('counts by outcome and by code, most frequent first', () => {
  expect(summarize(MIXED.items).counts).toEqual({
    status: { pass: 1, warn: 1, fail: 3 },
    codes: [
      { code: 'UnsupportedOperator', count: 2 },
      { code: 'CorruptArchive', count: 1 },
    ],
  });
});

describe('the page', () => {
  const root = parseHtml(page(MIXED));
  const rows = (label: string): readonly (readonly string[])[] =>
    byTag(
      all(root).find((e) => e.attributes.get('aria-label') === label)!,
      'tr',
    ).map((row) => cellsOf(row).map((c) => c.trim()));

  test('shows counts and sizes', () => {
    expect(byClass(root, 'tile').map((t) => t.children.map((p) => p.text.trim()))).toEqual([
      ['passed', '1'],
      ['with a warning', '1'],
      ['failed', '3'],
      ['Size of delivered models', '2.00 MB', 'sources 8.00 MB, 4.0x smaller'],
    ]);
  });

  test('lists codes with what to do', () => {
    expect(rows('Failures by code').map((r) => r.slice(0, 2))).toEqual([
      ['Code', 'Models'],
      ['UnsupportedOperator', '2'],
      ['CorruptArchive', '1'],
    ]);
  });

  test('lists failures first and links each report', () => {
    expect(rows('Models').map((r) => r[0])).toEqual(['Model', 'b.pt2', 'd.pt2', 'e.pt2', 'c.pt2', 'a.pt2']);
    expect(byTag(root, 'a').map((a) => a.attributes.get('href'))).toContain('./b.pt2/report.html');
  });

  test('stays small, says what it leaves out, and is the same twice', () => {
    const many = batch(...Array.from({ length: 5000 }, (_, i) => item(`models/${i}/${'long-'.repeat(10)}.pt2`)));
    const text = page(many);
    expect(Buffer.byteLength(text)).toBeLessThan(150_000);
    expect(text).toMatch(/and 4,\d{3} more, see batch-report\.json/);
    expect(page(structuredClone(many))).toBe(text);
  });

  test('of nothing is a page, too', () => {
    expect(byTag(parseHtml(page(batch())), 'h1')[0]!.text).toBe('0 models');
  });

  test('keys are text', () => {
    const root = parseHtml(
      page(batch(item('</script><img src=x onerror=alert(1)>', { report: 'javascript:alert(1)' }))),
    );
    expect(byTag(root, 'img')).toEqual([]);
    expect(byTag(root, 'a').map((a) => a.attributes.get('href'))).toContain('./javascript%3Aalert(1)');
  });
});

test.each([
  ['a/report.html', './a/report.html'],
  ['../a b/r#1?.html', './../a%20b/r%231%3F.html'],
  ['//evil.example/x', './evil.example/x'],
  ['javascript:alert(1)', './javascript%3Aalert(1)'],
  ['data:text/html,x', './data%3Atext/html%2Cx'],
  ['https://host/a?b=c', 'https://host/a?b=c'],
  ['\ud800', './%EF%BF%BD'],
])('safeLink of %j', (target, link) => {
  expect(safeLink(target)).toBe(link);
});

test('the JSON has the items as they are, and the counts', () => {
  const { items, ...frame } = MIXED;
  const { head, tail } = batchJson(frame, summarize(items));
  const text = head + items.map(batchItemJson).join(',\n') + tail;
  expect(text.endsWith('}\n')).toBe(true);
  expect(JSON.parse(text)).toEqual({ ...MIXED, counts: summarize(items).counts });
  expect(JSON.parse(head + tail)).toEqual({ ...MIXED, items: [], counts: summarize(items).counts });
});
